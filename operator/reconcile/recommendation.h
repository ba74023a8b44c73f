// The manifest for the winner: a ConfigMap, owned by the task, with a Deployment ready to apply and the plain command.
// Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "operator/api/autotune_task.h"
#include "operator/experiment/pod_builder.h"

namespace autotune::reconcile {

// "<task>-best"; a longer task's name is cut and carries a hash, so that no two tasks share one.
std::string RecommendationName(const api::AutotuneTask& task);

// Tells one ConfigMap from another.
std::string DigestOf(const nlohmann::json& config_map);

// Keys: `deployment.yaml` (engine alone, with the winner's arguments, GPUs, model volume and secrets) and `command.txt`
// (the engine's command line, shell-quoted).
nlohmann::json Recommendation(const api::AutotuneTask& task, const experiment::Experiment& winner,
                              const experiment::Placement& placement, const experiment::PodEnvironment& environment);

}  // namespace autotune::reconcile
