// GPUs of this machine (or simulated ones), presented as a Node with GPU labels.
//
// Plain values; DetectMachine() blocks. GPUs are found by nvidia-smi, else below /proc/driver/nvidia;
// CUDA_VISIBLE_DEVICES restricts the pool as it does for every CUDA program. The node carries the labels that GPU
// Feature Discovery (AMD: the node labeller) would give it, so local mode decides as a cluster does.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "operator/experiment/node_view.h"
#include "operator/local/container_spec.h"

namespace autotune::local {

struct Machine {
  std::vector<std::string> devices;  // names for CUDA_VISIBLE_DEVICES; the pool
  experiment::GpuInfo gpu;  // of all devices; product in GPU Feature Discovery's spelling, of AMD in its labeller's
  bool simulated = false;
  std::string type{};              // GpuSpec::name of what is simulated, with several types; part of the node's name
  Environment variables{};         // for everything that runs on it
  std::vector<std::string> notes;  // for people: devices that are left out, and why
};

// One line of `nvidia-smi --query-gpu=index,uuid,name,memory.total,compute_cap --format=csv,noheader,nounits`.
struct GpuDevice {
  std::string index, uuid, product;
  std::int64_t memory_mebibytes = 0;
  std::optional<quant::ComputeCapability> capability;
};
std::vector<GpuDevice> ParseNvidiaSmi(std::string_view output);

// The pool out of what was found: one product (that of the first device), what `visible` (CUDA_VISIBLE_DEVICES; nullptr
// = not set) allows, at most `limit` devices (0 = all).
Machine PoolOf(const std::vector<GpuDevice>& found, const std::string* visible, int limit);

// Detects the GPUs of the machine. No GPU is not an error: `devices` is empty then.
Machine DetectMachine(const Environment& environment, int limit);

Machine SimulatedMachine(const experiment::GpuInfo& gpu, int count);

// The node that this machine is: labels and allocatable GPUs under `resource`. `labels` are added, because node
// selectors of a task have no meaning on a single machine.
experiment::NodeView NodeOf(const Machine& machine, const std::string& resource,
                            const std::map<std::string, std::string>& labels);

}  // namespace autotune::local
