// The server to deploy for an experiment's configuration, from the task object alone. Pure.
#pragma once

#include "base/result.h"
#include "operator/api/autotune_task.h"
#include "operator/deploy/server_spec.h"
#include "quant/rules.h"

namespace autotune::reconcile {

// kInvalid: the spec no longer has this runtime, or the status has cut the arguments.
base::Result<deploy::ServerSpec> MeasuredServerSpec(const api::AutotuneTask& task,
                                                    const api::ExperimentStatus& experiment,
                                                    const quant::RuleSet& rules,
                                                    const experiment::PodEnvironment& environment = {});

}  // namespace autotune::reconcile
