#include "engine_model/gpu_spec.h"

#include "gpu/product.h"

namespace autotune::engine_model {

std::optional<GpuSpec> FindGpu(std::string_view name) {
  constexpr double kMebibyte = 1024.0 * 1024.0;
  const gpu::NameParts parts = gpu::SplitName(name);
  if (!parts.partition.empty() || parts.shared) return std::nullopt;  // the rates are those of a whole GPU
  const gpu::Product* product = gpu::FindProduct(name);
  if (product == nullptr || product->mebibytes == 0) return std::nullopt;
  const gpu::Rates& rates = product->rates;
  if (rates.bf16 <= 0 || rates.memory_bytes <= 0) return std::nullopt;
  GpuSpec spec;
  spec.key = product->name;
  spec.product = product->driver;
  spec.memory_bytes = static_cast<double>(product->mebibytes) * kMebibyte * gpu::kCudaShare;
  spec.memory_bandwidth = rates.memory_bytes;
  spec.bf16_flops = rates.bf16;
  spec.fp8_flops = rates.fp8;
  spec.int8_ops = rates.int8;
  spec.fp4_flops = rates.fp4;
  spec.link_bandwidth = rates.link_bytes;
  if (product->capability) spec.compute_capability = 10 * product->capability->major + product->capability->minor;
  return spec;
}

}  // namespace autotune::engine_model
