#include "operator/reconcile/answer.h"

#include <cstdlib>
#include <optional>
#include <utility>
#include <vector>

#include "operator/reconcile/tally.h"

namespace autotune::reconcile {
namespace {

// Milliseconds, or a share.
std::string BoundText(const std::string& bound, double value) {
  const bool share = bound == "slo.errorRate" || bound == "quality.maxDegradation";
  return api::FormatDecimal(value, share ? 4 : 1);
}

}  // namespace

tuning::Objective ObjectiveOf(const api::TaskSpec& spec) {
  switch (spec.optimization.objective) {
    case api::Objective::kMaximizeThroughput:
      return tuning::Objective::kMaximizeThroughput;
    case api::Objective::kMinimizeLatency:
      return tuning::Objective::kMinimizeLatency;
    case api::Objective::kMinimizeTtft:
      return tuning::Objective::kMinimizeTtft;
    case api::Objective::kMinimizeTpot:
      return tuning::Objective::kMinimizeTpot;
  }
  return tuning::Objective::kMaximizeThroughput;
}

tuning::Slo SloOf(const api::TaskSpec& spec) {
  return {spec.slo.ttft, spec.slo.tpot, spec.slo.e2e_latency, spec.slo.error_rate, spec.quality.max_degradation};
}

tuning::Observation ObservationOf(const api::ExperimentStatus& experiment, const api::TaskStatus& status) {
  tuning::Observation observation;
  observation.id = experiment.name;
  observation.gpus = experiment.gpus;
  for (const api::LoadRow& row : experiment.loads) observation.loads.push_back(row.measured);
  if (!experiment.quality) return observation;
  for (const api::ExperimentStatus& other : status.experiments) {
    if (other.baseline && other.runtime == experiment.runtime && other.quality) {
      observation.quality = tuning::CompareQuality(experiment.quality->measured, other.quality->measured);
    }
  }
  return observation;
}

void FillCost(const api::TaskSpec& spec, api::TaskStatus& status) {
  constexpr double kSecondsPerHour = 3600;
  const api::GpuSeconds spent = GpuSecondsOf(status);
  const auto hours = [](double seconds) { return api::FormatDecimal(seconds / kSecondsPerHour, 4); };
  status.cost.gpu_hours = hours(spent.Total());
  status.cost.start = hours(spent.start);
  status.cost.measure = hours(spent.measure);
  status.cost.wasted = hours(spent.wasted);
  status.cost.price.clear();
  if (!spec.gpu.price_per_hour.empty()) {
    const double price = std::strtod(spec.gpu.price_per_hour.c_str(), nullptr);
    status.cost.price = api::FormatDecimal(spent.Total() / kSecondsPerHour * price, 2);
  }
}

std::string Answer(const api::TaskSpec& spec, api::TaskStatus& status) {
  FillCost(spec, status);
  std::vector<tuning::Observation> observations;
  std::vector<api::ExperimentStatus*> experiments;
  for (api::ExperimentStatus& experiment : status.experiments) {
    if (experiment.state != api::ExperimentState::kSucceeded) continue;
    observations.push_back(ObservationOf(experiment, status));
    experiments.push_back(&experiment);
  }
  const tuning::Objective objective = ObjectiveOf(spec);
  const tuning::Judgement judgement = tuning::Judge(observations, objective, SloOf(spec));

  for (std::size_t i = 0; i < experiments.size(); ++i) {
    const tuning::Judged& judged = judgement.judged[i];
    api::ExperimentStatus& experiment = *experiments[i];
    experiment.score = judged.score ? api::FormatDecimal(*judged.score, 2) : "";
    for (std::size_t row = 0; row < experiment.loads.size() && row < judged.load_meets_slo.size(); ++row) {
      experiment.loads[row].meets_slo = judged.load_meets_slo[row];
    }
    if (experiment.quality) {
      const std::optional<tuning::QualityChange>& change = observations[i].quality;
      experiment.quality->mean = api::FormatDecimal(tuning::MeanNll(experiment.quality->measured), 5);
      experiment.quality->delta = change ? api::FormatDecimal(change->delta, 5) : "";
      experiment.quality->ci = change ? api::FormatDecimal(change->ci, 5) : "";
    }
  }
  status.pareto.clear();
  for (const std::size_t index : judgement.pareto) status.pareto.push_back(experiments[index]->name);

  status.best.reset();
  if (judgement.best) {
    const api::ExperimentStatus& winner = *experiments[*judgement.best];
    std::optional<double> baseline;
    for (std::size_t i = 0; i < experiments.size(); ++i) {
      // Each runtime has a baseline; the improvement is over that of the winner's own runtime.
      if (experiments[i]->baseline && experiments[i]->runtime == winner.runtime) baseline = judgement.judged[i].score;
    }
    api::TaskStatus::Best best;
    best.experiment = winner.name;
    best.runtime = winner.runtime;
    best.quant_name = winner.quant.name;
    best.score = winner.score;
    best.improvement_over_baseline = tuning::Improvement(judgement.judged[*judgement.best].score, baseline, objective);
    best.load = judgement.judged[*judgement.best].scored_concurrency;
    status.best = std::move(best);
    return "";
  }

  // Nothing is feasible: the configuration that comes closest tells what relaxing its worst bound would give.
  if (!judgement.nearest) return "";
  const api::ExperimentStatus& nearest = *experiments[*judgement.nearest];
  const tuning::Violation& bound = *judgement.judged[*judgement.nearest].binding;
  const std::string head = "No configuration meets " + bound.bound + " = " + BoundText(bound.bound, bound.limit);
  if (!bound.actual) return head + ": what it bounds could not be measured of any; warnings of the experiments say why";
  const std::string actual = BoundText(bound.bound, *bound.actual);
  return head + "; the nearest is " + nearest.name + " (" + nearest.quant.name + ") with " + actual +
         ". Relax that bound to " + actual + " and it becomes feasible.";
}

}  // namespace autotune::reconcile
