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

// Targets and memory: AMD's table of accelerators (rocm.docs.amd.com, "GPU hardware specifications"). Device ids:
// libdrm's data/amdgpu.ids and vLLM's vllm/platforms/rocm.py. Labels: ROCm/k8s-device-plugin,
// docs/user-guide/installation.md and cmd/k8s-node-labeller/main_test.go.
constexpr std::array kAmdCatalog = {
    AmdGpuModel{"MI210", "gfx90a", 64, "Instinct_MI210", {"740f"}},
    AmdGpuModel{"MI250", "gfx90a", 64, "", {}},
    AmdGpuModel{"MI250X", "gfx90a", 64, "", {"7408", "740c"}},
    AmdGpuModel{"MI300A", "gfx942", 128, "", {"74a0"}},
    AmdGpuModel{"MI300X", "gfx942", 192, "AMD_Instinct_MI300X_OAM", {"74a1", "74a9", "74b5", "74bd"}},
    AmdGpuModel{"MI308X", "gfx942", 192, "", {"74a2", "74a8", "74b6"}},
    AmdGpuModel{"MI325X", "gfx942", 256, "", {"74a5", "74b9"}},
    AmdGpuModel{"MI350X", "gfx950", 288, "", {"75a0", "75b0"}},
    AmdGpuModel{"MI355X", "gfx950", 288, "", {"75a3", "75b3"}},
};

bool SameLetters(std::string_view a, std::string_view b) {
  const auto upper = [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; };
  return std::ranges::equal(a, b, {}, upper, upper);
}

// "MI325" in "AMD_Instinct_MI325_OAM" is the MI325X; "MI300" says too little to be one of two.
bool Names(std::string_view word, const AmdGpuModel& model) {
  if (SameLetters(word, model.name)) return true;
  return model.name.ends_with('X') && word.size() + 1 == model.name.size() && !SameLetters(word, "MI300") &&
         SameLetters(word, model.name.substr(0, word.size()));
}

}  // namespace

std::span<const AmdGpuModel> AmdGpuCatalog() { return kAmdCatalog; }

const AmdGpuModel* AmdGpuModelOf(std::string_view product) {
  if (IsAmdDeviceId(product)) {
    for (const AmdGpuModel& model : kAmdCatalog) {
      if (std::ranges::find(model.device_ids, product) != model.device_ids.end()) return &model;
    }
    return nullptr;
  }
  while (!product.empty()) {
    const std::size_t end = std::min(product.find_first_of("_- "), product.size());
    const std::string_view word = product.substr(0, end);
    const auto model = std::ranges::find_if(kAmdCatalog, [&](const AmdGpuModel& m) { return Names(word, m); });
    if (model != kAmdCatalog.end()) return &*model;
    product.remove_prefix(std::min(end + 1, product.size()));
  }
  return nullptr;
}

std::string AmdArchitectureOf(std::string_view product) {
  const AmdGpuModel* model = AmdGpuModelOf(product);
  return model == nullptr ? "gfx" : std::string(model->architecture);
}

bool IsAmdDeviceId(std::string_view product) {
  return product.size() == 4 && product.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

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
