#include "measurement/measured_latencies.h"

#include <algorithm>
#include <cmath>
#include <iterator>

namespace autotune::measurement {

void MeasuredLatencies::Add(double in_flight, std::chrono::nanoseconds e2e) {
  const double seconds = std::chrono::duration<double>(e2e).count();
  if (seconds > 0) seen_[std::log(std::max(in_flight, 1.0))] = std::log(seconds);
}

double MeasuredLatencies::LogAt(double log_in_flight) const {
  if (seen_.size() == 1) return seen_.begin()->second;
  auto above = seen_.lower_bound(log_in_flight);
  if (above == seen_.begin()) ++above;
  if (above == seen_.end()) --above;
  const auto below = std::prev(above);
  // More requests make none quicker, and at most wait for each other one by one.
  const double slope = std::clamp((above->second - below->second) / (above->first - below->first), 0.0, 1.0);
  const auto& near = log_in_flight > above->first ? *above : *below;
  return near.second + slope * (log_in_flight - near.first);
}

std::chrono::nanoseconds MeasuredLatencies::At(const Load& load) const {
  if (seen_.empty()) return {};
  double log_load = std::log(std::max(load.value, 1e-9));
  if (load.kind == LoadKind::kRequestRate) {
    // In flight: the rate times the latency there. Beyond the capacity there is no such number: up to the most seen.
    const double rate = log_load;
    constexpr int kTurns = 20;
    for (int i = 0; i < kTurns; ++i) log_load = std::clamp(rate + LogAt(log_load), 0.0, seen_.rbegin()->first);
  }
  return std::chrono::nanoseconds(std::llround(std::exp(LogAt(std::max(log_load, 0.0))) * 1e9));
}

std::chrono::nanoseconds MeasuredLatencies::Slowest() const {
  std::chrono::nanoseconds slowest{};
  for (const auto& [load, latency] : seen_) {
    slowest = std::max(slowest, std::chrono::nanoseconds(std::llround(std::exp(latency) * 1e9)));
  }
  return slowest;
}

}  // namespace autotune::measurement
