// ToolResources: resources of the containers with the tools image, for all tasks of an operator.
//
// Pure values. A quota on compute resources rejects pods whose containers do not set the counted resources.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "base/result.h"

namespace autotune::experiment {

struct ToolResources {
  // The copied file is in the page cache, which counts as memory until it is written back.
  nlohmann::json install = {{"requests", {{"cpu", "10m"}, {"memory", "16Mi"}}}, {"limits", {{"memory", "128Mi"}}}};
  // Overridden by spec.benchmark.resources. No CPU limit: a throttled load generator would measure itself.
  nlohmann::json bench = {{"requests", {{"cpu", "500m"}, {"memory", "256Mi"}}}, {"limits", {{"memory", "1Gi"}}}};
  nlohmann::json inspect = {{"requests", {{"cpu", "50m"}, {"memory", "64Mi"}}}, {"limits", {{"memory", "512Mi"}}}};
};

// Parses a container's resources from JSON: {"requests": {"cpu": "1"}, "limits": {"memory": "1Gi"}}. kInvalid: the
// message begins with `name`.
base::Result<nlohmann::json> ParseResources(const std::string& text, const std::string& name);

}  // namespace autotune::experiment
