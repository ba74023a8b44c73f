// Expected E2E latency at a load that was not measured yet, from measured loads. A closed loop spreads its start over
// this time, and an open loop holds its rate over a few times as long. Users that start within less than one latency
// stay together in prefill and decode.
//
// A value, not shared between threads.
#pragma once

#include <chrono>
#include <map>

#include "measurement/load.h"

namespace autotune::measurement {

class MeasuredLatencies {
 public:
  // The mean E2E latency at this number of requests in flight. A later value replaces an earlier one.
  void Add(double in_flight, std::chrono::nanoseconds e2e);
  // Interpolated linearly in (ln load, ln latency), and extrapolated with the same slope; for a rate by Little's law. 0
  // if nothing was measured.
  [[nodiscard]] std::chrono::nanoseconds At(const Load& load) const;
  // The longest measured latency; 0 if nothing was measured.
  [[nodiscard]] std::chrono::nanoseconds Slowest() const;

 private:
  [[nodiscard]] double LogAt(double log_in_flight) const;

  std::map<double, double> seen_;  // ln(latency in seconds) by ln(requests in flight)
};

}  // namespace autotune::measurement
