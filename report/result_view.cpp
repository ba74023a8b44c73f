#include "report/result_view.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "base/ascii_case.h"
#include "measurement/excess.h"
#include "operator/deploy/container_command.h"
#include "operator/experiment/pod_builder.h"
#include "operator/reconcile/answer.h"
#include "operator/reconcile/measured_server_spec.h"
#include "report/effects.h"
#include "report/quality_words.h"
#include "report/task_words.h"
#include "text/yaml_json.h"
#include "tuning/judge.h"

namespace autotune::report {
namespace {

constexpr const char* kQualityBound = "quality.maxDegradation";

using nlohmann::json;
using text::ArgumentDifferences;
using text::CommandLine;
using text::CompareArguments;
using text::Joined;
using text::Milliseconds;
using text::ParseYaml;
using text::Percent;
using text::Shortened;
using text::SignedPercent;
using text::Table;
using text::TokensPerSecond;

const char* MetricName(ScoreKind kind) {
  switch (kind.objective) {
    case api::Objective::kMaximizeThroughput:
      return "tok/s per GPU";
    case api::Objective::kMaximizeGoodput:
      return "requests/s within the SLO per GPU";
    case api::Objective::kMinimizeCost:
      return kind.priced ? "price per million output tokens" : "GPU-hours per million output tokens";
    case api::Objective::kMinimizeLatency:
      return "E2E latency p50";
    case api::Objective::kMinimizeTtft:
      return "TTFT p50";
    case api::Objective::kMinimizeTpot:
      return "TPOT p50";
  }
  return "";
}

void Flatten(const json& value, const std::string& path, std::vector<std::pair<std::string, std::string>>& parts) {
  if (value.is_object() && !value.empty()) {
    for (const auto& [key, member] : value.items()) Flatten(member, path.empty() ? key : path + "." + key, parts);
    return;
  }
  parts.emplace_back(path, value.is_string() ? value.get<std::string>() : value.dump());
}

// Why none of the points of an experiment counts.
std::string UnusableText(const api::ExperimentStatus& experiment) {
  const auto any = [&](measurement::Verdict verdict) {
    return std::any_of(experiment.loads.begin(), experiment.loads.end(),
                       [&](const api::LoadRow& row) { return row.measured.verdict == verdict; });
  };
  if (any(measurement::Verdict::kClientBound))
    return "no usable measurement: the load generator sent late (ClientBound)";
  if (any(measurement::Verdict::kShortAnswers)) {
    return "no usable measurement: answers were shorter than requested (ShortAnswers)";
  }
  return experiment.truncated ? "its score is not in the status" : "no usable measurement";
}

std::string ViolationsText(const std::vector<measurement::Violation>& violations) {
  std::vector<std::string> texts;
  for (const measurement::Violation& violation : violations) texts.push_back(ViolationText(violation));
  return Joined(texts, "; ");
}

std::string OwnStateText(const ResultRow& row, std::size_t width) {
  const api::ExperimentStatus& experiment = *row.experiment;
  switch (experiment.state) {
    case api::ExperimentState::kPending:
      return experiment.retry_at.empty() ? "waiting"
                                         : "retry at " + experiment.retry_at + " after " + experiment.reason;
    case api::ExperimentState::kStarting:
      return "starting";
    case api::ExperimentState::kMeasuring:
      return "measuring";
    case api::ExperimentState::kSucceeded:
      if (row.best) return "best";
      if (!experiment.confirms.empty())
        return "fresh start of " + experiment.confirms +
               (row.score ? ": confirmed" : ": not confirmed, " + MissedText(row));
      if (!row.meets_quality) return LostQualityOf(row);
      if (row.cannot_win) return "stopped early: cannot be the best";
      if (!row.score) return MissedText(row);
      if (const std::string role = RoleText(experiment); !role.empty()) {
        return role + (row.tied ? ", ties with the best" : "");
      }
      return row.tied ? "ties with the best" : row.pareto ? "Pareto" : "";
    case api::ExperimentState::kFailed:
      return Shortened(experiment.reason + ": " + experiment.message, width);
  }
  return "";
}

// Several runtimes, each compared with a baseline of its own.
bool OwnBaselines(const api::AutotuneTask& task) {
  std::set<std::string> runtimes;
  for (const api::ExperimentStatus& experiment : task.status.experiments) {
    if (experiment.deployed) return false;
    if (experiment.baseline) runtimes.insert(experiment.runtime);
  }
  return runtimes.size() > 1;
}

// The closed loop whose queue stands, of a scored rate.
const measurement::Point* LoopOf(const ResultRow& row) {
  const measurement::Point* highest = nullptr;
  for (const api::LoadRow& load : row.experiment->loads) {
    const measurement::Point& point = load.measured;
    const bool loop = load.meets_slo && point.load.kind == measurement::LoadKind::kConcurrency &&
                      point.role == measurement::PointRole::kSearch && point.scenario == row.load->scenario;
    if (loop && (highest == nullptr || point.load.value > highest->load.value)) highest = &point;
  }
  return highest;
}

// Of a search for the highest load that no load above has ended.
std::string WhyNoHigherLoad(const measurement::LoadPlan& plan, const ResultRow& row) {
  if (!plan.fixed.empty()) {
    if (row.load->load.value < plan.fixed.back()) return "";
    if (plan.mode == measurement::LoadMode::kFixedConcurrency) return "benchmark.load.concurrency names no higher load";
    return "benchmark.load.requestRate names no higher rate; configurations that keep up with a rate have the same "
           "throughput, and a search for the limit (no benchmark.load) tells them apart";
  }
  if (row.load->role == measurement::PointRole::kSustained) {
    const measurement::Point* loop = LoopOf(row);
    if (loop == nullptr) return "";
    return "no rate above that was tried: with " + loop->load.ToString() + " requests wait, and " +
           api::FormatDecimal(loop->requests_per_second, 2) + " requests/s are answered";
  }
  const bool by_rate = plan.mode == measurement::LoadMode::kAutoRate;
  const std::string& stopped = row.experiment->stopped;
  if (!by_rate && HighestMet(row).load.value >= plan.max) {
    return "the SLO holds at the most requests in flight that benchmark.load.auto.max allows (" +
           std::to_string(plan.max) + ")";
  }
  if (stopped == measurement::StopReasonName(measurement::StopReason::kCapacity)) {
    return "the SLO holds up to the capacity: more load gives no more throughput";
  }
  if (stopped == measurement::StopReasonName(measurement::StopReason::kOutOfTime)) {
    return "the search ended before it measured a load that misses the SLO";
  }
  return "";
}

// The number as the status has it, so that it is rounded once: of the best what the answer says, of others if it is the
// same number. (An earlier version may have judged otherwise.)
void TakeScoreOfStatus(const api::TaskStatus& status, ResultRow& row) {
  constexpr double kRounding = 1e-4;
  if (!row.score) return;
  const bool best = row.best && status.best;
  const std::string& score = best ? status.best->score : row.experiment->score;
  const std::string& ci = best ? status.best->ci : row.experiment->score_ci;
  const double stored = std::strtod(score.c_str(), nullptr);
  const bool same = std::abs(stored - *row.score) <= kRounding * std::max(1.0, std::abs(stored));
  if (score.empty() || (!best && !same)) return;
  row.score = stored;
  if (!ci.empty()) row.ci = std::strtod(ci.c_str(), nullptr);
}

// Adds what is uncertain about a row: an undecided quality, unless `text` already names it, and a score that is an
// estimate.
std::string WithDoubts(const ResultRow& row, const std::string& text, bool names_quality) {
  std::vector<std::string> parts;
  if (!text.empty()) parts.push_back(text);
  const bool quality = !names_quality && row.experiment->confirms.empty();
  if (const std::string undecided = UndecidedOf(row); quality && !undecided.empty()) parts.push_back(undecided);
  if (const std::string estimate = EstimateOf(row); !estimate.empty()) parts.push_back(estimate);
  return Joined(parts, "; ");
}

std::string StateText(const ResultRow& row, std::size_t width) {
  std::string text = OwnStateText(row, width);
  const std::string& origin = row.experiment->reused_from;
  if (!origin.empty()) text += (text.empty() ? "" : ", ") + ("measured as " + origin);
  return WithDoubts(row, text, !row.meets_quality);
}

}  // namespace

std::vector<ResultRow> ResultRows(const api::AutotuneTask& task) {
  const tuning::Criteria criteria = reconcile::CriteriaOf(task.spec, task.status);
  std::vector<ResultRow> rows;
  std::vector<const api::ExperimentStatus*> succeeded;
  std::vector<std::size_t> owners;
  for (std::size_t i = 0; i < task.status.experiments.size(); ++i) {
    const api::ExperimentStatus& experiment = task.status.experiments[i];
    ResultRow row;
    row.experiment = &experiment;
    row.shown = i;
    row.max_degradation = task.spec.quality.max_degradation;
    rows.push_back(row);
    if (experiment.state != api::ExperimentState::kSucceeded) continue;
    succeeded.push_back(&experiment);
    owners.push_back(i);
  }
  const std::vector<tuning::Observation> observations = reconcile::ObservationsOf(succeeded, task.spec, task.status);
  const tuning::Judgement judgement = tuning::Judge(observations, criteria);
  for (std::size_t i = 0; i < owners.size(); ++i) {
    ResultRow& row = rows[owners[i]];
    const tuning::Judged& judged = judgement.judged[i];
    row.score = judged.score;
    row.quality = observations[i].quality;
    row.meets_quality = judged.meets_quality;
    row.gate = judged.gate;
    if (!judged.scored.empty()) row.load = &row.experiment->loads[judged.scored.front()].measured;
    row.ci = judged.ci;
    row.starts = judged.starts;
    row.basis = judged.basis;
    row.bound = judged.bound;
    const bool only_quality = judged.violations.size() == 1 && judged.violations.front().bound == kQualityBound;
    if (only_quality) row.score_without_quality = judged.relaxed_score;
    row.cannot_win = judged.cannot_win;
    row.violations = judged.violations;
    if (judged.score) row.shown = owners[judged.shown];
    row.best = judgement.best == i;
    row.tied = std::find(judgement.tied.begin(), judgement.tied.end(), i) != judgement.tied.end();
  }
  // What the task says of its best is what is deployed: it holds over a judgement of today.
  if (task.status.best) {
    const std::vector<std::string>& tied = task.status.best->tied_with;
    for (ResultRow& row : rows) {
      row.best = row.experiment->name == task.status.best->experiment && row.meets_quality;
      row.tied = std::find(tied.begin(), tied.end(), row.experiment->name) != tied.end();
    }
  }
  for (ResultRow& row : rows) TakeScoreOfStatus(task.status, row);
  for (const std::size_t index : judgement.pareto) rows[owners[index]].pareto = true;
  for (std::size_t i = 0; i < owners.size(); ++i) {
    ResultRow& row = rows[owners[i]];
    const api::ExperimentStatus* baseline = api::ComparedWith(task.status.experiments, row.experiment->runtime);
    const auto compared = std::find(succeeded.begin(), succeeded.end(), baseline);
    if (row.experiment == baseline || row.cannot_win || !row.score || compared == succeeded.end()) continue;
    const auto base = static_cast<std::size_t>(compared - succeeded.begin());
    const auto gain = reconcile::GainOfMeans(observations, judgement, i, base, criteria);
    row.improvement = tuning::GainText(gain ? std::optional(gain->share) : std::nullopt);
  }
  return rows;
}

std::string ImprovementText(const api::AutotuneTask& task, const ResultRow& row) {
  return reconcile::GainWords(row.improvement, reconcile::LessIsBetter(task.spec.optimization.objective));
}

std::string DistanceText(double score, double best, const std::string& interval) {
  const double gain = (score - best) / std::abs(best);
  if (best < 0) return reconcile::GainWords(gain, true) + interval + " than the best";
  return Percent(std::abs(gain)) + interval + (score < best ? " below the best" : " above the best");
}

text::Table ResultTable(const api::AutotuneTask& task, std::size_t width) {
  const std::vector<ResultRow> rows = ResultRows(task);
  std::vector<std::vector<std::string>> arguments;
  bool several_runtimes = false;
  bool several_gpus = false;
  for (const ResultRow& row : rows) {
    arguments.push_back(row.experiment->args);
    several_runtimes = several_runtimes || row.experiment->runtime != rows.front().experiment->runtime;
    several_gpus = several_gpus || row.experiment->gpus > 1;
  }
  const ArgumentDifferences differences = CompareArguments(arguments);

  Table table;
  table.AddColumn("EXPERIMENT");
  table.AddColumn("CHECKPOINT");
  table.AddColumn("GPU");
  table.AddColumn("RUNTIME");
  table.AddColumn("QUANTIZATION");
  table.AddColumn(differences.common.empty() ? "ARGUMENTS" : "ARGUMENTS THAT DIFFER");
  table.AddColumn("GPUS", Table::Align::kRight);
  table.AddColumn("LOAD", Table::Align::kRight);
  table.AddColumn("REQ/S", Table::Align::kRight);
  table.AddColumn("TOK/S/GPU", Table::Align::kRight);
  const bool rate = task.spec.optimization.objective == api::Objective::kMaximizeThroughput;
  table.AddColumn(rate ? "\u00b1" : "SCORE \u00b1", Table::Align::kRight);
  using measurement::Metric;
  using measurement::Statistic;
  const std::vector<LatencyColumn> latencies = LatencyColumns(
      {{Metric::kTtft, Statistic::kP50}, {Metric::kTtft, Statistic::kP99}, {Metric::kTpot, Statistic::kP50}},
      experiment::SloOf(task.spec.slo));
  for (const LatencyColumn& column : latencies) table.AddColumn(LatencyTitle(column), Table::Align::kRight);
  table.AddColumn("PRICE/M OUT", Table::Align::kRight);
  table.AddColumn("PRICE/M IN", Table::Align::kRight);
  table.AddColumn(OwnBaselines(task) ? "VS OWN BASELINE" : "VS BASELINE", Table::Align::kRight);
  table.AddColumn("QUALITY VS BASELINE", Table::Align::kRight);
  table.AddColumn("");
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const ResultRow& row = rows[i];
    const api::ExperimentStatus& experiment = *row.experiment;
    std::vector<std::string> cells = {experiment.name,
                                      experiment.model,
                                      experiment.gpu,
                                      several_runtimes ? experiment.runtime : "",
                                      experiment.quant.name,
                                      SettingsText(differences.own[i], experiment.options),
                                      several_gpus ? std::to_string(experiment.gpus) : ""};
    if (row.load != nullptr) {
      const measurement::Point& load = *row.load;
      cells.push_back(LoadText(load.load));
      cells.push_back(api::FormatDecimal(load.requests_per_second, 2));
      cells.push_back((EstimateOf(row).empty() ? "" : "\u2264 ") +
                      TokensPerSecond(load.output_tokens_per_second / std::max(experiment.gpus, 1)));
      cells.push_back(row.score && row.ci > 0 ? Percent(row.ci / std::abs(*row.score)) : "");
      for (const LatencyColumn& one : latencies) cells.push_back(LatencyText(load, one.metric, one.statistic));
      reconcile::TokenPrices prices =
          reconcile::PricesAt(reconcile::PricePerHour(task.spec, task.status, experiment.gpu), load, experiment.gpus);
      cells.push_back(std::move(prices.output));
      cells.push_back(std::move(prices.input));
    } else {
      cells.resize(13 + latencies.size());
    }
    cells.push_back(ImprovementText(task, row));
    cells.push_back(QualityOf(row));
    cells.push_back(StateText(row, width));
    table.AddRow(std::move(cells));
  }
  return table;
}

