// Differences between a running Deployment and the best configuration: image, arguments, environment, resources, node
// selection. Pure.
//
// Arguments are compared flag by flag under their names, not by position. Values of secret flags, and environment
// variables that the configuration does not set, never appear.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "operator/api/autotune_task.h"
#include "operator/deploy/winner.h"
#include "quant/rules.h"

namespace autotune::deploy {

// `deployment`: apps/v1, as an API server or a file has it. `container`: "" = the only one, else the one with the
// winner's GPUs, else the one with its image. Without lines and with a message if nothing can be compared; the caller
// sets read_at.
api::Difference DifferenceFrom(const nlohmann::json& deployment, const std::string& container, const Winner& winner,
                               const quant::RuleSet& rules);

}  // namespace autotune::deploy
