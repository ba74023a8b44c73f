// Which load to measure next, or stop and why: the highest load at which one configuration keeps its SLO in one
// scenario, in few points.
//
// Pure and deterministic: the same input and points give the same decision on every machine, in an experiment pod and
// in a replay. Method: docs/benchmark.md, "Finding the limit".
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "measurement/load.h"
#include "measurement/point.h"
#include "measurement/predicted_load.h"
#include "measurement/slo.h"
#include "measurement/window.h"

namespace autotune::measurement {

// What a point is worth, for comparison with the score to beat. More is better.
enum class Worth {
  kOutputTokens,      // output tokens/s per GPU
  kAttainedRequests,  // requests/s per GPU that keep every bound (goodput)
  // Minus the p50 in milliseconds, at the reference load.
  kTtft,
  kTpot,
  kE2e,
};
std::string_view WorthName(Worth worth);  // "OutputTokens", ...
std::optional<Worth> WorthFromName(std::string_view name);
// The latency that it is; nothing where it is a throughput.
std::optional<Metric> LatencyOf(Worth worth);
double WorthOf(Worth worth, const Point& point, int gpus);

struct LoadSearchInput {
  LoadPlan plan;
  Slo slo;
  Worth worth = Worth::kOutputTokens;
  int gpus = 1;
  // Worth of the incumbent in this scenario. Set: a configuration that cannot reach it stops early (racing).
  std::optional<double> score_to_beat;
  // Requests/s at which latencies are compared, where plan.reference_share asks for such a point: it is the first. Not
  // set: the last point, at that share of the limit found here.
  std::optional<double> reference;
  // What the search expects of this candidate: of a search by concurrency, it picks the loads (predicted_load.h), and a
  // leader's limit is then bracketed as without one.
  std::optional<PredictedLoads> prediction;
  std::optional<double> admitted;  // requests that KV cache and batch limit let run at once
  // Where to look first: the load at which the incumbent has its score.
  std::optional<Load> start;
  // Closed loops as the warm-up saw them, one request alone and very many. Rough, so they only say where to look first.
  std::vector<Point> warm_up;
  // A fresh start of what was measured before: `start` is the limit found then. Only whether that holds is asked, the
  // next lower limit where it does not, and for a closed loop which rate is held where requests arrive by themselves.
  bool confirms = false;
  double mean_output_tokens = 0;  // of a request, for rates; 0 = not known before the first point
  // For all further points; nothing = no limit. Another point is not begun where the longest so far would not fit.
  std::optional<std::chrono::nanoseconds> time_left;
  std::uint64_t seed = 1;
};

enum class StopReason {
  kFound,       // the limit is known to the plan's resolution
  kCapacity,    // the SLO holds up to the capacity, or there is none: capacity is the answer
  kCannotWin,   // racing: it cannot reach the score to beat
  kInfeasible,  // the lowest load breaks the SLO
  kInvalid,     // the last point says nothing about the engine (IsInvalid)
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
  // Index of the search's point that is worth most among those that keep the SLO: the limit.
  std::optional<std::size_t> best;
  std::string why;  // for people
};

// `points`: this scenario's, in the order of measuring. Invalid ones (IsInvalid) decide nothing: one whose client
// was late is measured again, at most twice; short answers end the search.
LoadDecision DecideLoad(const LoadSearchInput& input, std::span<const Point> points);

}  // namespace autotune::measurement
