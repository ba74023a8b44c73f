// The product's search as a Policy: bookkeeping of slots and observations, without decisions of its own. Not
// thread-safe.
#pragma once

#include <map>
#include <set>
#include <tuple>
#include <vector>

#include "benchmarks/search-replay/policy.h"
#include "tuning/search/decide.h"

namespace autotune::search_replay {

class ProductPolicy : public Policy {
 public:
  explicit ProductPolicy(int confirmations) : confirmations_(confirmations) {}

  void Begin(TaskView view) override;
  void OnStart(std::size_t candidate, bool ok) override;
  void OnStep(const StepObservation& observation) override;
  Answer Ask(std::size_t slot, std::optional<std::size_t> up) override;
  Answer More(std::size_t slot) override;

 private:
  tuning::search::Slots SlotsFor(std::size_t slot, std::optional<std::size_t> up) const;
  Answer Start(std::size_t slot, std::size_t candidate);

  // Before it stops: the next fresh start, or the result.
  Answer Finish(std::size_t slot);

  struct Confirming {
    std::size_t candidate = 0;
    double load = 0;
    int left = 0;  // measurements
  };
  struct Total {
    int n = 0;
    double ln_ttft = 0, ln_tpot = 0, ln_value = 0;  // sums
  };

  int confirmations_;
  std::optional<Confirming> confirming_;
  // Measurements of earlier starts: observations are means over all starts.
  std::map<std::pair<std::size_t, double>, Total> earlier_, all_;
  TaskView view_;
  tuning::search::Observations observations_;
  std::vector<std::optional<std::size_t>> in_slot_;  // running trial of this policy in each slot
  std::set<std::size_t> up_;
  std::map<std::size_t, int> attempts_;
};

}  // namespace autotune::search_replay
