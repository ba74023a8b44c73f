#include "operator/experiment/node_affinity.h"

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "operator/experiment/gpu_catalog.h"

namespace autotune::experiment {
namespace {

using nlohmann::json;
using Spelling = std::string_view GpuModel::*;
using Names = std::set<std::string, std::less<>>;

constexpr std::array<Spelling, 4> kSpellings = {&GpuModel::gfd, &GpuModel::gke, &GpuModel::aws, &GpuModel::azure};
constexpr std::int64_t kMebibyte = 1024 * 1024;

// What a node has to offer.
struct Requirement {
  std::vector<std::string> products;
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

bool IsCalled(const GpuModel& model, std::string_view product) {
  return std::any_of(kSpellings.begin(), kSpellings.end(),
                     [&](Spelling spelling) { return model.*spelling == product && !product.empty(); });
}

// The rows of the catalog that these products name, in any platform's spelling.
std::vector<const GpuModel*> ModelsOf(const std::vector<std::string>& products) {
  std::vector<const GpuModel*> models;
  for (const GpuModel& model : GpuCatalog()) {
    const bool named =
        std::any_of(products.begin(), products.end(), [&](const std::string& p) { return IsCalled(model, p); });
    if (named) models.push_back(&model);
  }
  // Two names of one product on one platform are two rows: both belong.
  for (const GpuModel& model : GpuCatalog()) {
    const bool same = std::any_of(models.begin(), models.end(),
                                  [&](const GpuModel* m) { return !m->gfd.empty() && m->gfd == model.gfd; });
    if (same && std::find(models.begin(), models.end(), &model) == models.end()) models.push_back(&model);
  }
  return models;
}

// Products in GPU Feature Discovery's spelling: the known ones translated, unknown ones (a workstation card, a name
// with -SHARED or -MIG-1g.5gb) as they are.
Names GfdNames(const std::vector<std::string>& products) {
  Names names;
  for (const std::string& product : products) {
    const auto& catalog = GpuCatalog();
    const bool elsewhere = std::any_of(catalog.begin(), catalog.end(), [&](const GpuModel& model) {
      return model.gfd != product && IsCalled(model, product);
    });
    if (!elsewhere) names.insert(product);
  }
  for (const GpuModel* model : ModelsOf(products)) {
    if (!model->gfd.empty()) names.insert(std::string(model->gfd));
  }
  return names;
}

bool IsTooLittle(const GpuModel& model, const Requirement& need) {
  return (need.mebibytes > 0 && model.mebibytes > 0 && model.mebibytes < need.mebibytes) ||
         (need.capability && model.capability < *need.capability);
}

// Products of a platform that do not do. Naming these instead of those that do lets a newer GPU, unknown here, in.
Names TooLittle(Spelling spelling, const Requirement& need) {
  Names names, enough;
  for (const GpuModel& model : GpuCatalog()) {
    if ((model.*spelling).empty()) continue;
    (IsTooLittle(model, need) ? names : enough).insert(std::string(model.*spelling));
  }
  for (const std::string& name : enough) names.erase(name);
  return names;
}

void AddGpuFeatureDiscovery(const std::string& resource, const Requirement& need, json& terms) {
  json expressions = json::array();
  if (!need.products.empty()) {
    const Names names = GfdNames(need.products);
    if (names.empty()) return;
    expressions.push_back(In("nvidia.com/gpu.product", names));
  }
  if (need.mebibytes > 0) {
    // Under the mixed MIG strategy gpu.memory is the whole card's; each profile has labels of its own.
    const bool mig = resource.starts_with("nvidia.com/mig-");
    expressions.push_back(AtLeast(mig ? resource + ".memory" : "nvidia.com/gpu.memory", need.mebibytes));
  }
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

// GKE and Azure: a product name is all there is.
void AddByName(const std::string& key, Spelling spelling, const Requirement& need, json& terms) {
  if (!need.products.empty()) {
    Names names;
    for (const GpuModel* model : ModelsOf(need.products)) {
      if (!(model->*spelling).empty() && !IsTooLittle(*model, need)) names.insert(std::string(model->*spelling));
    }
    if (!names.empty()) terms.push_back({{"matchExpressions", json::array({In(key, names)})}});
    return;
  }
  json expressions = json::array({Exists(key)});
  if (const Names names = TooLittle(spelling, need); !names.empty()) expressions.push_back(NotIn(key, names));
  terms.push_back({{"matchExpressions", expressions}});
}

void AddAws(const std::string& prefix, const Requirement& need, json& terms) {
  const std::string name_key = prefix + "instance-gpu-name";
  const std::string memory_key = prefix + "instance-gpu-memory";
  if (need.products.empty()) {
    json expressions = json::array({In(prefix + "instance-gpu-manufacturer", {"nvidia"})});
    Requirement by_name = need;
    by_name.mebibytes = 0;
    if (const Names names = TooLittle(&GpuModel::aws, by_name); !names.empty()) {
      expressions.push_back(NotIn(name_key, names));
    }
    if (need.mebibytes > 0) expressions.push_back(AtLeast(memory_key, need.mebibytes));
    terms.push_back({{"matchExpressions", expressions}});
    return;
  }
  Names names;
  for (const GpuModel* model : ModelsOf(need.products)) {
    if (model->aws.empty() || IsTooLittle(*model, need)) continue;
    const std::string name(model->aws);
    if (model->aws_mebibytes == 0) {
      names.insert(name);
    } else {
      const json memory = In(memory_key, {std::to_string(model->aws_mebibytes)});
      terms.push_back({{"matchExpressions", json::array({In(name_key, {name}), memory})}});
    }
  }
  if (!names.empty()) terms.push_back({{"matchExpressions", json::array({In(name_key, names)})}});
}

json Absent(const std::string& key) { return {{"key", key}, {"operator", "DoesNotExist"}}; }

// Every amd.com/gpu.vram that is large enough, since "192G" is no number for Gt: whole cards and their partitions.
// Never empty, which the API server would refuse.
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
  for (const std::string& product : need.products) {
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

Requirement RequirementOf(const api::GpuSpec& spec, const Placement& placement) {
  Requirement need;
  if (!placement.pinned_product.empty()) {
    need.products = {placement.pinned_product};
  } else {
    need.products = spec.products;
    if (!spec.min_memory.empty()) {
      // CheckPodInputs has refused what cannot be read.
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
      AddByName("cloud.google.com/gke-accelerator", &GpuModel::gke, need, terms);
      AddAws("karpenter.k8s.aws/", need, terms);
      AddAws("eks.amazonaws.com/", need, terms);
      AddByName("karpenter.azure.com/sku-gpu-name", &GpuModel::azure, need, terms);
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
  if (!spec.products.empty() && !gpu.product.empty()) {
    const auto models = ModelsOf(spec.products);
    const bool same =
        std::find(spec.products.begin(), spec.products.end(), gpu.product) != spec.products.end() ||
        std::any_of(models.begin(), models.end(), [&](const GpuModel* model) { return IsCalled(*model, gpu.product); });
    if (!same) return false;
  }
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
