// From the times of single requests to the numbers of one load step. Definitions: docs/benchmark.md.
//
// Pure and thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "bench/bench_spec.h"
#include "bench/result.h"

namespace autotune::bench {

// One completed request; times since an arbitrary common origin.
struct CompletedRequest {
  std::chrono::nanoseconds start{};
  std::chrono::nanoseconds first_token{};  // arrival of the first event with text
  std::chrono::nanoseconds last_token{};   // arrival of the last event with text
  std::int64_t input_tokens = 0;           // the engine's usage
  std::int64_t output_tokens = 0;
};

// The p-th percentile, p in [0, 100], with linear interpolation between the closest ranks (Hyndman and Fan, type 7:
// what numpy.percentile and with it vLLM's benchmark client do). 0 for no values. `sorted` must be ascending.
double Percentile(const std::vector<double>& sorted, double p);

// Mean and percentiles; all 0 for no values.
measurement::Latency Summarize(std::vector<double> milliseconds);

// All requests of one step, pooled.
measurement::Point Measure(const measurement::Scenario& scenario, int concurrency,
                           const std::vector<CompletedRequest>& completed, std::int64_t errors);

}  // namespace autotune::bench
