#include "simulator/gpu.h"

#include <array>

namespace autotune::simulator {

std::span<const Gpu> KnownGpus() {
  // Data sheets of NVIDIA, dense rates. The H100's memory is what the recorded run reports; the others are scaled
  // alike.
  static constexpr std::array<Gpu, 7> kGpus = {{
      {"h100", "NVIDIA H100 80GB HBM3", 989.4, 1978.9, 1978.9, 79.19, 3.35, 90, 300},
      {"h200", "NVIDIA H200", 989.4, 1978.9, 1978.9, 139.81, 4.8, 90, 300},
      {"a100", "NVIDIA A100-SXM4-80GB", 312, 0, 624, 79.25, 2.039, 80, 200},
      {"a10", "NVIDIA A10", 125, 0, 250, 22.3, 0.6, 86, 20},
      {"l40s", "NVIDIA L40S", 362, 733, 733, 44.4, 0.864, 89, 20},
      {"l4", "NVIDIA L4", 121, 242, 242, 22.2, 0.3, 89, 20},
      {"b200", "NVIDIA B200", 2250, 4500, 0, 178.4, 7.7, 100, 600},
  }};
  return kGpus;
}

base::Result<Gpu> FindGpu(std::string_view key) {
  std::string known;
  for (const Gpu& gpu : KnownGpus()) {
    if (gpu.key == key) return gpu;
    known += (known.empty() ? "" : ", ") + std::string(gpu.key);
  }
  return base::Error{base::Code::kNotFound,
                     "AUTOTUNE_SIM_GPU: \"" + std::string(key) + "\" is not a simulated GPU; known: " + known,
                     std::nullopt, 0};
}

}  // namespace autotune::simulator
