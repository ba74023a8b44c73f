// What decisions need to know of the cluster's nodes: their GPUs. Pure values.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "quant/launch_plan.h"

namespace autotune::experiment {

struct NodeView {
  std::string name;
  std::map<std::string, std::string> labels;       // only those that placement uses
  std::map<std::string, std::int64_t> allocatable; // extended resources
  bool unschedulable = false;
};

NodeView NodeViewFromJson(const nlohmann::json& node);

struct GpuInfo {
  std::string product;                              // as labelled; "" = not labelled
  std::int64_t memory_bytes = 0;                    // 0 = not labelled
  std::optional<quant::ComputeCapability> capability;
};
// Reads GPU Feature Discovery labels, else the cloud providers' and AMD's; unknown stays unknown, nothing is guessed.
GpuInfo GpuOfNode(const NodeView& node);

}  // namespace autotune::experiment