std::vector<std::string> NotAmongExperiments(const api::AutotuneTask& task) {
  const api::TaskStatus::Candidates& candidates = task.status.candidates;
  std::vector<std::string> lines;
  int unexplained = candidates.pruned;  // the status keeps a bounded number of reasons
  for (const api::PrunedReason& pruned : task.status.pruned_reasons) {
    lines.push_back(std::to_string(pruned.count) + " pruned, " + pruned.reason + ": " + pruned.example);
    unexplained -= pruned.count;
  }
  if (unexplained > 0) lines.push_back(std::to_string(unexplained) + " pruned for other reasons");
  if (candidates.not_run > 0) {
    std::string why = " yet";
    if (task.status.search) {
      why = ": " + task.status.search->message;
    } else if (static_cast<int>(task.status.experiments.size()) >= task.spec.optimization.max_experiments) {
      why = ": optimization.maxExperiments is " + std::to_string(task.spec.optimization.max_experiments);
    }
    lines.push_back(std::to_string(candidates.not_run) + " not run" + why);
  }
  if (candidates.duplicates > 0) {
    lines.push_back(std::to_string(candidates.duplicates) +
                    (candidates.duplicates == 1 ? " duplicate" : " duplicates") +
                    " with the arguments of another experiment (autotune plan lists them)");
  }
  return lines;
}

