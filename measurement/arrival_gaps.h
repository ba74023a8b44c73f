// Times between the requests of an open loop, in units of their mean, with a mean that does not wander.
//
// A window of a minute at 25 requests/s holds 1,500 Poisson arrivals, give or take 39: 2.6 % more or less load than was
// asked, which near its limit is what the engine's latencies show. So a block of gaps is scaled to the time that the
// rate says; within it they are as random as before (gamma gaps over their sum do not depend on the sum). Why, and what
// it costs: docs/decisions/0032-a-rate-that-is-held.md.
//
// Deterministic for its random numbers; a value, not shared between threads.
#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

#include "measurement/keyed_random.h"
#include "measurement/load.h"

namespace autotune::measurement {

class ArrivalGaps {
 public:
  // `block`: gaps that together take exactly their mean; 0 = all independent. Of Poisson, constant and gamma arrivals:
  // what a trace's gaps are is recorded.
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
