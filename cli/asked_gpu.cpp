#include "cli/asked_gpu.h"

#include "operator/experiment/gpu_labels.h"

namespace autotune::cli {

base::Result<experiment::GpuInfo> ReadGpu(const std::string& name) {
  experiment::GpuInfo gpu;
  if (name.empty()) return gpu;
  gpu.capability = quant::ComputeCapability::Parse(name);
  if (gpu.capability) return gpu;
  if (name.starts_with("gfx")) {
    gpu.amd_architecture = name;
    return gpu;
  }
  const gpu::Product* device = experiment::IsAmdDeviceId(name) ? experiment::AmdProductOf(name) : nullptr;
  const auto product = device == nullptr ? gpu::ReadProduct(name) : base::Result<const gpu::Product*>(device);
  if (!product) {
    return base::Invalid(product.error().message +
                         ", a compute capability such as 12.0, an AMD architecture such as gfx942");
  }
  constexpr std::int64_t kMebibyte = std::int64_t{1024} * 1024;
  gpu.memory_bytes = (*product)->mebibytes * kMebibyte;
  gpu.capability = (*product)->capability;
  gpu.amd_architecture = (*product)->amd_architecture;
  if ((*product)->nvidia()) {
    gpu.product = experiment::LabelsOf(experiment::Platform::kGpuFeatureDiscovery, **product).front();
  } else {
    // A label that was given whole stands for itself.
    gpu.product = name.find_first_of("_ ") == std::string::npos && device == nullptr
                      ? std::string(experiment::AmdLabelOf(**product))
                      : name;
  }
  const gpu::NameParts parts = gpu::SplitName(name);
  if (!parts.partition.empty()) {
    gpu.product += "-MIG-" + parts.partition;
    gpu.memory_bytes = gpu::PartitionMebibytes(parts.partition) * kMebibyte;
  }
  return gpu;
}

std::string GpuText(const std::string& product, const std::optional<quant::ComputeCapability>& capability,
                    const std::string& amd_architecture) {
  std::string text = product;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  if (capability) add("compute capability " + capability->ToString());
  if (!amd_architecture.empty()) add("AMD " + amd_architecture);
  return text;
}

}  // namespace autotune::cli
