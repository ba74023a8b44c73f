#include "operator/experiment/gpu_catalog.h"

#include <algorithm>
#include <array>

namespace autotune::experiment {
namespace {

// Memory: nvidia-smi's total on that card, as GPU Feature Discovery labels it. Capability: NVIDIA's table of CUDA GPUs.
constexpr std::array kCatalog = {
    GpuModel{"Tesla-V100-SXM2-16GB", "nvidia-tesla-v100", "", "", 16160, {7, 0}, 0},
    GpuModel{"", "", "v100", "V100", 0, {7, 0}, 0},
    GpuModel{"Tesla-T4", "nvidia-tesla-t4", "t4", "T4", 15360, {7, 5}, 0},
    GpuModel{"NVIDIA-A10G", "", "a10g", "", 23028, {8, 6}, 0},
    GpuModel{"NVIDIA-A100-SXM4-40GB", "nvidia-tesla-a100", "a100", "", 40960, {8, 0}, 40960},
    GpuModel{"NVIDIA-A100-SXM4-80GB", "nvidia-a100-80gb", "a100", "", 81920, {8, 0}, 81920},
    GpuModel{"", "", "", "A100", 0, {8, 0}, 0},
    GpuModel{"NVIDIA-L4", "nvidia-l4", "l4", "", 23034, {8, 9}, 0},
    GpuModel{"NVIDIA-L40S", "", "l40s", "", 46068, {8, 9}, 0},
    GpuModel{"NVIDIA-H100-80GB-HBM3", "nvidia-h100-80gb", "h100", "", 81559, {9, 0}, 0},
    GpuModel{"NVIDIA-H100-80GB-HBM3", "nvidia-h100-mega-80gb", "", "", 81559, {9, 0}, 0},
    GpuModel{"NVIDIA-H200", "nvidia-h200-141gb", "h200", "", 143771, {9, 0}, 0},
    GpuModel{"NVIDIA-B200", "nvidia-b200", "", "", 183359, {10, 0}, 0},
};

struct InstanceFamily {
  std::string_view prefix;
  std::string_view gfd;
};

// The first prefix that fits wins: longer ones stand first.
constexpr std::array kInstances = {
    InstanceFamily{"p5.48xlarge", "NVIDIA-H100-80GB-HBM3"},
    InstanceFamily{"p5e.", "NVIDIA-H200"},
    InstanceFamily{"p5en.", "NVIDIA-H200"},
    InstanceFamily{"p4de.", "NVIDIA-A100-SXM4-80GB"},
    InstanceFamily{"p4d.", "NVIDIA-A100-SXM4-40GB"},
    InstanceFamily{"g6e.", "NVIDIA-L40S"},
    InstanceFamily{"g6.", "NVIDIA-L4"},
    InstanceFamily{"g5.", "NVIDIA-A10G"},
    InstanceFamily{"g4dn.", "Tesla-T4"},
    InstanceFamily{"a3-highgpu-", "NVIDIA-H100-80GB-HBM3"},
    InstanceFamily{"a3-megagpu-", "NVIDIA-H100-80GB-HBM3"},
    InstanceFamily{"a3-ultragpu-", "NVIDIA-H200"},
    InstanceFamily{"a2-ultragpu-", "NVIDIA-A100-SXM4-80GB"},
    InstanceFamily{"a2-highgpu-", "NVIDIA-A100-SXM4-40GB"},
    InstanceFamily{"g2-standard-", "NVIDIA-L4"},
    InstanceFamily{"Standard_ND96isr_H100_v5", "NVIDIA-H100-80GB-HBM3"},
    InstanceFamily{"Standard_ND96isr_H200_v5", "NVIDIA-H200"},
    InstanceFamily{"Standard_ND96amsr_A100_v4", "NVIDIA-A100-SXM4-80GB"},
    InstanceFamily{"Standard_ND96asr_v4", "NVIDIA-A100-SXM4-40GB"},
};

}  // namespace

std::span<const GpuModel> GpuCatalog() { return kCatalog; }

const GpuModel* GpuModelOfInstanceType(std::string_view instance_type) {
  const auto family = std::find_if(kInstances.begin(), kInstances.end(), [&](const InstanceFamily& candidate) {
    return instance_type.starts_with(candidate.prefix);
  });
  if (family == kInstances.end()) return nullptr;
  const auto model = std::find_if(kCatalog.begin(), kCatalog.end(),
                                  [&](const GpuModel& candidate) { return candidate.gfd == family->gfd; });
  return model == kCatalog.end() ? nullptr : &*model;
}

}  // namespace autotune::experiment
