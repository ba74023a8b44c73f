#include "cli/report.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>

#include "base/clock.h"
#include "cli/result_view.h"
#include "cli/table.h"

namespace autotune::cli {
namespace {

std::string SloText(const api::SloSpec& slo) {
  std::vector<std::string> parts;
  const auto add = [&](const char* metric, const std::map<std::string, double>& bounds) {
    for (const auto& [percentile, limit] : bounds) {
      parts.push_back(std::string(metric) + " " + percentile + " <= " + Milliseconds(limit));
    }
  };
  add("TTFT", slo.ttft);
  add("TPOT", slo.tpot);
  add("ITL", slo.itl);
  add("E2E latency", slo.e2e_latency);
  if (slo.attainment) {
    parts = {api::FormatDecimal(*slo.attainment * 100, 2) + " % of the requests within " + Joined(parts, ", ")};
  }
  parts.push_back("error rate <= " + api::FormatDecimal(slo.error_rate * 100, 2) + " %");
  return parts.empty() ? "none" : Joined(parts, ", ");
}

std::string WorkloadText(const api::BenchmarkSpec& benchmark) {
  std::string text = std::string("scenario ") + api::kDefaultScenario;
  if (benchmark.dataset) {
    text = "dataset " + benchmark.dataset->file;
  } else if (!benchmark.scenarios.empty()) {
    text = "scenarios " + Joined(benchmark.scenarios, " ");
  }
  if (benchmark.prefix.tokens > 0) {
    text += ", " + std::to_string(benchmark.prefix.tokens) + " shared tokens in " +
            std::to_string(benchmark.prefix.groups) + " groups";
  }
  if (benchmark.turns.mean != 1) text += ", " + api::FormatDecimal(benchmark.turns.mean, 2) + " turns on average";
  if (benchmark.endpoint == measurement::Endpoint::kChat) text += ", chat";
  return text;
}

std::string LoadPlanText(const api::BenchmarkSpec& benchmark) {
  const measurement::LoadPlan& load = benchmark.load;
  std::vector<std::string> steps;
  for (const double value : load.fixed) steps.push_back(api::FormatDecimal(value, 2));
  const std::string arrivals(measurement::ArrivalProcessName(benchmark.arrival.process));
  switch (load.mode) {
    case measurement::LoadMode::kAutoConcurrency:
      return "the highest number of requests in flight that keeps the SLO, up to " + std::to_string(load.max);
    case measurement::LoadMode::kAutoRate:
    case measurement::LoadMode::kConfirmRate:
      return "the highest request rate that keeps the SLO, " + arrivals + " arrivals";
    case measurement::LoadMode::kFixedConcurrency:
      return "closed loop with " + Joined(steps, ", ") + " requests in flight";
    case measurement::LoadMode::kFixedRate:
      return arrivals + " arrivals at " + Joined(steps, ", ") + " requests/s";
  }
  return "";
}

std::string MeasuredText(const api::BenchmarkSpec& benchmark) {
  return WorkloadText(benchmark) + "; " + LoadPlanText(benchmark) + "; at most " +
         api::FormatDuration(benchmark.duration) + " a load, seed " + std::to_string(benchmark.seed);
}

std::string CostText(const api::TaskStatus::Cost& cost) {
  std::string text = cost.gpu_hours + " GPU-hours (" + cost.start + " starting, " + cost.measure + " measuring, " +
                     cost.wasted + " wasted)";
  if (const double earlier = cost.earlier.Total(); earlier > 0) {
    text += ", of it " + api::FormatDecimal(earlier / 3600, 4) + " for experiments that edits dropped or ran again";
  }
  if (!cost.price.empty()) text += ", price " + cost.price;
  return text;
}

std::vector<const api::ExperimentStatus*> Failed(const api::TaskStatus& status) {
  std::vector<const api::ExperimentStatus*> failed;
  for (const api::ExperimentStatus& experiment : status.experiments) {
    if (experiment.state == api::ExperimentState::kFailed) failed.push_back(&experiment);
  }
  return failed;
}

std::string NotAmongText(const api::AutotuneTask& task) {
  std::string text;
  for (const std::string& line : NotAmongExperiments(task)) text += "  " + line + "\n";
  return text.empty() ? "" : "Not among the experiments:\n" + text;
}

const char* kSimulatedNote =
    "Simulated: the engine was autotune's own stand-in with a roofline of the GPU, not a real one.";

std::string SpacedCommand(const api::AutotuneTask& task, const quant::RuleSet& rules, std::size_t width) {
  const api::ExperimentStatus* best = BestExperiment(task);
  if (best == nullptr) return "";
  const auto argv = ServeCommand(task, *best, rules);
  return argv ? CommandLine(*argv, width) : "";
}

}  // namespace

std::string FinalText(const api::AutotuneTask& task, const quant::RuleSet& rules, std::size_t width) {
  std::string text;
  if (!task.status.experiments.empty()) {
    std::vector<std::vector<std::string>> arguments;
    for (const api::ExperimentStatus& experiment : task.status.experiments) arguments.push_back(experiment.args);
    const std::vector<std::string> common = CompareArguments(arguments).common;
    text += ResultTable(task, width / 2).Text();
    if (!common.empty()) text += "\nCommon arguments: " + Joined(common, " ") + "\n";
    text += "\n";
  }
  if (const std::string absent = NotAmongText(task); !absent.empty()) text += absent + "\n";
  const api::ExperimentStatus* best = BestExperiment(task);
  if (best == nullptr) {
    text += "No best configuration: " + Headline(task) + "\n";
    return text;
  }
  text += "Best: " + Headline(task) + "\n";
  if (IsSimulated(task.status)) text += std::string(kSimulatedNote) + "\n";
  if (const std::string command = SpacedCommand(task, rules, width); !command.empty()) {
    text += "\nServe it with:\n\n" + command + "\n";
    if (!best->options.empty()) text += "\nwith options.yaml:\n\n" + best->options;
  }
  return text;
}

std::string StatusText(const api::AutotuneTask& task, const quant::RuleSet& rules, std::size_t width) {
  const api::TaskStatus& status = task.status;
  std::string text =
      "Task      " + task.metadata.name + (task.metadata.ns.empty() ? "" : " in namespace " + task.metadata.ns) + "\n";
  text +=
      "Model     " + task.spec.model.id_or_path + (status.model ? "  (" + ModelText(*status.model) + ")" : "") + "\n";
  text += "State     " + (status.state.empty() ? "not seen by the operator yet" : status.state) +
          (status.progress.empty() ? "" : "  " + status.progress) + "\n";
  if (task.metadata.generation > status.observed_generation && !status.state.empty()) {
    text += "          the spec is newer (generation " + std::to_string(task.metadata.generation) +
            ") than this status (" + std::to_string(status.observed_generation) + ")\n";
  }
  for (const api::Condition& condition : status.conditions) {
    text += "Condition " + condition.type + "=" + condition.status + " " + condition.reason +
            (condition.message.empty() ? "" : ": " + condition.message) + "\n";
  }
  if (status.candidates.total > 0) text += "Space     " + CandidatesText(status.candidates) + "\n";
  if (!status.gpu_product.empty()) text += "GPU       " + status.gpu_product + "\n";
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
    table.AddRow({task.metadata.ns, task.metadata.name, status.state.empty() ? "-" : status.state, status.progress,
                  status.best ? status.best->quant_name : "", status.best ? status.best->score : "",
                  status.best ? status.best->improvement_over_baseline : "", status.cost.gpu_hours});
  }
  return table.Text();
}

