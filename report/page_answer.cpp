#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "operator/deploy/target.h"
#include "operator/experiment/pod_builder.h"
#include "operator/reconcile/answer.h"
#include "operator/reconcile/measured_server_spec.h"
#include "operator/reconcile/verdict.h"
#include "report/difference.h"
#include "report/effects.h"
#include "report/page_parts.h"
#include "report/quality_words.h"
#include "report/runner_up.h"
#include "report/settings.h"
#include "report/task_words.h"
#include "text/table.h"

namespace autotune::report {
namespace {

using text::Milliseconds;

// The bounded latencies of the scored point, or the usual ones.
std::string LatenciesText(const PageData& data, const measurement::Point& point) {
  std::vector<std::string> parts;
  const auto bounds = experiment::SloOf(data.task.spec.slo).bounds;
  for (const measurement::Bound& bound : bounds) {
    parts.push_back(MetricTitle(bound.metric) + " " + std::string(measurement::StatisticName(bound.statistic)) + " " +
                    LatencyText(point, bound.metric, bound.statistic) + " (bound " + Milliseconds(bound.limit) + ")");
  }
  if (parts.empty()) {
    for (const measurement::Metric metric : {measurement::Metric::kTtft, measurement::Metric::kTpot}) {
      parts.push_back(MetricTitle(metric) + " p50 " + LatencyText(point, metric, measurement::Statistic::kP50));
    }
  }
  return text::Joined(parts, ", ");
}

const ResultRow* BaselineOf(const PageData& data, const std::string& runtime) {
  const api::ExperimentStatus* compared = api::ComparedWith(data.task.status.experiments, runtime);
  for (const ResultRow& row : data.rows) {
    if (row.experiment == compared) return &row;
  }
  return nullptr;
}

std::string ChangesText(const PageData& data) {
  const ResultRow* baseline = BaselineOf(data, data.best->experiment->runtime);
  if (baseline == nullptr || baseline == data.best) return "";
  auto differences = text::CompareArguments({data.best->experiment->args, baseline->experiment->args});
  const EngineSettings engine(data.task, *data.best->experiment, data.rules);
  differences.own[0] = engine.WithoutDefaults(differences.own[0]);
  const api::ExperimentStatus &now = *data.best->experiment, &then = *baseline->experiment;
  const auto words = [&](std::vector<std::string> own, const api::ExperimentStatus& experiment) {
    if (now.gpu != then.gpu) own.insert(own.begin(), "GPU " + experiment.gpu);
    if (now.model != then.model) own.insert(own.begin(), "checkpoint " + experiment.model);
    return own.empty() ? "the engine's defaults" : text::Joined(own, " ");
  };
  const std::string before = words(differences.own[1], then), after = words(differences.own[0], now);
  return before == after ? "" : after + "  instead of  " + before;
}

std::string IntervalText(const api::TaskStatus::Best& answer) {
  const double score = std::strtod(answer.score.c_str(), nullptr), ci = std::strtod(answer.ci.c_str(), nullptr);
  if (ci <= 0 || score == 0) return "";
  std::string text = "\u00b1 " + api::FormatDecimal(ci / std::abs(score) * 100, 1) + " % (95 % interval";
  if (answer.starts < 2) text += " within one start of the engine";
  return text + ")";
}

// The Deployment and Service of the best configuration, to copy from the page; empty where it cannot be built.
Markup WholeManifest(const PageData& data) {
  const deploy::Target* target = deploy::FindTarget("Deployment");
  const auto server = reconcile::MeasuredServerSpec(data.task, *data.best->experiment, data.rules);
  if (target == nullptr || !server) return {};
  const auto manifest = target->write(*server);
  if (!manifest) return {};
  return Element("details",
                 Element("summary", "Kubernetes manifest: Deployment and Service") + Element("pre", *manifest));
}

// How to get a manifest.
Markup ManifestMarkup(const PageData& data) {
  std::string targets;
  for (const std::string_view target : api::kRecommendationTargets) {
    targets += (targets.empty() ? "" : ", ") + std::string(target);
  }
  const std::string others = "Other serving stacks with --target: " + targets + ".";
  if (api::IsLocal(data.task.metadata)) {
    return Element("h3", "Deploy the best configuration on Kubernetes") +
           Element("pre", "autotune apply -f status.yaml | kubectl apply -f -") +
           Paragraph("hint",
                     "status.yaml: the task with its status, as autotune run --status-file status.yaml writes it. " +
                         others) +
           WholeManifest(data);
  }
  if (data.best->experiment->simulated) return {};
  const std::string apply = "kubectl autotune apply " + data.task.metadata.name +
                            (data.task.metadata.ns.empty() ? "" : " -n " + data.task.metadata.ns);
  return Element("h3", "Deploy the best configuration on the cluster") + Element("pre", apply) +
         Paragraph("hint", others + " --print prints the manifest.") + WholeManifest(data);
}

Markup DeployMarkup(const PageData& data) {
  const std::string command = ServeLine(data.task, data.rules, 80);
  const api::ExperimentStatus& best = *data.best->experiment;
  Markup out;
  if (!command.empty()) {
    const std::string image = best.image_id.empty() ? ImageOf(data.task, best) : best.image_id;
    out += Element("h3",
                   best.simulated ? "Start a real engine with these settings" : "Start the engine as it was measured") +
           Element("pre", command);
    if (!image.empty()) out += Paragraph("dim", "in the image " + image);
    std::string environment;
    for (const auto& [name, value] : best.env) environment += name + "=" + text::ShellQuoted(value) + "\n";
    if (!environment.empty()) out += Paragraph("dim", "with the environment") + Element("pre", environment);
    if (!best.options.empty()) out += Paragraph("dim", "with options.yaml") + Element("pre", best.options);
  }
  return out + ManifestMarkup(data);
}

std::string PerGpuText(const ResultRow& row) {
  return text::TokensPerSecond(row.load->output_tokens_per_second / std::max(row.experiment->gpus, 1)) +
         " tok/s per GPU";
}

// Whether each experiment was scored at a limit of its own.
bool SearchedLimits(const PageData& data) {
  return data.task.spec.benchmark.load.fixed.empty() &&
         !tuning::ComparesAtOneLoad(reconcile::ObjectiveOf(data.task.spec));
}

// "160 in flight, 33.20 requests/s: the highest load at which it meets the SLO", or the highest one that was tried.
std::string LoadFact(const PageData& data) {
  const ResultRow& shown = *ShownRow(data.rows);
  if (shown.load == nullptr) return "";
  std::string text = LoadOfPointText(*shown.load);
  if (!shown.best) text += " in " + shown.experiment->name;
  if (!SearchedLimits(data)) return text;
  const std::string who = StartsOfBest(data.rows).size() > 1 ? "every start" : "it";
  const measurement::Load highest = HighestMet(shown).load;
  if (highest == shown.load->load && NextMissed(shown) == nullptr)
    return text + ", the highest load that was tried: " + who + " meets the SLO";
  return text + (highest == shown.load->load
                     ? ": the highest load at which " + who + " meets the SLO"
                     : ": the best score of the loads at which " + who + " meets the SLO, up to " + highest.ToString());
}

// The measurement at that load. Where the score is the throughput of this one point, it is not repeated.
std::string PointFact(const PageData& data) {
  const ResultRow& shown = *ShownRow(data.rows);
  if (shown.load == nullptr) return "";
  const bool score_is_it = data.task.spec.optimization.objective == api::Objective::kMaximizeThroughput &&
                           StartsOfBest(data.rows).size() < 2;
  return (score_is_it ? "" : PerGpuText(shown) + ", ") + LatenciesText(data, *shown.load);
}

// The lowest load that gives nearly the same throughput, where it is much lower: each request is answered faster there.
std::string LessLoadFact(const PageData& data) {
  constexpr double kNearly = 0.95, kMuchLower = 0.75;
  const ResultRow& shown = *ShownRow(data.rows);
  if (data.task.spec.optimization.objective != api::Objective::kMaximizeThroughput || shown.load == nullptr) return "";
  const measurement::Point* least = nullptr;
  for (const api::LoadRow* load : CountingLoads(shown.experiment->loads)) {
    const measurement::Point& point = load->measured;
    const bool counts = load->meets_slo && point.scenario == shown.load->scenario &&
                        point.load.kind == shown.load->load.kind && point.role == shown.load->role;
    if (!counts || point.load.value > kMuchLower * shown.load->load.value) continue;
    if (point.output_tokens_per_second < kNearly * shown.load->output_tokens_per_second) continue;
    if (least == nullptr || point.load.value < least->load.value) least = &point;
  }
  if (least == nullptr) return "";
  const double less = 1 - least->output_tokens_per_second / shown.load->output_tokens_per_second;
  return least->load.ToString() + " gives " +
         (less > 0 ? text::Percent(less) + " less throughput" : "no less throughput") + ", with TPOT p50 " +
         LatencyText(*least, measurement::Metric::kTpot, measurement::Statistic::kP50) + " instead of " +
         LatencyText(*shown.load, measurement::Metric::kTpot, measurement::Statistic::kP50);
}

// Whether the starts of the best met the SLO up to different loads.
bool StartsDisagree(const PageData& data) {
  const std::vector<const ResultRow*> starts = StartsOfBest(data.rows);
  return SearchedLimits(data) && std::any_of(starts.begin(), starts.end(), [&](const ResultRow* row) {
           return !(HighestMet(*row).load == HighestMet(*starts.front()).load);
         });
}

// Of several starts: where each was scored, and up to which load each met the SLO if they disagree.
std::string StartsFact(const PageData& data) {
  const int count = data.task.status.best->starts;
  if (count < 2) return "";
  const std::string loads = LoadsOfStarts(data.rows);
  std::string text =
      "the score is the mean of " + std::to_string(count) + " starts" + (loads.empty() ? "" : ", at " + loads);
  const std::vector<const ResultRow*> starts = StartsOfBest(data.rows);
  if (!SearchedLimits(data) || starts.size() < 2) return text;
  if (!StartsDisagree(data)) return text + "; each met the SLO up to " + HighestMet(*starts.front()).load.ToString();
  std::vector<std::string> parts;
  for (const ResultRow* row : starts) {
    const std::string step = DecidingStep(data.task, *row);
    parts.push_back(row->experiment->name + " met the SLO up to " + HighestMet(*row).load.ToString() +
                    (step.empty() ? "" : " (" + step + ")"));
  }
  text += "; " + text::Joined(parts, ", ");
  const ResultRow& shown = *ShownRow(data.rows);
  const bool missed = std::any_of(starts.begin(), starts.end(), [&](const ResultRow* row) {
    return row->load->load.value > HighestMet(shown).load.value;
  });
  if (!missed) return text;
  return text + ". Not every start met the SLO at the loads of this mean; all of them met it at " +
         shown.load->load.ToString() + ", with " + PerGpuText(shown);
}

// The request rates that a fresh start was asked for as well, in an open loop.
std::string RateFact(const PageData& data) {
  const reconcile::TriedRates rates = TriedRatesOf(data.rows);
  if (rates.start == nullptr) return "";
  const std::string missed = rates.missed == nullptr ? "" : MissedStepText(data.task, *rates.missed);
  if (rates.kept == nullptr) return "no tried rate met the SLO (" + rates.start->name + "): " + missed;
  return rates.kept->load.ToString() + " met the SLO (" + rates.start->name + "): " + LatenciesText(data, *rates.kept) +
         "; " + (missed.empty() ? HigherRateText(rates) : missed);
}

std::string GainFact(const PageData& data, const ResultRow* baseline) {
  const bool less = reconcile::LessIsBetter(data.task.spec.optimization.objective);
  const std::string gain = reconcile::GainWords(data.task.status.best->improvement_over_baseline, less);
  if (baseline == nullptr) return gain;
  const bool deployed = baseline->experiment->deployed;
  if (data.best == baseline)
    return std::string("none: ") + (deployed ? "what is deployed" : "the baseline") + " is the best";
  if (gain.empty()) return "";
  std::string text = gain + GainInterval(data.task, data.rows) + reconcile::ComparedWords(baseline->experiment, less);
  if (!baseline->score) return text;
  text += " (" + ScoreText(ScoreKindOf(data.task), *baseline->score);
  if (baseline->load != nullptr) text += ", at " + baseline->load->load.ToString();
  return text + ")";
}

// What the configuration costs in quality.
std::string QualityFact(const PageData& data) {
  const api::QualitySpec& asked = data.task.spec.quality;
  const api::ExperimentStatus& best = *data.best->experiment;
  if (!asked.measure) return "not measured (spec.quality.measure is Off)";
  const std::string quality = QualityOf(*data.best);
  if (quality.empty()) return "not measured";
  const api::ExperimentStatus* reference = api::QualityReference(data.task.status.experiments, best.runtime);
  const std::string own = reference == nullptr ? "" : AbsolutePerplexity(*reference);
  if (best.baseline) return "the others are compared with it" + (own.empty() ? "" : " (perplexity " + own + ")");
  std::string text = quality + " against the baseline" + (own.empty() ? "" : " (" + own + ")");
  if (const std::string undecided = UndecidedOf(*data.best); !undecided.empty()) return text + "; " + undecided;
  if (asked.max_degradation) text += ", allowed " + reconcile::LimitText(*asked.max_degradation);
  return text;
}

// What has to be known before the configuration is used. Notes of its preset are beside the experiments.
Markup WarningsMarkup(const api::ExperimentStatus& best) {
  Markup out;
  for (const quant::Warning& warning : best.warnings) {
    if (!IsNoteOfPreset(best, warning)) out += Paragraph("note", warning.field + ": " + warning.message);
  }
  return out;
}

Markup BestMarkup(const PageData& data) {
  const api::TaskStatus::Best& answer = *data.task.status.best;
  const ResultRow& best = *data.best;
  const std::string score = ScoreText(ScoreKindOf(data.task), std::strtod(answer.score.c_str(), nullptr));
  const Markup out = Element("div", {{"class", "score"}}, Text(score + " ") + Element("small", IntervalText(answer)));
  const bool over = reconcile::IsOver(data.task.status.state);
  return out +
         Facts({{"Configuration", best.experiment->name + ": " + best.experiment->runtime +
                                      (best.experiment->model.empty() ? "" : ", checkpoint " + best.experiment->model) +
                                      ", quantization " + best.experiment->quant.name + ", " +
                                      std::to_string(best.experiment->gpus) +
                                      (best.experiment->gpus == 1 ? " GPU" : " GPUs") +
                                      (best.experiment->gpu.empty() ? "" : " of type " + best.experiment->gpu)},
                {"Gain", GainFact(data, BaselineOf(data, best.experiment->runtime))},
                {"Changes", ChangesText(data)},
                {"Quality", QualityFact(data)},
                {"Load", LoadFact(data)},
                {"Measured there", PointFact(data)},
                {"With less load", LessLoadFact(data)},
                {"Starts", StartsFact(data)},
                {"In an open loop", RateFact(data)},
                {"Why not more", StartsDisagree(data) ? "" : WhyNotMore(data.task, data.rows)},
                {over ? "Second" : "Second so far", RunnerUpText(data.task, data.rows, data.rules)},
                {"Ties with", text::Joined(answer.tied_with, ", ")},
                {"Price", PriceText(answer)}}) +
         WarningsMarkup(*best.experiment);
}

}  // namespace

Markup AnswerSection(const PageData& data) {
  const api::AutotuneTask& task = data.task;
  Markup out;
  if (data.best != nullptr && task.status.best) {
    const bool over = task.status.state == "Complete";
    out += Element("h2", over ? "Best configuration" : "Best so far") + BestMarkup(data);
  } else {
    const std::string message = StatusMessage(task.status);
    out += Element("h2", "No best configuration") +
           Paragraph("", message.empty() ? "Nothing has been measured yet." : message);
  }
  out += Facts({{"Workload", WorkloadText(task.spec.benchmark)},
                {"Objective", std::string(api::ObjectiveName(task.spec.optimization.objective))},
                {"SLO", SloText(task.spec.slo)},
                {"Found with", CandidatesText(task) + "; " + CostText(task.status.cost)}});
  if (data.best != nullptr) out += DeployMarkup(data);
  return Element("section", {{"id", "answer"}, {"class", "answer"}}, out);
}

Markup DifferenceSection(const PageData& data) {
  const auto& difference = data.task.status.difference;
  if (!difference) return {};
  Markup out;
  if (!difference->compared()) {
    out = Paragraph("note", difference->message);
  } else {
    out = Paragraph("dim", "Container " + difference->container + (difference->read_at.empty() ? "" : " as of ") +
                               difference->read_at + " against " + difference->experiment + ": " +
                               DifferenceSummary(*difference));
    Markup rows = Row({Text(""), Text("Running"), Text("Recommended")}, "th");
    for (const api::Difference::Line& line : difference->lines) {
      const auto side = [&](const std::optional<std::string>& value, const char* style) {
        return value ? Element("span", {{"class", style}}, SideText(line, *value)) : Markup();
      };
      rows += Element("tr", Element("td", {{"class", "name"}}, PartText(line.part)) +
                                Element("td", {{"class", "mono"}}, side(line.running, "gone")) +
                                Element("td", {{"class", "mono"}}, side(line.recommended, "new")));
    }
    if (!difference->lines.empty()) out += Scrolling(Element("table", rows));
    if (!difference->message.empty()) out += Paragraph("hint", difference->message);
  }
  const std::string title = "Against Deployment " + difference->deployment;
  return Section("difference", title.c_str(), out);
}

}  // namespace autotune::report
