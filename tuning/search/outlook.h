// Predictions of the search for candidates that it has not measured, for people.
//
// Not measurements. Pure.
#pragma once

#include <cstddef>
#include <vector>

#include "tuning/search/observations.h"
#include "tuning/search/prior.h"
#include "tuning/search/space.h"

namespace autotune::tuning::search {

struct Outlook {
  std::size_t candidate = 0;
  double load = 0;  // requests in flight: where it is expected to be worth most within the limits
  double ttft_ms = 0, tpot_ms = 0;
  double value = 0;      // of Point::value
  bool feasible = true;  // false: no load is expected to meet the limits; this is the nearest
};

// Baselines, then the most promising of those not tried, at most `most` in all. The search also weighs cost, risk and
// information gain, and decides again after each measurement.
std::vector<Outlook> OutlookOf(const Space& space, const Bounds& bounds, const Prior& prior,
                               const Observations& observations, std::size_t most);

}  // namespace autotune::tuning::search
