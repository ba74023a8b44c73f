#include "report/task_words.h"

#include <algorithm>

#include "measurement/scenario.h"
#include "operator/reconcile/answer.h"
#include "operator/reconcile/space.h"
#include "operator/reconcile/verdict.h"
#include "text/table.h"

namespace autotune::report {
namespace {

using text::Bytes;
using text::Joined;
using text::Milliseconds;

std::string LoadPlanText(const api::BenchmarkSpec& benchmark) {
  const measurement::LoadPlan& load = benchmark.load;
  std::vector<std::string> steps;
  for (const double value : load.fixed) steps.push_back(api::FormatDecimal(value, 2));
  const std::string arrivals(measurement::ArrivalProcessName(benchmark.arrival.process));
  switch (load.mode) {
    case measurement::LoadMode::kAutoConcurrency:
      return "the highest number of requests in flight that meets the SLO, up to " + std::to_string(load.max);
    case measurement::LoadMode::kAutoRate:
      return "the highest request rate that meets the SLO, " + arrivals + " arrivals";
    case measurement::LoadMode::kFixedConcurrency:
      return "closed loop with " + Joined(steps, ", ") + " requests in flight";
    case measurement::LoadMode::kFixedRate:
      return arrivals + " arrivals at " + Joined(steps, ", ") + " requests/s";
  }
  return "";
}

// Where latencies are compared, once that is known.
std::string ReferenceText(const api::TaskStatus& status) {
  std::string text;
  for (const api::TaskStatus::ReferenceLoad& load : status.reference_loads) {
    text += (text.empty() ? "; latencies are compared at " : ", ") + api::FormatDecimal(load.request_rate, 2) +
            " requests/s" + (status.reference_loads.size() > 1 ? " of " + load.scenario : "");
  }
  return text;
}

}  // namespace

std::string WorkloadText(const api::BenchmarkSpec& benchmark) {
  std::string text;
  if (benchmark.dataset) {
    text = "dataset " + benchmark.dataset->file;
  } else {
    std::vector<std::string> scenarios = benchmark.scenarios;
    if (scenarios.empty()) scenarios.emplace_back(api::kDefaultScenario);
    for (std::string& one : scenarios) one += " (" + ScenarioText(one) + ")";
    text = (scenarios.size() == 1 ? "scenario " : "scenarios ") + Joined(scenarios, ", ");
  }
  if (benchmark.prefix.tokens > 0) {
    text += ", " + std::to_string(benchmark.prefix.tokens) + " tokens of shared prefix in " +
            std::to_string(benchmark.prefix.groups) + " groups";
  }
  if (benchmark.turns.mean != 1) text += ", " + api::FormatDecimal(benchmark.turns.mean, 2) + " turns per conversation";
  if (benchmark.endpoint == measurement::Endpoint::kChat) text += ", chat";
  return text;
}

std::string SloText(const api::SloSpec& slo) {
  std::vector<std::string> parts;
  const auto add = [&](measurement::Metric metric, const std::map<std::string, double>& bounds) {
    for (const auto& [percentile, limit] : bounds) {
      parts.push_back(MetricTitle(metric) + " " + percentile + " <= " + Milliseconds(limit));
    }
  };
  add(measurement::Metric::kTtft, slo.ttft);
  add(measurement::Metric::kTpot, slo.tpot);
  add(measurement::Metric::kItl, slo.itl);
  add(measurement::Metric::kE2e, slo.e2e_latency);
  if (slo.attainment) {
    parts = {api::FormatDecimal(*slo.attainment * 100, 2) + " % of the requests within " + Joined(parts, ", ")};
  }
  parts.push_back("error rate <= " + api::FormatDecimal(slo.error_rate * 100, 2) + " %");
  return parts.empty() ? "none" : Joined(parts, ", ");
}

std::string MetricTitle(measurement::Metric metric) {
  switch (metric) {
    case measurement::Metric::kTtft:
      return "TTFT";
    case measurement::Metric::kTpot:
      return "TPOT";
    case measurement::Metric::kItl:
      return "ITL";
    case measurement::Metric::kE2e:
      return "E2E latency";
  }
  return "";
}

std::string ViolationText(const measurement::Violation& violation) {
  // With as many decimals as it takes to tell the value from the limit.
  int decimals = 2;
  const auto same = [&] {
    return api::FormatDecimal(*violation.actual * 100, decimals) == api::FormatDecimal(violation.limit * 100, decimals);
  };
  while (violation.actual && decimals < 6 && same()) ++decimals;
  const auto value = [&](double number) {
    if (violation.bound == "requestRate") return api::FormatDecimal(number, 2) + "/s";
    const bool latency = violation.bound.starts_with("slo.") && violation.bound != "slo.attainment" &&
                         violation.bound != "slo.errorRate";
    return latency ? Milliseconds(number) : api::FormatDecimal(number * 100, decimals) + " %";
  };
  // Not a limit of the user's: the engine did not keep up with what was sent.
  if (violation.bound == "requestRate" && violation.actual) {
    return "requestRate (answered " + value(*violation.actual) + " of " + value(violation.limit) + ")";
  }
  return violation.bound + " (" + (violation.actual ? value(*violation.actual) : "not measured") + ", allowed " +
         value(violation.limit) + ")";
}

std::string MeasuredText(const api::AutotuneTask& task) {
  const api::BenchmarkSpec& benchmark = task.spec.benchmark;
  // How the inspection read them.
  std::string questions;
  for (const api::ModelStatus& model : task.status.models) {
    const bool read = model.facts && model.inspection.retry_at.empty() && !model.inspection.message.empty();
    if (task.spec.quality.dataset && read) questions = "; questions: " + model.inspection.message;
  }
  return WorkloadText(benchmark) + "; " + LoadPlanText(benchmark) + ReferenceText(task.status) + "; at most " +
         api::FormatDuration(benchmark.duration) + " per load, seed " + std::to_string(benchmark.seed) + questions;
}

std::string ScenarioText(const std::string& scenario) {
  using Kind = measurement::Lengths::Kind;
  const auto parsed = measurement::Scenario::Parse(scenario);
  if (!parsed) return scenario;
  const auto lengths = [](const measurement::Lengths& one) {
    const std::string a = api::FormatDecimal(one.a, 0), b = api::FormatDecimal(one.b, 0);
    switch (one.kind) {
      case Kind::kFixed:
        return a;
      case Kind::kNormal:
        return a + " \u00b1 " + b;
      case Kind::kUniform:
        return a + " to " + b;
      case Kind::kExponential:
        return a + " on average";
    }
    return a;
  };
  return lengths(parsed->input) + " prompt tokens in, " + lengths(parsed->output) + " out";
}

std::string ScoreRuleText(const api::AutotuneTask& task) {
  const bool fixed = !task.spec.benchmark.load.fixed.empty();
  const bool one_load = tuning::ComparesAtOneLoad(reconcile::ObjectiveOf(task.spec));
  if (one_load && fixed) return "All scores are of one load: the highest that all experiments measured.";
  if (one_load) {
    std::string load = ReferenceText(task.status);
    load = load.empty() ? "70 % of the highest load of the first experiment" : load.substr(load.find(" at ") + 4);
    return "All scores are of one load: " + load + ".";
  }
  if (fixed) {
    return "Each score is that of the best given load that meets the SLO. Gains compare two experiments at the highest "
           "load at which both meet it.";
  }
  const bool estimates = std::ranges::any_of(task.status.experiments, [](const api::ExperimentStatus& experiment) {
    return experiment.score_basis == tuning::ScoreBasisName(tuning::ScoreBasis::kEstimate);
  });
  return std::string("Each score is that of the highest load at which the experiment meets the SLO, or of a lower ") +
         "load that is certainly better. If requests wait in the closed loop of the highest load, the score is that of "
         "the highest request rate that meets the SLO" +
         (estimates ? "; if this rate was not measured, the score is an estimate of it, and the throughput of the loop "
                      "(\u2264) is an upper bound. "
                    : ". ") +
         "Gains compare these scores.";
}

std::string CostText(const api::TaskStatus::Cost& cost) {
  std::string text = cost.gpu_hours + " GPU-hours (" + cost.start + " starting, " + cost.measure + " measuring, " +
                     cost.wasted + " wasted)";
  if (const double earlier = api::SumOf(cost.earlier).Total(); earlier > 0) {
    text += ", including " + api::FormatDecimal(earlier / 3600, 4) + " for experiments that edits removed or repeated";
  }
  if (!cost.price.empty()) text += ", price " + cost.price;
  return text;
}

std::string StatusMessage(const api::TaskStatus& status) {
  for (const char* type : {"Stalled", "Reconciling", "Ready"}) {
    const api::Condition* condition = api::FindCondition(status.conditions, type);
    if (condition != nullptr && !condition->message.empty()) return condition->message;
  }
  return "";
}

std::vector<std::string> ModelTexts(const api::AutotuneTask& task) {
  std::vector<std::string> texts;
  for (const api::ModelSpec& model : task.spec.models) {
    const checkpoint::ModelFacts* facts = api::FactsOf(task.status, model.name);
    texts.push_back((model.name.empty() ? "" : model.name + ": ") + model.id_or_path +
                    (facts == nullptr ? "" : " (" + ModelText(*facts) + ")"));
  }
  return texts;
}

std::vector<std::string> GpuTexts(const api::AutotuneTask& task) {
  std::vector<std::string> texts;
  for (const api::GpuStatus& gpu : task.status.gpus) {
    if (gpu.name.empty()) {
      if (!gpu.product.empty()) texts.push_back(gpu.product);
      continue;
    }
    std::string text = gpu.name + ": " + (gpu.product.empty() ? "product not known" : gpu.product);
    if (!gpu.gpu_hours.empty()) text += ", " + gpu.gpu_hours + " GPU-hours";
    if (!gpu.price.empty()) text += ", price " + gpu.price;
    if (!gpu.unavailable.empty()) text += "; not available: " + gpu.unavailable;
    texts.push_back(std::move(text));
  }
  return texts;
}

std::string ModelText(const checkpoint::ModelFacts& model) {
  std::string text = model.architecture.empty() ? "unknown architecture" : model.architecture;
  text += ", " + (model.dtype.empty() ? "dtype not known" : model.dtype);
  text += model.quantized() ? ", quantized with " + model.quantization : ", not quantized";
  if (model.experts > 0) text += ", " + std::to_string(*model.experts) + " experts";
  if (model.weight_bytes > 0) text += ", " + Bytes(static_cast<double>(*model.weight_bytes));
  return text;
}

std::string ImageOf(const api::AutotuneTask& task, const api::ExperimentStatus& experiment) {
  if (task.status.expanded_for) {
    const auto& runtimes = task.status.expanded_for->runtimes;
    const auto found = runtimes.find(api::MeasuredWith(experiment));
    if (found != runtimes.end()) return found->second.image;
  }
  const auto gpu = api::FindGpu(task.spec, experiment.gpu);
  if (!gpu) return "";
  const auto named = std::ranges::find(task.spec.runtimes, experiment.runtime, &api::RuntimeSpec::name);
  api::RuntimeSpec runtime;
  if (named != task.spec.runtimes.end()) runtime = *named;
  runtime.name = experiment.runtime;
  return reconcile::NamedImage(task.spec, runtime, *gpu);
}

std::string CandidatesText(const api::AutotuneTask& task) {
  const api::TaskStatus::Candidates& candidates = task.status.candidates;
  const auto count = [](int number, const char* noun) {
    return std::to_string(number) + " " + noun + (number == 1 ? "" : "s");
  };
  const std::string of = " out of " + count(candidates.total, "combination") + " (" +
                         count(candidates.duplicates, "duplicate") + ", " + std::to_string(candidates.pruned) +
                         " pruned";
  if (reconcile::IsAdaptive(task.spec) && !reconcile::IsOver(task.status.state)) {
    return count(candidates.eligible, "candidate") + of + "); the search decides which of them run";
  }
  const auto fresh = std::count_if(task.status.experiments.begin(), task.status.experiments.end(),
                                   [](const api::ExperimentStatus& one) { return !one.confirms.empty(); });
  return count(candidates.eligible - candidates.not_run, "experiment") +
         (fresh > 0 ? " and " + count(static_cast<int>(fresh), "fresh start") : "") + of + ", " +
         std::to_string(candidates.not_run) + " not run)";
}

std::string MostPrunedText(int pruned, int total, const std::string& reason) {
  if (pruned == 0 || pruned >= total || 10 * pruned < 9 * total) return "";
  return std::to_string(pruned) + " of " + std::to_string(total) +
         " combinations are pruned: little of the space is left to compare" +
         (reason.empty() ? "" : "; most often for " + reason);
}

std::string MostPrunedText(const api::AutotuneTask& task) {
  const api::TaskStatus::Candidates& candidates = task.status.candidates;
  std::string reason;
  if (!task.status.pruned_reasons.empty()) {
    const api::PrunedReason& most =
        *std::ranges::max_element(task.status.pruned_reasons, {}, &api::PrunedReason::count);
    reason = most.reason + " (" + std::to_string(most.count) + "): " + most.example;
  }
  return MostPrunedText(candidates.pruned, candidates.total, reason);
}

}  // namespace autotune::report
