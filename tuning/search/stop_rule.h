// Stopping rule: no candidate that has not started is expected to gain enough, or to meet the limits.
//
// Tested before each start. Pure.
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

// The expected gain, as a share of the incumbent, below which the search of this space stops: 5 % for up to 20
// candidates, less for more of them, because one more experiment is a smaller share of a sweep; at least 0.5 % of
// throughput, 1 % of TPOT and E2E latency, 3 % of TTFT.
double StopGain(const Space& space);

struct StopState {
  StopVerdict verdict = StopVerdict::kGoOn;
  // Expected improvement of the best of all candidates left over the incumbent, as a share of it: the expected regret
  // of stopping now, and an upper estimate of it (measured: 5 % here is 0.8 to 1.4 %). 0 without an incumbent.
  double expected_gain = 0;
  double feasible_share = 0;  // of draws in which some candidate left meets the limits
};

// `values`, `start_probability`: of the candidates left, by candidate; `beat`: value of the incumbent, per draw.
StopState TestStop(const Space& space, const ValueDraws& draws, const std::vector<std::size_t>& left,
                   const std::vector<std::vector<double>>& values, const std::vector<double>& start_probability,
                   const std::vector<double>& beat, const std::optional<Incumbent>& incumbent, int trials_with_rows);

}  // namespace autotune::tuning::search
