#include "operator/experiment/node_view.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <string_view>

#include "operator/experiment/gpu_labels.h"
#include "operator/experiment/json_read.h"

namespace autotune::experiment {
namespace {

using nlohmann::json;

constexpr std::int64_t kMebibyte = 1024 * 1024;

const std::string& Label(const NodeView& node, const std::string& name) {
  static const std::string kNone;
  const auto label = node.labels.find(name);
  return label == node.labels.end() ? kNone : label->second;
}

// Digits only; 0 otherwise.
std::int64_t WholeNumber(std::string_view text) {
  std::int64_t value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && stop == text.data() + text.size() && value > 0 ? value : 0;
}

// What the catalogue knows of a label's products; only what all that it may mean share.
void FillFromCatalogue(Platform platform, GpuInfo& gpu) {
  const GpuFacts facts = FactsOf(ProductsLabelled(platform, gpu.product));
  if (!gpu.capability) gpu.capability = facts.capability;
  if (gpu.memory_bytes != 0) return;
  const std::string partition = gpu::SplitName(gpu.product).partition;
  gpu.memory_bytes = (partition.empty() ? facts.mebibytes : gpu::PartitionMebibytes(partition)) * kMebibyte;
}

std::optional<quant::ComputeCapability> CapabilityLabel(const NodeView& node) {
  const std::string& major = Label(node, "nvidia.com/gpu.compute.major");
  const std::string& minor = Label(node, "nvidia.com/gpu.compute.minor");
  if (major.empty()) return std::nullopt;
  return quant::ComputeCapability::Parse(major + "." + (minor.empty() ? "0" : minor));
}

// With MPS each of the clients of a card gets the same part of its memory.
void DivideByClients(std::int64_t clients, GpuInfo& gpu) {
  if (clients > 1) gpu.memory_bytes /= clients;
}

bool FromGpuFeatureDiscovery(const NodeView& node, GpuInfo& gpu) {
  gpu.product = Label(node, kGfdProduct);
  gpu.memory_bytes = WholeNumber(Label(node, "nvidia.com/gpu.memory")) * kMebibyte;
  gpu.capability = CapabilityLabel(node);
  if (gpu.product.empty()) return false;
  FillFromCatalogue(Platform::kGpuFeatureDiscovery, gpu);
  if (Label(node, "nvidia.com/gpu.sharing-strategy") == "mps")
    DivideByClients(WholeNumber(Label(node, "nvidia.com/gpu.replicas")), gpu);
  return true;
}

void FromMigResource(const NodeView& node, const std::string& resource, std::string_view partition, GpuInfo& gpu) {
  gpu.product = Label(node, resource + ".product");
  gpu.memory_bytes = WholeNumber(Label(node, resource + ".memory")) * kMebibyte;
  if (gpu.memory_bytes == 0) gpu.memory_bytes = gpu::PartitionMebibytes(partition) * kMebibyte;
  gpu.capability = CapabilityLabel(node);
  if (!gpu.product.empty()) FillFromCatalogue(Platform::kGpuFeatureDiscovery, gpu);
}

// Clouds' instances with a part of a card, which is labelled with the card's name.
void NamePart(Platform platform, const NodeView& node, GpuInfo& gpu) {
  const PartInstance* part = PartInstanceOf(Label(node, kInstanceType));
  if (part == nullptr || !gpu::SplitName(gpu.product).partition.empty()) return;
  const auto products = ProductsLabelled(platform, gpu.product);
  if (std::ranges::none_of(products, [&](const gpu::Product* product) { return product->name == part->product; }))
    return;
  gpu.product = gpu::NameOfPart(gpu.product, part->mebibytes);
  gpu.memory_bytes = part->mebibytes * kMebibyte;
}

bool FromGke(const NodeView& node, GpuInfo& gpu) {
  gpu.product = Label(node, kGkeAccelerator);
  if (gpu.product.empty()) return false;
  // A node whose GPUs are partitioned offers the partitions under the same resource.
  if (const std::string& partition = Label(node, kGkePartition); !partition.empty()) gpu.product += "-MIG-" + partition;
  NamePart(Platform::kGke, node, gpu);
  if (!Label(node, kGkeSharing).empty()) gpu.product += "-SHARED";
  FillFromCatalogue(Platform::kGke, gpu);
  if (Label(node, kGkeSharing) == "mps")
    DivideByClients(WholeNumber(Label(node, "cloud.google.com/gke-max-shared-clients-per-gpu")), gpu);
  return true;
}

// Memory of one GPU in MiB. For some instance types EC2's catalogue, and so Karpenter's label, has the memory of all
// GPUs together (g6e.48xlarge: 366211): the sum is recognized because no card of this name has so much.
std::int64_t MebibytesOfOne(std::int64_t labelled, std::int64_t count,
                            const std::vector<const gpu::Product*>& products) {
  std::int64_t most = 0;
  for (const gpu::Product* product : products) most = std::max(most, product->mebibytes);
  const auto fits = [&](std::int64_t mebibytes) { return mebibytes <= most + most / 10; };
  return most > 0 && count > 1 && !fits(labelled) && fits(labelled / count) ? labelled / count : labelled;
}

bool FromAws(const NodeView& node, GpuInfo& gpu) {
  for (const std::string prefix : kAwsPrefixes) {
    gpu.product = Label(node, prefix + "instance-gpu-name");
    if (gpu.product.empty()) continue;
    // MiB as the provider's catalogue has them, a little above what the driver reports.
    const auto products = ProductsLabelled(Platform::kAws, gpu.product);
    const std::int64_t mebibytes = MebibytesOfOne(WholeNumber(Label(node, prefix + "instance-gpu-memory")),
                                                  WholeNumber(Label(node, prefix + "instance-gpu-count")), products);
    if (gpu.memory_bytes == 0) gpu.memory_bytes = mebibytes * kMebibyte;
    const bool part = mebibytes > 0 && !products.empty() && std::ranges::all_of(products, [&](const auto* product) {
                        return mebibytes < LeastOfWholeCard(*product);
                      });
    if (part) {
      gpu.product = gpu::NameOfPart(gpu.product, mebibytes);
      gpu.memory_bytes = mebibytes * kMebibyte;
    }
    // One name for cards that differ: pods bound to it would not run on the same GPUs.
    if (const gpu::Product* product = AwsProductOf(gpu.product, mebibytes)) {
      gpu.product = LabelsOf(Platform::kGpuFeatureDiscovery, *product).front();
    }
    FillFromCatalogue(Platform::kAws, gpu);
    return true;
  }
  return false;
}

bool FromAzure(const NodeView& node, GpuInfo& gpu) {
  gpu.product = Label(node, kAzureGpu);
  if (!gpu.product.empty()) NamePart(Platform::kAzure, node, gpu);
  if (!gpu.product.empty()) FillFromCatalogue(Platform::kAzure, gpu);
  return !gpu.product.empty();
}

bool FromCoreWeave(const NodeView& node, GpuInfo& gpu) {
  gpu.product = Label(node, kCoreWeaveGpu);
  if (!gpu.product.empty()) FillFromCatalogue(Platform::kCoreWeave, gpu);
  return !gpu.product.empty();
}

// What AMD's labeller says of a node's GPUs; "" when they differ or it says nothing. Current versions write
// amd.com/gpu.vram=192G; old ones only beta.amd.com/gpu.vram.192G=8, value in the key and count as the value
// (ROCm/k8s-device-plugin, cmd/k8s-node-labeller/main.go and README.md). Cards that differ have several such keys.
std::string AmdLabel(const NodeView& node, const std::string& property) {
  if (const std::string& current = Label(node, "amd.com/gpu." + property); !current.empty()) return current;
  if (node.labels.contains("amd.com/gpu.family")) return "";
  const std::string prefix = "beta.amd.com/gpu." + property + ".";
  std::string value;
  for (auto label = node.labels.lower_bound(prefix); label != node.labels.end(); ++label) {
    if (!label->first.starts_with(prefix)) break;
    if (!value.empty()) return "";
    value = label->first.substr(prefix.size());
  }
  return value;
}

bool FromAmd(const NodeView& node, GpuInfo& gpu) {
  const std::string device_id = AmdLabel(node, "device-id");
  gpu.product = AmdLabel(node, "product-name");
  if (gpu.product.empty()) gpu.product = device_id;
  if (gpu.product.empty()) return false;
  const gpu::Product* model = AmdProductOf(device_id);
  if (model == nullptr) model = AmdProductOf(gpu.product);
  gpu.amd_architecture = model == nullptr ? "gfx" : std::string(model->amd_architecture);
  const std::string vram = AmdLabel(node, "vram");  // "192G", binary units as the driver counts
  const std::int64_t gibibytes =
      vram.ends_with("G") ? WholeNumber(std::string_view(vram).substr(0, vram.size() - 1)) : 0;
  gpu.memory_bytes = (gibibytes == 0 && model != nullptr ? model->mebibytes : gibibytes * 1024) * kMebibyte;
  return true;
}

// The last resort: managed node groups without any labeller. Pods are bound to the instance types of the product.
void FromInstanceType(const NodeView& node, GpuInfo& gpu) {
  const std::string& type = Label(node, kInstanceType);
  if (const PartInstance* part = PartInstanceOf(type)) {
    gpu.product = gpu::NameOfPart(LabelsOf(Platform::kGpuFeatureDiscovery, *gpu::FindProduct(part->product)).front(),
                                  part->mebibytes);
    gpu.memory_bytes = part->mebibytes * kMebibyte;
    if (!gpu.capability) gpu.capability = gpu::FindProduct(part->product)->capability;
    return;
  }
  const gpu::Product* product = ProductOfInstanceType(type);
  if (product == nullptr) return;
  gpu.product = LabelsOf(Platform::kGpuFeatureDiscovery, *product).front();
  if (gpu.memory_bytes == 0) gpu.memory_bytes = product->mebibytes * kMebibyte;
  if (!gpu.capability) gpu.capability = product->capability;
}

// Taints of Kubernetes itself for the conditions of a node, of autoscalers for its beginning and end, and of agents
// that a node waits for.
bool IsPassing(std::string_view key) {
  return key.starts_with("node.kubernetes.io/") || key.starts_with("node.cloudprovider.kubernetes.io/") ||
         key.starts_with("karpenter.sh/") || key.starts_with("ToBeDeletedBy") ||
         key.starts_with("DeletionCandidateOf") || key.ends_with("/agent-not-ready");
}

}  // namespace

std::string TaintText(const Taint& taint) {
  return taint.key + (taint.value.empty() ? "" : "=" + taint.value) + ":" + taint.effect;
}

NodeView NodeViewFromJson(const json& node) {
  NodeView view;
  view.name = Text(Member(node, "metadata"), "name");
  view.labels = TextMap(Member(node, "metadata"), "labels");
  view.unschedulable = Flag(Member(node, "spec"), "unschedulable");
  if (const json& taints = Member(Member(node, "spec"), "taints"); taints.is_array()) {
    for (const json& one : taints) {
      Taint taint{Text(one, "key"), Text(one, "value"), Text(one, "effect")};
      if (taint.effect != "NoSchedule" && taint.effect != "NoExecute") continue;
      if (IsPassing(taint.key)) {
        view.unschedulable = true;
      } else {
        view.taints.push_back(std::move(taint));
      }
    }
  }
  const json& allocatable = Member(Member(node, "status"), "allocatable");
  if (!allocatable.is_object()) return view;
  for (const auto& [name, quantity] : allocatable.items()) {
    // Extended resources are counted, in whole units; cpu, memory, hugepages and attachable volumes are the
    // scheduler's.
    if (name.find('/') == std::string::npos || !quantity.is_string()) continue;
    const std::string text = quantity.get<std::string>();
    std::int64_t count = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error == std::errc() && stop == text.data() + text.size()) view.allocatable[name] = count;
  }
  return view;
}

