#include "operator/reconcile/measured_server_spec.h"

#include "operator/reconcile/space.h"

namespace autotune::reconcile {

base::Result<deploy::ServerSpec> MeasuredServerSpec(const api::AutotuneTask& task,
                                                    const api::ExperimentStatus& experiment,
                                                    const quant::RuleSet& rules,
                                                    const experiment::PodEnvironment& environment) {
  if (experiment.truncated && !experiment.args.empty() && experiment.args.back() == "...") {
    return base::Invalid(experiment.name + ": its arguments did not fit into the status");
  }
  const auto runtimes = ResolveRuntimes(task.spec, rules);
  if (!runtimes) return runtimes.error();
  const auto model = api::FindModel(task.spec, experiment.model);
  if (!model) return base::Invalid("spec.models: no longer contains \"" + experiment.model + "\"");
  const auto gpu = api::FindGpu(task.spec, experiment.gpu);
  if (!gpu) return base::Invalid("spec.gpus: no longer contains \"" + experiment.gpu + "\"");
  const ResolvedRuntime* runtime = RuntimeOf(*runtimes, task.spec, experiment);
  if (runtime == nullptr) return base::Invalid("spec.runtimes: no longer contains \"" + experiment.runtime + "\"");
  experiment::Experiment measured;
  measured.hash = experiment.hash;
  measured.attempt = experiment.attempts;
  measured.model = *model;
  measured.gpu = *gpu;
  measured.runtime = runtime->spec;
  measured.traits = runtime->traits;
  measured.plan.args = experiment.args;
  measured.plan.options_yaml = experiment.options;
  measured.plan.env = experiment.env;
  measured.plan.gpus = experiment.gpus;
  experiment::Placement placement;
  placement.pinned_product = api::GpuOf(task.status, experiment.gpu).product;
  placement.nodes_are_labelled = !placement.pinned_product.empty();
  return deploy::ServerSpecOf(task, experiment, measured, placement, environment);
}

}  // namespace autotune::reconcile
