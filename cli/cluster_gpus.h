// `autotune plan --cluster`: the GPUs of the cluster's nodes, and which of them a task uses. Pure.
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
  std::string product;        // "" = no node label has the product
  experiment::GpuInfo info;   // of the first such node
  int nodes = 0, closed = 0;  // closed: of these, currently unschedulable
  std::int64_t gpus = 0;      // allocatable under spec.gpu.resourceName; GPUs in use by other pods are not subtracted
  std::int64_t largest = 0;   // largest number of GPUs on one node
  int allowed = 0;            // nodes that spec.gpu allows
};
// Pools in descending order of GPUs. Nodes without this resource are left out.
std::vector<GpuPool> GpuPools(const api::GpuSpec& spec, const std::vector<experiment::NodeView>& nodes);

// Resource names of the nodes' GPUs and GPU parts: "nvidia.com/mig-1g.10gb, amd.com/gpu"; "" = none.
std::string GpuResources(const std::vector<experiment::NodeView>& nodes);

// A line if an experiment needs more GPUs on one node than the largest allowed node of `product` has; else "".
std::string TooManyGpus(const std::vector<GpuPool>& pools, const std::string& product, int needed);

// A table; `chosen`: the product for which the plan is made.
std::string GpuPoolsText(const std::vector<GpuPool>& pools, const api::GpuSpec& spec, const std::string& chosen);
nlohmann::json GpuPoolsJson(const std::vector<GpuPool>& pools, const std::string& chosen);

}  // namespace autotune::cli
