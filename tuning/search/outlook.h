// What the search expects of candidates that it has not measured: for people who want to know what will be tried.
//
// Predictions, never measurements. Pure.
#pragma once

#include <cstddef>
#include <vector>

#include "tuning/search/observations.h"
#include "tuning/search/prior.h"
#include "tuning/search/space.h"

namespace autotune::tuning::search {

struct Outlook {
  std::size_t candidate = 0;
  double load = 0;  // requests in flight: where it is expected to be worth most within the bounds
  double ttft_ms = 0, tpot_ms = 0;
  double value = 0;      // of Point::value
  bool feasible = true;  // false: no load is expected to keep the bounds; this is the nearest
};

// Baselines, then the most promising of those not tried, at most `most` in all. The search itself also weighs cost,
// risk and what each start would teach, and thinks anew after each measurement.
std::vector<Outlook> OutlookOf(const Space& space, const Bounds& bounds, const Prior& prior,
                               const Observations& observations, std::size_t most);

}  // namespace autotune::tuning::search
