// Translates a container of a Pod to a local process: command line, environment, files.
//
// Pure. Handles `command`, `args` and `env` like a kubelet ($(NAME) references, $$ escapes, valueFrom), based on this
// program's environment instead of an image's. Images, resources and security contexts are ignored.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace autotune::local {

using Environment = std::map<std::string, std::string>;

// Replaces "$(NAME)" by the variable's value. An unknown name stays unchanged; "$$(NAME)" becomes the text "$(NAME)".
std::string ExpandVariables(std::string_view text, const Environment& variables);

struct ContainerCommand {
  std::vector<std::string> argv;
  Environment environment;
};

// `pod_variables`: set for every container of the pod (AUTOTUNE_POD_DIR, AUTOTUNE_PORT, ...); they take precedence over
// those of the container. A secret is read from this program's environment variable with the name of the container's
// variable. kInvalid, in a kubelet's words: a secret that is not optional is missing.
base::Result<ContainerCommand> ResolveContainer(const nlohmann::json& pod, const nlohmann::json& container,
                                                const Environment& parent, const Environment& pod_variables);

// Number of GPUs that a pod requests: the largest extended resource (a name with a domain) in its containers' limits.
int RequestedGpus(const nlohmann::json& pod);
// Name of that resource, "nvidia.com/gpu"; "" if the pod requests none.
std::string RequestedGpuResource(const nlohmann::json& pod);

// A file of a downwardAPI volume: annotations and labels of the pod.
struct ProjectedFile {
  std::string path;
  std::string content;
};
std::vector<ProjectedFile> ProjectedFiles(const nlohmann::json& pod, const Environment& pod_variables);

}  // namespace autotune::local
