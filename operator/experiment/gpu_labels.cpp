#include "operator/experiment/gpu_labels.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "base/ascii_case.h"
#include "operator/experiment/node_view.h"

namespace autotune::experiment {
namespace {

struct LabelRow {
  Platform platform;
  std::string_view value;
  std::string_view product;  // gpu::Product::name
  std::int64_t aws_mebibytes = 0;
};

// GKE: cloud.google.com/kubernetes-engine/docs/how-to/gpus and Compute Engine's accelerator types. AWS: the names and
// memory of `aws ec2 describe-instance-types`, in lower case with dashes, as Karpenter labels them. Azure: Karpenter's
// table of SKUs; H100, A100 and V100 stand there for several products and are no row. CoreWeave: its pages of GPU
// instances, old spellings and new ones. GPU Feature Discovery needs no rows: its value is the driver's name with
// dashes.
constexpr std::array kRows = {
    LabelRow{Platform::kGke, "nvidia-tesla-v100", "v100-16gb"},
    LabelRow{Platform::kGke, "nvidia-tesla-t4", "t4"},
    LabelRow{Platform::kGke, "nvidia-tesla-p100", "p100"},
    LabelRow{Platform::kGke, "nvidia-tesla-p4", "p4"},
    LabelRow{Platform::kGke, "nvidia-tesla-k80", "k80"},
    LabelRow{Platform::kGke, "nvidia-tesla-a100", "a100-40gb"},
    LabelRow{Platform::kGke, "nvidia-a100-80gb", "a100-80gb"},
    LabelRow{Platform::kGke, "nvidia-l4", "l4"},
    LabelRow{Platform::kGke, "nvidia-h100-80gb", "h100"},
    LabelRow{Platform::kGke, "nvidia-h100-mega-80gb", "h100"},
    LabelRow{Platform::kGke, "nvidia-h200-141gb", "h200"},
    LabelRow{Platform::kGke, "nvidia-b200", "b200"},
    LabelRow{Platform::kGke, "nvidia-gb200", "gb200"},
    LabelRow{Platform::kGke, "nvidia-gb300", "gb300"},
    LabelRow{Platform::kGke, "nvidia-rtx-pro-6000", "rtx-pro-6000"},
    LabelRow{Platform::kAws, "v100", "v100-16gb", 16384},
    LabelRow{Platform::kAws, "v100", "v100-32gb", 32768},
    LabelRow{Platform::kAws, "t4", "t4"},
    LabelRow{Platform::kAws, "t4g", "t4g"},
    LabelRow{Platform::kAws, "m60", "m60"},
    LabelRow{Platform::kAws, "k80", "k80"},
    LabelRow{Platform::kAws, "a10g", "a10g"},
    LabelRow{Platform::kAws, "a100", "a100-40gb", 40960},
    LabelRow{Platform::kAws, "a100", "a100-80gb", 81920},
    LabelRow{Platform::kAws, "l4", "l4"},
    LabelRow{Platform::kAws, "l40s", "l40s"},
    LabelRow{Platform::kAws, "h100", "h100"},
    LabelRow{Platform::kAws, "h200", "h200"},
    LabelRow{Platform::kAws, "b200", "b200"},
    LabelRow{Platform::kAws, "b300", "b300"},
    LabelRow{Platform::kAws, "gb200", "gb200"},
    LabelRow{Platform::kAws, "rtx-pro-server-6000", "rtx-pro-6000"},
    LabelRow{Platform::kAzure, "T4", "t4"},
    LabelRow{Platform::kAzure, "A10", "a10"},
    LabelRow{Platform::kCoreWeave, "B200", "b200"},
    LabelRow{Platform::kCoreWeave, "GB200", "gb200"},
    LabelRow{Platform::kCoreWeave, "GB300", "gb300"},
    LabelRow{Platform::kCoreWeave, "B300", "b300"},
    LabelRow{Platform::kCoreWeave, "H200", "h200"},
    LabelRow{Platform::kCoreWeave, "H100", "h100"},
    LabelRow{Platform::kCoreWeave, "H100_NVLINK_80GB", "h100"},
    LabelRow{Platform::kCoreWeave, "H100_PCIE", "h100-pcie"},
    LabelRow{Platform::kCoreWeave, "A100", "a100-80gb"},
    LabelRow{Platform::kCoreWeave, "A100_NVLINK_80GB", "a100-80gb"},
    LabelRow{Platform::kCoreWeave, "A100_NVLINK", "a100-40gb"},
    LabelRow{Platform::kCoreWeave, "A100_PCIE_80GB", "a100-pcie-80gb"},
    LabelRow{Platform::kCoreWeave, "A100_PCIE_40GB", "a100-pcie-40gb"},
    LabelRow{Platform::kCoreWeave, "L40", "l40"},
    LabelRow{Platform::kCoreWeave, "L40S", "l40s"},
    LabelRow{Platform::kCoreWeave, "A40", "a40"},
    LabelRow{Platform::kCoreWeave, "RTX_A6000", "rtx-a6000"},
    LabelRow{Platform::kCoreWeave, "RTX_A5000", "rtx-a5000"},
    LabelRow{Platform::kCoreWeave, "RTX_A4000", "rtx-a4000"},
    LabelRow{Platform::kCoreWeave, "Quadro_RTX_5000", "quadro-rtx-5000"},
    LabelRow{Platform::kCoreWeave, "Quadro_RTX_4000", "quadro-rtx-4000"},
    LabelRow{Platform::kCoreWeave, "Tesla_V100_NVLINK", "v100-16gb"},
};

constexpr std::string_view kAwsSizes = "xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge";

// Instance types: a family's prefix before each of its sizes. An empty prefix: the sizes are whole names.
struct InstanceFamily {
  std::string_view prefix;
  std::string_view sizes;
  std::string_view product;
};

// AWS, Google Cloud, Oracle and Azure, from their pages of GPU instance types. The first prefix that fits wins: longer
// ones stand first.
constexpr std::array kInstances = {
    InstanceFamily{"p6-b200.", "48xlarge", "b200"},
    InstanceFamily{"p6-b300.", "48xlarge", "b300"},
    InstanceFamily{"p6e-gb200.", "36xlarge", "gb200"},
    InstanceFamily{"p5e.", "48xlarge", "h200"},
    InstanceFamily{"p5en.", "48xlarge", "h200"},
    InstanceFamily{"p5.", "4xlarge 48xlarge", "h100"},
    InstanceFamily{"p4de.", "24xlarge", "a100-80gb"},
    InstanceFamily{"p4d.", "24xlarge", "a100-40gb"},
    InstanceFamily{"p3dn.", "24xlarge", "v100-32gb"},
    InstanceFamily{"p3.", "2xlarge 8xlarge 16xlarge", "v100-16gb"},
    InstanceFamily{"g7e.", "2xlarge 4xlarge 8xlarge 12xlarge 24xlarge 48xlarge", "rtx-pro-6000"},
    InstanceFamily{"g6e.", kAwsSizes, "l40s"},
    InstanceFamily{"g6.", kAwsSizes, "l4"},
    InstanceFamily{"gr6.", "4xlarge 8xlarge", "l4"},
    InstanceFamily{"g5.", kAwsSizes, "a10g"},
    InstanceFamily{"g5g.", "xlarge 2xlarge 4xlarge 8xlarge 16xlarge metal", "t4g"},
    InstanceFamily{"g4dn.", "xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge metal", "t4"},
    InstanceFamily{"a4x-highgpu-", "4g", "gb200"},
    InstanceFamily{"a4-highgpu-", "8g", "b200"},
    InstanceFamily{"a3-highgpu-", "1g 2g 4g 8g", "h100"},
    InstanceFamily{"a3-megagpu-", "8g", "h100"},
    InstanceFamily{"a3-edgegpu-", "8g", "h100"},
    InstanceFamily{"a3-ultragpu-", "8g", "h200"},
    InstanceFamily{"a2-ultragpu-", "1g 2g 4g 8g", "a100-80gb"},
    InstanceFamily{"a2-highgpu-", "1g 2g 4g 8g", "a100-40gb"},
    InstanceFamily{"a2-megagpu-", "16g", "a100-40gb"},
    InstanceFamily{"g4-standard-", "48 96 192 384", "rtx-pro-6000"},
    InstanceFamily{"g2-standard-", "4 8 12 16 24 32 48 96", "l4"},
    InstanceFamily{"", "BM.GPU.B200.8", "b200"},
    InstanceFamily{"", "BM.GPU.GB200.4 Standard_ND128isr_NDR_GB200_v6", "gb200"},
    InstanceFamily{"", "BM.GPU.H100.8 Standard_ND96isr_H100_v5 Standard_ND96isrf_H100_v5", "h100"},
    InstanceFamily{"", "BM.GPU.H200.8 Standard_ND96isr_H200_v5", "h200"},
    InstanceFamily{"", "Standard_NC40ads_H100_v5 Standard_NC80adis_H100_v5", "h100-nvl"},
    InstanceFamily{"", "BM.GPU.A100-v2.8 Standard_ND96amsr_A100_v4", "a100-80gb"},
    InstanceFamily{"", "BM.GPU4.8 Standard_ND96asr_v4", "a100-40gb"},
    InstanceFamily{"", "Standard_NC24ads_A100_v4 Standard_NC48ads_A100_v4 Standard_NC96ads_A100_v4", "a100-pcie-80gb"},
    InstanceFamily{"", "BM.GPU.L40S.4", "l40s"},
    InstanceFamily{"",
                   "BM.GPU.A10.4 VM.GPU.A10.1 VM.GPU.A10.2 Standard_NV36ads_A10_v5 Standard_NV36adms_A10_v5 "
                   "Standard_NV72ads_A10_v5",
                   "a10"},
    InstanceFamily{"", "Standard_NC4as_T4_v3 Standard_NC8as_T4_v3 Standard_NC16as_T4_v3 Standard_NC64as_T4_v3", "t4"},
};

// The providers' pages of G6f and Gr6f, G4, and NVadsA10 v5; memory of AWS as its API has it.
constexpr std::array kParts = {
    PartInstance{"g6f.large", "l4", 2861},
    PartInstance{"g6f.xlarge", "l4", 2861},
    PartInstance{"g6f.2xlarge", "l4", 5722},
    PartInstance{"g6f.4xlarge", "l4", 11444},
    PartInstance{"gr6f.4xlarge", "l4", 11444},
    PartInstance{"g4-standard-6", "rtx-pro-6000", 12288},
    PartInstance{"g4-standard-12", "rtx-pro-6000", 24576},
    PartInstance{"g4-standard-24", "rtx-pro-6000", 49152},
    PartInstance{"Standard_NV6ads_A10_v5", "a10", 4096},
    PartInstance{"Standard_NV12ads_A10_v5", "a10", 8192},
    PartInstance{"Standard_NV18ads_A10_v5", "a10", 12288},
};

// Device ids: libdrm's data/amdgpu.ids and vLLM's vllm/platforms/rocm.py. Labels: ROCm/k8s-device-plugin,
// docs/user-guide/installation.md and cmd/k8s-node-labeller/main_test.go.
struct AmdRow {
  std::string_view product;
  std::string_view label;
  std::array<std::string_view, 4> device_ids;
};
constexpr std::array kAmdRows = {
    AmdRow{"mi210", "Instinct_MI210", {"740f"}},
    AmdRow{"mi250x", "", {"7408", "740c"}},
    AmdRow{"mi300a", "", {"74a0"}},
    AmdRow{"mi300x", "AMD_Instinct_MI300X_OAM", {"74a1", "74a9", "74b5", "74bd"}},
    AmdRow{"mi308x", "", {"74a2", "74a8", "74b6"}},
    AmdRow{"mi325x", "", {"74a5", "74b9"}},
    AmdRow{"mi350x", "", {"75a0", "75b0"}},
    AmdRow{"mi355x", "", {"75a3", "75b3"}},
};

const gpu::Product* ByName(std::string_view name) {
  const auto products = gpu::Products();
  const auto product = std::ranges::find(products, name, &gpu::Product::name);
  return product == products.end() ? nullptr : &*product;
}

std::string Dashed(std::string_view text) {
  std::string out(text);
  std::ranges::replace(out, ' ', '-');
  return out;
}

std::vector<std::string_view> Words(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    words.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

std::vector<const gpu::Product*> Rows(Platform platform, std::string_view value) {
  std::vector<const gpu::Product*> products;
  for (const LabelRow& row : kRows) {
    if (row.platform == platform && row.value == value) products.push_back(ByName(row.product));
  }
  return products;
}

}  // namespace

std::vector<const gpu::Product*> ProductsLabelled(Platform platform, std::string_view value) {
  std::vector<const gpu::Product*> products = Rows(platform, gpu::SplitName(value).product);
  return products.empty() ? gpu::ProductsNamed(value) : products;
}

const gpu::Product* AwsProductOf(std::string_view value, std::int64_t mebibytes) {
  const auto row = std::ranges::find_if(kRows, [&](const LabelRow& candidate) {
    return candidate.platform == Platform::kAws && candidate.value == value && candidate.aws_mebibytes != 0 &&
           candidate.aws_mebibytes == mebibytes;
  });
  return row == kRows.end() ? nullptr : ByName(row->product);
}

std::vector<AwsName> AwsNamesOf(const gpu::Product& product) {
  std::vector<AwsName> names;
  for (const LabelRow& row : kRows) {
    if (row.platform == Platform::kAws && row.product == product.name) {
      names.push_back({std::string(row.value), row.aws_mebibytes});
    }
  }
  return names;
}

std::vector<std::string> LabelsOf(Platform platform, const gpu::Product& product) {
  if (platform == Platform::kGpuFeatureDiscovery) return {Dashed(product.driver)};
  std::vector<std::string> labels;
  for (const LabelRow& row : kRows) {
    if (row.platform == platform && row.product == product.name) labels.emplace_back(row.value);
  }
  return labels;
}

std::string GfdLabel(const gpu::Product& product, const gpu::NameParts& parts) {
  std::string label = Dashed(product.driver);
  if (parts.virtual_gpu) {
    // The driver's own name for the board of a vGPU: "NVIDIA H100XM-80C", of older releases "GRID T4-16C".
    label = Dashed(parts.product);
    if (!label.starts_with("NVIDIA-") && !label.starts_with("GRID-")) {
      label = base::AsciiUpper(label);
      if (!label.starts_with("NVIDIA-") && !label.starts_with("GRID-")) label.insert(0, "NVIDIA-");
    }
    label += "-" + parts.partition;
  } else if (!parts.partition.empty()) {
    label += "-MIG-" + parts.partition;
  }
  return label + (parts.shared ? "-SHARED" : "");
}

std::set<std::string, std::less<>> KnownLabels(Platform platform) {
  std::set<std::string, std::less<>> labels;
  for (const LabelRow& row : kRows) {
    if (row.platform == platform) labels.emplace(row.value);
  }
  // Short names that one platform uses for several products.
  if (platform == Platform::kAzure) labels.insert({"A100", "H100", "V100"});
  return labels;
}

std::vector<const gpu::Product*> ProductsOfName(std::string_view name, bool exact) {
  const std::string whole = gpu::SplitName(name).product;
  std::vector<const gpu::Product*> products = Rows(Platform::kGke, whole);
  if (products.empty() && exact) products = Rows(Platform::kAws, whole);
  return products.empty() ? gpu::ProductsNamed(name) : products;
}

bool IsPlatformsOwn(std::string_view name) {
  const std::string whole = gpu::SplitName(name).product;
  if (!Rows(Platform::kGke, whole).empty()) return true;
  const auto products = gpu::ProductsNamed(whole);
  return products.size() == 1 && (whole == Dashed(products.front()->driver) || whole == products.front()->driver);
}

GpuFacts FactsOf(std::span<const gpu::Product* const> products) {
  GpuFacts facts;
  if (products.empty()) return facts;
  const auto most = [](const gpu::Product& product) {
    return product.mebibytes != 0 ? product.mebibytes : product.shared_mebibytes;
  };
  facts = {products.front()->capability, most(*products.front())};
  for (const gpu::Product* product : products) {
    if (product->capability != facts.capability) facts.capability.reset();
    if (most(*product) != facts.mebibytes) facts.mebibytes = 0;
  }
  return facts;
}

std::span<const PartInstance> PartInstances() { return kParts; }

const PartInstance* PartInstanceOf(std::string_view instance_type) {
  const auto* const part = std::ranges::find(kParts, instance_type, &PartInstance::type);
  return part == kParts.end() ? nullptr : &*part;
}

std::vector<std::string> PartInstancesOf(const gpu::Product& product, std::optional<std::int64_t> mebibytes) {
  std::vector<std::string> types;
  for (const PartInstance& part : kParts) {
    if (part.product == product.name && mebibytes.value_or(part.mebibytes) == part.mebibytes)
      types.emplace_back(part.type);
  }
  return types;
}

std::int64_t LeastOfWholeCard(const gpu::Product& product) { return product.mebibytes / 4 * 3; }

const gpu::Product* ProductOfInstanceType(std::string_view instance_type) {
  if (PartInstanceOf(instance_type) != nullptr) return nullptr;
  const auto family = std::ranges::find_if(kInstances, [&](const InstanceFamily& candidate) {
    if (!candidate.prefix.empty()) return instance_type.starts_with(candidate.prefix);
    const std::vector<std::string_view> names = Words(candidate.sizes);
    return std::ranges::find(names, instance_type) != names.end();
  });
  return family == kInstances.end() ? nullptr : ByName(family->product);
}

std::vector<std::string> InstanceTypesOf(const gpu::Product& product) {
  std::vector<std::string> types;
  for (const InstanceFamily& family : kInstances) {
    if (family.product != product.name) continue;
    for (const std::string_view size : Words(family.sizes)) {
      types.push_back(std::string(family.prefix) + std::string(size));
    }
  }
  return types;
}

const gpu::Product* AmdProductOf(std::string_view product) {
  if (IsAmdDeviceId(product)) {
    const auto row = std::ranges::find_if(
        kAmdRows, [&](const AmdRow& r) { return std::ranges::find(r.device_ids, product) != r.device_ids.end(); });
    return row == kAmdRows.end() ? nullptr : ByName(row->product);
  }
  const gpu::Product* found = gpu::FindProduct(product);
  return found == nullptr || found->nvidia() ? nullptr : found;
}

std::vector<std::string> AmdDeviceIdsOf(const gpu::Product& product) {
  const auto row = std::ranges::find(kAmdRows, product.name, &AmdRow::product);
  std::vector<std::string> ids;
  if (row == kAmdRows.end()) return ids;
  for (const std::string_view id : row->device_ids) {
    if (!id.empty()) ids.emplace_back(id);
  }
  return ids;
}

bool IsSharedGpu(std::string_view resource, std::string_view product) {
  return resource.ends_with(".shared") || gpu::SplitName(product).shared;
}

std::string SeveralPartsText(int gpus, const gpu::NameParts& parts) {
  if (parts.partition.empty()) return "";
  return std::to_string(gpus) + " x " + parts.partition +
         (parts.virtual_gpu ? ": virtual GPUs have no direct path to each other unless the profile and the driver "
                              "allow it, and two may be of one card: whether an engine runs on several is not known"
                            : ": a process sees one partition of a card (MIG), and partitions have no direct path "
                              "to each other: engines usually fail to start on several");
}

bool IsPartOfGpu(std::string_view resource, std::string_view product) {
  return IsSharedGpu(resource, product) || !PartitionOfResource(resource).empty() ||
         !gpu::SplitName(product).partition.empty();
}

std::string_view AmdLabelOf(const gpu::Product& product) {
  const auto row = std::ranges::find(kAmdRows, product.name, &AmdRow::product);
  return row == kAmdRows.end() ? "" : row->label;
}

std::string AmdArchitectureOf(std::string_view product) {
  const gpu::Product* model = AmdProductOf(product);
  return model == nullptr ? "gfx" : std::string(model->amd_architecture);
}

bool IsAmdDeviceId(std::string_view product) {
  return product.size() == 4 && product.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace autotune::experiment
