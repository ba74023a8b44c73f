// What a task's status says, for people: the results table, the winner, the command line that serves it. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "measurement/quality.h"
#include "measurement/slo.h"
#include "operator/api/autotune_task.h"
#include "quant/launch_plan.h"
#include "quant/rules.h"
#include "text/table.h"

namespace autotune::report {

struct ResultRow {
  const api::ExperimentStatus* experiment = nullptr;
  const measurement::Point* load = nullptr;  // the row that counted (of the first scenario); null = nothing measured
  std::optional<double> score;
  double ci = 0;                                      // half width of the score's interval
  std::string improvement;                            // over what api::ComparedWith gives; "" for that itself
  std::optional<measurement::QualityChange> quality;  // against the baseline of its runtime
  bool keeps_quality = true;                          // within quality.maxDegradation
  bool best = false, pareto = false, tied = false;
  bool cannot_win = false;                     // given up early
  std::vector<measurement::Violation> broken;  // where it is not feasible: every bound, worst first
};
// In the order of status.experiments, judged as the operator judges.
std::vector<ResultRow> ResultRows(const api::AutotuneTask& task);

// What the task asks for and no experiment shows, a line for each cause: pruned (reason and an example), not run,
// duplicates. Empty where every combination is an experiment.
std::vector<std::string> NotAmongExperiments(const api::AutotuneTask& task);

// One row an experiment; what failed shows its reason, shortened to `width` characters.
text::Table ResultTable(const api::AutotuneTask& task, std::size_t width);

// "e7-3fa2c1 (vllm, dynamic-fp8): 1560.2 tok/s per GPU, +41.3% over the baseline, perplexity +0.21% ±0.09%,
// with 32 requests in flight (8.50 requests/s)"; or why there is none.
// "0.25 per million output tokens, or 0.06 per million input tokens": the whole price, carried by one kind of tokens.
std::string PriceText(const api::TaskStatus::Best& best);
std::string Headline(const api::AutotuneTask& task);

const api::ExperimentStatus* BestExperiment(const api::AutotuneTask& task);
// The engine's argv for an experiment, as one would start it without this program.
base::Result<std::vector<std::string>> ServeCommand(const api::AutotuneTask& task,
                                                    const api::ExperimentStatus& experiment,
                                                    const quant::RuleSet& rules);
// The same of the best, as a person types it: see text::CommandLine. "" where there is none.
std::string ServeLine(const api::AutotuneTask& task, const quant::RuleSet& rules, std::size_t width);

// Why a row is not the best, in a few words: "ties with the best", "12.3% below the best", the bounds it breaks, its
// failure. "best" for the best, "" while it runs.
std::string WhyNotBest(const ResultRow& row, const ResultRow* best);

// Why the scored load is no higher: the next one and what it broke, "concurrency=64 broke slo.ttft.p99 (612 ms, allowed
// 500 ms)"; the capacity, the most that is asked for, or the time. "" where a higher one is only worth less.
std::string DecidingStep(const api::AutotuneTask& task, const ResultRow& row);
// Why a measured experiment has no score: "breaks slo.ttft.p99 (2.04 s, allowed 2.00 s)". REQUIRES: it has none.
std::string MissedText(const ResultRow& row);

struct LatencyColumn {
  measurement::Metric metric;
  measurement::Statistic statistic;
};
// The usual columns of a table of latencies, and those that the SLO bounds.
std::vector<LatencyColumn> LatencyColumns(std::vector<LatencyColumn> usual, const measurement::Slo& slo);
std::string LatencyTitle(const LatencyColumn& column);  // "TPOT P95"

// Requests in flight, "32", or a rate, "8.5/s".
std::string LoadText(const measurement::Load& load);
// "+0.21% ±0.09%" over the baseline's, "7.389" for the baseline itself; "" where it was not measured.
std::string PerplexityOf(const ResultRow& row);
// Why it does not keep quality.maxDegradation: "loses quality"; "" where it does.
std::string LostQualityOf(const ResultRow& row);
// "tok/s per GPU", "TPOT p50": what a score counts.
std::string ScoreUnit(api::Objective objective);
// "1560.2", "7.2 ms": a score without its unit's name.
std::string ScoreNumber(api::Objective objective, double score);
// "1560.2 tok/s per GPU", "TPOT p50 7.2 ms".
std::string ScoreText(api::Objective objective, double score);
// The values of an options file by their dotted path.
std::vector<std::pair<std::string, std::string>> FlatOptions(const std::string& yaml);
// An options file on one line: "{kv_cache_config: {dtype: fp8}}" reads "options: kv_cache_config.dtype=fp8".
std::string OptionsText(const std::string& yaml);
// Arguments and an options file in one cell: "--max-num-seqs 64  options: x=1"; "-" where there is neither.
std::string SettingsText(const std::vector<std::string>& arguments, const std::string& options_yaml);
nlohmann::json VerdictJson(const quant::Verdict& verdict);
// One statistic of a point with what it is worth: ">= 310 ms", "310 ms (16 requests)" where the requests are too few
// for the percentile.
std::string LatencyText(const measurement::Point& point, measurement::Metric metric, measurement::Statistic statistic);
// "deployed", "baseline": what others are compared with; else "".
std::string RoleText(const api::ExperimentStatus& experiment);
bool IsSimulated(const api::TaskStatus& status);

}  // namespace autotune::report
