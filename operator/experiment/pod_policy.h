// PodPolicy: what a task may ask of a cluster through its pods.
//
// Pure values. The operator creates pods with its own rights: without a policy, whoever may create a task could use
// what only the operator is trusted with. The defaults are the "baseline" of the Pod Security Standards, the volumes of
// "restricted" and the namespace's default ServiceAccount; an operator's flags widen them.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "operator/api/autotune_task.h"

namespace autotune::experiment {

struct PodPolicy {
  bool host_path = false;   // directories of nodes, as a model's volume or a volume of spec.podTemplate
  bool privileged = false;  // security contexts beyond "baseline"
  // "*" in a list is every one. The empty name of a ServiceAccount is the namespace's default.
  std::vector<std::string> service_accounts = {"default"};
  std::vector<std::string> volumes = {"configMap", "csi",   "downwardAPI",           "emptyDir",
                                      "ephemeral", "image", "persistentVolumeClaim", "projected",
                                      "secret"};

  // Where the user's own rights decide: local mode, and a plan that no operator has seen yet.
  static PodPolicy Everything();
};

// kInvalid with the first field that the policy refuses and the flag that would allow it.
base::Status CheckPodPolicy(const api::TaskSpec& spec, const PodPolicy& policy);

}  // namespace autotune::experiment
