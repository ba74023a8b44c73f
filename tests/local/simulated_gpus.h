// GPUs for tests of local mode.
#pragma once

#include "operator/experiment/node_view.h"

namespace autotune::local {

inline experiment::GpuInfo H100() {
  return {"NVIDIA-H100-80GB-HBM3", 81559LL * 1024 * 1024, quant::ComputeCapability{9, 0}};
}
inline experiment::GpuInfo Mi300x() { return {"mi300x", 192LL << 30, std::nullopt, "gfx942"}; }

}  // namespace autotune::local
