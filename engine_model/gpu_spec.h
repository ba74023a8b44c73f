// Peak rates of one GPU from its data sheet: input of every estimate of an engine's step time.
//
// Peak rates without sparsity, in bytes/s and operations/s. The share that an engine reaches is a constant of the model
// that uses them. Plain values, thread-safe. The table of GPUs is gpu/product.h.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace autotune::engine_model {

struct GpuSpec {
  std::string key;              // "h100"
  std::string product;          // as nvidia-smi names it: "NVIDIA H100 80GB HBM3"
  double memory_bytes = 0;      // total memory as reported by CUDA
  double memory_bandwidth = 0;  // bytes per second
  double bf16_flops = 0;        // per second, dense, like all rates below
  double fp8_flops = 0;         // 0: no fp8 tensor cores, fp8 weights only
  double int8_ops = 0;          // 0: none
  double fp4_flops = 0;         // 0: none
  double link_bandwidth = 0;    // bytes per second to the other GPUs, one direction (NVLink, Infinity Fabric or PCIe)
  int compute_capability = 0;   // 90 = 9.0; 0 = not an NVIDIA GPU

  bool operator==(const GpuSpec&) const = default;
};

// Finds a GPU by any name: "h100", a node label's value, the driver's "NVIDIA H100 80GB HBM3". If several products
// share a name: the most common one. nullopt: the GPU or its rates are not known.
std::optional<GpuSpec> FindGpu(std::string_view name);

}  // namespace autotune::engine_model
