#include "engine_model/gpu_spec.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <vector>

namespace autotune::engine_model {
namespace {

constexpr double kGiB = 1024.0 * 1024.0 * 1024.0;

// The family's word in a product's name, upper case.
std::string Upper(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return out;
}

std::vector<std::string> Words(std::string_view text) {
  std::vector<std::string> words(1);
  for (const char c : Upper(text)) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      words.back() += c;
    } else if (!words.back().empty()) {
      words.emplace_back();
    }
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

}  // namespace

std::span<const GpuSpec> KnownGpus() {
  // Data sheets of the vendors, dense rates. Memory is what the driver reports: the H100's is recorded (tests/engines/
  // runs), the others are scaled alike. The first of a family is the one that a product without an exact row takes.
  static const std::array<GpuSpec, 13> kGpus = {{
      {"h100", "NVIDIA H100 80GB HBM3", 79.19 * kGiB, 3.35e12, 989.4e12, 1978.9e12, 1978.9e12, 0, 450e9, 90},
      {"h100-pcie", "NVIDIA H100 PCIe", 79.19 * kGiB, 2.0e12, 756e12, 1513e12, 1513e12, 0, 64e9, 90},
      {"h200", "NVIDIA H200", 139.81 * kGiB, 4.8e12, 989.4e12, 1978.9e12, 1978.9e12, 0, 450e9, 90},
      {"b200", "NVIDIA B200", 178.4 * kGiB, 7.7e12, 2250e12, 4500e12, 0, 9000e12, 900e9, 100},
      {"b300", "NVIDIA B300", 268.6 * kGiB, 7.75e12, 2250e12, 4500e12, 0, 14000e12, 900e9, 103},
      {"a100", "NVIDIA A100-SXM4-80GB", 79.25 * kGiB, 2.039e12, 312e12, 0, 624e12, 0, 300e9, 80},
      {"a100-pcie", "NVIDIA A100 80GB PCIe", 79.25 * kGiB, 1.935e12, 312e12, 0, 624e12, 0, 32e9, 80},
      {"a100-40gb", "NVIDIA A100-SXM4-40GB", 39.4 * kGiB, 1.555e12, 312e12, 0, 624e12, 0, 300e9, 80},
      {"a100-40gb-pcie", "NVIDIA A100-PCIE-40GB", 39.4 * kGiB, 1.555e12, 312e12, 0, 624e12, 0, 32e9, 80},
      {"a10", "NVIDIA A10", 22.3 * kGiB, 0.6e12, 125e12, 0, 250e12, 0, 32e9, 86},
      {"l40s", "NVIDIA L40S", 44.4 * kGiB, 0.864e12, 362e12, 733e12, 733e12, 0, 32e9, 89},
      {"l4", "NVIDIA L4", 22.2 * kGiB, 0.3e12, 121e12, 242e12, 242e12, 0, 32e9, 89},
      {"mi300x", "AMD Instinct MI300X", 191.5 * kGiB, 5.3e12, 1307e12, 2615e12, 2615e12, 0, 64e9, 0},
  }};
  return kGpus;
}

std::optional<GpuSpec> FindGpu(std::string_view key) {
  for (const GpuSpec& gpu : KnownGpus()) {
    if (gpu.key == key) return gpu;
  }
  return std::nullopt;
}

std::optional<GpuSpec> FindGpuByProduct(std::string_view product) {
  const std::vector<std::string> asked = Words(product);
  for (const GpuSpec& gpu : KnownGpus()) {
    if (Words(gpu.product) == asked) return gpu;
  }
  const GpuSpec* found = nullptr;
  std::size_t most = 0;
  for (const GpuSpec& gpu : KnownGpus()) {
    const std::string family = Upper(gpu.key.substr(0, gpu.key.find('-')));
    if (std::find(asked.begin(), asked.end(), family) == asked.end()) continue;
    std::size_t shared = 0;
    for (const std::string& word : Words(gpu.product)) {
      shared += static_cast<std::size_t>(std::count(asked.begin(), asked.end(), word));
    }
    if (found == nullptr || shared > most) {
      found = &gpu;
      most = shared;
    }
  }
  if (found == nullptr) return std::nullopt;
  return *found;
}

}  // namespace autotune::engine_model
