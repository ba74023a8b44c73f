// Insights from a task's status, for reports: effects of parameters, predicted against measured values, the trajectory.
//
// Pure, for reports; no decision reads it. Below a second for spaces of any size.
#pragma once

#include "operator/api/autotune_task.h"
#include "operator/reconcile/space.h"
#include "tuning/search/insight.h"

namespace autotune::reconcile {

// `space`: of the spec and of status.model (BuildSpace). Effects and predictions are those of an adaptive search's
// model and are given for Grid and Random too: they describe the measurements, independent of the strategy.
tuning::search::Insight InsightOf(const api::TaskSpec& spec, const api::TaskStatus& status, const Space& space);

// The part that needs no space: experiments in the order in which they ended.
std::vector<tuning::search::TrajectoryStep> TrajectoryOf(const api::TaskStatus& status);

}  // namespace autotune::reconcile
