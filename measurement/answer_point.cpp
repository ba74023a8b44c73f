#include "measurement/answer_point.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "measurement/excess.h"

namespace autotune::measurement {
namespace {

constexpr std::pair<ScoreMetric, std::string_view> kScoreMetricNames[] = {
    {ScoreMetric::kOutputTokens, "OutputTokens"},
    {ScoreMetric::kAttainedRequests, "AttainedRequests"},
    {ScoreMetric::kTtft, "Ttft"},
    {ScoreMetric::kTpot, "Tpot"},
    {ScoreMetric::kE2e, "E2e"},
};

constexpr double kTie = 0.03;  // of the score: with wide intervals, loads that do much less tie as well

bool IsOf(std::string_view scenario, const Point& point) { return scenario.empty() || point.scenario == scenario; }

// The highest load of this role and kind that meets the SLO, or what is certainly worth more below it.
std::optional<std::size_t> HighestOf(const AnswerRule& rule, std::span<const Point> points, PointRole role,
                                     LoadKind kind) {
  const auto counts = [&](std::size_t i) {
    const Point& point = points[i];
    return IsOf(rule.scenario, point) && point.role == role && point.load.kind == kind && !IsInvalid(point) &&
           IsUsable(point) && MeetsSlo(rule.slo, point) && !IsMeasuredAgain(points, i);
  };
  std::optional<std::size_t> highest;
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (counts(i) && (!highest || points[i].load.value > points[*highest].load.value)) highest = i;
  }
  if (!highest || LatencyOf(rule.score_metric)) return highest;
  const auto score = [&](std::size_t i) { return PointScore(rule.score_metric, points[i], 1); };
  const auto half_width = [&](std::size_t i) {
    const Point& point = points[i];
    return point.output_tokens_per_second > 0
               ? score(i) * point.output_tokens_per_second_ci / point.output_tokens_per_second
               : 0;
  };
  std::size_t best = *highest;
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (!counts(i) || score(i) - score(*highest) <= std::hypot(half_width(i), half_width(*highest))) continue;
    if (score(i) > score(best)) best = i;
  }
  if (!rule.slo.bounds.empty()) return best;
  // Without a limit more load is worth nothing by itself: of what ties, the lowest has the shortest latencies.
  std::size_t lowest = best;
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (!counts(i) || points[i].load.value >= points[lowest].load.value) continue;
    const double less = score(best) - score(i);
    if (less <= std::min(std::hypot(half_width(i), half_width(best)), kTie * score(best))) lowest = i;
  }
  return lowest;
}

}  // namespace

double PointScore(ScoreMetric metric, const Point& point, int gpus) {
  const double per_gpu = 1.0 / std::max(gpus, 1);
  switch (metric) {
    case ScoreMetric::kOutputTokens:
      return point.output_tokens_per_second * per_gpu;
    case ScoreMetric::kAttainedRequests: {
      // The attainment counts errors, the rate does not.
      const double all = static_cast<double>(point.requests + point.errors);
      const double ended =
          point.requests > 0 ? point.requests_per_second * all / static_cast<double>(point.requests) : 0;
      return ended * point.attainment.value_or(1) * per_gpu;
    }
    case ScoreMetric::kTtft:
    case ScoreMetric::kTpot:
    case ScoreMetric::kE2e:
      return -point.Get(*LatencyOf(metric)).p50;
  }
  return 0;
}

std::optional<Metric> LatencyOf(ScoreMetric metric) {
  switch (metric) {
    case ScoreMetric::kOutputTokens:
    case ScoreMetric::kAttainedRequests:
      return std::nullopt;
    case ScoreMetric::kTtft:
      return Metric::kTtft;
    case ScoreMetric::kTpot:
      return Metric::kTpot;
    case ScoreMetric::kE2e:
      return Metric::kE2e;
  }
  return std::nullopt;
}

std::string_view ScoreMetricName(ScoreMetric metric) {
  return kScoreMetricNames[static_cast<std::size_t>(metric)].second;
}

std::optional<ScoreMetric> ScoreMetricFromName(std::string_view name) {
  for (const auto& [metric, known] : kScoreMetricNames) {
    if (known == name) return metric;
  }
  return std::nullopt;
}

std::optional<std::size_t> LimitOf(const AnswerRule& rule, std::span<const Point> points) {
  const bool by_rate = std::any_of(points.begin(), points.end(), [&](const Point& point) {
    return IsOf(rule.scenario, point) && point.role == PointRole::kSearch && point.load.kind == LoadKind::kRequestRate;
  });
  const LoadKind seen = by_rate ? LoadKind::kRequestRate : LoadKind::kConcurrency;
  return HighestOf(rule, points, PointRole::kSearch, rule.kind.value_or(seen));
}

std::optional<std::size_t> AnswerOf(const AnswerRule& rule, std::span<const Point> points) {
  if (IsSustained(rule.scenario, points)) {
    return HighestOf(rule, points, PointRole::kSustained, LoadKind::kRequestRate);
  }
  return LimitOf(rule, points);
}

bool IsSustained(std::string_view scenario, std::span<const Point> points) {
  return std::any_of(points.begin(), points.end(), [&](const Point& point) {
    return IsOf(scenario, point) && point.role == PointRole::kSustained && !IsInvalid(point) && IsUsable(point);
  });
}

}  // namespace autotune::measurement
