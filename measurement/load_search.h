// Search for the highest load at which one configuration meets its SLO in one scenario, in few points: the next load,
// or the reason to stop.
//
// Pure and deterministic: the same input and points give the same decision on every machine, in an experiment pod and
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
  Worth worth = Worth::kOutputTokens;
  int gpus = 1;
  // Worth of the incumbent in this scenario. Set: a configuration that can neither reach it nor tie with it stops early
  // (racing).
  std::optional<double> score_to_beat;
  double score_to_beat_ci = 0;  // half-width of its 95 % interval; 0 = not known
  // Requests/s at which latencies are compared, where plan.reference_share asks for such a point: it is the first. Not
  // set: the last point, at that share of the limit found here.
  std::optional<double> reference;
  // Prediction for this candidate. In a search by concurrency it chooses the loads (predicted_load.h); the limit of the
  // best configuration is then bracketed as without a prediction.
  std::optional<PredictedLoads> prediction;
  std::optional<double> admitted;  // requests that KV cache and batch limit let run at once
  // First load to measure: the load of the incumbent's score.
  std::optional<Load> start;
  // Closed loops as the warm-up saw them, one request alone and very many. Imprecise, so they only choose the first
  // load and tell what a request alone takes.
  std::vector<Point> warm_up;
  // A fresh start of a measured configuration: `start` is the limit found then. The search only confirms this limit,
  // finds the next lower one if it is missed, and for a closed loop finds the rate that an open loop sustains.
  bool confirms = false;
  double mean_output_tokens = 0;  // of a request, for rates; 0 = not known before the first point
  // For all further points; nullopt = no limit. No point is begun if the longest one so far would not fit, and no
  // closed loop near the limit if it would take the time of the rates that have to be measured after it.
  std::optional<std::chrono::nanoseconds> time_left;
  std::uint64_t seed = 1;
};

enum class StopReason {
  kFound,       // the limit is known to the plan's resolution
  kCapacity,    // the SLO is met up to the capacity, or there is none: capacity is the answer
  kCannotWin,   // racing: its score would be below the one to beat by more than their intervals
  kInfeasible,  // the lowest load misses the SLO
  kInvalid,     // the last point is invalid (IsInvalid)
  kLadderDone,  // fixed loads: all measured, or the rest is beyond saturation
  kOutOfTime,
};
std::string_view StopReasonName(StopReason reason);  // "Found", ...
std::optional<StopReason> StopReasonFromName(std::string_view name);

struct LoadDecision {
  // Set: measure this. Else stopped, with `reason`.
  std::optional<Load> next;
  PointRole role = PointRole::kSearch;
  Precision precision;
  StopReason reason = StopReason::kFound;
  std::optional<std::size_t> best;   // AnswerOf()
  std::optional<std::size_t> limit;  // LimitOf()
  std::string why;                   // for people
};

// A closed loop whose queue always stands shows the capacity, not what a rate sustains. Where it may win, the highest
// rate that meets the SLO is searched after it, with points of the role Sustained, and is the answer.
//
// `points`: this scenario's, in the order of measuring. Invalid points (IsInvalid) are ignored: a client-bound point is
// measured again, at most twice; short answers end the search.
LoadDecision DecideLoad(const LoadSearchInput& input, std::span<const Point> points);

}  // namespace autotune::measurement
