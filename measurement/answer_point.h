// Selects the point that answers a search for the highest load. The pod, the score and the tables all use this rule.
//
// Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "measurement/point.h"
#include "measurement/slo.h"

namespace autotune::measurement {

// What a point is worth, for comparison with the score to beat. Higher is better.
enum class ScoreMetric {
  kOutputTokens,      // output tokens/s per GPU
  kAttainedRequests,  // requests/s per GPU that meet every limit (goodput)
  // Minus the p50 of the latency in milliseconds, at the reference load.
  kTtft,
  kTpot,
  kE2e,
};
std::string_view ScoreMetricName(ScoreMetric metric);  // "OutputTokens", ...
std::optional<ScoreMetric> ScoreMetricFromName(std::string_view name);
// The latency that `worth` minimises; nullopt if it is a throughput.
std::optional<Metric> LatencyOf(ScoreMetric metric);
double PointScore(ScoreMetric metric, const Point& point, int gpus);

struct AnswerRule {
  Slo slo;
  ScoreMetric score_metric = ScoreMetric::kOutputTokens;
  // Kind of load of the search. nullopt: by rate if a point of the role Search has a rate. A search by rate answers
  // with a rate; its closed loop only gives a first estimate.
  std::optional<LoadKind> kind;
  // Only points of this scenario count; "": all `points` are of one scenario.
  std::string_view scenario;
};

// Index of the highest load that meets the SLO, or of a lower one that is certainly worth more (engines that preempt
// lose throughput at high loads; the luckiest of noisy points is worth no more). Without limits: the lowest that ties
// with it, at most 3 % below. Considers valid points of the role Search that were not measured again.
std::optional<std::size_t> LimitOf(const AnswerRule& rule, std::span<const Point> points);

// The limit (LimitOf). If the role Sustained has usable points, because requests always queued at the limit
// (standing_queue.h): the highest of their rates that meets the SLO, nullopt if none does.
std::optional<std::size_t> AnswerOf(const AnswerRule& rule, std::span<const Point> points);

// True if points of the role Sustained decide this scenario's score.
bool IsSustained(std::string_view scenario, std::span<const Point> points);

}  // namespace autotune::measurement
