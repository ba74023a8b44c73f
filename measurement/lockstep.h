// Whether the requests of a closed loop run in lockstep: all of them start together and end together, over and over.
//
// Pure. The engine then alternates between prefill of all prompts and decode of all answers, which does not happen with
// independent arrivals. In the simulated engine its throughput is then a few percent lower (benchmarks/README.md,
// "Closed loops and rates").
#pragma once

#include <chrono>
#include <optional>
#include <span>

#include "measurement/request_record.h"

namespace autotune::measurement {

// How much the starts are bunched within the time of one request, in [0, 1]: length of the mean of their phases as unit
// vectors (Rayleigh's test; Mardia and Jupp, Directional Statistics, 2000, 6.3). 0: evenly spread; 0.83: within a third
// of that time; 1: all at once. Counts successful requests that started in the window. nullopt if there are fewer than
// three per request in flight: bunches of the start have not had time to spread.
std::optional<double> Bunching(int concurrency, std::span<const RequestRecord> records,
                               std::chrono::nanoseconds window_start, std::chrono::nanoseconds window_end);

// True if a closed loop ran in lockstep. Always false below 16 requests in flight: a few requests are easily bunched,
// and their prefill hardly matters.
bool InLockstep(int concurrency, std::span<const RequestRecord> records, std::chrono::nanoseconds window_start,
                std::chrono::nanoseconds window_end);

}  // namespace autotune::measurement
