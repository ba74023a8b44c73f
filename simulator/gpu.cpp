#include "simulator/gpu.h"

#include "gpu/product.h"

namespace autotune::simulator {

base::Result<Gpu> FindGpu(std::string_view name) {
  const auto found = gpu::ReadProduct(name);
  if (!found) return base::Error{found.error().code, "AUTOTUNE_SIM_GPU: " + found.error().message, std::nullopt, 0};
  const gpu::Product& product = **found;
  if (product.rates.bf16 == 0 || product.mebibytes == 0)
    return base::Invalid("AUTOTUNE_SIM_GPU: \"" + std::string(name) +
                         "\" cannot be simulated: its rates are not known");
  if (const gpu::NameParts parts = gpu::SplitName(name); !parts.partition.empty() || parts.shared)
    return base::Invalid("AUTOTUNE_SIM_GPU: \"" + std::string(name) +
                         "\" cannot be simulated: it is a part of a GPU, and its rates are not known");
  constexpr double kUsableLinkShare = 2.0 / 3;
  const gpu::Rates& rates = product.rates;
  return Gpu{product.name,
             product.driver,
             rates.bf16 / 1e12,
             rates.fp8 / 1e12,
             rates.int8 / 1e12,
             static_cast<double>(product.mebibytes) / 1024 * gpu::kCudaShare,
             rates.memory_bytes / 1e12,
             product.capability ? product.capability->major * 10 + product.capability->minor : 0,
             rates.link_bytes / 1e9 * kUsableLinkShare,
             rates.fp4 / 1e12};
}

}  // namespace autotune::simulator
