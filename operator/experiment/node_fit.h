// Which nodes the scheduler may give to a type's pods, by taints, the user's nodeSelector and required node affinity.
//
// Pure, thread-safe. As Kubernetes defines them (k8s.io/component-helpers: scheduling/corev1). Free resources, and the
// terms that a task's requirements for GPUs add (node_affinity.h), are not looked at.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "operator/api/autotune_task.h"
#include "operator/experiment/node_view.h"

namespace autotune::experiment {

// Tolerations of a type's pods: of the taint with the name of its resource, and the user's.
nlohmann::json TolerationsOf(const api::GpuSpec& spec);

// Taints of the node that the type's pods do not tolerate.
std::vector<Taint> UntoleratedTaints(const api::GpuSpec& spec, const NodeView& node);

// True if nodeSelector and the required node affinity of `spec` match the node, and its pods tolerate the node's
// taints.
bool MayRunOn(const api::GpuSpec& spec, const NodeView& node);

// True if nodeSelector and the required node affinity match. Operators that are not known match nothing.
bool SelectsNode(const api::GpuSpec& spec, const NodeView& node);

}  // namespace autotune::experiment
