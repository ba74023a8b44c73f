#include "cli/cluster_gpus.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <utility>

#include "cli/asked_gpu.h"
#include "gpu/product.h"
#include "operator/experiment/gpu_labels.h"
#include "operator/experiment/node_fit.h"
#include "operator/reconcile/space.h"
#include "text/table.h"

namespace autotune::cli {
namespace {

using nlohmann::json;

std::string Note(const GpuPool& pool, const std::string& resource, const std::string& chosen) {
  std::string note;
  const auto add = [&](const std::string& part) { note += (note.empty() ? "" : ", ") + part; };
  if (pool.info.shared || experiment::IsSharedGpu(resource, pool.product)) {
    add("shares of cards that other pods use");
  } else if (gpu::SplitName(pool.product).by_memory) {
    add(pool.allowed == 0 ? "parts of cards, which only this name in products allows" : "parts of cards");
  }
  const auto tainted = [&] {
    const std::vector<std::string> taints(pool.taints.begin(), pool.taints.end());
    return "taint not tolerated: " + text::Joined(taints, ", ");
  };
  if (pool.allowed == 0 && pool.tainted > 0) {
    add(tainted());
  } else if (pool.allowed == 0) {
    add("spec.gpu does not allow them");
  } else {
    if (pool.product.empty()) add("no node label with the product");
    if (!pool.product.empty() && pool.product == chosen) add("this plan");
    if (pool.allowed < pool.nodes) add("spec.gpu allows " + std::to_string(pool.allowed) + " of the nodes");
    if (pool.tainted > 0) add(tainted());
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
  for (experiment::NodeView& node : open) node.taints.clear();
  std::set<std::string> untainted;
  for (const experiment::NodeView* node : reconcile::NodesFor(spec, "", open)) untainted.insert(node->name);
  std::map<std::string, GpuPool> by_product;
  for (const experiment::NodeView& node : nodes) {
    const auto there = node.allocatable.find(spec.resource_name);
    if (there == node.allocatable.end() || there->second <= 0) continue;
    const experiment::GpuInfo info = experiment::GpuOfNode(node, spec.resource_name);
    GpuPool& pool = by_product[info.product];
    const bool shared = pool.info.shared || info.shared;
    // As in reconcile::GpuChoices: of nodes that differ the least memory, of those that are allowed if any is.
    const std::int64_t memory = pool.info.memory_bytes;
    const bool first_allowed = pool.allowed == 0 && allowed.contains(node.name);
    if (pool.nodes == 0 || first_allowed) {
      pool.info = info;
    } else if (memory == 0 || (info.memory_bytes > 0 && info.memory_bytes < memory)) {
      if (pool.allowed == 0 || allowed.contains(node.name)) pool.info.memory_bytes = info.memory_bytes;
    }
    pool.info.shared = shared;
    pool.product = info.product;
    ++pool.nodes;
    pool.closed += node.unschedulable ? 1 : 0;
    pool.gpus += there->second;
    pool.largest = std::max(pool.largest, there->second);
    if (allowed.contains(node.name)) {
      ++pool.allowed;
      pool.largest_allowed = std::max(pool.largest_allowed, there->second);
    } else if (untainted.contains(node.name)) {
      ++pool.tainted;
      for (const experiment::Taint& taint : experiment::UntoleratedTaints(spec, node))
        pool.taints.insert(experiment::TaintText(taint));
    }
  }
  std::vector<GpuPool> pools;
  for (auto& [product, pool] : by_product) pools.push_back(std::move(pool));
  std::stable_sort(pools.begin(), pools.end(), [](const GpuPool& a, const GpuPool& b) { return a.gpus > b.gpus; });
  return pools;
}

namespace {

// Accelerators of other vendors, by the prefix of the resources of their device plugins.
constexpr std::pair<std::string_view, std::string_view> kOtherVendors[] = {{"gpu.intel.com/", "Intel"},
                                                                           {"habana.ai/", "Intel Gaudi"},
                                                                           {"aws.amazon.com/neuron", "AWS Neuron"},
                                                                           {"google.com/tpu", "TPU"},
                                                                           {"huawei.com/", "Huawei"},
                                                                           {"cambricon.com/", "Cambricon"},
                                                                           {"hygon.com/", "Hygon"},
                                                                           {"metax-tech.com/", "MetaX"},
                                                                           {"mthreads.com/", "Moore Threads"},
                                                                           {"iluvatar.ai/", "Iluvatar"},
                                                                           {"iluvatar.com/", "Iluvatar"},
                                                                           {"enflame.com/", "Enflame"},
                                                                           {"kunlunxin.com/", "Kunlunxin"},
                                                                           {"furiosa.ai/", "FuriosaAI"},
                                                                           {"rebellions.ai/", "Rebellions"},
                                                                           {"tenstorrent.com/", "Tenstorrent"}};

// Not those of network cards (nvidia.com/hostdev, amd.com/nic).
bool IsGpuResource(std::string_view name) {
  return name.starts_with("nvidia.com/gpu") || name.starts_with("nvidia.com/mig-") ||
         (name.starts_with("amd.com/") && !name.ends_with("nic"));
}

std::string_view OtherVendorOf(std::string_view name) {
  const auto* const vendor =
      std::ranges::find_if(kOtherVendors, [&](const auto& v) { return name.starts_with(v.first); });
  return vendor == std::end(kOtherVendors) ? "" : vendor->second;
}

std::string CountOf(std::int64_t count, const char* one, const char* many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

}  // namespace

std::vector<OtherGpus> OtherGpusOf(const api::GpuSpec& spec, const std::vector<experiment::NodeView>& nodes) {
  std::map<std::string, OtherGpus> by_resource;
  for (const experiment::NodeView& node : nodes) {
    for (const auto& [name, count] : node.allocatable) {
      const std::string vendor(OtherVendorOf(name));
      if (count <= 0 || name == spec.resource_name || (!IsGpuResource(name) && vendor.empty())) continue;
      OtherGpus& other = by_resource[name];
      other.resource = name;
      other.vendor = vendor;
      ++other.nodes;
      other.count += count;
      if (!vendor.empty()) continue;
      if (const std::string product = experiment::GpuOfNode(node, name).product; !product.empty())
        other.products.insert(product);
    }
  }
  std::vector<OtherGpus> others;
  for (auto& [name, other] : by_resource) others.push_back(std::move(other));
  return others;
}

std::string OtherGpusText(const std::vector<OtherGpus>& others) {
  std::string text;
  for (const OtherGpus& other : others) {
    text += "  Not used: " + std::to_string(other.count) + " " + other.resource + " on " +
            CountOf(other.nodes, "node", "nodes");
    if (!other.products.empty())
      text += " (" + text::Joined({other.products.begin(), other.products.end()}, ", ") + ")";
    text += other.vendor.empty() ? "; only resourceName: " + other.resource + " uses them\n"
                                 : "; " + other.vendor + " is not supported\n";
  }
  return text;
}

json OtherGpusJson(const std::vector<OtherGpus>& others) {
  json list = json::array();
  for (const OtherGpus& other : others) {
    list.push_back({{"resourceName", other.resource},
                    {"nodes", other.nodes},
                    {"count", other.count},
                    {"products", other.products},
                    {"supported", other.vendor.empty()}});
  }
  return list;
}

std::string TaintsText(const std::vector<GpuPool>& pools, const std::string& path) {
  int tainted = 0;
  std::set<std::string> taints;
  for (const GpuPool& pool : pools) {
    tainted += pool.tainted;
    taints.insert(pool.taints.begin(), pool.taints.end());
  }
  if (tainted == 0) return "";
  return CountOf(tainted, "node has", "nodes have") + " taints that " + path + ".tolerations does not tolerate (" +
         text::Joined({taints.begin(), taints.end()}, ", ") + ")";
}

std::string GpuResources(const std::vector<experiment::NodeView>& nodes) {
  std::set<std::string> names;
  for (const experiment::NodeView& node : nodes) {
    for (const auto& [name, count] : node.allocatable) {
      if (count > 0 && IsGpuResource(name)) names.insert(name);
    }
  }
  return text::Joined({names.begin(), names.end()}, ", ");
}

std::string TooManyGpus(const std::vector<GpuPool>& pools, const std::string& product, int needed) {
  std::int64_t largest = 0;
  for (const GpuPool& pool : pools) {
    if (product.empty() || pool.product == product) largest = std::max(largest, pool.largest_allowed);
  }
  if (needed <= largest) return "";
  const bool others = std::ranges::any_of(pools, [&](const GpuPool& pool) {
    return pool.largest > largest && (product.empty() || pool.product == product);
  });
  return "an experiment requires " + std::to_string(needed) + " GPUs on one node, and the largest " +
         (others ? "allowed " : "") + "node " + (product.empty() ? "" : "with " + product + " ") + "has " +
         std::to_string(largest) + "; engines over several nodes are not supported";
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
                    {"gpusOfLargestAllowedNode", pool.largest_allowed},
                    {"taintedNodes", pool.tainted},
                    {"untoleratedTaints", pool.taints},
                    {"chosen", !pool.product.empty() && pool.product == chosen}});
  }
  return list;
}

}  // namespace autotune::cli
