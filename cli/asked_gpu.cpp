#include "cli/asked_gpu.h"

#include <algorithm>
#include <vector>

#include "cli/correction.h"
#include "engine_model/gpu_spec.h"
#include "operator/experiment/gpu_labels.h"

namespace autotune::cli {

namespace {

base::Result<const gpu::Product*> ProductAsked(const std::string& name) {
  const gpu::Product* device = experiment::IsAmdDeviceId(name) ? experiment::AmdProductOf(name) : nullptr;
  if (device != nullptr) return device;
  // A platform's own word for one product, where a short name means another: GKE's nvidia-tesla-a100.
  const std::string whole = gpu::SplitName(name).product;
  for (const experiment::Platform platform : {experiment::Platform::kGke, experiment::Platform::kCoreWeave}) {
    if (experiment::KnownLabels(platform).contains(whole)) return experiment::ProductsLabelled(platform, whole).front();
  }
  auto product = gpu::ReadProduct(name);
  if (product) return product;
  std::vector<std::string> names;
  for (const gpu::Product& known : gpu::Products()) names.emplace_back(known.name);
  const std::string close = Closest(name, names);
  if (close.empty()) return product;
  return base::Invalid("GPU \"" + name + "\" is not known; did you mean " + close + "?");
}

}  // namespace

base::Result<experiment::GpuInfo> ReadGpu(const std::string& name) {
  experiment::GpuInfo gpu;
  if (name.empty()) return gpu;
  constexpr int kHighestMajor = 30;  // above any; four digits are AMD's device ids
  gpu.capability = quant::ComputeCapability::Parse(name);
  if (gpu.capability && gpu.capability->major > kHighestMajor) gpu.capability.reset();
  if (gpu.capability) return gpu;
  if (name.starts_with("gfx")) {
    // LLVM's targets: "gfx90a", "gfx1201".
    const std::string_view number = std::string_view(name).substr(3);
    const bool target = number.size() >= 3 && number.find_first_not_of("0123456789abcdef") == std::string_view::npos;
    if (!target) return base::Invalid("GPU \"" + name + "\" is not an AMD architecture such as gfx942");
    gpu.amd_architecture = name;
    return gpu;
  }
  const auto product = ProductAsked(name);
  if (!product) {
    if (product.error().message.ends_with('?')) return product.error();
    return base::Invalid(product.error().message +
                         ", a compute capability such as 12.0, an AMD architecture such as gfx942");
  }
  constexpr std::int64_t kMebibyte = std::int64_t{1024} * 1024;
  gpu.memory_bytes = std::max((*product)->mebibytes, (*product)->shared_mebibytes) * kMebibyte;
  gpu.capability = (*product)->capability;
  gpu.amd_architecture = (*product)->amd_architecture;
  const gpu::NameParts parts = gpu::SplitName(name);
  if ((*product)->nvidia()) {
    gpu.product = experiment::GfdLabel(**product, parts);
  } else {
    // A label that was given whole stands for itself.
    gpu.product = name.find_first_of("_ ") == std::string::npos && !experiment::IsAmdDeviceId(name)
                      ? std::string(experiment::AmdLabelOf(**product))
                      : name;
  }
  if (!parts.partition.empty()) gpu.memory_bytes = gpu::PartitionMebibytes(parts.partition) * kMebibyte;
  return gpu;
}

base::Result<SimulatedGpu> ReadSimulatedGpu(const std::string& name) {
  const auto product = ProductAsked(name);
  if (!product) return product.error();
  if (const gpu::NameParts parts = gpu::SplitName(name); !parts.partition.empty() || parts.shared)
    return base::Invalid("GPU \"" + name +
                         "\" cannot be simulated: it is a part of a GPU, and its rates are not known");
  if (!engine_model::FindGpu((*product)->name))
    return base::Invalid("GPU \"" + name + "\" cannot be simulated: its data sheet is not known");
  const auto info = ReadGpu(name);
  if (!info) return info.error();
  SimulatedGpu gpu{std::string((*product)->name), *info};
  // A product whose label nobody documents is called as it was asked for.
  if (gpu.info.product.empty()) gpu.info.product = gpu.name;
  return gpu;
}

std::string GpuText(const std::string& product, const std::optional<quant::ComputeCapability>& capability,
                    const std::string& amd_architecture) {
  std::string text = product;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  if (capability) add("compute capability " + capability->ToString());
  if (amd_architecture == "gfx") {
    add("AMD, architecture not known");
  } else if (!amd_architecture.empty()) {
    add("AMD " + amd_architecture + (gpu::IsKnownAmdArchitecture(amd_architecture) ? "" : " (not known to autotune)"));
  }
  return text;
}

}  // namespace autotune::cli
