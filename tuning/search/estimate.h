// Estimated cost of the search, before it starts and while it runs: experiments, GPU-hours and duration, with
// intervals.
//
// By simulation: surfaces are drawn from the current model, and the search runs on each of them. Start times are the
// candidates' expected ones, corrected by measured start times. Pure; below a second for spaces of any size.
#pragma once

#include <cstdint>

#include "tuning/search/decide.h"

namespace autotune::tuning::search {

struct Expected {
  double mean = 0;
  double low = 0, high = 0;  // expected interval of about 80 %: of ten played searches the inner eight, of four all
};

struct CostEstimate {
  // From now until the stop.
  Expected experiments, gpu_hours, hours;
  Expected price;  // of these GPU-hours, each at the price of its candidate's GPU
  // All candidates that are left, at all their loads.
  double most_experiments = 0, most_gpu_hours = 0, most_hours = 0, most_price = 0;
};

// Number of played searches: before the first start, and after it. Playing takes most of a search's CPU time. Of four,
// the lowest and the highest are as far apart as the inner eight of ten.
inline constexpr int kPlayedBefore = 10, kPlayedAfter = 4;

// `slots`: trials at a time. `played` >= 1.
CostEstimate EstimateCost(const Space& space, const Bounds& bounds, const Prior& prior,
                          const Observations& observations, int slots, std::uint64_t seed, const Limits& limits = {},
                          int played = kPlayedBefore);

// Mean ratio of measured to expected start times, shrunk to 1 while few were measured.
double StartTimeCorrection(const Space& space, const std::vector<Start>& starts);

}  // namespace autotune::tuning::search
