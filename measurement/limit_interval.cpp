#include "measurement/limit_interval.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include "measurement/excess.h"

namespace autotune::measurement {
namespace {

// Of ln(actual / limit) over ln(load) near the limit: what is known of its slope before the points near it are looked
// at. Of arrivals that do not wait it is steeper, because queues come in bursts.
struct Slopes {
  double least, usual, most;
};
constexpr Slopes kOfALoop = {0.7, 2, 8};
constexpr Slopes kOfARate = {1, 4, 12};
constexpr double kSlopeDeviation = 0.5;   // as a share of it
constexpr double kLever = 0.1;            // in ln(load): from such a distance two points tell a slope
constexpr double kBent = 1.5;             // a line is off by this times the slope and the square of the distance
constexpr double kTellsADirection = 1.2;  // of an excess: it tells a direction, not a distance
constexpr double kFarDeviation = 0.6;
constexpr double kLeastDeviation = 0.03;
constexpr double kNear = 0.7;                          // in ln(load)
constexpr double kSure = 2.58;                         // of a normal distribution's 99 %
constexpr double kTwoSided = 1.96, kOneSided = 1.645;  // of a normal distribution's 95 %

// One point, seen from the answer.
struct View {
  double distance = 0;  // in ln(load)
  double excess = 0;    // of the bound that is broken first, ln(actual / limit)
  double deviation = 0;
  bool kept = false;
  bool sure = false;  // that it is kept, or missed
};

View ViewOf(const Slo& slo, const Point& point, double answer) {
  View seen;
  seen.distance = std::log(point.load.value / answer);
  const std::optional<WorstExcess> worst = WorstExcessOf(slo, point);
  seen.kept = MeetsSlo(slo, point);
  seen.excess = worst ? worst->excess : 0;
  seen.deviation = worst ? worst->deviation : kUnknownDeviation;
  seen.sure = (!seen.kept && point.saturated) ||
              (seen.kept == (seen.excess <= 0) && std::abs(seen.excess) > kSure * seen.deviation);
  // A verdict looks at more than the estimate: errors, a queue that grows, slow requests that were still open.
  if (seen.kept != (seen.excess <= 0)) {
    seen.excess = 0;
    seen.deviation = std::max(seen.deviation, kUnknownDeviation);
  }
  if (point.saturated || std::abs(seen.excess) > kTellsADirection) {
    seen.excess = point.saturated ? kTellsADirection : std::clamp(seen.excess, -kTellsADirection, kTellsADirection);
    seen.deviation = std::max(seen.deviation, kFarDeviation);
  }
  seen.deviation = std::max(seen.deviation, kLeastDeviation);
  return seen;
}

// Of the lowest and the highest of the points near the answer.
double UsualSlope(const std::vector<View>& near, LoadKind kind) {
  const Slopes& known = kind == LoadKind::kRequestRate ? kOfARate : kOfALoop;
  const auto [low, high] = std::minmax_element(near.begin(), near.end(),
                                               [](const View& a, const View& b) { return a.distance < b.distance; });
  if (high->distance - low->distance < kLever) return known.usual;
  return std::clamp((high->excess - low->excess) / (high->distance - low->distance), known.least, known.most);
}

// The limit lies between a load that is kept for sure and one that is missed for sure. Infinite where one is missing.
double WithinTheBracket(const std::vector<View>& views) {
  double below = std::numeric_limits<double>::infinity(), above = below;
  for (const View& view : views) {
    if (!view.sure) continue;
    if (view.kept && view.distance <= 0) below = std::min(below, -view.distance);
    if (!view.kept && view.distance > 0) above = std::min(above, view.distance);
  }
  return std::max(below, above);
}

// A rate that the queue of a closed loop shows to be too high, as a point that missed it: what its loop got done, and
// as much more as is not sure. nullopt where that is not above the answer.
std::optional<Point> CapacityBeside(const Slo& slo, std::span<const Point> points, const Point& answer) {
  std::optional<Point> most;
  for (const Point& point : points) {
    const bool loop = point.role == PointRole::kSearch && point.load.kind == LoadKind::kConcurrency;
    if (!loop || point.scenario != answer.scenario || IsInvalid(point) || !MeetsSlo(slo, point)) continue;
    if (!most || point.requests_per_second > most->requests_per_second) most = point;
  }
  if (!most || !(most->output_tokens_per_second > 0)) return std::nullopt;
  const double unsure = most->output_tokens_per_second_ci / most->output_tokens_per_second;
  most->load = RequestRate(most->requests_per_second * (1 + unsure));
  most->saturated = true;
  most->verdict = Verdict::kMissed;
  if (most->load.value <= answer.load.value) return std::nullopt;
  return most;
}

}  // namespace

double LimitHalfWidth(const Slo& slo, std::span<const Point> points, std::size_t best) {
  const Point& answer = points[best];
  bool broken = false;
  std::vector<View> near;
  const auto look = [&](const Point& point) {
    broken = broken || (point.load.value > answer.load.value && !MeetsSlo(slo, point));
    const View view = ViewOf(slo, point, answer.load.value);
    if (std::abs(view.distance) <= kNear) near.push_back(view);
  };
  for (std::size_t i = 0; i < points.size(); ++i) {
    const Point& point = points[i];
    if (point.scenario != answer.scenario || point.load.kind != answer.load.kind || point.role != answer.role) continue;
    if (IsInvalid(point) || !IsUsable(point) || IsMeasuredAgain(points, i)) continue;
    look(point);
  }
  if (answer.role == PointRole::kSustained) {
    if (const auto capacity = CapacityBeside(slo, points, answer)) look(*capacity);
  }
  if (!broken || near.empty()) return 0;
  const double usual = UsualSlope(near, answer.load.kind);
  // A line through the points, by weighted least squares with what is known of its slope.
  const double certainty = 1 / (kSlopeDeviation * usual * kSlopeDeviation * usual);
  double w = 0, wx = 0, wxx = certainty, wy = 0, wxy = usual * certainty;
  for (const View& view : near) {
    const double deviation = std::hypot(view.deviation, kBent * usual * view.distance * view.distance);
    const double weight = 1 / (deviation * deviation);
    w += weight;
    wx += weight * view.distance;
    wxx += weight * view.distance * view.distance;
    wy += weight * view.excess;
    wxy += weight * view.distance * view.excess;
  }
  const double determinant = w * wxx - wx * wx;
  const double slope = std::max((w * wxy - wx * wy) / determinant, kSlopeDeviation * usual);
  // Where the line with this slope is 0, and how sure that is.
  const double limit = (wx - wy / slope) / w;
  const double away = limit - wx / w;
  const double deviation = std::sqrt(1 / w + away * away * w / determinant) / slope;
  const double of_the_line = std::max(kTwoSided * deviation, std::abs(limit) + kOneSided * deviation);
  // Where a queue forms within a few percent of the load, latencies are far from any line.
  return std::min(of_the_line, WithinTheBracket(near));
}

}  // namespace autotune::measurement
