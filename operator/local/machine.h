// GPUs of this machine (or simulated ones), presented as a Node with GPU labels.
//
// Plain values; DetectMachine() blocks. GPUs are found by nvidia-smi, else in /proc/driver/nvidia. CUDA_VISIBLE_DEVICES
// restricts them, as for every CUDA program. The node has the labels that GPU Feature Discovery (for AMD the node
// labeller) would set, so local mode decides as a cluster does.
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
  std::vector<std::string> devices;  // the pool: names for CUDA_VISIBLE_DEVICES
  experiment::GpuInfo gpu;           // of all devices; product as in GPU Feature Discovery or AMD's labeller
  bool simulated = false;
  std::string type{};              // GpuSpec::name if simulated, with several types; part of the node's name
  Environment variables{};         // for every process on it
  std::vector<std::string> notes;  // for people: devices that are left out, with the reason
};

// One line of `nvidia-smi --query-gpu=index,uuid,name,memory.total,compute_cap --format=csv,noheader,nounits`.
struct GpuDevice {
  std::string index, uuid, product;
  std::int64_t memory_mebibytes = 0;
  std::optional<quant::ComputeCapability> capability;
};
std::vector<GpuDevice> ParseNvidiaSmi(std::string_view output);

// Selects the pool from `found`: one product (that of the first device), restricted by `visible` (CUDA_VISIBLE_DEVICES;
// null = not set), at most `limit` devices (0 = all).
Machine PoolOf(const std::vector<GpuDevice>& found, const std::string* visible, int limit);

// Detects the GPUs of the machine. Without a GPU `devices` is empty, which is not an error.
Machine DetectMachine(const Environment& environment, int limit);

Machine SimulatedMachine(const experiment::GpuInfo& gpu, int count);

// This machine as a node: labels, and allocatable GPUs as `resource`. `labels` are added, because a task's node
// selectors are meaningless on a single machine.
experiment::NodeView NodeOf(const Machine& machine, const std::string& resource,
                            const std::map<std::string, std::string>& labels);

}  // namespace autotune::local
