// Probability that a candidate starts and survives, from the ends of others of its engine and class.
//
// Beta-binomial with the engine's rate as the class's prior. Only deterministic failures count: infrastructure says
// nothing about a configuration. Immutable after construction.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "tuning/search/observations.h"
#include "tuning/search/space.h"

namespace autotune::tuning::search {

// Engine x precision x KV cache x draft x GPU: candidates with the same kernels and checkpoints, hence the same causes
// of failure.
std::string ClassOf(const Features& features);

class CrashModel {
 public:
  CrashModel(const Space& space, const std::vector<Start>& starts);

  [[nodiscard]] double StartProbability(std::size_t candidate) const;
  // Two crashes and no success in the candidate's class.
  [[nodiscard]] bool Suspended(std::size_t candidate) const;

 private:
  struct Count {
    double ok = 0, tried = 0;
  };
  const Space* space_;
  std::map<std::string, Count> engines_;
  std::map<std::string, Count> classes_;
};

}  // namespace autotune::tuning::search
