// Evaluation of all measurements of a task: which experiments meet the limits, their scores with intervals, the best
// one, its ties and the Pareto front. Pure; every evaluation starts from all observations.
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
// True for the latency objectives: they compare all configurations at the same load.
bool ComparesAtOneLoad(Objective objective);

struct Criteria {
  Objective objective = Objective::kMaximizeThroughput;
  measurement::Slo slo;
  std::optional<double> max_degradation;  // limit for the growth of perplexity, as a share: 0.01 = 1 %
  bool price_on_front = false;            // the price per token is an axis of the Pareto front
  // True: all experiments measured the loads of the spec. False: each searched its own highest load.
  bool fixed_loads = false;
  // True for a latency objective without fixed loads: only points of the role Reference have a score.
  [[nodiscard]] bool AtReference() const;
};

// Measurements of one experiment.
struct Observation {
  std::string id;  // name of the experiment
  int gpus = 1;
  double price_per_gpu_hour = 1;  // of its type of GPU; for kMinimizeCost and the Pareto front
  std::vector<measurement::Point> loads;
  // Reason for which its load search stopped. After kCannotWin (racing) the experiment is never the best.
  measurement::StopReason stopped = measurement::StopReason::kFound;
  std::optional<measurement::QualityChange> quality;  // relative to its runtime's baseline; nullopt = not measured
  int settings = 0;  // number of settings that differ from the engine's defaults; among ties, the fewest are best
  // Set for a fresh start: index of the observation that it repeats. Both are judged together, as that observation.
  std::optional<std::size_t> confirms = std::nullopt;
};

// With fixed loads, the load at which a latency objective compares the observations: see Judge(). nullopt if no
// observation measured a load in all scenarios.
std::optional<measurement::Load> ComparedLoad(const std::vector<Observation>& observations, const Criteria& criteria);

// Kind of measurement that a score is based on.
enum class ScoreBasis {
  kLoad,           // a measured load: its value is the score
  kSustainedRate,  // a measured request rate: the highest that meets the SLO, if requests wait in the closed loop
  kEstimate,       // only a closed loop in which requests wait: the score estimates what a rate would sustain
};
std::string_view ScoreBasisName(ScoreBasis basis);  // "Load", "SustainedRate", "Estimate"
std::optional<ScoreBasis> ScoreBasisFromName(std::string_view name);

// Result for one observation. Fresh starts have entries of their own; their score also counts in that of the
// observation that they repeat.
struct Judged {
  std::string id;
  bool feasible = false;  // meets the SLO at the scored point of every scenario, and the quality limit
  // True without a quality limit; false if there is one and the quality was not measured. An undecided gate counts as
  // met if the measured growth is within the limit.
  bool meets_quality = true;
  std::optional<measurement::QualityGate> gate;  // nullopt without a quality limit or a measured quality
  bool cannot_win = false;                       // stopped early by racing: feasibility is not known
  int starts = 1;                                // number of starts that the score is the mean of
  bool confirmed = false;                        // at least one fresh start, and all of them are feasible
  // Index of the observation whose point is shown as the result: of the starts in `score`, the one with the lowest load
  // (the last of equals), because every start meets the SLO there. Without a score: the last fresh start, or this one.
  std::size_t shown = 0;
  std::optional<double> score;  // set if feasible; higher is better for every objective; always finite
  double ci = 0;                // half-width of the score's 95 % interval; 0 = not known
  ScoreBasis basis = ScoreBasis::kLoad;
  std::optional<double> bound;       // of an estimate: the highest possible score
  std::vector<std::size_t> scored;   // the scored point of each scenario, as indices into Observation::loads
  std::vector<bool> load_meets_slo;  // parallel to Observation::loads
  // If infeasible: the limits that the scored points miss, each once, the most missed first.
  std::vector<measurement::Violation> violations;
  std::optional<double> relaxed_score;  // if infeasible: the score without these limits
};

struct Judgement {
  // Indices into the observations.
  std::vector<Judged> judged;          // parallel to the observations
  std::optional<std::size_t> best;     // nullopt if none is feasible
  std::vector<std::size_t> tied;       // others whose intervals overlap with that of the highest score
  std::optional<std::size_t> nearest;  // if none is feasible: the one whose most missed limit is missed by least
  // Ascending: observations with a feasible point that no feasible point of another observation dominates. The axes are
  // output tokens/s per GPU, p50 TPOT, certain loss of quality and, with Criteria::price_on_front, price per token. A
  // loss that was not measured counts as zero (docs/limitations.md).
  std::vector<std::size_t> pareto;
};

// Judges all experiments of a task.
//
// Score of a scenario, by objective:
//   MaximizeThroughput: output tokens/s per GPU.
//   MaximizeGoodput: requests/s per GPU that meet every limit.
//   MinimizeCost: minus the price of a million output tokens.
//   MinimizeLatency, MinimizeTtft, MinimizeTpot: minus the p50 of E2E latency, TTFT or TPOT in milliseconds.
// The score of an experiment is the geometric mean over the scenarios. A scenario that any observation has must be
// measured by all: an observation is infeasible without a usable point in each (measurement::IsUsable).
//
// Scored point: the answer of the load search (measurement/answer_point.h). With fixed loads: the point with the
// highest value among those that meet the SLO. The latency objectives compare all observations at one load. After a
// search this is the reference point. With fixed loads it is the load that most observations measured; of several, one
// at which an observation meets the SLO; of several, the highest.
//
// Estimates: if requests wait in the closed loop of the highest load, the loop completes more than a rate sustains. If
// the time ended before a rate met the SLO, the score is that of the loop, times the mean ratio of rate to loop of the
// other observations (1 / 1.15 if there are none). Its interval reaches up to the loop's score. If rates missed the
// SLO, the lowest of them replaces the loop. An estimate is the best only if it is higher than every measured score by
// more than the intervals (docs/decisions/0087-a-bound-is-no-score.md). An estimate of one start does not count if
// another start of the same configuration has a measured score.
//
// Interval: that of the scored points. After a load search it also covers the uncertainty of the highest load
// (measurement/limit_interval.h).
//
// Fresh starts: the best of many noisy measurements is partly luck. So only the fresh starts of a configuration decide
// whether it meets the SLO. Its score is the geometric mean over all its feasible starts, and the interval also covers
// their spread.
//
// Best: the highest score; among its ties within 1 % of it, the observation with the fewest settings.
Judgement Judge(const std::vector<Observation>& observations, const Criteria& criteria);

// Relative improvement of `better` over `base`: 0.41 for 41 % more throughput, or 41 % less latency or cost. Compares
// the scored points of both; with fixed loads, the points at the highest load at which both meet the SLO. Returns
// nullopt if one of them has no such point.
std::optional<double> GainOver(const Observation& better, const Observation& base, const Criteria& criteria);
// The improvement with its uncertainty.
struct Gain {
  double share = 0;          // as GainOver() returns it
  double ln_half_width = 0;  // half-width of the 95 % interval of ln(score ratio); 0 = not known
};
std::optional<Gain> GainBetween(const Observation& better, const Observation& base, const Criteria& criteria);
// "+41.3%"; "" for nullopt or a value that is not finite.
std::string GainText(std::optional<double> gain);

}  // namespace autotune::tuning