std::string MarkdownReport(const api::AutotuneTask& task, const quant::RuleSet& rules) {
  const api::TaskStatus& status = task.status;
  std::string text = "# " + task.metadata.name + "\n\n";
  if (!task.spec.description.empty()) text += task.spec.description + "\n\n";
  if (IsSimulated(status)) text += "> **" + std::string(kSimulatedNote) + "**\n\n";
  text += "- Model: `" + task.spec.model.id_or_path + "`" +
          (status.model ? " (" + ModelText(*status.model) + ")" : "") + "\n";
  if (!status.gpu_product.empty()) text += "- GPU: " + status.gpu_product + "\n";
  text += "- Objective: " + std::string(api::ObjectiveName(task.spec.optimization.objective)) +
          "; SLO: " + SloText(task.spec.slo) + "\n";
  text += "- Measured: " + MeasuredText(task.spec.benchmark) + "\n";
  text += "- State: " + (status.state.empty() ? "not started" : status.state) + ", " +
          CandidatesText(status.candidates) + "\n";
  text += "- Cost: " + CostText(status.cost) + "\n\n";

  const api::ExperimentStatus* best = BestExperiment(task);
  text += "## Answer\n\n" + (best == nullptr ? "None: " + Headline(task) : Headline(task)) + "\n\n";
  if (const std::string command = SpacedCommand(task, rules, 100); !command.empty()) {
    text += "```sh\n" + command + "\n```\n\n";
    if (!best->options.empty()) text += "`options.yaml`:\n\n```yaml\n" + best->options + "```\n\n";
    for (const quant::Warning& warning : best->warnings) {
      text += "- " + warning.field + ": " + warning.message + "\n";
    }
    if (!best->warnings.empty()) text += "\n";
  }
  if (!status.experiments.empty()) text += "## Experiments\n\n" + ResultTable(task, 120).Markdown() + "\n";
  if (const auto absent = NotAmongExperiments(task); !absent.empty()) {
    text += "## Not among the experiments\n\n";
    for (const std::string& line : absent) text += "- " + line + "\n";
    text += "\n";
  }

  if (best != nullptr && best->loads.size() > 1) {
    Table loads;
    loads.AddColumn("Scenario");
    for (const char* title :
         {"Load", "tok/s", "req/s", "TTFT p50", "TTFT p99", "TPOT p50", "TPOT p99", "ITL p99", "E2E p99", "Errors"}) {
      loads.AddColumn(title, Table::Align::kRight);
    }
    loads.AddColumn("SLO");
    for (const api::LoadRow& row : best->loads) {
      const measurement::Point& load = row.measured;
      loads.AddRow({load.scenario, LoadText(load.load), TokensPerSecond(load.output_tokens_per_second),
                    api::FormatDecimal(load.requests_per_second, 2), Milliseconds(load.ttft.p50),
                    Milliseconds(load.ttft.p99), Milliseconds(load.tpot.p50), Milliseconds(load.tpot.p99),
                    Milliseconds(load.itl.p99), Milliseconds(load.e2e.p99), std::to_string(load.errors),
                    std::string(measurement::VerdictName(load.verdict))});
    }
    text += "## The best under load\n\n" + loads.Markdown() + "\n";
  }
  if (const auto failed = Failed(status); !failed.empty()) {
    text += "## Failed\n\n";
    for (const api::ExperimentStatus* experiment : failed) {
      text += "- " + experiment->name + " (" + experiment->runtime + ", " + experiment->quant.name +
              "): " + experiment->reason + ": " + Shortened(experiment->message, 400) + "\n";
    }
    text += "\n";
  }
  text += "Rules " + (status.rules_version.empty() ? rules.version() : status.rules_version) + ".\n";
  return text;
}

}  // namespace autotune::cli
