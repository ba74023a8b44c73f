// Estimated cost of the search, before it starts and while it runs: experiments, GPU-hours, duration and price, with
// intervals.
//
// Method: Monte Carlo simulation. Each simulated search runs on performance that is drawn from the current model. Start
// times are the expected ones of the candidates, corrected by measured start times. Pure; takes less than a second.
#pragma once

#include <cstdint>

#include "tuning/search/decide.h"

namespace autotune::tuning::search {

struct Expected {
  double mean = 0;
  double low = 0, high = 0;  // interval of about 80 %: range of the simulated values without the extreme tenths
};

struct CostEstimate {
  // From now until the search stops.
  Expected experiments, gpu_hours, hours;
  Expected price;  // of these GPU-hours, at the price of each candidate's type of GPU
  // Upper limit: all remaining candidates, at all their loads.
  double most_experiments = 0, most_gpu_hours = 0, most_hours = 0, most_price = 0;
};

// Number of simulated searches, before the first experiment starts and after it. Simulation takes most of the CPU time
// of a search. The range of four values is about as wide as that of ten without the lowest and the highest.
inline constexpr int kPlayedBefore = 10, kPlayedAfter = 4;

// `slots`: maximum number of parallel experiments. `played`: number of simulated searches. REQUIRES: `played` >= 1.
CostEstimate EstimateCost(const Space& space, const Bounds& bounds, const Prior& prior,
                          const Observations& observations, int slots, std::uint64_t seed, const Limits& limits = {},
                          int played = kPlayedBefore);

// Mean ratio of measured to expected start times; shrunk towards 1 if only few were measured.
double StartTimeCorrection(const Space& space, const std::vector<Start>& starts);

}  // namespace autotune::tuning::search
