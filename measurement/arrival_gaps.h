// Times between the requests of an open loop, in units of their mean, with a stable mean.
//
// In a minute at 25 requests/s, 1,500 Poisson arrivals vary by 39 (one standard deviation): a load that is off by 2.6
// %, which dominates the latencies near the highest load. So each block of gaps is scaled to the time that the rate
// requires. Inside a block the gaps stay random (gamma gaps over their sum are independent of the sum). Reasons and
// costs: docs/decisions/0032-a-rate-that-is-held.md.
//
// Deterministic for given random numbers; a value, not shared between threads.
#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

#include "measurement/keyed_random.h"
#include "measurement/load.h"

namespace autotune::measurement {

class ArrivalGaps {
 public:
  // `block`: number of gaps whose mean is held exactly; 0 = all gaps are independent. REQUIRES: Poisson, constant or
  // gamma arrivals; the gaps of a trace are recorded.
  ArrivalGaps(const Arrival& arrival, const KeyedRandom& random, std::size_t block);

  double Next();

 private:
  double Draw();

  Arrival arrival_;
  KeyedRandom random_;
  std::size_t block_;
  std::vector<double> gaps_;  // remaining gaps of the current block; the next one is last
};

// Number of requests per block at `rate` requests/s: those of several E2E latencies, so bursts as long as an engine's
// memory stay unchanged.
std::size_t BlockOfArrivals(double rate, std::chrono::nanoseconds expected_e2e);

}  // namespace autotune::measurement
