// Results of a task for people: the table, the best configuration, and its command line. Pure.
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

struct ResultRow {
  const api::ExperimentStatus* experiment = nullptr;
  const measurement::Point* load = nullptr;  // the row that counted (of the first scenario); null = nothing measured
  std::optional<double> score;
  double ci = 0;   // half-width of the score's interval
  int starts = 1;  // whose mean the score is
  tuning::ScoreBasis basis = tuning::ScoreBasis::kLoad;
  std::optional<double> bound;  // of an estimate: that the score cannot exceed
  // The score of a configuration that only quality.maxDegradation keeps from having one.
  std::optional<double> score_without_quality;
  std::string
      improvement;  // over what api::ComparedWith gives, as the status has it: positive is better; "" for that itself
  std::optional<measurement::QualityChange> quality;  // against the baseline of its runtime
  bool keeps_quality = true;                          // within quality.maxDegradation
  std::optional<double> max_degradation;              // quality.maxDegradation
  std::optional<measurement::QualityGate> gate;       // the comparison with it
  bool best = false, pareto = false, tied = false;
  // Index of the row whose point is shown for it: of several starts the one scored at the lowest load, where the others
  // meet the SLO, too (tuning::Judged::shown).
  std::size_t shown = 0;
  bool cannot_win = false;                     // given up early
  std::vector<measurement::Violation> broken;  // where it is not feasible: every bound, worst first
};
// In the order of status.experiments, judged as the operator judges. Scores and intervals are those of the status,
// where it has them: each number has one text.
std::vector<ResultRow> ResultRows(const api::AutotuneTask& task);

// Candidates without an experiment, one line per reason: pruned (with an example), not run, duplicates. Empty if every
// candidate has an experiment.
std::vector<std::string> NotAmongExperiments(const api::AutotuneTask& task);

// One row per experiment; failed ones show the reason, shortened to `width` characters.
text::Table ResultTable(const api::AutotuneTask& task, std::size_t width);

// "0.25 per million output tokens, or 0.06 per million input tokens": each is the whole price, with the other kind of
// tokens free.
std::string PriceText(const api::TaskStatus::Best& best);
// "e7-3fa2c1 (vllm, dynamic-fp8): 1560.2 tok/s per GPU, +41.3% over the baseline, perplexity +0.21% ±0.09%, with 32
// requests in flight (8.50 requests/s)"; or why there is none.
std::string Headline(const api::AutotuneTask& task);

const api::ExperimentStatus* BestExperiment(const api::AutotuneTask& task);
// The engine's argv of an experiment, to start it without this program.
base::Result<std::vector<std::string>> ServeCommand(const api::AutotuneTask& task,
                                                    const api::ExperimentStatus& experiment,
                                                    const quant::RuleSet& rules);
// The same of the best, as a person types it: see text::CommandLine. "" where there is none.
std::string ServeLine(const api::AutotuneTask& task, const quant::RuleSet& rules, std::size_t width);

// The measurement of the best configuration that is shown for it (ResultRow::shown); null without a best.
const ResultRow* ShownRow(const std::vector<ResultRow>& rows);
// The best and its fresh starts, as far as their points count for its score, in their order.
std::vector<const ResultRow*> StartsOfBest(const std::vector<ResultRow>& rows);
// Where they were scored: "192 and 182 in flight"; "128 in flight" where all are the same; "" for fewer than two.
std::string LoadsOfStarts(const std::vector<ResultRow>& rows);
// The highest load that met the SLO, of the kind and scenario of the scored one: that one, where none above did.
// REQUIRES: row.load is not null.
const measurement::Point& HighestKept(const ResultRow& row);
// The request rates that fresh starts of the best were asked for where requests in flight were searched.
reconcile::TriedRates TriedRatesOf(const std::vector<ResultRow>& rows);

// The improvement for people: "+41.3%"; where less is better "51.1% less".
std::string ImprovementText(const api::AutotuneTask& task, const ResultRow& row);
// How far a score is from the best one: "12.3% below the best". Of prices and latencies, whose scores are negative:
// "44.5% more than the best". `interval` follows the number. REQUIRES: best != 0.
std::string DistanceText(double score, double best, const std::string& interval = "");
// Of a row whose score is an estimate: "its score is an estimate, because its sustained rate was not measured"; "" for
// others.
std::string EstimateOf(const ResultRow& row);
// The same with the bound, as a sentence without a full stop: "The score of e3-6666c1 is an estimate, at most 9220.8
// tok/s per GPU: requests wait in its closed loop, and its sustained rate was not measured".
std::string EstimateText(const api::AutotuneTask& task, const ResultRow& row);
// Why a row is not the best, in a few words: "ties with the best", "12.3% below the best", the missed limits, its
// failure. "best" for the best, "" while it runs.
std::string WhyNotBest(const ResultRow& row, const ResultRow* best);

