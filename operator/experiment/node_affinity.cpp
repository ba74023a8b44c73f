#include "operator/experiment/node_affinity.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/ascii_case.h"
#include "operator/experiment/gpu_labels.h"

namespace autotune::experiment {
namespace {

using nlohmann::json;
using Names = std::set<std::string, std::less<>>;

constexpr std::int64_t kMebibyte = 1024 * 1024;

// What a node has to offer.
struct Requirement {
  std::vector<std::string> products;
  bool exact = false;     // products is one label's value: the pinned product
  std::string partition;  // by the task's resource, or of GKE by its nodeSelector
  std::int64_t mebibytes = 0;
  std::optional<quant::ComputeCapability> capability;

  [[nodiscard]] bool empty() const { return products.empty() && mebibytes == 0 && !capability; }
};

json In(const std::string& key, const Names& values) { return {{"key", key}, {"operator", "In"}, {"values", values}}; }
json NotIn(const std::string& key, const Names& values) {
  return {{"key", key}, {"operator", "NotIn"}, {"values", values}};
}
json Exists(const std::string& key) { return {{"key", key}, {"operator", "Exists"}}; }
// `Gt` is strict and takes exactly one integer.
json AtLeast(const std::string& key, std::int64_t value) {
  return {{"key", key}, {"operator", "Gt"}, {"values", json::array({std::to_string(value - 1)})}};
}

json Absent(const std::string& key) { return {{"key", key}, {"operator", "DoesNotExist"}}; }

bool IsTooLittle(const gpu::Product& product, const Requirement& need) {
  return (need.mebibytes > 0 && product.mebibytes > 0 && product.mebibytes < need.mebibytes) ||
         (need.capability && product.capability && *product.capability < *need.capability);
}

// A product that somebody asked for, by a name. A part by its memory (gpu::NameOfPart) has the card's labels beside a
// label that tells it apart: its instance type or its memory.
struct Wanted {
  std::string name;  // whole, as it was written
  gpu::NameParts parts;
  std::vector<const gpu::Product*> products;  // empty = unknown

  Wanted(std::string text, const std::string& partition, bool exact)
      : name(std::move(text)), parts(gpu::SplitName(name)), products(ProductsOfName(name, exact)) {
    if (parts.partition.empty()) parts.partition = partition;
  }

  [[nodiscard]] bool whole() const { return parts.partition.empty() && !parts.shared; }
  [[nodiscard]] std::int64_t part_mebibytes() const { return gpu::PartitionMebibytes(parts.partition); }
  [[nodiscard]] Names PartTypes() const {
    Names types;
    for (const gpu::Product* product : products) {
      for (std::string& type : PartInstancesOf(*product, part_mebibytes())) types.insert(std::move(type));
    }
    return types;
  }

