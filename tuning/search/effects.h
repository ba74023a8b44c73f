// What each parameter did: its values' main effects on the objective, with intervals, for reports.
//
// From the model after the last measurement, so that a value is judged by all candidates that have it, measured or not,
// and the interval is wide where little was measured. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tuning/search/observations.h"
#include "tuning/search/prior.h"
#include "tuning/search/space.h"

namespace autotune::tuning::search {

struct Effect {
  std::string parameter, value;
  // Change of the best value within the bounds against the mean over the parameter's values, all else equal:
  // 0.1 = 10 % better. 90 % interval.
  double effect = 0, low = 0, high = 0;
  std::size_t candidates = 0;  // with this value
  std::size_t measured = 0;    // of these
};

// `parameters`: name to value, of each candidate; a missing name is the value "". Sorted by parameter, then effect,
// best first. Parameters with one value have no effect and are left out.
std::vector<Effect> MainEffects(const Space& space, const Bounds& bounds, const Prior& prior,
                                const Observations& observations,
                                const std::vector<std::map<std::string, std::string>>& parameters, std::uint64_t seed);

}  // namespace autotune::tuning::search
