#include "measurement/drift.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace autotune::measurement {
namespace {

using std::chrono::nanoseconds;

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

std::optional<double> Stall(std::span<const RequestRecord> records, nanoseconds begin, nanoseconds end) {
  constexpr double kLeast = 2;  // seconds
  constexpr double kTimesAnAnswer = 2;
  // Each request waits from its start to its end; what is heard of it are its events.
  std::vector<std::pair<nanoseconds, int>> waiting;
  std::vector<nanoseconds> heard;
  for (const RequestRecord& record : records) {
    if (record.outcome != RequestOutcome::kOk && record.outcome != RequestOutcome::kInFlight) continue;
    if (record.held == kNotSent) continue;
    const nanoseconds sent = record.start + record.held;
    waiting.emplace_back(sent, 1);
    if (record.outcome == RequestOutcome::kOk) waiting.emplace_back(record.end, -1);
    for (const std::uint32_t event : record.events) heard.push_back(record.start + std::chrono::microseconds(event));
  }
  std::sort(waiting.begin(), waiting.end());
  std::sort(heard.begin(), heard.end());
  nanoseconds longest{0}, from{0}, to{0}, since = begin;
  std::size_t next = 0;
  int count = 0;
  const auto end_of_silence = [&](nanoseconds at) {
    if (count > 0 && at > begin && since < end && at - since > longest) {
      longest = at - since;
      from = since;
      to = at;
    }
    since = at;
  };
  for (const nanoseconds at : heard) {
    for (; next < waiting.size() && waiting[next].first < at; ++next) {
      if (count == 0) since = waiting[next].first;
      count += waiting[next].second;
    }
    end_of_silence(at);
  }
  std::vector<double> lengths;
  for (const RequestRecord& record : records) {
    if (record.outcome != RequestOutcome::kOk || (record.start < to && record.end > from)) continue;
    lengths.push_back(std::chrono::duration<double>(record.end - record.start).count());
  }
  if (lengths.empty()) return std::nullopt;
  const auto middle = lengths.begin() + static_cast<std::ptrdiff_t>(lengths.size() / 2);
  std::nth_element(lengths.begin(), middle, lengths.end());
  const double seconds = std::chrono::duration<double>(longest).count();
  return seconds >= std::max(kLeast, kTimesAnAnswer * *middle) ? std::optional(seconds) : std::nullopt;
}

}  // namespace autotune::measurement