  // The name as another platform may spell it. Names that are one platform's own are no other's.
  [[nodiscard]] Names AsWritten(Platform platform) const {
    if (!products.empty() && IsPlatformsOwn(name)) return {};
    const std::string& whole = parts.product;
    switch (platform) {
      case Platform::kGpuFeatureDiscovery:
        return {name};
      case Platform::kGke:
      case Platform::kAws:
        return {whole, base::AsciiLower(whole)};
      case Platform::kAzure:
      case Platform::kCoreWeave:
        return {whole, base::AsciiUpper(whole)};
    }
    return {};
  }
};

std::vector<Wanted> AllWanted(const Requirement& need) {
  std::vector<Wanted> all;
  for (const std::string& name : need.products) all.emplace_back(name, need.partition, need.exact);
  return all;
}

// Instance types with parts of these products, which have the label of the whole card; of all products and with too
// little memory if there are none.
Names PartTypesLeftOut(const std::vector<Wanted>& all, const Requirement& need) {
  Names types;
  for (const Wanted& wanted : all) {
    for (const gpu::Product* product : wanted.products) {
      for (std::string& type : PartInstancesOf(*product)) types.insert(std::move(type));
    }
  }
  for (const PartInstance& part : PartInstances()) {
    if (need.products.empty() && part.mebibytes < need.mebibytes) types.emplace(part.type);
  }
  return types;
}

bool IsTooSmallPart(const Wanted& wanted, const Requirement& need) {
  return wanted.parts.by_memory && wanted.part_mebibytes() < need.mebibytes;
}

// Label values of GKE, Azure or CoreWeave for it; what has too little is left out.
Names LabelsFor(Platform platform, const Wanted& wanted, const Requirement& need) {
  Names names;
  if (IsTooSmallPart(wanted, need)) return names;
  bool enough = wanted.products.empty();
  for (const gpu::Product* product : wanted.products) {
    if (IsTooLittle(*product, need)) continue;
    enough = true;
    for (std::string& label : LabelsOf(platform, *product)) names.insert(std::move(label));
  }
  // Azure calls products of several shapes by one short name, which is nobody's label of one of them.
  if (enough && (names.empty() || platform == Platform::kAzure)) names.merge(wanted.AsWritten(platform));
  return names;
}

// In GPU Feature Discovery's spelling, with what it appends.
Names GfdNames(const Wanted& wanted) {
  Names names = wanted.AsWritten(Platform::kGpuFeatureDiscovery);
  for (const gpu::Product* product : wanted.products) {
    names.insert(GfdLabel(*product, wanted.parts));
  }
  // A product that is not known, whose partitions are asked for by their resource.
  if (wanted.products.empty() && gpu::SplitName(wanted.name).partition != wanted.parts.partition)
    names.insert(wanted.name + "-MIG-" + wanted.parts.partition);
  return names;
}

// Label values of products that do not do. Naming these instead of those that do lets a newer GPU, unknown here, in.
Names TooLittle(Platform platform, const Requirement& need) {
  Names names;
  for (const std::string& label : KnownLabels(platform)) {
    const auto products = ProductsLabelled(platform, label);
    if (std::ranges::all_of(products, [&](const gpu::Product* product) { return IsTooLittle(*product, need); })) {
      names.insert(label);
    }
  }
  return names;
}

void AddGpuFeatureDiscovery(const std::string& resource, const Requirement& need, json& terms) {
  json expressions = json::array();
  // With the mixed MIG strategy these labels are the whole card's; each kind of partition has labels of its own.
  const bool mig = !PartitionOfResource(resource).empty();
  const std::string labelled(LabelledResource(resource));
  if (!need.products.empty()) {
    Names names;
    for (const Wanted& wanted : AllWanted(need)) names.merge(GfdNames(wanted));
    expressions.push_back(In(mig ? labelled + ".product" : kGfdProduct, names));
  }
  if (need.mebibytes > 0)
    expressions.push_back(AtLeast(mig ? labelled + ".memory" : "nvidia.com/gpu.memory", need.mebibytes));
  if (!need.capability || need.capability->minor == 0) {
    if (need.capability) expressions.push_back(AtLeast("nvidia.com/gpu.compute.major", need.capability->major));
    terms.push_back({{"matchExpressions", expressions}});
    return;
  }
  json same_major = expressions;
  same_major.push_back(In("nvidia.com/gpu.compute.major", {std::to_string(need.capability->major)}));
  same_major.push_back(AtLeast("nvidia.com/gpu.compute.minor", need.capability->minor));
  terms.push_back({{"matchExpressions", same_major}});
  expressions.push_back(AtLeast("nvidia.com/gpu.compute.major", need.capability->major + 1));
  terms.push_back({{"matchExpressions", expressions}});
}

void LeaveOutParts(const std::vector<Wanted>& whole, const Requirement& need, json& expressions) {
  if (const Names types = PartTypesLeftOut(whole, need); !types.empty())
    expressions.push_back(NotIn(kInstanceType, types));
}

// GKE: the name of the whole GPU, and the size of its partitions beside it.
void AddGke(const Requirement& need, json& terms) {
  if (need.products.empty()) {
    json expressions = json::array({Exists(kGkeAccelerator)});
    if (const Names names = TooLittle(Platform::kGke, need); !names.empty())
      expressions.push_back(NotIn(kGkeAccelerator, names));
    if (need.mebibytes > 0 && need.partition.empty()) expressions.push_back(Absent(kGkePartition));
    LeaveOutParts({}, need, expressions);
    terms.push_back({{"matchExpressions", expressions}});
    return;
  }
  std::map<std::pair<std::string, bool>, Names> by_share;
  std::vector<Wanted> whole;
  for (const Wanted& wanted : AllWanted(need)) {
    if (wanted.parts.by_memory) {
      const Names names = LabelsFor(Platform::kGke, wanted, need), types = wanted.PartTypes();
      const json sharing = wanted.parts.shared ? Exists(kGkeSharing) : Absent(kGkeSharing);
      if (names.empty() || types.empty()) continue;
      terms.push_back({{"matchExpressions", json::array({In(kGkeAccelerator, names), In(kInstanceType, types),
                                                         Absent(kGkePartition), sharing})}});
    }
    if (wanted.parts.virtual_gpu) continue;
    by_share[{wanted.parts.partition, wanted.parts.shared}].merge(LabelsFor(Platform::kGke, wanted, need));
    if (wanted.parts.partition.empty()) whole.push_back(wanted);
  }
  for (const auto& [share, names] : by_share) {
    if (names.empty()) continue;
    const json size = share.first.empty() ? Absent(kGkePartition) : In(kGkePartition, {share.first});
    const json sharing = share.second ? Exists(kGkeSharing) : Absent(kGkeSharing);
    json expressions = json::array({In(kGkeAccelerator, names), size, sharing});
    if (share.first.empty()) LeaveOutParts(whole, need, expressions);
    terms.push_back({{"matchExpressions", expressions}});
  }
}

// Platforms with one label, for whole GPUs.
void AddNames(Platform platform, const char* key, const Requirement& need, json& terms) {
  if (!need.products.empty()) {
    Names names;
    std::vector<Wanted> whole;
    for (const Wanted& wanted : AllWanted(need)) {
      if (wanted.parts.by_memory && !wanted.parts.shared) {
        const Names labels = LabelsFor(platform, wanted, need), types = wanted.PartTypes();
        if (labels.empty() || types.empty()) continue;
        terms.push_back({{"matchExpressions", json::array({In(key, labels), In(kInstanceType, types)})}});
      }
      if (!wanted.whole()) continue;
      names.merge(LabelsFor(platform, wanted, need));
      whole.push_back(wanted);
    }
    if (names.empty()) return;
    json expressions = json::array({In(key, names)});
    LeaveOutParts(whole, need, expressions);
    terms.push_back({{"matchExpressions", expressions}});
    return;
  }
  json expressions = json::array({Exists(key)});
  if (const Names names = TooLittle(platform, need); !names.empty()) expressions.push_back(NotIn(key, names));
  LeaveOutParts({}, need, expressions);
  terms.push_back({{"matchExpressions", expressions}});
}

void AddAws(const std::string& prefix, const Requirement& need, json& terms) {
  const std::string name_key = prefix + "instance-gpu-name";
  const std::string memory_key = prefix + "instance-gpu-memory";
  if (need.products.empty()) {
    json expressions = json::array({In(prefix + "instance-gpu-manufacturer", {"nvidia"})});
    // By their names too: the memory label may be the sum of all GPUs (MebibytesOfOne in node_view.cpp).
    if (const Names names = TooLittle(Platform::kAws, need); !names.empty()) {
      expressions.push_back(NotIn(name_key, names));
    }
    if (need.mebibytes > 0) expressions.push_back(AtLeast(memory_key, need.mebibytes));
    terms.push_back({{"matchExpressions", expressions}});
    return;
  }
  Names names;                             // whose memory is not known
  std::map<std::int64_t, Names> by_least;  // by the least memory of a whole card
  for (const Wanted& wanted : AllWanted(need)) {
    if (wanted.parts.by_memory && !wanted.parts.shared && !IsTooSmallPart(wanted, need)) {
      const json memory = In(memory_key, {std::to_string(wanted.part_mebibytes())});
      for (const gpu::Product* product : wanted.products) {
        for (const AwsName& name : AwsNamesOf(*product))
          terms.push_back({{"matchExpressions", json::array({In(name_key, {name.name}), memory})}});
      }
    }
    if (!wanted.whole()) continue;
    bool sold = false, enough = wanted.products.empty();
    for (const gpu::Product* product : wanted.products) {
      if (IsTooLittle(*product, need)) continue;
      enough = true;
      for (const AwsName& name : AwsNamesOf(*product)) {
        sold = true;
        if (name.mebibytes == 0) {
          const std::int64_t least = LeastOfWholeCard(*product);
          (least > 0 ? by_least[least] : names).insert(name.name);
          continue;
        }
        const json memory = In(memory_key, {std::to_string(name.mebibytes)});
        terms.push_back({{"matchExpressions", json::array({In(name_key, {name.name}), memory})}});
      }
    }
    if (!sold && enough) names.merge(wanted.AsWritten(Platform::kAws));
  }
  if (!names.empty()) terms.push_back({{"matchExpressions", json::array({In(name_key, names)})}});
  for (const auto& [least, whole] : by_least)
    terms.push_back({{"matchExpressions", json::array({In(name_key, whole), AtLeast(memory_key, least)})}});
}

// Clouds' node groups without any labeller of GPUs. Where one is, its word counts: GPUs may be partitioned or shared.
void AddInstanceTypes(const Requirement& need, json& terms) {
  Names types;
  const auto add = [&](const gpu::Product& product) {
    if (!product.nvidia() || IsTooLittle(product, need)) return;
    for (std::string& type : InstanceTypesOf(product)) types.insert(std::move(type));
  };
  if (need.products.empty()) {
    for (const gpu::Product& product : gpu::Products()) {
      add(product);
      for (const PartInstance& part : PartInstances()) {
        if (part.product == product.name && part.mebibytes >= need.mebibytes &&
            !(need.capability && product.capability && *product.capability < *need.capability))
          types.emplace(part.type);
      }
    }
  }
  for (const Wanted& wanted : AllWanted(need)) {
    if (wanted.parts.by_memory && !wanted.parts.shared && !IsTooSmallPart(wanted, need))
      types.merge(wanted.PartTypes());
    if (!wanted.whole()) continue;
    for (const gpu::Product* product : wanted.products) add(*product);
  }
  if (types.empty()) return;
  json expressions = json::array({In(kInstanceType, types), Absent(kGfdProduct), Absent(kGkeAccelerator)});
  for (const std::string prefix : kAwsPrefixes) expressions.push_back(Absent(prefix + "instance-gpu-name"));
  for (const char* label : {kAzureGpu, kCoreWeaveGpu}) expressions.push_back(Absent(label));
  terms.push_back({{"matchExpressions", expressions}});
}

// Products of the user's that AMD's labeller spells otherwise. `exact`: they are the labels of one kind of node.
std::vector<std::string> AmdNames(const std::vector<std::string>& products, bool exact) {
  std::vector<std::string> names = products;
  for (const std::string& product : products) {
    const gpu::Product* known = IsAmdDeviceId(product) ? nullptr : AmdProductOf(product);
    if (known == nullptr) continue;
    if (!AmdLabelOf(*known).empty()) names.emplace_back(AmdLabelOf(*known));
    if (exact || product == AmdLabelOf(*known)) continue;
    // Cards without a name, such as virtual functions in VMs.
    for (std::string& id : AmdDeviceIdsOf(*known)) names.push_back(std::move(id));
  }
  return names;
}

// Every amd.com/gpu.vram that is large enough, since "192G" is no number for Gt: whole cards and their partitions.
// Never empty, which the API server would reject.
Names AmdSizes(std::int64_t mebibytes) {
  Names sizes = {std::to_string((mebibytes + 1023) / 1024) + "G"};
  for (const int gibibytes : {16, 24, 32, 36, 48, 64, 72, 96, 128, 144, 192, 256, 288}) {
    if (gibibytes * 1024 >= mebibytes) sizes.insert(std::to_string(gibibytes) + "G");
  }
  return sizes;
}

// AMD's node labeller. Old versions of it have the value in the key (AmdLabel in node_view.cpp): a term for each.
void AddAmd(const Requirement& need, json& terms) {
  if (need.products.empty() && need.mebibytes == 0) return;  // a compute capability is NVIDIA's
  std::map<std::string, Names> wanted;
  for (const std::string& product : AmdNames(need.products, need.exact)) {
    wanted[IsAmdDeviceId(product) ? "device-id" : "product-name"].insert(product);
  }
  std::vector<json> current, old;  // alternatives, each a list of expressions
  for (const auto& [property, names] : wanted) {
    current.push_back(json::array({In("amd.com/gpu." + property, names)}));
    // As GpuOfNode reads it: a device id stands for cards without a name.
    if (property == "device-id") current.back().push_back(Absent("amd.com/gpu.product-name"));
    for (const std::string& name : names) {
      constexpr std::size_t kLongestLabelName = 63;
      if (("gpu." + property + "." + name).size() > kLongestLabelName) continue;
      old.push_back(json::array({Exists("beta.amd.com/gpu." + property + "." + name)}));
    }
  }
  if (need.products.empty()) {
    current.push_back(json::array());
    old.push_back(json::array());
  }

  const Names sizes = need.mebibytes > 0 ? AmdSizes(need.mebibytes) : Names();
  for (json& expressions : current) {
    if (need.mebibytes > 0) expressions.push_back(In("amd.com/gpu.vram", sizes));
    terms.push_back({{"matchExpressions", expressions}});
  }
  for (json& expressions : old) {
    // The current labeller writes the old keys too; on its nodes, of which some have several products, its own count.
    expressions.push_back(Absent("amd.com/gpu.family"));
    if (need.mebibytes == 0) terms.push_back({{"matchExpressions", expressions}});
    for (const std::string& size : sizes) {
      json term = expressions;
      term.push_back(Exists("beta.amd.com/gpu.vram." + size));
      terms.push_back({{"matchExpressions", term}});
    }
  }
}

// Partitions have a resource of their own, or on GKE a label by which they are selected; the product beside it may be
// the whole GPU's.
std::string PartitionSelected(const api::GpuSpec& spec) {
  if (const std::string_view partition = PartitionOfResource(spec.resource_name); !partition.empty())
    return std::string(partition);
  const auto& selector = spec.node_selector;
  return selector.is_object() && selector.contains(kGkePartition) && selector[kGkePartition].is_string()
             ? selector[kGkePartition].get<std::string>()
             : "";
}

// Whether a node's GPU, by its label's value, is one that was asked for: what AffinityOf matches, and nothing else.
bool IsWanted(const api::GpuSpec& spec, const std::string& labelled) {
  if (IsAmdResource(spec.resource_name)) {
    const std::vector<std::string> names = AmdNames(spec.products, false);
    return std::ranges::find(names, labelled) != names.end();
  }
  const Wanted has(labelled, "", true);
  return std::ranges::any_of(spec.products, [&](std::string name) {
    if (name == labelled) return true;
    std::ranges::replace(name, ' ', '-');
    const Wanted wanted(std::move(name), PartitionSelected(spec), false);
    if (wanted.parts.partition != has.parts.partition || wanted.parts.shared != has.parts.shared) return false;
    if (wanted.products.empty()) {
      return labelled == wanted.name || labelled == base::AsciiLower(wanted.name) ||
             labelled == base::AsciiUpper(wanted.name);
    }
    return !has.products.empty() && std::ranges::all_of(has.products, [&](const gpu::Product* product) {
      return std::ranges::find(wanted.products, product) != wanted.products.end();
    });
  });
}

Requirement RequirementOf(const api::GpuSpec& spec, const Placement& placement) {
  Requirement need;
  need.partition = PartitionSelected(spec);
  if (!placement.pinned_product.empty()) {
    need.products = {placement.pinned_product};
    need.exact = true;
  } else {
    need.products = spec.products;
    if (!spec.min_memory.empty()) {
      // CheckPodInputs has rejected what cannot be read.
      if (const auto wanted = api::ParseQuantity(spec.min_memory, "spec.gpu.minMemory"); wanted.ok()) {
        need.mebibytes = LowestReading(*wanted) / kMebibyte;
      }
    }
    need.capability = quant::ComputeCapability::Parse(spec.min_compute_capability);
    const auto& derived = placement.min_capability;
    // Who asks for a capability knows that the nodes will have labels, although none is there now (an autoscaler).
    if (derived && (need.capability ? *need.capability < *derived : placement.nodes_are_labelled)) {
      need.capability = derived;
    }
  }
  // Drivers say "NVIDIA H100 80GB HBM3" and "AMD Instinct MI300X OAM"; a label value has no spaces: NVIDIA's labeller
  // puts dashes, AMD's underscores.
  const char instead = IsAmdResource(spec.resource_name) ? '_' : '-';
  for (std::string& product : need.products) std::replace(product.begin(), product.end(), ' ', instead);
  return need;
}

json TermsOf(const std::string& resource, const Requirement& need) {
  json terms = json::array();
  if (need.empty()) return terms;
  if (IsAmdResource(resource)) {
    AddAmd(need, terms);
  } else if (resource.starts_with("nvidia.com/")) {
    AddGpuFeatureDiscovery(resource, need, terms);
    if (resource == "nvidia.com/gpu") {
      AddGke(need, terms);
      for (const char* prefix : kAwsPrefixes) AddAws(prefix, need, terms);
      AddNames(Platform::kAzure, kAzureGpu, need, terms);
      AddNames(Platform::kCoreWeave, kCoreWeaveGpu, need, terms);
      AddInstanceTypes(need, terms);
    }
  }
  return terms;
}

// Terms are alternatives, so each of them has to leave the node out.
void LeaveOut(const std::string& node, json& affinity) {
  if (affinity.is_null()) affinity = json::object();
  json& terms = affinity["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"];
  if (!terms.is_array() || terms.empty()) terms = json::array({json::object()});
  for (json& term : terms) {
    term["matchFields"].push_back({{"key", "metadata.name"}, {"operator", "NotIn"}, {"values", {node}}});
  }
}

json WithGpus(const api::GpuSpec& spec, const Placement& placement) {
  json affinity = spec.affinity.is_object() && !spec.affinity.empty() ? spec.affinity : json();
  const json ours = TermsOf(spec.resource_name, RequirementOf(spec, placement));
  if (ours.empty()) return affinity;
  if (affinity.is_null()) affinity = json::object();
  json& required = affinity["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"];
  const json theirs = required.is_object() ? required.value("nodeSelectorTerms", json::array()) : json::array();
  if (theirs.empty()) {
    required = {{"nodeSelectorTerms", ours}};
    return affinity;
  }
  json both = json::array();
  for (const json& user : theirs) {
    for (const json& own : ours) {
      json term = user;
      for (const json& expression : own["matchExpressions"]) term["matchExpressions"].push_back(expression);
      both.push_back(std::move(term));
    }
  }
  required["nodeSelectorTerms"] = std::move(both);
  return affinity;
}

}  // namespace

bool IsAmdResource(std::string_view resource_name) { return resource_name.starts_with("amd.com/"); }

bool HasGpuLabels(std::string_view resource_name) {
  return resource_name.starts_with("nvidia.com/") || IsAmdResource(resource_name);
}

std::int64_t LowestReading(std::int64_t wanted) { return wanted / 100 * 93; }

bool Admits(const api::GpuSpec& spec, const GpuInfo& gpu) {
  if (!spec.products.empty() && !gpu.product.empty() && !IsWanted(spec, gpu.product)) return false;
  if (!spec.min_memory.empty() && gpu.memory_bytes > 0) {
    const auto wanted = api::ParseQuantity(spec.min_memory, "spec.gpu.minMemory");
    if (wanted.ok() && gpu.memory_bytes < LowestReading(*wanted)) return false;
  }
  const auto least = quant::ComputeCapability::Parse(spec.min_compute_capability);
  return !least || !gpu.capability || *gpu.capability >= *least;
}

json AffinityOf(const api::GpuSpec& spec, const Placement& placement) {
  json affinity = WithGpus(spec, placement);
  if (!placement.avoided_node.empty()) LeaveOut(placement.avoided_node, affinity);
  return affinity;
}

}  // namespace autotune::experiment
