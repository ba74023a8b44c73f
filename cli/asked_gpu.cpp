#include "cli/asked_gpu.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "operator/local/machine.h"

namespace autotune::cli {
namespace {

struct AmdGpu {
  std::string_view name, architecture;
  std::int64_t gibibytes;
};

// AMD's table of accelerators and their LLVM targets.
constexpr std::array kAmdGpus = {
    AmdGpu{"mi250x", "gfx90a", 128}, AmdGpu{"mi300a", "gfx942", 128}, AmdGpu{"mi300x", "gfx942", 192},
    AmdGpu{"mi325x", "gfx942", 256}, AmdGpu{"mi350x", "gfx950", 288}, AmdGpu{"mi355x", "gfx950", 288},
};

}  // namespace

base::Result<AskedGpu> ReadGpu(const std::string& name) {
  if (name.empty()) return AskedGpu{};
  if (const auto capability = quant::ComputeCapability::Parse(name)) return AskedGpu{capability, "", 0};
  if (name.starts_with("gfx")) return AskedGpu{std::nullopt, name, 0};
  const auto amd = std::ranges::find(kAmdGpus, name, &AmdGpu::name);
  if (amd != kAmdGpus.end())
    return AskedGpu{std::nullopt, std::string(amd->architecture), amd->gibibytes * 1024 * 1024 * 1024};
  const auto found = local::FindGpu(name);
  if (found) return AskedGpu{found->capability, "", found->memory_bytes};
  std::string others;
  for (const AmdGpu& gpu : kAmdGpus) others += ", " + std::string(gpu.name);
  return base::Invalid(found.error().message + others +
                       ", a compute capability such as 12.0, an AMD architecture such as gfx942");
}

}  // namespace autotune::cli
