#include "measurement/queue_growth.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace autotune::measurement {
namespace {

using std::chrono::nanoseconds;

constexpr std::size_t kBins = 24;
constexpr double kStillGrows = 0.5;     // of the first half's slope
constexpr double kOverCapacity = 1.05;  // a loop's requests/s are known to that
constexpr double kForCertain = 2;       // standard deviations

double Seconds(nanoseconds time) { return std::chrono::duration<double>(time).count(); }

// Square of the coefficient of variation: the dispersion of a process with such gaps.
double Dispersion(const std::vector<double>& values) {
  if (values.size() < 2) return 0;
  double sum = 0, squares = 0;
  for (const double value : values) sum += value;
  const double mean = sum / static_cast<double>(values.size());
  for (const double value : values) squares += (value - mean) * (value - mean);
  return mean > 0 ? squares / static_cast<double>(values.size() - 1) / (mean * mean) : 0;
}

struct Line {
  double slope = 0;      // per bin
  double deviation = 0;  // of the values from it
};

Line LineThrough(std::span<const double> values) {
  const auto n = static_cast<double>(values.size());
  double x = 0, y = 0, xx = 0, xy = 0, yy = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto at = static_cast<double>(i);
    x += at;
    y += values[i];
    xx += at * at;
    xy += at * values[i];
    yy += values[i] * values[i];
  }
  const double spread = xx - x * x / n;
  Line line;
  line.slope = (xy - x * y / n) / spread;
  line.deviation = std::sqrt(std::max(0.0, yy - y * y / n - line.slope * line.slope * spread) / (n - 2));
  return line;
}

}  // namespace

QueueGrowth QueueGrowthOf(std::span<const RequestRecord> records, nanoseconds begin, nanoseconds end, nanoseconds now) {
  QueueGrowth out;
  const double length = Seconds(end - begin);
  if (!(length > 0)) return out;
  std::array<double, kBins> in_flight{};
  std::vector<double> gaps, lengths;
  double arrived = 0;
  const RequestRecord* before = nullptr;
  for (const RequestRecord& record : records) {
    if (record.start >= end) break;
    const nanoseconds last = record.outcome == RequestOutcome::kInFlight ? std::max(now, end) : record.end;
    const double from = std::max(0.0, Seconds(record.start - begin) / length * kBins);
    const double to = std::min(static_cast<double>(kBins), Seconds(last - begin) / length * kBins);
    for (auto bin = static_cast<std::size_t>(from); bin < kBins && static_cast<double>(bin) < to; ++bin) {
      const auto at = static_cast<double>(bin);
      in_flight[bin] += std::min(to, at + 1) - std::max(from, at);
    }
    if (record.start < begin) continue;
    arrived += 1;
    if (before != nullptr) gaps.push_back(Seconds(record.start - before->start));
    before = &record;
    if (record.outcome == RequestOutcome::kOk && record.events.size() > 1) {
      lengths.push_back(record.events.back() - record.events.front());
    }
  }
  const Line line = LineThrough(in_flight);
  const std::span<const double> all(in_flight);
  const double first = LineThrough(all.first(kBins / 2)).slope, second = LineThrough(all.last(kBins / 2)).slope;
  out.requests = line.slope * kBins;
  out.deviation =
      std::sqrt((Dispersion(gaps) + Dispersion(lengths)) * arrived + 2 * line.deviation * line.deviation + 1);
  out.lasts = first > 0 && second >= kStillGrows * first;
  return out;
}

double RateOfEnds(std::span<const nanoseconds> ends, std::size_t places) {
  constexpr std::size_t kFewestRequests = 16;
  if (ends.size() < std::max(places, kFewestRequests)) return 0;
  const std::size_t first = ends.size() / 3;
  const double seconds = Seconds(ends.back() - ends[first]);
  return seconds > 0 ? static_cast<double>(ends.size() - 1 - first) / seconds : 0;
}

bool IsBeyondCapacity(const Point& point, double capacity, double answered) {
  if (point.load.kind != LoadKind::kRequestRate || !(capacity > 0) || point.load.value <= kOverCapacity * capacity) {
    return false;
  }
  // The numbers of requests in flight at the window's two ends differ by chance.
  const double chance = std::sqrt(2 * point.mean_concurrency + 1);
  return (answered - capacity) * point.window_seconds <= kForCertain * chance;
}

}  // namespace autotune::measurement
