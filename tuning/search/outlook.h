// Predictions of the search for candidates that it has not measured, for people.
//
// Predictions, not measurements. Pure.
#pragma once

#include <cstddef>
#include <vector>

#include "tuning/search/observations.h"
#include "tuning/search/prior.h"
#include "tuning/search/space.h"

namespace autotune::tuning::search {

struct Outlook {
  std::size_t candidate = 0;
  double load = 0;  // requests in flight at the highest expected value within the limits
  double ttft_ms = 0, tpot_ms = 0;
  double value = 0;      // as Point::value
  bool feasible = true;  // false: no load is expected to meet the limits; `load` is then the nearest
};

// Baselines first, then the most promising untried candidates, at most `most` in total. The search also considers cost,
// risk and information, and decides again after each measurement.
std::vector<Outlook> OutlookOf(const Space& space, const Bounds& bounds, const Prior& prior,
                               const Observations& observations, std::size_t most);

}  // namespace autotune::tuning::search
