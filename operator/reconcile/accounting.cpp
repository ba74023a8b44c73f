#include "operator/reconcile/accounting.h"

#include <algorithm>
#include <chrono>
#include <map>

#include "base/clock.h"
#include "operator/reconcile/track.h"

namespace autotune::reconcile {

api::GpuSeconds GpuSecondsOf(const api::ExperimentStatus& experiment) {
  api::GpuSeconds cost;
  if (!experiment.reused_from.empty()) return cost;  // another task paid
  cost.wasted = experiment.wasted_gpu_hours * kSecondsPerHour;
  if (experiment.started_at.empty() || experiment.finished_at.empty()) return cost;
  const std::chrono::duration<double> elapsed =
      base::ParseRfc3339(experiment.finished_at) - base::ParseRfc3339(experiment.started_at);
  const double held = std::max(0.0, elapsed.count()) * experiment.gpus;
  if (experiment.state != api::ExperimentState::kSucceeded) {
    cost.wasted += held;
    return cost;
  }
  cost.measure = std::min(held, experiment.measure_seconds * experiment.gpus);
  cost.start = held - cost.measure;
  return cost;
}

api::GpuSeconds GpuSecondsOf(const api::TaskStatus& status) { return api::SumOf(SpentByType(status)); }

api::GpuSecondsByType SpentByType(const api::TaskStatus& status) {
  api::GpuSecondsByType cost = status.cost.earlier;
  for (const api::GpuStatus& gpu : status.gpus) cost[gpu.name];
  for (const api::ExperimentStatus& experiment : status.experiments) cost[experiment.gpu] += GpuSecondsOf(experiment);
  return cost;
}

std::string EngineOf(const api::TaskSpec& spec, const std::string& runtime) {
  for (const api::RuntimeSpec& candidate : spec.runtimes) {
    if (candidate.name == runtime) return candidate.engine;
  }
  if (const std::string own = api::WithoutDeployed(runtime); own != runtime) return EngineOf(spec, own);
  return runtime == spec.base_runtime ? spec.base_runtime : "";
}

MetricIncrements IncrementsOf(const api::TaskSpec& spec, const api::TaskStatus& before, const api::TaskStatus& after) {
  std::map<std::string, const api::ExperimentStatus*> earlier;
  for (const api::ExperimentStatus& entry : before.experiments) earlier[entry.hash] = &entry;
  static const api::ExperimentStatus kNew;

  MetricIncrements increments;
  for (const api::ExperimentStatus& entry : after.experiments) {
    const auto found = earlier.find(entry.hash);
    const api::ExperimentStatus& was = found == earlier.end() ? kNew : *found->second;
    if (IsFinished(entry) && !IsFinished(was) && entry.reused_from.empty()) {
      const bool succeeded = entry.state == api::ExperimentState::kSucceeded;
      increments.finished.push_back({EngineOf(spec, entry.runtime), succeeded ? "Succeeded" : entry.reason});
    }
    if (!entry.retry_at.empty() && entry.retry_at != was.retry_at) {
      increments.retried.push_back({EngineOf(spec, entry.runtime), entry.reason});
    }
  }
  // Never negative: a counter only grows, and a status that somebody edited by hand may say less than before.
  api::GpuSecondsByType then = SpentByType(before);
  for (const auto& [type, now] : SpentByType(after)) {
    const api::GpuSeconds& was = then[type];
    increments.gpu[type] = {std::max(0.0, now.start - was.start), std::max(0.0, now.measure - was.measure),
                            std::max(0.0, now.wasted - was.wasted)};
  }
  return increments;
}

}  // namespace autotune::reconcile
