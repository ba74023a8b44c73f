#include "cli/asked_gpu.h"

#include <algorithm>
#include <cctype>

#include "operator/experiment/gpu_catalog.h"
#include "operator/local/machine.h"

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
  if (const experiment::AmdGpuModel* model = experiment::AmdGpuModelOf(name)) {
    constexpr std::int64_t kGibibyte = std::int64_t{1024} * 1024 * 1024;
    // A label that was given whole stands for itself.
    gpu.product = name.find_first_of("_ ") == std::string::npos ? std::string(model->label) : name;
    gpu.memory_bytes = model->gibibytes * kGibibyte;
    gpu.amd_architecture = model->architecture;
    return gpu;
  }
  auto found = local::FindGpu(name);
  if (found) return found;
  std::string others;
  for (const experiment::AmdGpuModel& model : experiment::AmdGpuCatalog()) {
    std::string lower(model.name);
    std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    others += ", " + lower;
  }
  return base::Invalid(found.error().message + others +
                       ", a compute capability such as 12.0, an AMD architecture such as gfx942");
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
