// Which point of a search for the highest load is its answer: the one rule for the pod, the score and the tables.
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
enum class Worth {
  kOutputTokens,      // output tokens/s per GPU
  kAttainedRequests,  // requests/s per GPU that meet every limit (goodput)
  // Minus the p50 in milliseconds, at the reference load.
  kTtft,
  kTpot,
  kE2e,
};
std::string_view WorthName(Worth worth);  // "OutputTokens", ...
std::optional<Worth> WorthFromName(std::string_view name);
// The latency that it is; nullopt if it is a throughput.
std::optional<Metric> LatencyOf(Worth worth);
double WorthOf(Worth worth, const Point& point, int gpus);

struct AnswerRule {
  Slo slo;
  Worth worth = Worth::kOutputTokens;
  // Of the search; nullopt: by rate if a point of the role Search has a rate. A search by rate answers with a rate, and
  // a closed loop is only its first look.
  std::optional<LoadKind> kind;
  // Of this scenario only; "": `points` are all of one.
  std::string_view scenario;
};

// Index of the highest load that meets the SLO, or of a lower one that is certainly worth more tokens or requests:
// beyond the intervals of both. (Engines that preempt lose throughput at high loads; the luckiest of several noisy
// points is worth no more.) Among points of the role Search that are valid and were not measured again.
std::optional<std::size_t> LimitOf(const AnswerRule& rule, std::span<const Point> points);

// The limit, or, where the role Sustained has usable points because the limit's queue stood (standing_queue.h), the
// highest of their rates that meets the SLO: nullopt if none does.
std::optional<std::size_t> AnswerOf(const AnswerRule& rule, std::span<const Point> points);

// Whether points of the role Sustained decide what this scenario is worth.
bool IsSustained(std::string_view scenario, std::span<const Point> points);

}  // namespace autotune::measurement
