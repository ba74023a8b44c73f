// `--gpu` of plan, explain and matrix: the GPU to plan for, by product ("h100", "mi300x"), CUDA compute capability
// ("12.0") or AMD architecture ("gfx942"). Pure.
#pragma once

#include <string>

#include "base/result.h"
#include "operator/experiment/node_view.h"

namespace autotune::cli {

// "" gives a GPU without known properties. The product is a node label's value if one is known. kInvalid lists the
// known names.
base::Result<experiment::GpuInfo> ReadGpu(const std::string& name);

// `--simulate`: the same, for a GPU whose rates the simulated engine knows.
struct SimulatedGpu {
  std::string name;  // gpu::Product::name
  experiment::GpuInfo info;
};
base::Result<SimulatedGpu> ReadSimulatedGpu(const std::string& name);

// "NVIDIA-H100-80GB-HBM3, compute capability 9.0", "AMD gfx942"; "" if nothing is known.
std::string GpuText(const std::string& product, const std::optional<quant::ComputeCapability>& capability,
                    const std::string& amd_architecture);

}  // namespace autotune::cli
