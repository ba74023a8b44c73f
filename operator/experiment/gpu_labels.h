// GPU labels of nodes: each platform's name for a product of the catalogue (gpu/product.h).
//
// Pure data, thread-safe. Only spellings that the platforms document; a name that is missing here is not an error: it
// is looked for as the user wrote it.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gpu/product.h"

namespace autotune::experiment {

inline constexpr const char* kGfdProduct = "nvidia.com/gpu.product";
inline constexpr const char* kGkeAccelerator = "cloud.google.com/gke-accelerator";
inline constexpr const char* kGkePartition = "cloud.google.com/gke-gpu-partition-size";
// Time-sharing or MPS: several pods use one GPU, which the node offers several times.
inline constexpr const char* kGkeSharing = "cloud.google.com/gke-gpu-sharing-strategy";
inline constexpr const char* kAzureGpu = "karpenter.azure.com/sku-gpu-name";
inline constexpr const char* kCoreWeaveGpu = "gpu.nvidia.com/model";
inline constexpr const char* kInstanceType = "node.kubernetes.io/instance-type";
// Before "instance-gpu-name": Karpenter and EKS Auto Mode.
inline constexpr const char* kAwsPrefixes[] = {"karpenter.k8s.aws/", "eks.amazonaws.com/"};

// Whether what a pod gets by this resource is a share of a card: the device plugin offers each GPU several times
// (time-slicing, MPS), under its name or as nvidia.com/gpu.shared; the labeller's product ends with -SHARED then.
bool IsSharedGpu(std::string_view resource, std::string_view product);

// Whether it is less than a whole card: such a share, a MIG partition or a virtual GPU. Its rates are not known, so
// nothing is predicted for it (decisions 54 and 60).
bool IsPartOfGpu(std::string_view resource, std::string_view product);

enum class Platform {
  kGpuFeatureDiscovery,  // kGfdProduct: on-premises, OpenShift, wherever the GPU operator runs
  kGke,                  // kGkeAccelerator
  kAws,                  // instance-gpu-name
  kAzure,                // kAzureGpu
  kCoreWeave,            // kCoreWeaveGpu
};

// Why several such partitions or virtual GPUs are most probably no use to one engine; "" where the parts are of a whole
// GPU.
std::string SeveralPartsText(int gpus, const gpu::NameParts& parts);

// Products that one label value means: one, or several that the platform does not tell apart.
std::vector<const gpu::Product*> ProductsLabelled(Platform platform, std::string_view value);
// AWS gives cards of different memory one name; instance-gpu-memory tells them apart. Null = it does not.
const gpu::Product* AwsProductOf(std::string_view value, std::int64_t mebibytes);

// A value of AWS's instance-gpu-name; mebibytes (of instance-gpu-memory) is 0 where the name is enough.
struct AwsName {
  std::string name;
  std::int64_t mebibytes = 0;
};
std::vector<AwsName> AwsNamesOf(const gpu::Product& product);
// Of the other platforms; of GPU Feature Discovery always one.
std::vector<std::string> LabelsOf(Platform platform, const gpu::Product& product);
// The value of kGfdProduct on a node whose GPUs, or shares of them, are named as `parts`.
std::string GfdLabel(const gpu::Product& product, const gpu::NameParts& parts);
// Every value that the platform documents.
std::set<std::string, std::less<>> KnownLabels(Platform platform);

// Products for a name of a user or a labeller. `exact`: a label's value, which means the product of its platform;
// otherwise a short name ("h100") means every shape of it.
std::vector<const gpu::Product*> ProductsOfName(std::string_view name, bool exact);
// True where the name is some platform's own: no other platform uses it.
bool IsPlatformsOwn(std::string_view name);

// Common properties of all products that a name may mean; empty and 0 if they differ.
struct GpuFacts {
  std::optional<gpu::ComputeCapability> capability;
  std::int64_t mebibytes = 0;  // where CPU and GPU share it an upper bound: gpu::IsUpperBound
};
GpuFacts FactsOf(std::span<const gpu::Product* const> products);

// Null for an unknown instance type. Matches the families that a provider documents.
const gpu::Product* ProductOfInstanceType(std::string_view instance_type);
// Memory of one GPU of an instance type that has only a part of it, under the whole one's name; 0 for others. Azure,
// "NVadsA10 v5 series".
std::int64_t VirtualGpuMebibytes(std::string_view instance_type);
// Instance types with this product, as far as they are documented.
std::vector<std::string> InstanceTypesOf(const gpu::Product& product);

// AMD accelerators. Labellers use the name of the card's board ("AMD_Instinct_MI300X_OAM", "Instinct_MI210",
// "AMD_Instinct_MI325_OAM"). Found by any spelling ("mi300x") or by PCI device id ("74a1", as amd.com/gpu.device-id has
// it); null for others.
const gpu::Product* AmdProductOf(std::string_view product);
// amd.com/gpu.device-id of it: of the card, and of its virtual functions in VMs.
std::vector<std::string> AmdDeviceIdsOf(const gpu::Product& product);
// amd.com/gpu.product-name where it is documented, else "".
std::string_view AmdLabelOf(const gpu::Product& product);
// "gfx942"; "gfx" for an AMD GPU that is not in the catalogue, for quant::LaunchRequest.
std::string AmdArchitectureOf(std::string_view product);
// Cards without a board name (virtual functions in VMs, old labellers) are labelled with four hexadecimal digits.
bool IsAmdDeviceId(std::string_view product);

}  // namespace autotune::experiment
