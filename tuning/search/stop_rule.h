// Stopping rule: no untried candidate is expected to gain enough, or to meet the limits.
//
// Evaluated before each start. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "tuning/search/acquisition.h"

namespace autotune::tuning::search {

enum class StopVerdict {
  kGoOn,
  kLowExpectedGain,
  kInfeasible,  // no candidate is expected to meet the limits
};

// Expected gain, as a share of the incumbent, below which the search stops: 5 % for up to 20 candidates, falling with
// the square of their number, because one more experiment is a smaller share of a sweep. At least 0.5 % for throughput,
// 1 % for TPOT and E2E latency, 3 % for TTFT.
double StopGain(const Space& space);

struct StopState {
  StopVerdict verdict = StopVerdict::kGoOn;
  // Expected improvement of the best remaining candidate over the incumbent, as a share of it: the expected regret of
  // stopping now. An overestimate (measured: 5 % here is 0.8 to 1.4 %). 0 without an incumbent.
  double expected_gain = 0;
  double feasible_share = 0;  // share of draws in which some remaining candidate meets the limits
};

// `values`, `start_probability`: of the remaining candidates, parallel to `left`. `beat`: incumbent's value per draw.
StopState TestStop(const Space& space, const ValueDraws& draws, const std::vector<std::size_t>& left,
                   const std::vector<std::vector<double>>& values, const std::vector<double>& start_probability,
                   const std::vector<double>& beat, const std::optional<Incumbent>& incumbent, int trials_with_rows);

}  // namespace autotune::tuning::search
