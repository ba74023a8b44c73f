// GPU-related view of a cluster's nodes. Pure values.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "quant/launch_plan.h"

namespace autotune::experiment {

struct Taint {
  std::string key, value, effect;  // NoSchedule or NoExecute
  bool operator==(const Taint&) const = default;
};
// As kubectl writes it: "dedicated=ml:NoSchedule".
std::string TaintText(const Taint& taint);

struct NodeView {
  std::string name;
  std::map<std::string, std::string> labels;        // all labels, because a task's nodeSelector may use any
  std::map<std::string, std::int64_t> allocatable;  // extended resources
  // Cordoned, or with a taint of a passing state: not ready, under pressure, not initialized yet, about to be deleted.
  bool unschedulable = false;
  std::vector<Taint> taints;  // all others that keep pods away
};

NodeView NodeViewFromJson(const nlohmann::json& node);

struct GpuInfo {
  // In the labeller's spelling; in GPU Feature Discovery's if the labeller has one name for different cards, or if only
  // the instance type identifies the GPU. "-MIG-1g.5gb" is appended to GKE's name of a partitioned GPU, and "-5722MiB"
  // to the name of a card of which an instance has only a part (gpu::NameOfPart).
  std::string product;            // "" = not labelled
  std::int64_t memory_bytes = 0;  // 0 = not known; an upper bound if gpu::IsUpperBound
  std::optional<quant::ComputeCapability> capability;
  std::string amd_architecture{};  // as in quant::LaunchRequest; "" = not an AMD GPU
  // The node offers more GPUs than it has cards, so a pod gets a share, regardless of the product's label.
  bool shared = false;
};
// Sources, in this order: GPU Feature Discovery, AMD's node labeller, GKE, Karpenter and EKS, Karpenter on Azure, the
// instance type. The product of an AMD GPU is its product name, or its device id if the card has no name. Missing
// values are taken from the catalogue (gpu/product.h) or stay unknown. With the mixed MIG strategy the node's own
// labels describe the whole cards, and each kind of partition (a resource such as nvidia.com/mig-1g.10gb) has its own
// labels: those of `resource` are used.
GpuInfo GpuOfNode(const NodeView& node, std::string_view resource);

// "1g.10gb" for nvidia.com/mig-1g.10gb and its time slices (nvidia.com/mig-1g.10gb.shared); "" for others.
std::string_view PartitionOfResource(std::string_view resource);

// The prefix of a resource's labels. NVIDIA's device plugin can offer time slices as "<resource>.shared"
// (renameByDefault); their labels keep the name of the resource itself, without "-SHARED" in the product.
std::string_view LabelledResource(std::string_view resource);

}  // namespace autotune::experiment
