// ToolResources: resources of the tools image's containers, for all tasks of an operator.
//
// Pure values. A quota on compute resources rejects pods with containers that do not state the counted resources.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "base/result.h"

namespace autotune::experiment {

struct ToolResources {
  // The copy passes through the page cache, which counts here until it is written back.
  nlohmann::json install = {{"requests", {{"cpu", "10m"}, {"memory", "16Mi"}}}, {"limits", {{"memory", "128Mi"}}}};
  // Unless spec.benchmark.resources has some. No CPU limit: a throttled client would measure itself.
  nlohmann::json bench = {{"requests", {{"cpu", "500m"}, {"memory", "256Mi"}}}, {"limits", {{"memory", "1Gi"}}}};
  nlohmann::json inspect = {{"requests", {{"cpu", "50m"}, {"memory", "64Mi"}}}, {"limits", {{"memory", "512Mi"}}}};
};

// A container's resources as JSON text: {"requests": {"cpu": "1"}, "limits": {"memory": "1Gi"}}. kInvalid names the
// error, after `name`.
base::Result<nlohmann::json> ParseResources(const std::string& text, const std::string& name);

}  // namespace autotune::experiment
