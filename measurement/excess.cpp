#include "measurement/excess.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace autotune::measurement {
namespace {

// Of arrivals that do not wait, from benchmarks/load-search: by how much the limit that a point tells is off, against
// the half-width of its number's interval over 1.96. A rare percentile is that of few bursts, and where a long run is
// shown, that of a simple engine. The interval of a mean or a p90 is from few independent batches.
constexpr double kUnseen = 4, kFewBatches = 1.5;

}  // namespace

Excesses ExcessesOf(const Slo& slo, const Point& point) {
  Excesses out;
  if (slo.attainment && !slo.bounds.empty()) {
    // Of the share that may fail; half a request where none did.
    const double requests = static_cast<double>(std::max<std::int64_t>(point.requests + point.errors, 1));
    const double failed = std::max(1 - point.attainment.value_or(1), 0.5 / requests);
    out.push_back(std::log(failed / std::max(1 - *slo.attainment, 1e-4)));
    return out;
  }
  for (const Bound& bound : slo.bounds) {
    out.push_back(std::log(std::max(Cautious(point, bound), 1e-3) / std::max(bound.limit, 1e-3)));
  }
  return out;
}

bool IsMeasuredAgain(std::span<const Point> points, std::size_t index) {
  const auto width = [](const Point& point) {
    return point.output_tokens_per_second > 0 ? point.output_tokens_per_second_ci / point.output_tokens_per_second
                                              : std::numeric_limits<double>::infinity();
  };
  constexpr double kNotably = 1.01;
  const auto is_worse = [&](const Point& later, const Point& earlier) {
    // A rate that is missed for certain is not looked at for longer.
    if (later.load.kind == LoadKind::kRequestRate && later.verdict == Verdict::kMissed) return false;
    return width(later) > kNotably * width(earlier);
  };
  const Point& point = points[index];
  for (std::size_t i = 0; i < points.size(); ++i) {
    const Point& other = points[i];
    const bool same = other.load == point.load && other.role == point.role && other.scenario == point.scenario;
    if (i == index || !same || IsInvalid(other)) continue;
    if (i > index ? IsInvalid(point) || !is_worse(other, point) : is_worse(point, other)) return true;
  }
  return false;
}

std::optional<WorstExcess> WorstExcessOf(const Slo& slo, const Point& point) {
  const Excesses excesses = ExcessesOf(slo, point);
  if (excesses.empty()) return std::nullopt;
  const auto worst = std::max_element(excesses.begin(), excesses.end());
  WorstExcess out{*worst, kUnknownDeviation};
  if (slo.attainment) {
    // Of a count of failures, which come in bursts rather than alone.
    const double requests = static_cast<double>(std::max<std::int64_t>(point.requests + point.errors, 1));
    const double failed = std::max(requests * (1 - point.attainment.value_or(1)), 0.5);
    out.deviation = 1.5 / std::sqrt(failed);
    return out;
  }
  const Bound& bound = slo.bounds[static_cast<std::size_t>(worst - excesses.begin())];
  if (const auto deviation = RelativeDeviation(point, bound.metric)) out.deviation = *deviation;
  if (point.load.kind == LoadKind::kRequestRate) out.deviation *= ComesInBursts(point, bound) ? kUnseen : kFewBatches;
  return out;
}

}  // namespace autotune::measurement