namespace {

// Whether the judge counts it: see tuning::Judge. Where time cut its search off, its highest load is no limit.
bool IsFreshStartOf(const ResultRow& row, const ResultRow& best) {
  return row.experiment->confirms == best.experiment->name && row.score && row.load != nullptr &&
         row.experiment->stopped != measurement::StopReasonName(measurement::StopReason::kOutOfTime);
}

}  // namespace

const ResultRow* ShownRow(const std::vector<ResultRow>& rows) {
  const auto best = std::find_if(rows.begin(), rows.end(), [](const ResultRow& row) { return row.best; });
  return best == rows.end() ? nullptr : &rows[best->shown];
}

std::vector<const ResultRow*> StartsOfBest(const std::vector<ResultRow>& rows) {
  std::vector<const ResultRow*> starts;
  const auto best = std::find_if(rows.begin(), rows.end(), [](const ResultRow& row) { return row.best; });
  if (best == rows.end()) return starts;
  for (const ResultRow& row : rows) {
    if (IsFreshStartOf(row, *best)) starts.push_back(&row);
  }
  // Its first measurement counts where it met the SLO.
  const auto first = static_cast<std::size_t>(std::max(best->starts, 1));
  if (best->load != nullptr && starts.size() < first) starts.insert(starts.begin(), &*best);
  return starts;
}

