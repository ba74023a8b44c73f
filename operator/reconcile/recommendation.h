// The ConfigMap of the best configuration, owned by the task: one file per requested target. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "operator/api/autotune_task.h"
#include "operator/deploy/server_spec.h"

namespace autotune::reconcile {

// Hash of the contents of a ConfigMap.
std::string DigestOf(const nlohmann::json& config_map);

// Name: deploy::ServerName(task). Keys: the files of spec.recommendation.targets, `command.txt` (the engine's command
// line, shell-quoted), `about.txt` (description, measurement, skipped targets with reasons).
nlohmann::json Recommendation(const api::AutotuneTask& task, const deploy::ServerSpec& best);

}  // namespace autotune::reconcile
