// Insights from a task's status, for reports: predicted against measured values, the trajectory, and the point of the
// space that each experiment measured.
//
// Pure, for reports; no decision reads it. Below a second for spaces of any size.
#pragma once

#include <map>
#include <string>

#include "operator/api/autotune_task.h"
#include "operator/reconcile/space.h"
#include "tuning/search/insight.h"

namespace autotune::reconcile {

// `space`: of the spec and of status.model (BuildSpace). Predictions are those of an adaptive search's model and are
// given for Grid and Random too: they describe the measurements, independent of the strategy.
tuning::search::Insight InsightOf(const api::TaskSpec& spec, const api::TaskStatus& status, const Space& space);

// The point of the space that an experiment measured: values by the names that the task has for its axes
// ("max-num-seqs", "quantization", "tensorParallel"); an axis that the candidate leaves unset is missing. Empty if the
// space has no such candidate any more.
std::map<std::string, std::string> PointOf(const Space& space, const api::ExperimentStatus& experiment);

// The part that needs no space: experiments in the order in which they ended.
std::vector<tuning::search::TrajectoryStep> TrajectoryOf(const api::TaskStatus& status);

}  // namespace autotune::reconcile
