#include "report/markdown.h"

#include <algorithm>

#include "operator/experiment/pod_builder.h"
#include "report/changes.h"
#include "report/difference.h"
#include "report/effects.h"
#include "report/quality_words.h"
#include "report/result_view.h"
#include "report/runner_up.h"
#include "report/task_words.h"
#include "text/table.h"

namespace autotune::report {
namespace {

using text::MarkdownEscaped;
using text::Table;
using text::TokensPerSecond;

// A fence longer than any run of backticks within.
std::string Fenced(const std::string& language, const std::string& content) {
  std::size_t longest = 0, run = 0;
  for (const char c : content) {
    run = c == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  const std::string fence(std::max<std::size_t>(3, longest + 1), '`');
  return fence + language + "\n" + content + (content.ends_with('\n') ? "" : "\n") + fence + "\n\n";
}

std::string MarkdownAnswer(const api::AutotuneTask& task, const quant::RuleSet& rules) {
  const api::ExperimentStatus* best = BestExperiment(task);
  std::string out =
      "## Result\n\n" + MarkdownEscaped((best == nullptr ? "No best configuration: " : "") + Headline(task)) + "\n\n";
  const std::vector<ResultRow> rows = ResultRows(task);
  if (const std::string step = WhyNotMore(task, rows); !step.empty()) {
    out += "Not more: " + MarkdownEscaped(step) + "\n\n";
  }
  if (const std::string second = RunnerUpText(task, rows, rules); !second.empty()) {
    out += "Second: " + MarkdownEscaped(second) + "\n\n";
  }
  const std::string command = ServeLine(task, rules, 100);
  if (command.empty()) return out;
  out += Fenced("sh", command);
  if (!best->options.empty()) out += "`options.yaml`:\n\n" + Fenced("yaml", best->options);
  std::string warnings;
  for (const quant::Warning& warning : best->warnings) {
    if (IsNoteOfPreset(*best, warning)) continue;
    warnings += "- " + MarkdownEscaped(warning.field + ": " + warning.message) + "\n";
  }
  return warnings.empty() ? out : out + warnings + "\n";
}

// Effect of each parameter.
std::string MarkdownEffects(const api::AutotuneTask& task, const quant::RuleSet& rules) {
  const std::vector<ResultRow> rows = ResultRows(task);
  Table table;
  for (const char* title : {"Parameter", "Value", "Change from the best's value"}) table.AddColumn(title);
  bool any = false;
  for (const ParameterEffect& parameter : EffectsOf(task, rows, rules)) {
    for (const ValueEffect& value : parameter.values) {
      const bool best = value.value == parameter.best;
      any = true;
      table.AddRow({parameter.parameter, value.shown,
                    best              ? "the best configuration's"
                    : value.from_best ? EvidenceText(*value.from_best)
                                      : NoEffectText(value, parameter, Direction::kFromBest)});
    }
  }
  return any ? "## Effect of each parameter\n\n" + table.Markdown(Table::Cells::kText) + "\n" : "";
}

std::string MarkdownLoads(const api::ExperimentStatus& best, const api::SloSpec& slo) {
  Table loads;
  loads.AddColumn("Scenario");
  using measurement::Metric;
  using measurement::Statistic;
  const std::vector<LatencyColumn> latencies = LatencyColumns({{Metric::kTtft, Statistic::kP50},
                                                               {Metric::kTtft, Statistic::kP99},
                                                               {Metric::kTpot, Statistic::kP50},
                                                               {Metric::kTpot, Statistic::kP99},
                                                               {Metric::kItl, Statistic::kP99},
                                                               {Metric::kE2e, Statistic::kP99}},
                                                              experiment::SloOf(slo));
  for (const char* title : {"Load", "tok/s", "req/s"}) loads.AddColumn(title, Table::Align::kRight);
  for (const LatencyColumn& column : latencies) loads.AddColumn(LatencyTitle(column), Table::Align::kRight);
  loads.AddColumn("Errors", Table::Align::kRight);
  loads.AddColumn("SLO");
  for (const api::LoadRow& row : best.loads) {
    const measurement::Point& load = row.measured;
    std::vector<std::string> cells = {load.scenario, LoadText(load.load),
                                      TokensPerSecond(load.output_tokens_per_second),
                                      api::FormatDecimal(load.requests_per_second, 2)};
    for (const LatencyColumn& column : latencies) {
      cells.push_back(LatencyText(load, column.metric, column.statistic));
    }
    cells.push_back(std::to_string(load.errors));
    cells.push_back(VerdictText(experiment::SloOf(slo), load));
    loads.AddRow(std::move(cells));
  }
  return "## Best configuration under load\n\n" + loads.Markdown(Table::Cells::kText) + "\n";
}

std::string MarkdownFailures(const api::TaskStatus& status) {
  std::string out;
  for (const api::ExperimentStatus& experiment : status.experiments) {
    if (experiment.state != api::ExperimentState::kFailed) continue;
    out += "- " +
           MarkdownEscaped(experiment.name + " (" + experiment.runtime + ", " + api::ConfigurationName(experiment) +
                           "): " + experiment.reason + ": " + experiment.message) +
           "\n";
  }
  return out.empty() ? "" : "## Failed\n\n" + out + "\n";
}

}  // namespace

std::string MarkdownReport(const api::AutotuneTask& task, const quant::RuleSet& rules) {
  const api::TaskStatus& status = task.status;
  std::string out = "# " + MarkdownEscaped(task.metadata.name) + "\n\n";
  if (!task.spec.description.empty()) out += MarkdownEscaped(task.spec.description) + "\n\n";
  if (IsSimulated(status)) out += "> **" + std::string(kSimulatedNote) + "**\n\n";
  const auto line = [&](const std::string& name, const std::string& value) {
    out += "- " + name + ": " + MarkdownEscaped(value) + "\n";
  };
  for (const std::string& model : ModelTexts(task)) line("Model", model);
  for (const std::string& gpu : GpuTexts(task)) line("GPU", gpu);
  line("Objective",
       std::string(api::ObjectiveName(task.spec.optimization.objective)) + "; SLO: " + SloText(task.spec.slo));
  line("Measured", MeasuredText(task));
  const std::string state = status.state.empty() ? "not started" : status.state;
  line("State", status.candidates.total > 0 ? state + ", " + CandidatesText(task) : state);
  line("Cost", CostText(status.cost));
  out += "\n" + MarkdownAnswer(task, rules);

  if (const auto found = ChangesOf(task, rules)) {
    out += std::string("## Against ") + (found->role == "deployed" ? "what is deployed" : "the baseline") + "\n\n" +
           ChangeTable(found->changes, found->role).Markdown(Table::Cells::kText) + "\n";
    if (const std::string note = WorthNote(found->changes); !note.empty()) out += MarkdownEscaped(note) + "\n\n";
  }
  if (status.difference) {
    out += "## Against Deployment " + MarkdownEscaped(status.difference->deployment) + "\n\n";
    out += status.difference->compared() ? Fenced("diff", DifferenceText(*status.difference, task.metadata.name))
                                         : MarkdownEscaped(status.difference->message) + "\n\n";
  }
  if (!status.experiments.empty()) {
    out += "## Experiments\n\n" + ResultTable(task, 120).Markdown(Table::Cells::kText) + "\n" +
           MarkdownEscaped(ScoreRuleText(task)) + "\n\n";
    if (const std::string note = QualityNote(task, ResultRows(task)); !note.empty()) {
      out += "Quality: " + MarkdownEscaped(note) + "\n\n";
    }
    out += MarkdownEffects(task, rules);
  }
  if (const auto absent = NotAmongExperiments(task); !absent.empty()) {
    out += "## Candidates without an experiment\n\n";
    for (const std::string& reason : absent) out += "- " + MarkdownEscaped(reason) + "\n";
    out += "\n";
  }
  const api::ExperimentStatus* best = BestExperiment(task);
  if (best != nullptr && best->loads.size() > 1) out += MarkdownLoads(*best, task.spec.slo);
  out += MarkdownFailures(status);
  out += "Rules " + MarkdownEscaped(status.rules_version.empty() ? rules.version() : status.rules_version) + ".\n";
  return out;
}

}  // namespace autotune::report
