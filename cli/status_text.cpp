#include "cli/status_text.h"

#include <set>

#include "operator/reconcile/verdict.h"
#include "report/changes.h"
#include "report/quality_words.h"
#include "report/result_view.h"
#include "report/runner_up.h"
#include "report/task_words.h"
#include "text/table.h"

namespace autotune::cli {
namespace {

using report::BestExperiment;
using report::CandidatesText;
using report::CostText;
using report::Headline;
using report::IsSimulated;
using report::ModelText;
using report::NotAmongExperiments;
using report::ResultTable;
using report::ServeLine;
using text::CompareArguments;
using text::Joined;
using text::Table;

std::string NotAmongText(const api::AutotuneTask& task) {
  std::string text;
  for (const std::string& line : NotAmongExperiments(task)) text += "  " + line + "\n";
  return text.empty() ? "" : "Candidates without an experiment:\n" + text;
}

// What is expected of a search that continues: an 80 % interval.
std::string EstimateText(const api::TaskStatus& status) {
  if (!status.estimate || status.estimate->finish_at.empty()) return "";
  const api::TaskStatus::Estimate& estimate = *status.estimate;
  return estimate.experiments + " experiments, " + estimate.gpu_hours + " GPU-hours, " + estimate.duration +
         " in total; expected end before " + estimate.finish_at;
}

}  // namespace

std::string FinalText(const api::AutotuneTask& task, const quant::RuleSet& rules, std::size_t width) {
  const std::vector<report::ResultRow> rows = report::ResultRows(task);
  std::string text;
  if (!task.status.experiments.empty()) {
    std::vector<std::vector<std::string>> arguments;
    for (const api::ExperimentStatus& experiment : task.status.experiments) arguments.push_back(experiment.args);
    const std::vector<std::string> common = CompareArguments(arguments).common;
    text += ResultTable(task, width / 2).Text();
    if (!common.empty()) text += "\nCommon arguments: " + Joined(common, " ") + "\n";
    text += "\nMeasured: " + report::MeasuredText(task) + "\nSLO: " + report::SloText(task.spec.slo) +
            "\nScores: " + report::ScoreRuleText(task) + "\n";
    const std::string note = report::QualityNote(task, rows);
    text += (note.empty() ? "" : "Quality: " + note + "\n") + "\n";
  }
  if (const std::string absent = NotAmongText(task); !absent.empty()) text += absent + "\n";
  const api::ExperimentStatus* best = BestExperiment(task);
  if (best == nullptr) {
    // While it searches that is no verdict.
    const bool over = task.status.state.empty() || reconcile::IsOver(task.status.state);
    text += (over ? "No best configuration: " : "No configuration meets the SLO so far: ") + Headline(task) + "\n";
    return text;
  }
  text += "Best: " + Headline(task) + "\n";
  if (const std::string step = report::WhyNotMore(task, rows); !step.empty()) text += "Not more: " + step + "\n";
  if (const std::string second = report::RunnerUpText(task, rows, rules); !second.empty())
    text += "Second: " + second + "\n";
  if (IsSimulated(task.status)) text += std::string(report::kSimulatedNote) + "\n";
  if (const auto found = report::ChangesOf(task, rules)) {
    text += std::string("\nAgainst ") + (found->role == "deployed" ? "what is deployed" : "the baseline") + ":\n\n" +
            report::ChangeTable(found->changes, found->role).Text("", width);
    if (const std::string note = report::WorthNote(found->changes); !note.empty()) text += note + "\n";
  }
  if (const std::string command = ServeLine(task, rules, width); !command.empty()) {
    text += "\nServe it with:\n\n" + command + "\n";
    if (!best->options.empty()) text += "\nwith options.yaml:\n\n" + best->options;
  }
  return text;
}

std::string StatusText(const api::AutotuneTask& task, const quant::RuleSet& rules, std::size_t width) {
  const api::TaskStatus& status = task.status;
  std::string text =
      "Task      " + task.metadata.name + (task.metadata.ns.empty() ? "" : " in namespace " + task.metadata.ns) + "\n";
  for (const std::string& model : report::ModelTexts(task)) text += "Model     " + model + "\n";
  text += "State     " + (status.state.empty() ? "not processed by an operator yet" : status.state) +
          (status.progress.empty() ? "" : "  " + status.progress) + "\n";
  if (task.metadata.generation > status.observed_generation && !status.state.empty()) {
    text += "          the spec is newer (generation " + std::to_string(task.metadata.generation) +
            ") than this status (" + std::to_string(status.observed_generation) + ")\n";
  }
  // Each message once: what is said at the end of the text is not said here.
  std::set<std::string> said = {""};
  if (!status.experiments.empty() && BestExperiment(task) == nullptr) said.insert(Headline(task));
  for (const api::Condition& condition : status.conditions) {
    const bool is_new = said.insert(condition.message).second;
    text += "Condition " + condition.type + "=" + condition.status + " " + condition.reason +
            (is_new ? ": " + condition.message : "") + "\n";
  }
  if (status.candidates.total > 0) text += "Space     " + CandidatesText(task) + "\n";
  for (const quant::Warning& warning : status.warnings)
    text += "Warning   " + warning.field + ": " + warning.message + "\n";
  if (const std::string estimate = EstimateText(status); !estimate.empty()) text += "Estimate  " + estimate + "\n";
  for (const std::string& gpu : report::GpuTexts(task)) text += "GPU       " + gpu + "\n";
  if (!status.experiments.empty()) {
    text += "Cost      " + CostText(status.cost) + "\n\n" + FinalText(task, rules, width);
  } else if (const std::string absent = NotAmongText(task); !absent.empty()) {
    text += "\n" + absent;
  }
  return text;
}

std::string StatusList(const std::vector<api::AutotuneTask>& tasks) {
  Table table;
  table.AddColumn("NAMESPACE");
  table.AddColumn("NAME");
  table.AddColumn("STATE");
  table.AddColumn("PROGRESS");
  table.AddColumn("BEST");
  table.AddColumn("SCORE", Table::Align::kRight);
  table.AddColumn("IMPROVEMENT", Table::Align::kRight);
  table.AddColumn("GPU-HOURS", Table::Align::kRight);
  for (const api::AutotuneTask& task : tasks) {
    const api::TaskStatus& status = task.status;
    const api::Condition* now = api::FindCondition(status.conditions, "Reconciling");
    const bool waits = now != nullptr && now->reason == "WaitingForResources";
    table.AddRow({task.metadata.ns, task.metadata.name,
                  status.state.empty()
                      ? "-"
                      : status.state + (waits ? ", waiting" : "") + (IsSimulated(status) ? " (simulated)" : ""),
                  status.progress, status.best ? api::ConfigurationName(*status.best) : "",
                  status.best ? status.best->score : "", status.best ? status.best->improvement_over_baseline : "",
                  status.cost.gpu_hours});
  }
  return table.Text();
}

}  // namespace autotune::cli
