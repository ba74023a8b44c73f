// What an experiment's entry in the status started, as something to deploy: from the task alone. Pure.
#pragma once

#include "base/result.h"
#include "operator/api/autotune_task.h"
#include "operator/deploy/winner.h"
#include "quant/rules.h"

namespace autotune::reconcile {

// kInvalid: the spec has no such runtime any more, or the status had no room for the arguments.
base::Result<deploy::Winner> MeasuredWinner(const api::AutotuneTask& task, const api::ExperimentStatus& experiment,
                                            const quant::RuleSet& rules,
                                            const experiment::PodEnvironment& environment = {});

}  // namespace autotune::reconcile
