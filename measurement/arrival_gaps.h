// Times between the requests of an open loop, in units of their mean, with a stable mean.
//
// A window of a minute at 25 requests/s holds 1,500 Poisson arrivals, give or take 39: a load that is off by 2.6 %,
// which dominates the latencies near the highest load. So each block of gaps is scaled to the time that the rate
// requires; inside a block the gaps stay random (gamma gaps over their sum do not depend on the sum). Reasons and
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
  // `block`: gaps that together take exactly their mean; 0 = all independent. For Poisson, constant and gamma arrivals;
  // the gaps of a trace are recorded.
  ArrivalGaps(const Arrival& arrival, const KeyedRandom& random, std::size_t block);

  double Next();

 private:
  double Draw();

  Arrival arrival_;
  KeyedRandom random_;
  std::size_t block_;
  std::vector<double> gaps_;  // of the present block, those that are left; the next one last
};

// How many requests at `rate` a second make a block: those of several E2E latencies, so that bursts as long as an
// engine remembers stay as they are.
std::size_t BlockOfArrivals(double rate, std::chrono::nanoseconds expected_e2e);

}  // namespace autotune::measurement