std::string_view LabelledResource(std::string_view resource) {
  constexpr std::string_view kRenamed = ".shared";
  if (resource.starts_with("nvidia.com/") && resource.ends_with(kRenamed)) resource.remove_suffix(kRenamed.size());
  return resource;
}

std::string_view PartitionOfResource(std::string_view resource) {
  constexpr std::string_view kPrefix = "nvidia.com/mig-";
  resource = LabelledResource(resource);
  return resource.starts_with(kPrefix) ? resource.substr(kPrefix.size()) : std::string_view();
}

namespace {

// GPU Feature Discovery writes -SHARED and the replicas from its own configuration, which may not be the device
// plugin's; its count is of what the driver has. With the single MIG strategy that is partitions.
bool OffersMoreThanItHas(const NodeView& node, std::string_view resource) {
  const std::int64_t cards = WholeNumber(Label(node, "nvidia.com/gpu.count"));
  const auto offered = node.allocatable.find(std::string(resource));
  return resource == "nvidia.com/gpu" && cards > 0 && offered != node.allocatable.end() && offered->second > cards &&
         gpu::SplitName(Label(node, kGfdProduct)).partition.empty();
}

}  // namespace

GpuInfo GpuOfNode(const NodeView& node, std::string_view resource) {
  GpuInfo gpu;
  gpu.shared = OffersMoreThanItHas(node, resource);
  if (const std::string_view partition = PartitionOfResource(resource); !partition.empty()) {
    FromMigResource(node, std::string(LabelledResource(resource)), partition, gpu);
    return gpu;
  }
  if (FromGpuFeatureDiscovery(node, gpu) || FromAmd(node, gpu) || FromGke(node, gpu) || FromAws(node, gpu) ||
      FromAzure(node, gpu) || FromCoreWeave(node, gpu)) {
    return gpu;
  }
  FromInstanceType(node, gpu);
  return gpu;
}

}  // namespace autotune::experiment
