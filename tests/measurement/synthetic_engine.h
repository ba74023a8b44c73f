// A made-up engine whose latencies and throughput at every load are a formula: what a search finds on it can be
// compared with the truth. Points come with noise and with the verdicts that such noise allows. Pure.
#pragma once

#include <cstdint>

#include "measurement/keyed_random.h"
#include "measurement/point.h"
#include "measurement/slo.h"

namespace autotune::measurement {

struct SyntheticEngine {
  double prefill = 0.05;   // s, of one request
  double step = 0.012;     // s, of a batch of one
  double per_seq = 2e-4;   // s more a step for each request in the batch
  double queueing = 0.1;   // a prompt waits for this share of each other one
  double slots = 128;      // requests that run at once; others wait
  double output = 128;     // tokens
  double variability = 1;  // of the arrivals of an open loop: 1 Poisson, 0.3 even, 3 in bursts
  double tail = 1.8;       // p99 / mean of what is not waiting

  // Different in everything for every seed.
  static SyntheticEngine Random(std::uint64_t seed);

  // Without noise; verdict kMet or kMissed.
  [[nodiscard]] Point Truth(const Slo& slo, const Load& load) const;
  // One measurement: TTFT off by `noise` (standard deviation of its logarithm), the other latencies by a sixth of it,
  // throughput by a fifth. The verdict is kUndecided where the noise does not tell.
  [[nodiscard]] Point Measure(const Slo& slo, const Load& load, double noise, KeyedRandom& random) const;

  // Requests/s with every slot taken.
  [[nodiscard]] double Capacity() const;
  // The highest load at which the truth meets the SLO, on a grid of 0.3 % (rates) or of single requests; 0 for none.
  [[nodiscard]] double BruteForceLimit(const Slo& slo, LoadKind kind, double max) const;
};

}  // namespace autotune::measurement
