// Load search: finds the highest load at which one configuration meets its SLO in one scenario, with few points. After
// each point it decides the next load, or stops with a reason.
//
// Pure and deterministic: the same input and points give the same decision on every machine, in an experiment's pod and
// in a replay. Method: docs/benchmark.md, "Finding the highest load".
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "measurement/answer_point.h"
#include "measurement/load.h"
#include "measurement/point.h"
#include "measurement/predicted_load.h"
#include "measurement/slo.h"
#include "measurement/window.h"

namespace autotune::measurement {

struct LoadSearchInput {
  LoadPlan plan;
  Slo slo;
  ScoreMetric score_metric = ScoreMetric::kOutputTokens;
  int gpus = 1;
  // Score of the incumbent (the best configuration so far) in this scenario. If set, the search stops early for a
  // configuration that can neither reach this score nor tie with it (racing).
  std::optional<double> score_to_beat;
  double score_to_beat_ci = 0;  // half-width of its 95 % interval; 0 = not known
  // Only if plan.reference_share is set: the reference load in requests/s, which is measured first. nullopt: the last
  // point is the reference, at plan.reference_share times the highest load found by this search.
  std::optional<double> reference;
  // Prediction for this candidate. A search by concurrency chooses its loads by it (predicted_load.h). If the
  // configuration leads, its highest load is then bracketed as without a prediction.
  std::optional<PredictedLoads> prediction;
  std::optional<double> admitted;  // requests that KV cache and batch limit let run at once; nullopt = not known
  // First load to measure: the load of the incumbent's score. nullopt = there is no incumbent.
  std::optional<Load> start;
  // Points from the warm-up, which are imprecise: a closed loop with one request, and one with very many. They only
  // determine the first load and the latency of a single request.
  std::vector<Point> warm_up;
  // True for a fresh start: `start` is the highest load that the first start found. The search measures this load, a
  // lower one if it misses the SLO, and after a closed loop the sustained rate.
  bool confirms = false;
  double mean_output_tokens = 0;  // per request, for rates; 0 = not known before the first point
  // Time for all further points; nullopt = no limit. A point starts only if twice the longest point so far fits. Near
  // the highest load, a closed loop starts only if the rates after it also fit.
  std::optional<std::chrono::nanoseconds> time_left;
  std::uint64_t seed = 1;
};

enum class StopReason {
  kFound,       // the highest load is known to the plan's resolution
  kCapacity,    // the highest load is that of the capacity: no load misses the SLO, or there is no SLO
  kCannotWin,   // racing: the score would be lower than the incumbent's by more than their intervals
  kInfeasible,  // the lowest load misses the SLO
  kInvalid,     // the last point is invalid (IsInvalid)
  kLadderDone,  // fixed loads: all are measured, or the other ones are beyond saturation
  kOutOfTime,
};
std::string_view StopReasonName(StopReason reason);  // "Found", ...
std::optional<StopReason> StopReasonFromName(std::string_view name);

struct LoadDecision {
  // Next load to measure; nullopt: the search has stopped for `reason`.
  std::optional<Load> next;
  PointRole role = PointRole::kSearch;  // of the next point
  Precision precision;                  // of the next point
  StopReason reason = StopReason::kFound;
  std::optional<std::size_t> best;   // index of the point that AnswerOf() returns
  std::optional<std::size_t> limit;  // index of the point that LimitOf() returns
  std::string why;                   // reason for the decision, for people
};

// If requests always wait in the closed loop of the highest load, the loop measures the capacity, and a request rate
// sustains less. If the configuration may be the best, the search then finds the highest rate that meets the SLO, with
// points of the role Sustained. This rate is the answer.
//
// `points`: of this scenario, in the order of measurement. Invalid points (IsInvalid) are ignored: a client-bound point
// is measured again, at most twice; short answers end the search.
LoadDecision DecideLoad(const LoadSearchInput& input, std::span<const Point> points);

}  // namespace autotune::measurement
