// Translates a container of a Pod to a local process: command line, environment, files.
//
// Pure. Handles `command`, `args` and `env` like a kubelet ($(NAME) references, $$ escapes, valueFrom), on top of the
// environment of this program instead of an image's. Images, resources and security contexts are ignored.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace autotune::local {

using Environment = std::map<std::string, std::string>;

// "$(NAME)" becomes the variable's value; an unknown name stays as it is; "$$(NAME)" is the text "$(NAME)".
std::string ExpandVariables(std::string_view text, const Environment& variables);

struct ContainerCommand {
  std::vector<std::string> argv;
  Environment environment;
};

// `pod_variables` are set for every container of the pod (AUTOTUNE_POD_DIR, AUTOTUNE_PORT, ...) and take precedence
// over those of the container. Secrets are read from a variable of this program's environment with the same name as the
// container's: kInvalid, in a kubelet's words, where a secret that is not optional is not there.
base::Result<ContainerCommand> ResolveContainer(const nlohmann::json& pod, const nlohmann::json& container,
                                                const Environment& parent, const Environment& pod_variables);

// GPUs that a pod asks for: the largest extended resource (a name with a domain) among its containers' limits.
int RequestedGpus(const nlohmann::json& pod);
// "nvidia.com/gpu", "" where it asks for none.
std::string RequestedGpuResource(const nlohmann::json& pod);

// A file that a downwardAPI volume shows to a container: annotations and labels of the pod.
struct ProjectedFile {
  std::string path;
  std::string content;
};
std::vector<ProjectedFile> ProjectedFiles(const nlohmann::json& pod, const Environment& pod_variables);

}  // namespace autotune::local
