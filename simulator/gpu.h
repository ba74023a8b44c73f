// A GPU of the catalogue in the units of the simulated engine. Immutable, thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace autotune::simulator {

struct Gpu {
  std::string_view key;      // "h100"
  std::string_view product;  // as nvidia-smi names it
  double bf16_tflops = 0;    // dense, as is all below
  double fp8_tflops = 0;     // 0: no fp8 tensor cores
  double int8_tops = 0;      // 0: none
  double memory_gib = 0;     // total memory as reported by CUDA
  double bandwidth_tb = 0;   // TB/s
  int capability = 0;        // 90 = compute capability 9.0; 0 = not an NVIDIA GPU
  double link_gb = 0;        // usable GB/s to a neighbour, one direction (NVLink, Infinity Fabric or PCIe)
  double fp4_tflops = 0;     // 0: no fp4 tensor cores

  [[nodiscard]] bool nvidia() const { return capability > 0; }
};

// A GPU of the catalogue (gpu/product.h) by any of its names. kInvalid lists the known ones.
base::Result<Gpu> FindGpu(std::string_view name);

}  // namespace autotune::simulator