std::string LoadsOfStarts(const std::vector<ResultRow>& rows) {
  std::vector<measurement::Load> loads;
  for (const ResultRow* start : StartsOfBest(rows)) loads.push_back(start->load->load);
  if (loads.size() < 2) return "";
  const auto all = [&](const auto& is) { return std::all_of(loads.begin(), loads.end(), is); };
  if (all([&](const measurement::Load& load) { return load == loads.front(); })) return loads.front().ToString();
  const bool in_flight =
      all([](const measurement::Load& load) { return load.kind == measurement::LoadKind::kConcurrency; });
  std::string text;
  for (std::size_t i = 0; i < loads.size(); ++i) {
    text += i == 0 ? "" : i + 1 == loads.size() ? " and " : ", ";
    text += in_flight ? LoadText(loads[i]) : loads[i].ToString();
  }
  return in_flight ? text + " in flight" : text;
}

const measurement::Point& HighestMet(const ResultRow& row) {
  const measurement::Point* highest = row.load;
  for (const api::LoadRow* load : CountingLoads(row.experiment->loads)) {
    const measurement::Point& point = load->measured;
    const bool same = point.scenario == row.load->scenario && point.load.kind == row.load->load.kind;
    if (load->meets_slo && same && point.load.value > highest->load.value) highest = &point;
  }
  return *highest;
}

