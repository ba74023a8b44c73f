// The product's search behind the replay's interface: bookkeeping of slots and observations, nothing of its own.
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

  int confirmations_;
  TaskView view_;
  tuning::search::Observations observations_;
  std::vector<std::optional<std::size_t>> in_slot_;  // what this policy started there and has not ended
  std::set<std::size_t> up_;
  std::map<std::size_t, int> attempts_;
};

}  // namespace autotune::search_replay
