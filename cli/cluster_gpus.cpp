#include "cli/cluster_gpus.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "cli/asked_gpu.h"
#include "gpu/product.h"
#include "operator/experiment/gpu_labels.h"
#include "operator/reconcile/space.h"
#include "text/table.h"

namespace autotune::cli {
namespace {

using nlohmann::json;

std::string Note(const GpuPool& pool, const std::string& resource, const std::string& chosen) {
  std::string note;
  const auto add = [&](const std::string& part) { note += (note.empty() ? "" : ", ") + part; };
  if (pool.info.shared || experiment::IsSharedGpu(resource, pool.product)) add("shares of cards that other pods use");
  if (pool.allowed == 0) {
    add("spec.gpu does not allow them");
  } else {
    if (pool.product.empty()) add("no node label with the product");
    if (!pool.product.empty() && pool.product == chosen) add("this plan");
    if (pool.allowed < pool.nodes) add("spec.gpu allows " + std::to_string(pool.allowed) + " of the nodes");
  }
  if (pool.closed > 0) add(std::to_string(pool.closed) + " unschedulable");
  return note;
}

}  // namespace

std::vector<GpuPool> GpuPools(const api::GpuSpec& spec, const std::vector<experiment::NodeView>& nodes) {
  std::vector<experiment::NodeView> open = nodes;
  for (experiment::NodeView& node : open) node.unschedulable = false;  // for today: it says nothing of the spec
  std::set<std::string> allowed;
  for (const experiment::NodeView* node : reconcile::NodesFor(spec, "", open)) allowed.insert(node->name);
  std::map<std::string, GpuPool> by_product;
  for (const experiment::NodeView& node : nodes) {
    const auto there = node.allocatable.find(spec.resource_name);
    if (there == node.allocatable.end() || there->second <= 0) continue;
    const experiment::GpuInfo info = experiment::GpuOfNode(node, spec.resource_name);
    GpuPool& pool = by_product[info.product];
    const bool shared = pool.info.shared || info.shared;
    if (pool.nodes == 0) pool.info = info;
    pool.info.shared = shared;
    pool.product = info.product;
    ++pool.nodes;
    pool.closed += node.unschedulable ? 1 : 0;
    pool.gpus += there->second;
    pool.largest = std::max(pool.largest, there->second);
    pool.allowed += allowed.contains(node.name) ? 1 : 0;
  }
  std::vector<GpuPool> pools;
  for (auto& [product, pool] : by_product) pools.push_back(std::move(pool));
  std::stable_sort(pools.begin(), pools.end(), [](const GpuPool& a, const GpuPool& b) { return a.gpus > b.gpus; });
  return pools;
}

std::string GpuResources(const std::vector<experiment::NodeView>& nodes) {
  std::set<std::string> names;
  for (const experiment::NodeView& node : nodes) {
    for (const auto& [name, count] : node.allocatable) {
      if (count > 0 && (name.starts_with("nvidia.com/") || name.starts_with("amd.com/"))) names.insert(name);
    }
  }
  return text::Joined({names.begin(), names.end()}, ", ");
}

std::string TooManyGpus(const std::vector<GpuPool>& pools, const std::string& product, int needed) {
  std::int64_t largest = 0;
  for (const GpuPool& pool : pools) {
    if (pool.allowed > 0 && (product.empty() || pool.product == product)) largest = std::max(largest, pool.largest);
  }
  if (needed <= largest) return "";
  return "an experiment requires " + std::to_string(needed) + " GPUs on one node, and the largest node " +
         (product.empty() ? "" : "with " + product + " ") + "has " + std::to_string(largest) +
         "; engines over several nodes are not supported";
}

namespace {

std::string MemoryText(const experiment::GpuInfo& gpu) {
  if (gpu.memory_bytes <= 0) return "not known";
  const char* bound = gpu::IsUpperBound(gpu.product, gpu.memory_bytes) ? "at most " : "";
  return bound + text::Bytes(static_cast<double>(gpu.memory_bytes));
}

}  // namespace

std::string GpuPoolsText(const std::vector<GpuPool>& pools, const api::GpuSpec& spec, const std::string& chosen) {
  if (pools.empty()) return "No node of the cluster has " + spec.resource_name + ".\n";
  text::Table table;
  const auto right = text::Table::Align::kRight;
  table.AddColumn("GPU");
  table.AddColumn("MEMORY", right);
  table.AddColumn("CAPABILITY", right);
  table.AddColumn("NODES", right);
  table.AddColumn("GPUS", right);
  table.AddColumn("PER NODE", right);
  table.AddColumn("");
  for (const GpuPool& pool : pools) {
    const std::string capability = pool.info.capability ? pool.info.capability->ToString() : pool.info.amd_architecture;
    table.AddRow({pool.product.empty() ? "not labelled" : pool.product, MemoryText(pool.info), capability,
                  std::to_string(pool.nodes), std::to_string(pool.gpus), std::to_string(pool.largest),
                  Note(pool, spec.resource_name, chosen)});
  }
  return "GPUs of the cluster, in use or free\n" + table.Text("  ");
}

json GpuPoolsJson(const std::vector<GpuPool>& pools, const std::string& chosen) {
  json list = json::array();
  for (const GpuPool& pool : pools) {
    list.push_back({{"product", pool.product},
                    {"memoryBytes", pool.info.memory_bytes},
                    {"computeCapability", pool.info.capability ? pool.info.capability->ToString() : ""},
                    {"amdArchitecture", pool.info.amd_architecture},
                    {"nodes", pool.nodes},
                    {"unschedulableNodes", pool.closed},
                    {"allowedNodes", pool.allowed},
                    {"gpus", pool.gpus},
                    {"gpusOfLargestNode", pool.largest},
                    {"chosen", !pool.product.empty() && pool.product == chosen}});
  }
  return list;
}

}  // namespace autotune::cli
