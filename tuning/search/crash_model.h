// Probability that a candidate starts and survives, from the outcomes of others of its engine and class.
//
// Beta-binomial; the engine's rate is the prior of the class. Only deterministic failures count: infrastructure
// failures are independent of the configuration. Immutable after construction.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "tuning/search/observations.h"
#include "tuning/search/space.h"

namespace autotune::tuning::search {

// Engine x precision x KV cache x draft x GPU: candidates with the same kernels and checkpoints, and so the same causes
// of failure.
std::string ClassOf(const Features& features);

class CrashModel {
 public:
  CrashModel(const Space& space, const std::vector<Start>& starts);

  [[nodiscard]] double StartProbability(std::size_t candidate) const;
  // True after two crashes without a success in the candidate's class.
  [[nodiscard]] bool Suspended(std::size_t candidate) const;

 private:
  struct Count {
    double ok = 0, tried = 0;
  };
  static Count CountOf(const std::map<std::string, Count>& counts, const std::string& key);

  const Space* space_;
  std::map<std::string, Count> engines_;
  std::map<std::string, Count> classes_;
};

}  // namespace autotune::tuning::search
