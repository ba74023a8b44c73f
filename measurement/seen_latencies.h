// Expected E2E latency at a load that was not measured yet, from measured loads. A closed loop spreads its start over
// this time, and an open loop holds its rate over a few of them. Virtual users that start within less than one latency
// stay together in prefill and decoding.
//
// A value, not shared between threads.
#pragma once

#include <chrono>
#include <map>

#include "measurement/load.h"

namespace autotune::measurement {

class SeenLatencies {
 public:
  // The mean E2E latency with so many requests in flight. A later one replaces an earlier one.
  void Add(double in_flight, std::chrono::nanoseconds e2e);
  // Between two that were seen along the line in (ln load, ln latency), beyond them as far; of a rate by Little's law.
  // 0 where nothing was seen.
  [[nodiscard]] std::chrono::nanoseconds At(const Load& load) const;
  // The longest that was seen; 0 where nothing was.
  [[nodiscard]] std::chrono::nanoseconds Slowest() const;

 private:
  [[nodiscard]] double LogAt(double log_in_flight) const;

  std::map<double, double> seen_;  // ln(latency in seconds) by ln(requests in flight)
};

}  // namespace autotune::measurement
