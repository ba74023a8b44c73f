// PodPolicy: privileges that tasks may request for their pods.
//
// Pure values. The operator creates pods with its own permissions: without a policy, everyone who may create a task
// would have them. The defaults are "baseline" of the Pod Security Standards, the volume types of "restricted", and the
// namespace's default ServiceAccount; flags of the operator extend them.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "operator/api/autotune_task.h"

namespace autotune::experiment {

struct PodPolicy {
  bool host_path = false;   // hostPath volumes: of a model, or in spec.podTemplate
  bool privileged = false;  // security contexts beyond "baseline"
  // "*" in a list allows all. An empty ServiceAccount name means the namespace's default.
  std::vector<std::string> service_accounts = {"default"};
  std::vector<std::string> volumes = {"configMap", "csi",   "downwardAPI",           "emptyDir",
                                      "ephemeral", "image", "persistentVolumeClaim", "projected",
                                      "secret"};

  // For local mode and `autotune plan`, which use the user's own permissions.
  static PodPolicy Everything();
};

// kInvalid with the first field that the policy rejects, and the flag that would allow it.
base::Status CheckPodPolicy(const api::TaskSpec& spec, const PodPolicy& policy);

}  // namespace autotune::experiment
