// GPU products as the labellers of different platforms spell them, with what their labels do not say.
//
// Pure data, thread-safe. Only spellings that the platforms document; a product that is missing here is not an error:
// it is matched by its own label only, and nothing is assumed of it.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "quant/launch_plan.h"

namespace autotune::experiment {

// One product on one platform's spelling each; "" = the platform has no name for it. A product with two names on one
// platform has two rows.
struct GpuModel {
  std::string_view gfd;    // nvidia.com/gpu.product
  std::string_view gke;    // cloud.google.com/gke-accelerator
  std::string_view aws;    // karpenter.k8s.aws/instance-gpu-name and eks.amazonaws.com/instance-gpu-name
  std::string_view azure;  // karpenter.azure.com/sku-gpu-name
  std::int64_t mebibytes;  // what the driver reports, 0 = differs between cards of this name
  quant::ComputeCapability capability;
  // AWS gives cards of different memory one name: instance-gpu-memory tells them apart. 0 = the name is enough.
  std::int64_t aws_mebibytes;
};

std::span<const GpuModel> GpuCatalog();

// AMD accelerators. Labellers write the name that a card's board says of itself ("AMD_Instinct_MI300X_OAM",
// "Instinct_MI210", "AMD_Instinct_MI325_OAM"), so a model is found by the word in it.
struct AmdGpuModel {
  std::string_view name;                       // "MI300X"
  std::string_view architecture;               // LLVM target, "gfx942"
  std::int64_t gibibytes;                      // of what the driver counts as one GPU, unpartitioned: half of an MI250
  std::string_view label;                      // amd.com/gpu.product-name where it is documented, else ""
  std::array<std::string_view, 4> device_ids;  // PCI, as amd.com/gpu.device-id has them
};

std::span<const AmdGpuModel> AmdGpuCatalog();

// By product name in any spelling ("mi300x", "AMD_Instinct_MI300X_OAM") or by device id ("74a1"); null for others.
const AmdGpuModel* AmdGpuModelOf(std::string_view product);

// "gfx942"; "gfx" for an AMD GPU that is not in the catalog, as quant::LaunchRequest wants it.
std::string AmdArchitectureOf(std::string_view product);

// Cards whose board says no name (virtual functions in VMs, old labellers) are known by four hexadecimal digits.
bool IsAmdDeviceId(std::string_view product);

// Null for an unknown instance type. Matches what a provider documents for the whole family.
const GpuModel* GpuModelOfInstanceType(std::string_view instance_type);

}  // namespace autotune::experiment
