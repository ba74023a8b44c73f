// Judging measurements: SLO, score with its interval, ties, Pareto front, best. Pure; recomputed from all observations
// every time.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "measurement/load_search.h"
#include "measurement/point.h"
#include "measurement/quality.h"
#include "measurement/slo.h"

namespace autotune::tuning {

enum class Objective {
  kMaximizeThroughput,
  kMaximizeGoodput,
  kMinimizeCost,
  kMinimizeLatency,
  kMinimizeTtft,
  kMinimizeTpot
};
// True where all configurations are compared at one load.
bool ComparesAtOneLoad(Objective objective);

struct Criteria {
  Objective objective = Objective::kMaximizeThroughput;
  measurement::Slo slo;
  std::optional<double> max_degradation;  // of quality: growth of perplexity as a share, 0.01 = 1 %
  bool price_on_front = false;            // the price per token is an axis of the Pareto front
  // Fixed loads, the same for all: a gain is the gain at one load. Else limits are compared.
  bool fixed_loads = false;
  // Of the latency objectives: the points measured as references count, all of them at one load.
  [[nodiscard]] bool AtReference() const;
};

struct Observation {
  std::string id;  // experiment name
  int gpus = 1;
  double price_per_gpu_hour = 1;  // of its type; for kMinimizeCost and the Pareto front
  std::vector<measurement::Point> loads;
  // How its loads ended. kCannotWin: it was given up because it cannot reach another one's score, and is never best.
  measurement::StopReason stopped = measurement::StopReason::kFound;
  std::optional<measurement::QualityChange> quality;  // against its runtime's baseline; nullopt = not measured
  int settings = 0;  // that differ from the engine's defaults: of two ties, fewer settings are better
  // Index of the observation whose configuration this is a fresh start of. It is judged with that one, never by itself.
  std::optional<std::size_t> confirms = std::nullopt;
};

// The load at which a latency objective compares these where loads are fixed: the highest that all measured, or most.
// nullopt: nothing was measured.
std::optional<measurement::Load> ComparedLoad(const std::vector<Observation>& observations, const Criteria& criteria);

// What a score is of.
enum class ScoreBasis {
  kLoad,           // a load that was measured, without a correction
  kSustainedRate,  // the highest rate that meets the SLO, beside a closed loop whose queue always stands
  kEstimate,       // such a loop alone: what a rate is expected to sustain of it
};
std::string_view ScoreBasisName(ScoreBasis basis);  // "Load", "SustainedRate", "Estimate"
std::optional<ScoreBasis> ScoreBasisFromName(std::string_view name);

struct Judged {
  std::string id;
  bool feasible = false;  // the scored point of every scenario meets the SLO, and so does the quality
  // Within the bound, if there is one: by its whole interval, or by its middle where that is undecided.
  bool keeps_quality = true;
  std::optional<measurement::QualityGate> gate;  // with a limit: result of the comparison
  bool cannot_win = false;                       // given up early: neither feasible nor infeasible
  int starts = 1;                                // measurements that the score is the mean of
  bool confirmed = false;                        // by a fresh start at least
  // Of the starts that the score is the mean of, the one scored at the lowest load (the latest of equals): the others
  // meet the SLO there, too. Its point is the answer's. Without a score the latest fresh start, else the observation.
  std::size_t shown = 0;
  std::optional<double> score;  // only where feasible; higher is better for every objective; always finite
  double ci = 0;                // half-width of the score's 95 % interval; 0 = not known
  ScoreBasis basis = ScoreBasis::kLoad;
  std::optional<double> bound;       // of an estimate: the score if a rate sustained all that the loop got done
  std::vector<std::size_t> scored;   // indices into loads: the point that counted, one per scenario
  std::vector<bool> load_keeps_slo;  // parallel to loads
  // Where infeasible: every bound that is broken at the points nearest to keeping all, worst first, each once.
  std::vector<measurement::Violation> broken;
  std::optional<double> relaxed_score;  // where infeasible: the score if the broken bounds were relaxed
};

struct Judgement {
  std::vector<Judged> judged;          // parallel to the observations
  std::optional<std::size_t> best;     // index
  std::vector<std::size_t> tied;       // whose intervals overlap with the best one's; without the best
  std::optional<std::size_t> nearest;  // where nothing is feasible: the one whose worst broken bound is missed by least
  // Indices, ascending: observations with a feasible point that no other observation's feasible point beats in output
  // tokens/s per GPU, p50 TPOT, certain loss of quality and, with Criteria::price_on_front, price per token. An
  // observation is a curve over its loads, as serving benchmarks draw it. A loss that was not measured is treated as
  // zero (docs/limitations.md).
  std::vector<std::size_t> pareto;
};

// Scores; a scenario's value is that of its search's answer (measurement/answer_point.h), or of given loads that of the
// point that is worth most among those that meet the SLO. Scenarios combine by geometric mean.
//   MaximizeThroughput: output tokens/s per GPU.
//   MaximizeGoodput: requests/s per GPU that meet every limit.
//   MinimizeCost: minus the price of a million output tokens.
//   MinimizeLatency, MinimizeTtft, MinimizeTpot: minus the p50 of E2E latency, TTFT or TPOT in milliseconds, at one
//     load for everybody. Where limits were searched: the reference point. Of given loads: the highest that all
//     observations measured and at which at least one of them meets the SLO (the highest of all if none does).
// A closed loop whose queue always stands gets more done than a rate sustains. Where no rate was measured beside it,
// because the time ended, its score is an estimate: the loop's, times the share that the rates of the other
// observations had of their loops (without any: 1 / 1.15), with an interval that reaches up to the loop's. If only
// rates that miss the SLO were measured in time, the lowest of them takes the place of the loop. An estimate may tie
// with a measured score, but is best only if it is higher by more than the intervals
// (docs/decisions/0087-a-bound-is-no-score.md). Of several starts, estimates count only if no start has a measured
// score. The interval of a score is that of its points; where the limit was searched it also covers where the limit may
// be (measurement/limit_interval.h). Of the configurations that tie with the highest score and are within 1 % of it,
// the one with the fewest settings is best. The best of many noisy measurements is partly luck. If a configuration was
// started afresh, only its fresh starts decide whether it meets the SLO; its score is the geometric mean over all
// starts that were feasible, and the interval covers how far they are apart. A scenario is one that any observation
// has; an observation that lacks one, or has no usable point in it (no request completed, or a number that is not
// finite), is not feasible.
Judgement Judge(const std::vector<Observation>& observations, const Criteria& criteria);

// Relative improvement of `better` over `base`: 0.41 for 41 % more throughput, or 41 % less latency or cost. Like with
// like: where the loads were given, at the highest load at which both meet the SLO; else limit against limit. Returns
// nullopt if one has no such value.
std::optional<double> GainOver(const Observation& better, const Observation& base, const Criteria& criteria);
// The same with the half-width of the 95 % interval of ln(score / score) at these points; 0 = not known.
struct Gain {
  double share = 0, ln_half_width = 0;
};
std::optional<Gain> GainBetween(const Observation& better, const Observation& base, const Criteria& criteria);
// "+41.3%"; "" for nothing.
std::string GainText(std::optional<double> gain);

}  // namespace autotune::tuning
