// Main effects of parameter values on the objective, with intervals, for reports.
//
// From the model after the last measurement, so a value is judged by all candidates with it, measured or not; few
// measurements give a wide interval. Pure.
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
  // Change of the best value within the limits against the mean over the parameter's values, all else equal: 0.1 = 10 %
  // better. 90 % interval.
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
