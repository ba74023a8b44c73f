// Results of a task as text: the table of experiments, the best configuration, and its command line. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "measurement/quality.h"
#include "measurement/slo.h"
#include "operator/api/autotune_task.h"
#include "operator/reconcile/answer.h"
#include "quant/launch_plan.h"
#include "quant/rules.h"
#include "text/table.h"
#include "tuning/judge.h"

namespace autotune::report {

// One experiment. Most members are those of tuning::Judged.
struct ResultRow {
  const api::ExperimentStatus* experiment = nullptr;
  const measurement::Point* load = nullptr;  // scored point of the first scenario; null = there is none
  std::optional<double> score;
  double ci = 0;   // half-width of the score's 95 % interval; 0 = not known
  int starts = 1;  // number of starts that the score is the mean of
  tuning::ScoreBasis basis = tuning::ScoreBasis::kLoad;
  std::optional<double> bound;  // of an estimate: the highest possible score
  // Score of a configuration that meets every limit except quality.maxDegradation.
  std::optional<double> score_without_quality;
  // Relative to api::ComparedWith(), "+41.3%": positive is better. "" for that experiment itself, or without a score.
  std::string improvement;
  std::optional<measurement::QualityChange> quality;  // relative to the baseline of its runtime
  bool meets_quality = true;                          // within quality.maxDegradation
  std::optional<double> max_degradation;              // quality.maxDegradation
  std::optional<measurement::QualityGate> gate;       // comparison of the quality with it
  bool best = false, pareto = false, tied = false;
  // Index of the row whose point is shown as the result of this one (tuning::Judged::shown).
  std::size_t shown = 0;
  bool cannot_win = false;                         // stopped early by racing
  std::vector<measurement::Violation> violations;  // if infeasible: the missed limits, the most missed first
};
// Rows in the order of status.experiments, judged as in the operator. Scores and intervals are copied from the status
// if it has them, so that each number is rounded only once.
std::vector<ResultRow> ResultRows(const api::AutotuneTask& task);

// Candidates without an experiment, one line per reason: pruned (with an example), not run, duplicate. Empty if every
// candidate has an experiment.
std::vector<std::string> NotAmongExperiments(const api::AutotuneTask& task);

// One row per experiment. A failed one shows the reason, shortened to `width` characters.
text::Table ResultTable(const api::AutotuneTask& task, std::size_t width);

// "0.25 per million output tokens, or 0.06 per million input tokens": two alternatives. Each of them charges the whole
// cost to one kind of tokens.
std::string PriceText(const api::TaskStatus::Best& best);
// "e7-3fa2c1 (vllm, dynamic-fp8): 1560.2 tok/s per GPU, +41.3% over the baseline, perplexity +0.21% ±0.09%, with 32
// requests in flight (8.50 requests/s)"; without a best experiment the reason.
std::string Headline(const api::AutotuneTask& task);

// Null if there is none.
const api::ExperimentStatus* BestExperiment(const api::AutotuneTask& task);
// The argv that starts the engine of an experiment outside of Kubernetes. kInvalid: see reconcile::MeasuredServerSpec.
base::Result<std::vector<std::string>> ServeCommand(const api::AutotuneTask& task,
                                                    const api::ExperimentStatus& experiment,
                                                    const quant::RuleSet& rules);
// The same for the best experiment, as a shell command (text::CommandLine); "" if there is none.
std::string ServeLine(const api::AutotuneTask& task, const quant::RuleSet& rules, std::size_t width);

// The row whose point is shown as the result of the best experiment (ResultRow::shown); null without a best.
const ResultRow* ShownRow(const std::vector<ResultRow>& rows);
// The starts of the best configuration that count for its score, in the order of `rows`.
std::vector<const ResultRow*> StartsOfBest(const std::vector<ResultRow>& rows);
// Their scored loads: "192 and 182 in flight"; "128 in flight" if all are equal; "" for fewer than two starts.
std::string LoadsOfStarts(const std::vector<ResultRow>& rows);
// The highest load that met the SLO: at least the scored one, of the same kind and scenario. REQUIRES: row.load is not
// null.
const measurement::Point& HighestMet(const ResultRow& row);
// Request rates that fresh starts of the best configuration measured, after a search by concurrency.
reconcile::TriedRates TriedRatesOf(const std::vector<ResultRow>& rows);
// What was tried above its rate: "no higher rate was tried", "e5-9b0e7a met it at 64.82 requests/s"; "" where its own
// start missed a higher one.
std::string HigherRateText(const reconcile::TriedRates& rates);

// ResultRow::improvement: "+41.3%"; for prices and latencies "51.1% less".
std::string ImprovementText(const api::AutotuneTask& task, const ResultRow& row);
// Difference from the best score: "12.3% below the best"; for prices and latencies, whose scores are negative, "44.5%
// more than the best". `interval`: text that follows the number. REQUIRES: best != 0.
std::string DistanceText(double score, double best, const std::string& interval = "");
// "its score is an estimate, because its sustained rate was not measured"; "" for a row whose score is none.
std::string EstimateOf(const ResultRow& row);
// The same with the bound: "The score of e3-6666c1 is an estimate, at most 9220.8 tok/s per GPU: requests wait in its
// closed loop, and its sustained rate was not measured".
std::string EstimateText(const api::AutotuneTask& task, const ResultRow& row);
// Reason for which a row is not the best: "ties with the best: ...", "12.3% below the best", the missed limits, the
// failure, or its state while it runs. "best" for the best one. `best`: its row, or null.
std::string WhyNotBest(const ResultRow& row, const ResultRow* best);

// The rows that count: usable, valid, and not replaced by another measurement (measurement::IsMeasuredAgain).
std::vector<const api::LoadRow*> CountingLoads(std::span<const api::LoadRow> loads);
// The lowest load above HighestMet() that missed the SLO; null if there is none. REQUIRES: row.load is not null.
const measurement::Point* NextMissed(const ResultRow& row);

// Reason for which the scored load is not higher: the next load with the limit that it missed (MissedStepText), the
// capacity, the configured maximum, or the end of the time. "" if there is no scored load, or another reason.
std::string DecidingStep(const api::AutotuneTask& task, const ResultRow& row);
// "64 in flight missed slo.ttft.p99 (612 ms, allowed 500 ms)". REQUIRES: the point missed the SLO.
std::string MissedStepText(const api::AutotuneTask& task, const measurement::Point& point);
// DecidingStep() of the best configuration; names the experiment if the shown point is that of a fresh start. ""
// without a best.
std::string WhyNotMore(const api::AutotuneTask& task, const std::vector<ResultRow>& rows);
// Reason for which a measured experiment has no score: "misses slo.ttft.p99 (2.04 s, allowed 2.00 s)". REQUIRES: it has
// no score.
std::string MissedText(const ResultRow& row);
// The same in a few words, for any experiment: "stopped early", "missed the SLO", "not usable". REQUIRES: it has no
// score.
std::string NoScoreText(const ResultRow& row);

struct LatencyColumn {
  measurement::Metric metric;
  measurement::Statistic statistic;
};
// Columns of a table of latencies: `usual`, and those that the SLO limits.
std::vector<LatencyColumn> LatencyColumns(std::vector<LatencyColumn> usual, const measurement::Slo& slo);
std::string LatencyTitle(const LatencyColumn& column);  // "TPOT P95"

// Load and throughput of a point: "160 in flight, 33.2 requests/s"; for a request rate "7.2 requests/s in an open loop,
// 7.15 completed, 41.5 in flight on average".
std::string LoadOfPointText(const measurement::Point& point);
// "32" for a concurrency, "8.5/s" for a request rate.
std::string LoadText(const measurement::Load& load);
// True if the warning is about a part of a preset that has no effect on this model or engine. The user named only the
// preset, not the part.
bool IsNoteOfPreset(const api::ExperimentStatus& experiment, const quant::Warning& warning);
// True if the model does not have this part at all, such as experts: the warning is then irrelevant.
bool IsOfAnotherModel(const api::ExperimentStatus& experiment, const quant::Warning& warning);
// Meaning of the scores of a task.
struct ScoreKind {
  api::Objective objective = api::Objective::kMaximizeThroughput;
  // For kMinimizeCost: false if no price per GPU-hour is known; the score is then in GPU-hours.
  bool priced = true;
};
ScoreKind ScoreKindOf(const api::AutotuneTask& task);
// Unit of a score: "tok/s per GPU", "TPOT p50".
std::string ScoreUnit(ScoreKind kind);
// Number of a score: "1560.2", "7.2 ms".
std::string ScoreNumber(ScoreKind kind, double score);
// Both: "1560.2 tok/s per GPU", "TPOT p50 7.2 ms".
std::string ScoreText(ScoreKind kind, double score);
// Dotted paths and values of an options file.
std::vector<std::pair<std::string, std::string>> FlatOptions(const std::string& yaml);
// An options file on one line: "{kv_cache_config: {dtype: fp8}}" reads "options: kv_cache_config.dtype=fp8".
std::string OptionsText(const std::string& yaml);
// Arguments and an options file in one cell: "--max-num-seqs 64  options: x=1"; "-" if there are none.
std::string SettingsText(const std::vector<std::string>& arguments, const std::string& options_yaml);
nlohmann::json VerdictJson(const quant::Verdict& verdict);
// One latency of a point: "310 ms"; ">= 310 ms" for a lower bound, "310 ms (16 requests)" with too few requests for the
// percentile, "not measured" for a metric without a value.
std::string LatencyText(const measurement::Point& point, measurement::Metric metric, measurement::Statistic statistic);
// "Met", "Missed, saturated"; for an undecided point also the verdict that it counts as: "Undecided (missed)", or the
// reason: "Undecided (too close)" (measurement::IsTooClose), "Undecided (waits in the client)". "no SLO" if the SLO has
// no limits.
std::string VerdictText(const measurement::Slo& slo, const measurement::Point& point);
// Role of an experiment with which others are compared: "deployed", "baseline"; else "".
std::string RoleText(const api::ExperimentStatus& experiment);
bool IsSimulated(const api::TaskStatus& status);

}  // namespace autotune::report
