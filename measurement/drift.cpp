#include "measurement/drift.h"

#include <array>
#include <cmath>
#include <cstddef>

namespace autotune::measurement {
namespace {

constexpr std::size_t kParts = 12;
constexpr double kLeast = 0.1;            // of the mean
constexpr double kErrors = 5;             // standard errors of the line
constexpr double kRequestsOfAWindow = 4;  // one after the other

}  // namespace

std::optional<double> ThroughputDrift(std::span<const RequestRecord> records, std::chrono::nanoseconds begin,
                                      std::chrono::nanoseconds end) {
  const auto length = static_cast<double>((end - begin).count());
  if (!(length > 0)) return std::nullopt;
  std::array<double, kParts> parts{};
  double lengths = 0, ended = 0, events = 0;
  for (const RequestRecord& record : records) {
    const auto offset = static_cast<double>((record.start - begin).count());
    for (const std::uint32_t event : record.events) {
      const double at = (offset + 1e3 * event) / length;
      if (at < 0 || at >= 1) continue;
      parts[static_cast<std::size_t>(at * kParts)] += 1;
      events += 1;
    }
    if (record.outcome != RequestOutcome::kOk || record.start < begin || record.start >= end) continue;
    lengths += static_cast<double>((record.end - record.start).count());
    ended += 1;
  }
  if (ended == 0 || events == 0 || length < kRequestsOfAWindow * lengths / ended) return std::nullopt;
  constexpr double kCount = kParts, kMiddle = (kCount - 1) / 2, kSpread = kCount * (kCount * kCount - 1) / 12;
  const double mean = events / kCount;
  double slope = 0, rest = 0;
  for (std::size_t i = 0; i < kParts; ++i) slope += (static_cast<double>(i) - kMiddle) * (parts[i] - mean) / kSpread;
  for (std::size_t i = 0; i < kParts; ++i) {
    const double off = parts[i] - mean - slope * (static_cast<double>(i) - kMiddle);
    rest += off * off;
  }
  const double error = std::sqrt(rest / (kCount - 2) / kSpread);
  const double first = mean - slope * kCount / 2, last = mean + slope * kCount / 2;
  if (first <= 0 || last <= 0) return std::nullopt;  // it stopped or began, which is no slow change
  const double change = last / first - 1;
  if (std::abs(change) < kLeast || std::abs(slope) < kErrors * error) return std::nullopt;
  return change;
}

}  // namespace autotune::measurement
