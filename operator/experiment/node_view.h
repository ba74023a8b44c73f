// GPU-related view of a cluster's nodes. Pure values.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "quant/launch_plan.h"

namespace autotune::experiment {

struct NodeView {
  std::string name;
  std::map<std::string, std::string> labels;        // all of them: a task's nodeSelector may name any
  std::map<std::string, std::int64_t> allocatable;  // extended resources
  bool unschedulable = false;
};

NodeView NodeViewFromJson(const nlohmann::json& node);

struct GpuInfo {
  // In the labeller's spelling; in GPU Feature Discovery's where the labeller has one name for different cards, and if
  // only the instance type identifies it. "-MIG-1g.5gb" is appended to GKE's name of a partitioned GPU.
  std::string product;            // "" = not labelled
  std::int64_t memory_bytes = 0;  // 0 = not known; an upper bound where gpu::IsUpperBound says so
  std::optional<quant::ComputeCapability> capability;
  std::string amd_architecture{};  // as in quant::LaunchRequest; "" = not an AMD GPU
  // The node offers more GPUs than the labeller counts cards: a pod gets a share, whatever the product's label says.
  bool shared = false;
};
// In this order: GPU Feature Discovery, AMD's node labeller, GKE, Karpenter and EKS, Karpenter on Azure, the instance
// type. An AMD GPU's product is its product name, or its device id where the card has no name. Missing values are
// filled in for products of the catalogue (gpu/product.h); others stay unknown.
// With the mixed MIG strategy the node's own labels are those of the whole cards, and each kind of partition, a
// resource such as nvidia.com/mig-1g.10gb, has labels of its own: the labels of `resource` count.
GpuInfo GpuOfNode(const NodeView& node, std::string_view resource);

// "1g.10gb" of nvidia.com/mig-1g.10gb and of its time slices, nvidia.com/mig-1g.10gb.shared; "" for other resources.
std::string_view PartitionOfResource(std::string_view resource);

// The name that labels of a resource begin with. NVIDIA's device plugin can offer time slices as "<resource>.shared"
// (renameByDefault); the labels keep the name of the resource itself, without "-SHARED" in the product.
std::string_view LabelledResource(std::string_view resource);

}  // namespace autotune::experiment
