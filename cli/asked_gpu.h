// `--gpu` of explain and matrix: the GPU that a question is about, by product ("h100", "mi300x"), CUDA compute
// capability
// ("12.0") or AMD architecture ("gfx942"). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "quant/launch_plan.h"

namespace autotune::cli {

struct AskedGpu {
  std::optional<quant::ComputeCapability> capability;
  std::string amd_architecture;   // "" = not AMD
  std::int64_t memory_bytes = 0;  // 0 = not known
};

// "" is a GPU of which nothing is known. kInvalid lists what is known.
base::Result<AskedGpu> ReadGpu(const std::string& name);

}  // namespace autotune::cli