reconcile::TriedRates TriedRatesOf(const std::vector<ResultRow>& rows) {
  std::vector<const api::ExperimentStatus*> starts;
  const ResultRow* shown = ShownRow(rows);
  if (shown == nullptr || shown->load == nullptr) return {};
  for (const ResultRow* row : StartsOfBest(rows)) starts.push_back(row->experiment);
  return reconcile::TriedRatesOf(starts, shown->load->scenario);
}

std::string HigherRateText(const reconcile::TriedRates& rates) {
  if (rates.missed != nullptr) return "";
  if (rates.other_tried == nullptr) return "no higher rate was tried";
  return rates.other->name + (rates.other_kept ? " met it at " : " missed it at ") + rates.other_tried->load.ToString();
}

std::string WhyNotBest(const ResultRow& row, const ResultRow* best) {
  const api::ExperimentStatus& experiment = *row.experiment;
  const auto doubted = [&](const std::string& text) { return WithDoubts(row, text, false); };
  if (row.best) return doubted("best");
  if (experiment.state == api::ExperimentState::kFailed) return experiment.reason + ": " + experiment.message;
  if (experiment.state != api::ExperimentState::kSucceeded) return StateText(row, 200);
  if (row.cannot_win) {
    std::string missed;
    for (const api::LoadRow* load : CountingLoads(experiment.loads)) {
      if (missed.empty() && !load->meets_slo) missed = ", and missed the SLO with " + load->measured.load.ToString();
    }
    return doubted("stopped early: it could no longer reach the best score" + missed);
  }
  if (!row.violations.empty()) return WithDoubts(row, MissedText(row), !row.meets_quality);
  if (!row.score || !experiment.confirms.empty()) return StateText(row, 200);
  if (row.tied) return doubted("ties with the best: the intervals of the scores overlap");
  if (best == nullptr || !best->score || *best->score == 0) return doubted("");
  return doubted(DistanceText(*row.score, *best->score));
}

std::string EstimateOf(const ResultRow& row) {
  const bool estimate = row.score && row.basis == tuning::ScoreBasis::kEstimate;
  return estimate ? "its score is an estimate, because its sustained rate was not measured" : "";
}

std::string EstimateText(const api::AutotuneTask& task, const ResultRow& row) {
  if (EstimateOf(row).empty() || !row.bound) return "";
  const bool less = reconcile::LessIsBetter(task.spec.optimization.objective);
  return "The score of " + row.experiment->name + " is an estimate, at " + (less ? "least " : "most ") +
         ScoreText(ScoreKindOf(task), *row.bound) +
         ": requests wait in its closed loop, and its sustained rate was not measured";
}

std::string MissedText(const ResultRow& row) {
  // The bound on quality has words of its own.
  const std::string lost = LostQualityOf(row);
  std::vector<measurement::Violation> violations = row.violations;
  if (!lost.empty()) std::erase_if(violations, [](const auto& violation) { return violation.bound == kQualityBound; });
  if (!violations.empty()) return "misses " + ViolationsText(violations) + (lost.empty() ? "" : "; " + lost);
  if (!lost.empty()) return lost;
  return row.load == nullptr ? UnusableText(*row.experiment) : "misses the SLO";
}

std::string NoScoreText(const ResultRow& row) {
  switch (row.experiment->state) {
    case api::ExperimentState::kPending:
    case api::ExperimentState::kStarting:
    case api::ExperimentState::kMeasuring:
      return "not finished";
    case api::ExperimentState::kFailed:
      return "failed";
    case api::ExperimentState::kSucceeded:
      break;
  }
  if (row.cannot_win) return "stopped early";
  if (!row.meets_quality) return LostQualityWords(row);
  if (!row.violations.empty()) return "missed the SLO";
  return "not usable";
}

