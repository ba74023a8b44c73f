#include "measurement/drift.h"

#include <array>
#include <cmath>
#include <cstddef>

namespace autotune::measurement {
namespace {

constexpr std::size_t kDriftParts = 12;
constexpr double kLeastDrift = 0.1;      // of the mean
constexpr double kDriftErrors = 5;       // standard errors of the line
constexpr double kRequestsOfADrift = 4;  // one after the other

}  // namespace

std::optional<double> ThroughputDrift(std::span<const RequestRecord> records, std::chrono::nanoseconds begin,
                                      std::chrono::nanoseconds end) {
  const auto length = static_cast<double>((end - begin).count());
  if (!(length > 0)) return std::nullopt;
  std::array<double, kDriftParts> parts{};
  double lengths = 0, ended = 0, events = 0;
  for (const RequestRecord& record : records) {
    const auto offset = static_cast<double>((record.start - begin).count());
    for (const std::uint32_t event : record.events) {
      const double at = (offset + 1e3 * event) / length;
      if (at < 0 || at >= 1) continue;
      parts[static_cast<std::size_t>(at * kDriftParts)] += 1;
      events += 1;
    }
    if (record.outcome != RequestOutcome::kOk || record.start < begin || record.start >= end) continue;
    lengths += static_cast<double>((record.end - record.start).count());
    ended += 1;
  }
  if (ended == 0 || events == 0 || length < kRequestsOfADrift * lengths / ended) return std::nullopt;
  constexpr double kPartCount = kDriftParts, kPartMiddle = (kPartCount - 1) / 2,
                   kPartSpread = kPartCount * (kPartCount * kPartCount - 1) / 12;
  const double mean = events / kPartCount;
  double slope = 0, rest = 0;
  for (std::size_t i = 0; i < kDriftParts; ++i)
    slope += (static_cast<double>(i) - kPartMiddle) * (parts[i] - mean) / kPartSpread;
  for (std::size_t i = 0; i < kDriftParts; ++i) {
    const double off = parts[i] - mean - slope * (static_cast<double>(i) - kPartMiddle);
    rest += off * off;
  }
  const double error = std::sqrt(rest / (kPartCount - 2) / kPartSpread);
  const double first = mean - slope * kPartCount / 2, last = mean + slope * kPartCount / 2;
  if (first <= 0 || last <= 0) return std::nullopt;  // it stopped or began, which is no slow change
  const double change = last / first - 1;
  if (std::abs(change) < kLeastDrift || std::abs(slope) < kDriftErrors * error) return std::nullopt;
  return change;
}

}  // namespace autotune::measurement