// The rows that count: usable, valid, and not replaced by a later measurement of the same load.
std::vector<const api::LoadRow*> CountingLoads(std::span<const api::LoadRow> loads);
// The lowest load above the scored one that missed the SLO; null if none was measured. REQUIRES: row.load.
const measurement::Point* NextThatBroke(const ResultRow& row);

// Why the scored load is no higher: the next load and the limit that it missed, "64 in flight missed slo.ttft.p99 (612
// ms, allowed 500 ms)"; the capacity, the configured maximum, or the time. "" without a scored load, and if none of
// these ended the search.
std::string DecidingStep(const api::AutotuneTask& task, const ResultRow& row);
// "64 in flight missed slo.ttft.p99 (612 ms, allowed 500 ms)": of a point that missed the SLO.
std::string MissedStepText(const api::AutotuneTask& task, const measurement::Point& point);
// The same of the best, which names the start that it is of if there are several. "" without a best.
std::string WhyNotMore(const api::AutotuneTask& task, const std::vector<ResultRow>& rows);
// Why a measured experiment has no score: "misses slo.ttft.p99 (2.04 s, allowed 2.00 s)". REQUIRES: it has none.
std::string MissedText(const ResultRow& row);
// The same in two words, for any experiment: "stopped early", "missed the SLO", "not usable". REQUIRES: it has no
// score.
std::string NoScoreText(const ResultRow& row);

struct LatencyColumn {
  measurement::Metric metric;
  measurement::Statistic statistic;
};
// The usual columns of a table of latencies, and those that the SLO bounds.
std::vector<LatencyColumn> LatencyColumns(std::vector<LatencyColumn> usual, const measurement::Slo& slo);
std::string LatencyTitle(const LatencyColumn& column);  // "TPOT P95"

// Both sides of one measured point: "160 in flight, 33.2 requests/s"; of a rate "7.2 requests/s in an open loop, 7.15
// completed, 41.5 in flight on average".
std::string LoadOfPointText(const measurement::Point& point);
// Requests in flight, "32", or a rate, "8.5/s".
std::string LoadText(const measurement::Load& load);
// A warning that says only which part of a preset has no effect on this model or engine: nobody wrote that part.
bool IsNoteOfPreset(const api::ExperimentStatus& experiment, const quant::Warning& warning);
// One of these about a part that this model does not have, such as experts: it says nothing about the experiment.
bool IsOfAnotherModel(const api::ExperimentStatus& experiment, const quant::Warning& warning);
// What the scores of a task are.
struct ScoreKind {
  api::Objective objective = api::Objective::kMaximizeThroughput;
  // Of kMinimizeCost, false: no price per GPU-hour is known, so the score is GPU-hours and no price.
  bool priced = true;
};
ScoreKind ScoreKindOf(const api::AutotuneTask& task);
// "tok/s per GPU", "TPOT p50": the unit of a score.
std::string ScoreUnit(ScoreKind kind);
// "1560.2", "7.2 ms": a score without its unit's name.
std::string ScoreNumber(ScoreKind kind, double score);
// "1560.2 tok/s per GPU", "TPOT p50 7.2 ms".
std::string ScoreText(ScoreKind kind, double score);
// The values of an options file by their dotted path.
std::vector<std::pair<std::string, std::string>> FlatOptions(const std::string& yaml);
// An options file on one line: "{kv_cache_config: {dtype: fp8}}" reads "options: kv_cache_config.dtype=fp8".
std::string OptionsText(const std::string& yaml);
// Arguments and an options file in one cell: "--max-num-seqs 64  options: x=1"; "-" where there is neither.
std::string SettingsText(const std::vector<std::string>& arguments, const std::string& options_yaml);
nlohmann::json VerdictJson(const quant::Verdict& verdict);
// One statistic of a point with its reliability: ">= 310 ms", or "310 ms (16 requests)" if there are too few requests
// for the percentile. "not measured" for a metric without a value.
std::string LatencyText(const measurement::Point& point, measurement::Metric metric, measurement::Statistic statistic);
// "Met"; of an undecided point also what it counts as: "Undecided (missed)", or "Undecided (too close)" where every
// value is within its limit (measurement::IsTooClose). "no SLO" where there is no limit to meet.
std::string VerdictText(const measurement::Slo& slo, const measurement::Point& point);
// "deployed", "baseline": what others are compared with; else "".
std::string RoleText(const api::ExperimentStatus& experiment);
bool IsSimulated(const api::TaskStatus& status);

}  // namespace autotune::report