std::vector<const api::LoadRow*> CountingLoads(std::span<const api::LoadRow> loads) {
  std::vector<measurement::Point> points;
  points.reserve(loads.size());
  for (const api::LoadRow& row : loads) points.push_back(row.measured);
  std::vector<const api::LoadRow*> out;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const bool counts = measurement::IsUsable(points[i]) && !measurement::IsInvalid(points[i]) &&
                        !measurement::IsMeasuredAgain(points, i);
    if (counts) out.push_back(&loads[i]);
  }
  return out;
}

const measurement::Point* NextMissed(const ResultRow& row) {
  const measurement::Point* next = nullptr;
  const double kept = HighestMet(row).load.value;
  for (const api::LoadRow* load : CountingLoads(row.experiment->loads)) {
    const measurement::Point& point = load->measured;
    if (load->meets_slo || point.scenario != row.load->scenario || point.load.kind != row.load->load.kind ||
        point.load.value <= kept) {
      continue;
    }
    if (next == nullptr || point.load.value < next->load.value) next = &point;
  }
  return next;
}

std::string DecidingStep(const api::AutotuneTask& task, const ResultRow& row) {
  if (row.load == nullptr) return "";
  const measurement::Point* next = NextMissed(row);
  if (next == nullptr) return WhyNoHigherLoad(task.spec.benchmark.load, row);
  return MissedStepText(task, *next);
}

std::string MissedStepText(const api::AutotuneTask& task, const measurement::Point& point) {
  const auto violations = measurement::CheckSlo(experiment::SloOf(task.spec.slo), point);
  return point.load.ToString() + (point.requests == 0  ? ": " + measurement::NothingAnsweredText(point)
                                  : violations.empty() ? " does not meet the SLO with 95 % confidence"
                                                       : " missed " + ViolationsText(violations));
}

std::string WhyNotMore(const api::AutotuneTask& task, const std::vector<ResultRow>& rows) {
  const ResultRow* shown = ShownRow(rows);
  const std::string step = shown == nullptr ? "" : DecidingStep(task, *shown);
  if (step.empty()) return step;
  // What holds of one start is not said of all.
  const bool of_one = !shown->best || TriedRatesOf(rows).other_tried != nullptr;
  return of_one ? "in " + shown->experiment->name + ", " + step : step;
}

std::string LatencyText(const measurement::Point& point, measurement::Metric metric, measurement::Statistic statistic) {
  std::string text = Milliseconds(point.Get(metric).Get(statistic));
  if (text.empty()) return text;
  // As of answers in one piece. (A single request of a point that has others is never that quick.)
  if (point.Get(metric) == measurement::Latency()) return "not measured";
  if (point.lower_bounds.Has(metric, statistic)) text = "\u2265 " + text;
  // Fewer requests than it takes for one of them to lie beyond the percentile: it is the largest, or nearly.
  const bool pooled = metric == measurement::Metric::kItl;
  if (statistic != measurement::Statistic::kMean && !pooled &&
      static_cast<double>(point.requests) * (1 - measurement::Share(statistic)) < 1 - 1e-9) {
    text += " (" + std::to_string(point.requests) + " requests)";
  }
  // The row is of a long run, which has no gaps between tokens.
  if (pooled && !point.in_window.empty()) return "(window: " + text + ")";
  if (const auto seen = point.InWindow(metric, statistic)) {
    const std::string window = Milliseconds(*seen);
    if (window != Milliseconds(point.Get(metric).Get(statistic))) text += " (window: " + window + ")";
  }
  return text;
}

std::string VerdictText(const measurement::Slo& slo, const measurement::Point& point) {
  using measurement::Verdict;
  std::string text(VerdictName(point.verdict));
  if (point.verdict == Verdict::kMet && !measurement::HasLimits(slo)) text = "no SLO";
  if (point.verdict == Verdict::kUndecided) {
    const bool kept = MeetsSlo(slo, point);
    text += point.held > 0 && !kept  ? " (waits in the client)"
            : IsTooClose(slo, point) ? " (too close)"
            : kept                   ? " (met)"
                                     : " (missed)";
  }
  return text + (point.saturated ? ", saturated" : "");
}

std::vector<LatencyColumn> LatencyColumns(std::vector<LatencyColumn> usual, const measurement::Slo& slo) {
  const auto key = [](const LatencyColumn& column) { return std::pair(column.metric, column.statistic); };
  for (const measurement::Bound& bound : slo.bounds) {
    const LatencyColumn column{bound.metric, bound.statistic};
    const bool there =
        std::any_of(usual.begin(), usual.end(), [&](const auto& one) { return key(one) == key(column); });
    if (!there) usual.push_back(column);
  }
  std::stable_sort(usual.begin(), usual.end(), [&](const auto& a, const auto& b) { return key(a) < key(b); });
  return usual;
}

std::string LatencyTitle(const LatencyColumn& column) {
  std::string title = column.metric == measurement::Metric::kE2e ? "E2E" : MetricTitle(column.metric);
  title += " ";
  title += measurement::StatisticName(column.statistic);
  return base::AsciiUpper(title);
}

