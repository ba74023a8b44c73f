// GPU products as the labellers of different platforms spell them, with what their labels do not say.
//
// Pure data, thread-safe. Only spellings that the platforms document; a product that is missing here is not an error:
// it is matched by its own label only, and nothing is assumed of it.
#pragma once

#include <cstdint>
#include <span>
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

// Null for an unknown instance type. Matches what a provider documents for the whole family.
const GpuModel* GpuModelOfInstanceType(std::string_view instance_type);

}  // namespace autotune::experiment
