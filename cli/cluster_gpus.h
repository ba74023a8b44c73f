// `autotune plan --cluster`: the GPUs of the cluster's nodes, and which of them a task uses. Pure.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>
#include <vector>

#include "operator/api/autotune_task.h"
#include "operator/experiment/node_view.h"

namespace autotune::cli {

// Nodes with the same GPUs.
struct GpuPool {
  std::string product;        // "" = no node label has the product
  experiment::GpuInfo info;   // of one such node, with the least memory of all; of the allowed ones if there are any
  int nodes = 0, closed = 0;  // closed: of these, currently unschedulable
  std::int64_t gpus = 0;      // allocatable under spec.gpu.resourceName; GPUs in use by other pods are not subtracted
  std::int64_t largest = 0;   // largest number of GPUs on one node
  int allowed = 0;            // nodes that spec.gpu allows
  std::int64_t largest_allowed = 0;  // largest number of GPUs on one of these
  int tainted = 0;                   // nodes that spec.gpu would allow without their taints
  std::set<std::string> taints;      // the taints of these that its pods do not tolerate: "dedicated=ml:NoSchedule"
};
// Pools in descending order of GPUs. Nodes without this resource are left out: see OtherGpus.
std::vector<GpuPool> GpuPools(const api::GpuSpec& spec, const std::vector<experiment::NodeView>& nodes);

// Resource names of the nodes' GPUs and GPU parts: "nvidia.com/mig-1g.10gb, amd.com/gpu"; "" = none.
std::string GpuResources(const std::vector<experiment::NodeView>& nodes);

// GPUs and other accelerators of the nodes that are not a type's resource: other vendors', partitions beside whole
// GPUs, whole GPUs beside partitions.
struct OtherGpus {
  std::string resource;
  std::string vendor;  // of an accelerator that is not supported; "" = resourceName may be this resource
  int nodes = 0;
  std::int64_t count = 0;          // allocatable
  std::set<std::string> products;  // labelled
};
// In the order of their resources.
std::vector<OtherGpus> OtherGpusOf(const api::GpuSpec& spec, const std::vector<experiment::NodeView>& nodes);
// A line for each.
std::string OtherGpusText(const std::vector<OtherGpus>& others);
nlohmann::json OtherGpusJson(const std::vector<OtherGpus>& others);

// Untolerated taints of nodes that the type would allow: "2 nodes have taints that spec.gpu.tolerations does not
// tolerate (dedicated=ml:NoSchedule)"; "" = none. `path`: of the type.
std::string TaintsText(const std::vector<GpuPool>& pools, const std::string& path);

// A line if an experiment needs more GPUs on one node than the largest allowed node of `product` has; else "".
std::string TooManyGpus(const std::vector<GpuPool>& pools, const std::string& product, int needed);

// A table; `chosen`: the product for which the plan is made.
std::string GpuPoolsText(const std::vector<GpuPool>& pools, const api::GpuSpec& spec, const std::string& chosen);
nlohmann::json GpuPoolsJson(const std::vector<GpuPool>& pools, const std::string& chosen);

}  // namespace autotune::cli