std::string LoadOfPointText(const measurement::Point& point) {
  const std::string completed = api::FormatDecimal(point.requests_per_second, 2);
  if (point.load.kind == measurement::LoadKind::kConcurrency) {
    return point.load.ToString() + ", " + completed + " requests/s";
  }
  return point.load.ToString() + " in an open loop, " + completed + " completed, " +
         api::FormatDecimal(point.mean_concurrency, 1) + " in flight on average";
}

std::string LoadText(const measurement::Load& load) {
  if (load.kind == measurement::LoadKind::kConcurrency) return std::to_string(std::lround(load.value));
  return api::FormatDecimal(load.value, 2) + "/s";
}

bool IsNoteOfPreset(const api::ExperimentStatus& experiment, const quant::Warning& warning) {
  const quant::QuantConfig* preset = quant::FindPreset(experiment.quant.name);
  if (preset == nullptr || !(*preset == experiment.quant)) return false;
  return std::any_of(quant::kFields.begin(), quant::kFields.end(),
                     [&](quant::Field field) { return warning.field == quant::FieldName(field); });
}

bool IsOfAnotherModel(const api::ExperimentStatus& experiment, const quant::Warning& warning) {
  return warning.reason == "ModelHasNoExperts" && IsNoteOfPreset(experiment, warning);
}

ScoreKind ScoreKindOf(const api::AutotuneTask& task) {
  const api::Objective objective = task.spec.optimization.objective;
  if (objective != api::Objective::kMinimizeCost) return {objective};
  // Several types of GPU all have a price there (reconcile::MissingPrice).
  return {objective, reconcile::PricePerHour(task.spec, task.status, task.spec.gpus.front().name).has_value()};
}

std::string ScoreUnit(ScoreKind kind) { return MetricName(kind); }

std::string ScoreNumber(ScoreKind kind, double score) {
  switch (kind.objective) {
    case api::Objective::kMaximizeThroughput:
      return TokensPerSecond(score);
    case api::Objective::kMaximizeGoodput:
      return api::FormatDecimal(score, 2);
    case api::Objective::kMinimizeCost:
      return api::FormatDecimal(std::abs(score), 4);
    case api::Objective::kMinimizeLatency:
    case api::Objective::kMinimizeTtft:
    case api::Objective::kMinimizeTpot:
      break;
  }
  return Milliseconds(std::abs(score));
}

std::string ScoreText(ScoreKind kind, double score) {
  const bool rate =
      kind.objective == api::Objective::kMaximizeThroughput || kind.objective == api::Objective::kMaximizeGoodput;
  return rate ? ScoreNumber(kind, score) + " " + MetricName(kind)
              : std::string(MetricName(kind)) + " " + ScoreNumber(kind, score);
}

const api::ExperimentStatus* BestExperiment(const api::AutotuneTask& task) {
  if (!task.status.best) return nullptr;
  for (const api::ExperimentStatus& experiment : task.status.experiments) {
    if (experiment.name == task.status.best->experiment) return &experiment;
  }
  return nullptr;
}

std::string PriceText(const api::TaskStatus::Best& best) {
  if (best.price.empty()) return "";
  if (best.input_price.empty()) return best.price + " per million output tokens";
  return best.price + " per million output tokens, or " + best.input_price + " per million input tokens";
}

namespace {

// ", with 32 requests in flight (8.5 requests/s)": one measured point, and what was found beside it.
std::string LoadOfBestText(const api::TaskStatus::Best& best, const std::vector<ResultRow>& rows) {
  if (best.concurrency == 0) return "";
  const ResultRow* shown = ShownRow(rows);
  const measurement::Point* point = shown == nullptr ? nullptr : shown->load;
  const bool by_rate = point != nullptr && point->load.kind == measurement::LoadKind::kRequestRate;
  std::string text = by_rate ? ", at " + point->load.ToString() + " in an open loop (" : ", with ";
  const long in_flight =
      point == nullptr ? best.concurrency : std::lround(by_rate ? point->mean_concurrency : point->load.value);
  text += std::to_string(in_flight) + " requests in flight";
  const std::string rate = point == nullptr ? best.request_rate : api::FormatDecimal(point->requests_per_second, 2);
  if (by_rate) {
    text += " on average)";
  } else if (!rate.empty()) {
    text += " (" + rate + " requests/s)";
  }
  if (StartsOfBest(rows).size() > 1) text += ", where every start met the SLO";
  const reconcile::TriedRates rates = TriedRatesOf(rows);
  if (rates.kept == nullptr) return text;
  const std::string higher = HigherRateText(rates);
  return text + "; in an open loop " + rates.kept->load.ToString() + " met the SLO" +
         (higher.empty() ? "" : " (" + higher + ")");
}

}  // namespace

