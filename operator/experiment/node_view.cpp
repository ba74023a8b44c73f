#include "operator/experiment/node_view.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <string_view>

#include "operator/experiment/gpu_catalog.h"
#include "operator/experiment/json_read.h"

namespace autotune::experiment {
namespace {

using nlohmann::json;
using Spelling = std::string_view GpuModel::*;

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

// What the catalog knows of a product; only what all cards of that name share.
void FillFromCatalog(Spelling spelling, GpuInfo& gpu) {
  bool first = true;
  std::int64_t mebibytes = 0;
  for (const GpuModel& model : GpuCatalog()) {
    if (model.*spelling != gpu.product) continue;
    if (!gpu.capability) gpu.capability = model.capability;
    mebibytes = first || mebibytes == model.mebibytes ? model.mebibytes : 0;
    first = false;
  }
  if (gpu.memory_bytes == 0) gpu.memory_bytes = mebibytes * kMebibyte;
}

bool FromGpuFeatureDiscovery(const NodeView& node, GpuInfo& gpu) {
  gpu.product = Label(node, "nvidia.com/gpu.product");
  gpu.memory_bytes = WholeNumber(Label(node, "nvidia.com/gpu.memory")) * kMebibyte;
  const std::string& major = Label(node, "nvidia.com/gpu.compute.major");
  const std::string& minor = Label(node, "nvidia.com/gpu.compute.minor");
  if (!major.empty()) gpu.capability = quant::ComputeCapability::Parse(major + "." + (minor.empty() ? "0" : minor));
  if (!gpu.product.empty()) FillFromCatalog(&GpuModel::gfd, gpu);
  return !gpu.product.empty();
}

bool FromGke(const NodeView& node, GpuInfo& gpu) {
  gpu.product = Label(node, "cloud.google.com/gke-accelerator");
  if (!gpu.product.empty()) FillFromCatalog(&GpuModel::gke, gpu);
  return !gpu.product.empty();
}

bool FromKarpenterOnAws(const NodeView& node, GpuInfo& gpu) {
  for (const std::string prefix : {"karpenter.k8s.aws/", "eks.amazonaws.com/"}) {
    gpu.product = Label(node, prefix + "instance-gpu-name");
    if (gpu.product.empty()) continue;
    // MiB as the provider's catalogue has them, a little above what the driver reports.
    if (gpu.memory_bytes == 0) {
      gpu.memory_bytes = WholeNumber(Label(node, prefix + "instance-gpu-memory")) * kMebibyte;
    }
    FillFromCatalog(&GpuModel::aws, gpu);
    // One name for cards that differ: pods bound to it would not run on the same GPUs.
    for (const GpuModel& model : GpuCatalog()) {
      const bool same = model.aws == gpu.product && model.aws_mebibytes != 0;
      if (same && model.aws_mebibytes * kMebibyte == gpu.memory_bytes) {
        gpu.product = model.gfd;
        break;
      }
    }
    return true;
  }
  return false;
}

bool FromKarpenterOnAzure(const NodeView& node, GpuInfo& gpu) {
  gpu.product = Label(node, "karpenter.azure.com/sku-gpu-name");
  if (!gpu.product.empty()) FillFromCatalog(&GpuModel::azure, gpu);
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
  const AmdGpuModel* model = AmdGpuModelOf(device_id);
  if (model == nullptr) model = AmdGpuModelOf(gpu.product);
  gpu.amd_architecture = model == nullptr ? "gfx" : std::string(model->architecture);
  const std::string vram = AmdLabel(node, "vram");  // "192G", binary units as the driver counts
  const std::int64_t gibibytes =
      vram.ends_with("G") ? WholeNumber(std::string_view(vram).substr(0, vram.size() - 1)) : 0;
  gpu.memory_bytes = (gibibytes == 0 && model != nullptr ? model->gibibytes : gibibytes) * 1024 * kMebibyte;
  return true;
}

// The last resort names no label that pods could be bound to, so the product stays empty.
void FromInstanceType(const NodeView& node, GpuInfo& gpu) {
  const GpuModel* model = GpuModelOfInstanceType(Label(node, "node.kubernetes.io/instance-type"));
  if (model == nullptr) return;
  if (gpu.memory_bytes == 0) gpu.memory_bytes = model->mebibytes * kMebibyte;
  if (!gpu.capability) gpu.capability = model->capability;
}

}  // namespace

NodeView NodeViewFromJson(const json& node) {
  NodeView view;
  view.name = Text(Member(node, "metadata"), "name");
  view.labels = TextMap(Member(node, "metadata"), "labels");
  view.unschedulable = Flag(Member(node, "spec"), "unschedulable");
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

GpuInfo GpuOfNode(const NodeView& node) {
  GpuInfo gpu;
  if (FromGpuFeatureDiscovery(node, gpu) || FromAmd(node, gpu) || FromGke(node, gpu) || FromKarpenterOnAws(node, gpu) ||
      FromKarpenterOnAzure(node, gpu)) {
    return gpu;
  }
  FromInstanceType(node, gpu);
  return gpu;
}

}  // namespace autotune::experiment
