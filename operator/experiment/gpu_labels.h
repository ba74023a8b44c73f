// GPU labels of nodes: each platform's name for a product of the catalogue (gpu/product.h).
//
// Pure data, thread-safe. Only names that the platforms document. A missing name is not an error: the user's own
// spelling is then used.
#pragma once

#include <cstdint>
#include <optional>
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
// Time-sharing or MPS: several pods share one GPU, which the node offers several times.
inline constexpr const char* kGkeSharing = "cloud.google.com/gke-gpu-sharing-strategy";
inline constexpr const char* kAzureGpu = "karpenter.azure.com/sku-gpu-name";
inline constexpr const char* kCoreWeaveGpu = "gpu.nvidia.com/model";
inline constexpr const char* kInstanceType = "node.kubernetes.io/instance-type";
// Prefixes of "instance-gpu-name": Karpenter and EKS Auto Mode.
inline constexpr const char* kAwsPrefixes[] = {"karpenter.k8s.aws/", "eks.amazonaws.com/"};

// True if this resource gives a pod a share of a card: the device plugin offers each GPU several times (time-slicing,
// MPS), under its name or as nvidia.com/gpu.shared. The product label then ends with -SHARED.
bool IsSharedGpu(std::string_view resource, std::string_view product);

// True if the pod gets less than a whole card: such a share, a MIG partition or a virtual GPU. Its rates are unknown,
// so nothing is predicted for it (decisions 54 and 60).
bool IsPartOfGpu(std::string_view resource, std::string_view product);

enum class Platform {
  kGpuFeatureDiscovery,  // kGfdProduct: on-premises, OpenShift, wherever the GPU operator runs
  kGke,                  // kGkeAccelerator
  kAws,                  // instance-gpu-name
  kAzure,                // kAzureGpu
  kCoreWeave,            // kCoreWeaveGpu
};

// Why several such partitions or virtual GPUs are probably useless to one engine; "" for whole
// GPUs.
std::string SeveralPartsText(int gpus, const gpu::NameParts& parts);

// Products of one label value: one, or several that the platform does not distinguish.
std::vector<const gpu::Product*> ProductsLabelled(Platform platform, std::string_view value);
// AWS has one name for cards with different memory; instance-gpu-memory distinguishes them. Null = it does not.
const gpu::Product* AwsProductOf(std::string_view value, std::int64_t mebibytes);

// A value of AWS's instance-gpu-name, and of instance-gpu-memory in MiB; 0 = the name alone is unique.
struct AwsName {
  std::string name;
  std::int64_t mebibytes = 0;
};
std::vector<AwsName> AwsNamesOf(const gpu::Product& product);
// Label values on the other platforms; on GPU Feature Discovery always one.
std::vector<std::string> LabelsOf(Platform platform, const gpu::Product& product);
// The value of kGfdProduct on a node whose GPUs, or shares of them, have the name `parts`.
std::string GfdLabel(const gpu::Product& product, const gpu::NameParts& parts);
// Every label value that the platform documents.
std::set<std::string, std::less<>> KnownLabels(Platform platform);

// Products for a name from a user or a labeller. `exact`: the name is a label value and means its platform's product;
// otherwise a short name ("h100") means all shapes.
std::vector<const gpu::Product*> ProductsOfName(std::string_view name, bool exact);
// True if only one platform uses this name.
bool IsPlatformsOwn(std::string_view name);

// Common properties of all products that a name may mean; empty or 0 if they differ.
struct GpuFacts {
  std::optional<gpu::ComputeCapability> capability;
  std::int64_t mebibytes = 0;  // an upper bound if CPU and GPU share the memory: gpu::IsUpperBound
};
GpuFacts FactsOf(std::span<const gpu::Product* const> products);

// Matches the instance families that a provider documents. Null for an unknown type, and for one with a part of a GPU.
const gpu::Product* ProductOfInstanceType(std::string_view instance_type);
// An instance type with a part of one GPU, a virtual GPU, which labellers call by the whole GPU's name.
struct PartInstance {
  std::string_view type;
  std::string_view product;  // gpu::Product::name
  std::int64_t mebibytes = 0;
};
// AWS G6f and Gr6f, Azure NVadsA10 v5, Google G4.
std::span<const PartInstance> PartInstances();
// Null for other types.
const PartInstance* PartInstanceOf(std::string_view instance_type);
// Instance types with a part of the product; `mebibytes`: of this size only.
std::vector<std::string> PartInstancesOf(const gpu::Product& product, std::optional<std::int64_t> mebibytes = {});
// MiB: less is only a part of this product. 0 = its memory is not known.
std::int64_t LeastOfWholeCard(const gpu::Product& product);
// Documented instance types with this product.
std::vector<std::string> InstanceTypesOf(const gpu::Product& product);

// AMD accelerator by the board name that labellers use ("AMD_Instinct_MI300X_OAM", "Instinct_MI210",
// "AMD_Instinct_MI325_OAM"), in any spelling ("mi300x"), or by PCI device id ("74a1", as in amd.com/gpu.device-id);
// null for others.
const gpu::Product* AmdProductOf(std::string_view product);
// Values of amd.com/gpu.device-id: of the card, and of its virtual functions in VMs.
std::vector<std::string> AmdDeviceIdsOf(const gpu::Product& product);
// Value of amd.com/gpu.product-name if it is documented, else "".
std::string_view AmdLabelOf(const gpu::Product& product);
// "gfx942"; "gfx" for an AMD GPU that is not in the catalogue (see quant::LaunchRequest).
std::string AmdArchitectureOf(std::string_view product);
// True for four hexadecimal digits: the label of cards without a board name (virtual functions, old labellers).
bool IsAmdDeviceId(std::string_view product);

}  // namespace autotune::experiment
