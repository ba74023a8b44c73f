// Required node affinity of experiments, from an entry of spec.gpus and the placement of its type.
//
// Pure. Platforms label GPUs differently, and an autoscaler knows only its own labels, so a requirement becomes
// alternative terms (terms are ORed, expressions of a term ANDed): GPU Feature Discovery, GKE, Karpenter and EKS on
// AWS, Karpenter on Azure, instance types of the three clouds; AMD's labeller for amd.com resources. A product that is
// not in the catalogue is searched under every platform's label.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "operator/api/autotune_task.h"
#include "operator/experiment/node_view.h"
#include "operator/experiment/pod_builder.h"

namespace autotune::experiment {

// True for amd.com/gpu and the partitions of AMD's device plugin.
bool IsAmdResource(std::string_view resource_name);

// True for resources whose nodes have labels for product, memory and capability.
bool HasGpuLabels(std::string_view resource_name);

// Minimum reported memory of a card of `wanted` bytes. Drivers report up to 6.3 % less than the nominal size (an L4 of
// 24 GB reports 23034 MiB, with ECC); the next smaller size is at least 15 % below.
std::int64_t LowestReading(std::int64_t wanted);

// True if the type's products, minMemory and minComputeCapability allow this GPU. Unknown values do not exclude it.
bool Admits(const api::GpuSpec& spec, const GpuInfo& gpu);

// The pod's whole `affinity`: the user's, with every required term extended. Null if empty. A pinned product replaces
// the requirements for products, memory and capability from which it was chosen. The user's own requirements always
// stay. The quantization's requirement raises minComputeCapability; without a minimum of the user it is left out if no
// node has GPU labels.
nlohmann::json AffinityOf(const api::GpuSpec& spec, const Placement& placement);

}  // namespace autotune::experiment
