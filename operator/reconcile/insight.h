// Insights from a task's status, for reports: predicted and measured values, the trajectory, and the point of the
// search space of each experiment.
//
// Pure. Decisions do not use it. Takes less than a second for spaces of any size.
#pragma once

#include <map>
#include <string>

#include "operator/api/autotune_task.h"
#include "operator/reconcile/space.h"
#include "tuning/search/insight.h"

namespace autotune::reconcile {

// Predictions of the adaptive search's model. Also given for Grid and Random, because they describe the measurements
// independently of the strategy. `space`: from BuildSpace for the spec and the facts in the status.
tuning::search::Insight InsightOf(const api::TaskSpec& spec, const api::TaskStatus& status, const Space& space);

// The point of an experiment in the space: values by the task's names of the parameters ("max-num-seqs",
// "quantization", "tensorParallel"), without those that the candidate leaves unset. Empty if the space no longer has
// the candidate.
std::map<std::string, std::string> PointOf(const Space& space, const api::ExperimentStatus& experiment);

// The part that needs no space: experiments in the order in which they ended.
std::vector<tuning::search::TrajectoryStep> TrajectoryOf(const api::TaskStatus& status);

}  // namespace autotune::reconcile
