// The production deployment as a task's baseline: when it is read; its runtime, checkpoint and parameters. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "operator/api/autotune_task.h"
#include "operator/reconcile/memory.h"
#include "operator/reconcile/space.h"
#include "operator/reconcile/verdict.h"
#include "quant/rules.h"
#include "tuning/candidate.h"

namespace autotune::reconcile {

// Returns the runtime of the workload that spec.optimization.baseline.deploymentRef names, with its image, CPU and
// memory. nullopt: they equal those of a runtime of the task, cannot be used, or were not read yet. `runtimes`: those
// of the task, on every type of GPU.
std::optional<ResolvedRuntime> DeployedRuntime(const api::TaskSpec& spec, const std::vector<ResolvedRuntime>& runtimes,
                                               const quant::RuleSet& rules);

// Returns the baseline from spec.optimization.baseline.command, or from deploymentRef after it was read. kInvalid, with
// the field: it is not a command of a runtime of the task, serves none of its checkpoints, or has settings that an
// experiment cannot have. Ignored settings are added to `warnings`. `runtimes`: from ResolveRuntimes. REQUIRES: command
// or deploymentRef is set.
base::Result<tuning::NamedBaseline> DeployedBaseline(const api::TaskSpec& spec,
                                                     const std::vector<ResolvedRuntime>& runtimes,
                                                     const quant::RuleSet& rules,
                                                     std::vector<quant::Warning>& warnings);

// Next step of reading a workload that is not yet in the status.
struct DeployedReading {
  Verdict verdict;                        // condition until it is read; kFailed: it cannot be a baseline
  std::optional<api::ReadWorkload> read;  // set once it was read; the next pass continues
  std::optional<api::WorkloadRef> ask;    // workload to read now
  std::optional<base::WallTime> wake_at;
};
DeployedReading ReadDeployed(const api::WorkloadRef& ref, const std::string& gpu_resource, const Memory& memory,
                             base::WallTime now);

}  // namespace autotune::reconcile
