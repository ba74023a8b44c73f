// What is deployed today as the baseline of a task: when it is read, which runtime and checkpoint it is of, and which
// parameters it has. Pure.
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

// Of spec.optimization.baseline's command, or of its deploymentRef as it was read; REQUIRES: one of them is set.
// kInvalid names the field: it is no command of a runtime of the task, serves no checkpoint of it, or has what an
// experiment cannot have. What is left out without harm is a warning.
base::Result<tuning::NamedBaseline> DeployedBaseline(const api::TaskSpec& spec,
                                                     const std::vector<ResolvedRuntime>& runtimes,
                                                     const quant::RuleSet& rules,
                                                     std::vector<quant::Warning>& warnings);

// A workload that is to be the baseline, and is not in the status yet.
struct DeployedReading {
  Verdict verdict;                        // what the task says meanwhile; kFailed: it can never be the baseline
  std::optional<api::ReadWorkload> read;  // it was read: the next look goes on
  std::optional<api::WorkloadRef> ask;    // to be read now
  std::optional<base::WallTime> wake_at;
};
DeployedReading ReadDeployed(const api::WorkloadRef& ref, const std::string& gpu_resource, const Memory& memory,
                             base::WallTime now);

}  // namespace autotune::reconcile
