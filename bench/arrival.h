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

// Timestamps of a trace, first = 0, ascending. kInvalid if they define no rate: fewer than two, or all equal.
base::Status CheckTrace(const std::vector<std::chrono::milliseconds>& timestamps);

class ArrivalTimes {
 public:
  // `rate`: requests/s, the mean of every process. A trace is stretched to it, begins at its entry `first`, and begins
  // again after its last one. `block`: requests in which the rate is exactly held (measurement/arrival_gaps); 0 = none.
  // REQUIRES: rate > 0; for kTrace a trace that CheckTrace() accepts and that outlives this.
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

// Time of the first request of virtual user `place` (from 0) of a closed loop. The users are spread over one expected
// E2E latency: users that start together would stay together in prefill and decoding.
std::chrono::nanoseconds StaggeredStart(int place, int places, std::chrono::nanoseconds expected_e2e);

}  // namespace autotune::bench
