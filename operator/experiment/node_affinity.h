// Required node affinity of experiments, from an entry of spec.gpus and the placement of its type.
//
// Pure. Platforms label GPUs differently, and an autoscaler knows only its own labels, so a requirement becomes several
// alternative terms (terms are ORed, the expressions of a term ANDed): GPU Feature Discovery, GKE, Karpenter and EKS on
// AWS, Karpenter on Azure, instance types of the three clouds; AMD's labeller for amd.com resources. A product that is
// not in the catalogue is looked for under every platform's label.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "operator/api/autotune_task.h"
#include "operator/experiment/node_view.h"
#include "operator/experiment/pod_builder.h"

namespace autotune::experiment {

// amd.com/gpu, and the partitions of AMD's device plugin.
bool IsAmdResource(std::string_view resource_name);

// True for resources whose nodes carry labels that products, memory and capability can be required by.
bool HasGpuLabels(std::string_view resource_name);

// The lowest reading that counts as a card of `wanted` bytes. Drivers report up to 6.3 % less than the class is called
// (an L4 of 24 GB reads 23034 MiB, with ECC) while the next smaller class is at least 15 % below.
std::int64_t LowestReading(std::int64_t wanted);

// Whether the type's products, minMemory and minComputeCapability admit this GPU. Unknown values do not exclude it.
bool Admits(const api::GpuSpec& spec, const GpuInfo& gpu);

// The pod's whole `affinity`: the user's, with every required term extended by ours. Null when there is none. A pinned
// product replaces products, memory and capability, which it was chosen by. The user's own requirements are never left
// out. Requirements of the quantization raise the user's minComputeCapability; without one they are left out if no node
// has GPU labels.
nlohmann::json AffinityOf(const api::GpuSpec& spec, const Placement& placement);

}  // namespace autotune::experiment
