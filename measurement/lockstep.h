// Whether the requests of a closed loop run in lockstep: all of them start together and end together, over and over.
//
// Pure. The engine then alternates between processing all prompts and generating all answers, which does not happen if
// requests arrive independently. In the simulated engine's model its throughput is then a few percent lower
// (benchmarks/README.md, "Closed loops and rates").
#pragma once

#include <chrono>
#include <optional>
#include <span>

#include "measurement/request_record.h"

namespace autotune::measurement {

// How much the starts are bunched within the time of one request, in [0, 1]: the length of the mean of their phases as
// unit vectors (the statistic of Rayleigh's test; Mardia and Jupp, Directional Statistics, 2000, 6.3). 0: spread
// evenly. 0.83: within a third of it. 1: all at once. Of the requests that started in the window and ended well.
// nullopt if these are fewer than three a place: the bunches of a start have not had the time to spread.
std::optional<double> Bunching(int places, std::span<const RequestRecord> records,
                               std::chrono::nanoseconds window_start, std::chrono::nanoseconds window_end);

// Whether a closed loop ran in lockstep. Of few places never: a few requests are easily bunched, and cost no prefill
// that matters.
bool InLockstep(int places, std::span<const RequestRecord> records, std::chrono::nanoseconds window_start,
                std::chrono::nanoseconds window_end);

}  // namespace autotune::measurement
