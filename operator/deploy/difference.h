// Differences between a running Deployment and the best configuration: image, arguments, environment, resources, node
// selection. Pure.
//
// Arguments are compared by flag, under canonical names, not by position. Values of secret flags, and environment
// variables that the configuration does not set, are never shown.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "operator/api/autotune_task.h"
#include "operator/deploy/server_spec.h"
#include "quant/rules.h"

namespace autotune::deploy {

// `deployment`: an apps/v1 object. `container`: "" = the only one, else the one with the best configuration's GPUs,
// else the one with its image. If nothing can be compared, the result has a message and no lines. The caller sets
// read_at.
api::Difference DifferenceFrom(const nlohmann::json& deployment, const std::string& container, const ServerSpec& server,
                               const quant::RuleSet& rules);

}  // namespace autotune::deploy
