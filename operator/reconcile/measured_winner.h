// The configuration of an experiment as a deployable Winner, from the task's object only. Pure.
#pragma once

#include "base/result.h"
#include "operator/api/autotune_task.h"
#include "operator/deploy/winner.h"
#include "quant/rules.h"

namespace autotune::reconcile {

// kInvalid: the spec no longer has this runtime, or the arguments did not fit into the status.
base::Result<deploy::Winner> MeasuredWinner(const api::AutotuneTask& task, const api::ExperimentStatus& experiment,
                                            const quant::RuleSet& rules,
                                            const experiment::PodEnvironment& environment = {});

}  // namespace autotune::reconcile
