// Start times of requests: arrivals of an open loop, and the staggered starts of a closed loop.
//
// Pure and deterministic: the same seed and stream give the same times on every machine. Times count from the start of
// the point.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "base/result.h"
#include "measurement/arrival_gaps.h"
#include "measurement/load.h"

namespace autotune::bench {

// kInvalid if the trace defines no rate: fewer than two timestamps, or all equal. REQUIRES: ascending, the first one 0.
base::Status CheckTrace(const std::vector<std::chrono::milliseconds>& timestamps);

class ArrivalTimes {
 public:
  // `rate`: mean rate of every process, requests/s. A trace is stretched to it, begins at its entry `first`, and
  // repeats after its last entry. `block`: number of requests over which the rate is held exactly
  // (measurement/arrival_gaps.h); 0 = none.
  ArrivalTimes(const measurement::Arrival& arrival, double rate, std::int64_t seed, std::uint64_t stream,
               std::size_t block, const std::vector<std::chrono::milliseconds>* trace = nullptr,
               std::uint64_t first = 0);

  // Start time of the next request; never earlier than the previous one.
  std::chrono::nanoseconds Next();

 private:
  double TraceTime(std::uint64_t entry) const;  // ms, as recorded, repeats included

  measurement::Arrival arrival_;
  double gap_seconds_;
  measurement::ArrivalGaps gaps_;
  const std::vector<std::chrono::milliseconds>* trace_;
  std::uint64_t first_, count_ = 0;
  double trace_scale_ = 1;  // seconds of the point for a recorded millisecond
  double seconds_ = 0;
};

// Start time of the first request of virtual user `user` (0-based) of a closed loop. The starts are spread over one
// expected E2E latency: users that start together stay together in prefill and decode.
std::chrono::nanoseconds StaggeredStart(int user, int users, std::chrono::nanoseconds expected_e2e);

}  // namespace autotune::bench
