// `autotune plan --cluster`: the GPUs that the cluster's nodes have, and which of them a task runs on. Pure.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "operator/api/autotune_task.h"
#include "operator/experiment/node_view.h"

namespace autotune::cli {

// Nodes with the same GPUs.
struct GpuPool {
  std::string product;        // "" = no node label with the product
  experiment::GpuInfo info;   // of the first such node
  int nodes = 0, closed = 0;  // closed: of these, unschedulable now
  std::int64_t gpus = 0;      // allocatable under spec.gpu.resourceName; GPUs in use by other pods are not subtracted
  std::int64_t largest = 0;   // of one node
  int allowed = 0;            // nodes that spec.gpu allows
};
// Most GPUs first. Nodes without this resource are in none.
std::vector<GpuPool> GpuPools(const api::GpuSpec& spec, const std::vector<experiment::NodeView>& nodes);

// Resources of GPUs and their parts that nodes have: "nvidia.com/mig-1g.10gb, amd.com/gpu"; "" = none.
std::string GpuResources(const std::vector<experiment::NodeView>& nodes);

// "" where no experiment needs more GPUs on one node than the largest allowed node of `product` has; else a line.
std::string TooManyGpus(const std::vector<GpuPool>& pools, const std::string& product, int needed);

// A table; `chosen`: the product that the plan is for.
std::string GpuPoolsText(const std::vector<GpuPool>& pools, const api::GpuSpec& spec, const std::string& chosen);
nlohmann::json GpuPoolsJson(const std::vector<GpuPool>& pools, const std::string& chosen);

}  // namespace autotune::cli