std::string Headline(const api::AutotuneTask& task) {
  const api::ExperimentStatus* best = BestExperiment(task);
  if (best == nullptr) return StatusMessage(task.status);
  std::string text = best->name + " (" + best->runtime + ", " + api::ConfigurationName(*best) +
                     "): " + ScoreText(ScoreKindOf(task), std::strtod(task.status.best->score.c_str(), nullptr));
  const std::vector<ResultRow> rows = ResultRows(task);
  if (task.status.best->starts > 1) {
    const std::string loads = LoadsOfStarts(rows);
    text += ", the mean of " + std::to_string(task.status.best->starts) + " starts" +
            (loads.empty() ? "" : ", at " + loads);
  }
  const std::string& improvement = task.status.best->improvement_over_baseline;
  const api::ExperimentStatus* compared = api::ComparedWith(task.status.experiments, best->runtime);
  if (best == compared) {
    text += best->deployed ? ", what is deployed itself" : ", the baseline";
  } else if (!improvement.empty()) {
    const bool less = reconcile::LessIsBetter(task.spec.optimization.objective);
    text += ", " + reconcile::GainWords(improvement, less) + GainInterval(task, rows) +
            reconcile::ComparedWords(compared, less) + (OwnBaselines(task) ? " of " + best->runtime : "");
  }
  const auto shown = std::find_if(rows.begin(), rows.end(), [&](const auto& row) { return row.experiment == best; });
  if (shown != rows.end() && shown->quality && !best->baseline) {
    const std::string undecided = UndecidedOf(*shown);
    text += ", " + QualityOf(*shown) + (undecided.empty() ? "" : ", " + undecided);
  }
  text += LoadOfBestText(*task.status.best, rows);
  if (const std::string price = PriceText(*task.status.best); !price.empty()) text += "; price " + price;
  if (!task.status.best->tied_with.empty()) text += "; ties with " + Joined(task.status.best->tied_with, ", ");
  if (shown != rows.end() && !EstimateOf(*shown).empty()) text += "; " + EstimateOf(*shown);
  return text;
}

base::Result<std::vector<std::string>> ServeCommand(const api::AutotuneTask& task,
                                                    const api::ExperimentStatus& experiment,
                                                    const quant::RuleSet& rules) {
  // A directory of the node is under its own path for whoever starts the engine there.
  experiment::PodEnvironment environment;
  const auto model = api::FindModel(task.spec, experiment.model);
  const json volume = model ? task.spec.models[*model].volume : json();
  if (volume.is_object() && volume.contains("hostPath")) environment.model_dir = volume["hostPath"].value("path", "");
  auto server = reconcile::MeasuredServerSpec(task, experiment, rules, environment);
  if (!server) return server.error();
  return deploy::WithoutKubelet(server->argv);
}

std::string ServeLine(const api::AutotuneTask& task, const quant::RuleSet& rules, std::size_t width) {
  const api::ExperimentStatus* best = BestExperiment(task);
  if (best == nullptr) return "";
  const auto argv = ServeCommand(task, *best, rules);
  return argv ? CommandLine(*argv, width) : "";
}

std::vector<std::pair<std::string, std::string>> FlatOptions(const std::string& yaml) {
  std::vector<std::pair<std::string, std::string>> parts;
  if (yaml.empty()) return parts;
  const auto documents = ParseYaml(yaml, "options");
  if (documents && !documents->empty()) Flatten(documents->front(), "", parts);
  return parts;
}

std::string OptionsText(const std::string& yaml) {
  if (yaml.empty()) return "";
  std::vector<std::string> parts;
  for (const auto& [path, value] : FlatOptions(yaml)) parts.push_back(path + "=" + value);
  if (parts.empty()) parts.push_back(Shortened(yaml, 60));
  return "options: " + Joined(parts, " ");
}

std::string SettingsText(const std::vector<std::string>& arguments, const std::string& options_yaml) {
  std::string text = Joined(arguments, " ");
  if (!options_yaml.empty()) text += (text.empty() ? "" : "  ") + OptionsText(options_yaml);
  return text.empty() ? "-" : text;
}

json VerdictJson(const quant::Verdict& verdict) {
  return {{"field", quant::FieldName(verdict.field)},
          {"value", verdict.value},
          {"verdict", quant::VerdictKindName(verdict.kind)},
          {"reason", verdict.reason},
          {"message", verdict.message},
          {"source", verdict.source}};
}

std::string RoleText(const api::ExperimentStatus& experiment) {
  return experiment.deployed ? "deployed" : experiment.baseline ? "baseline" : "";
}

bool IsSimulated(const api::TaskStatus& status) {
  return std::any_of(status.experiments.begin(), status.experiments.end(),
                     [](const api::ExperimentStatus& experiment) { return experiment.simulated; });
}

}  // namespace autotune::report
