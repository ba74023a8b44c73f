#include "operator/local/machine.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <condition_variable>
#include <fstream>
#include <iterator>
#include <mutex>
#include <set>
#include <sstream>

#include "gpu/product.h"
#include "operator/local/process.h"

namespace autotune::local {
namespace {

constexpr std::int64_t kMebibyte = 1024 * 1024;

std::string Trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return "";
  return std::string(text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1));
}

std::vector<std::string> Split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    parts.push_back(Trimmed(text.substr(0, end)));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

// "NVIDIA H100 80GB HBM3" is labelled "NVIDIA-H100-80GB-HBM3".
std::string AsLabel(std::string name) {
  std::replace(name.begin(), name.end(), ' ', '-');
  return name;
}

// The standard output of a program; empty when it cannot be run or fails.
std::string OutputOf(const std::vector<std::string>& argv, const Environment& environment) {
  std::array<char, 64> name{"/tmp/autotune-output-XXXXXX"};
  const int file = mkstemp(name.data());
  if (file < 0) return "";
  close(file);
  ProcessSpec spec;
  spec.argv = argv;
  for (const auto& [key, value] : environment) spec.environment.push_back(key + "=" + value);
  spec.log_file = name.data();
  std::mutex mutex;
  std::condition_variable ended;
  bool done = false;
  std::string output;
  if (auto process = Process::Start(spec, [&] {
        const std::lock_guard lock(mutex);
        done = true;
        ended.notify_all();
      })) {
    std::unique_lock lock(mutex);
    // A driver that hangs must not hang this program: then there are no GPUs.
    ended.wait_for(lock, std::chrono::seconds(20), [&] { return done; });
    lock.unlock();
    const auto exit = (*process)->exit();
    if (exit && exit->exit_code == 0) {
      std::ifstream in(name.data(), std::ios::binary);
      output.assign(std::istreambuf_iterator<char>(in), {});
    }
  }
  unlink(name.data());
  return output;
}

std::vector<GpuDevice> FromProc() {
  std::vector<GpuDevice> devices;
  std::error_code error;
  std::set<std::filesystem::path> directories;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/driver/nvidia/gpus", error)) {
    directories.insert(entry.path());
  }
  for (const auto& directory : directories) {
    std::ifstream file(directory / "information");
    GpuDevice device;
    device.index = std::to_string(devices.size());
    for (std::string line; std::getline(file, line);) {
      const std::size_t colon = line.find(':');
      if (colon == std::string::npos) continue;
      if (line.starts_with("Model")) device.product = AsLabel(Trimmed(std::string_view(line).substr(colon + 1)));
      if (line.starts_with("GPU UUID")) device.uuid = Trimmed(std::string_view(line).substr(colon + 1));
    }
    if (!device.product.empty()) devices.push_back(std::move(device));
  }
  return devices;
}

}  // namespace

std::vector<GpuDevice> ParseNvidiaSmi(std::string_view output) {
  std::vector<GpuDevice> devices;
  for (const std::string& line : Split(output, '\n')) {
    const std::vector<std::string> fields = Split(line, ',');
    if (fields.size() != 5 || fields[2].empty()) continue;
    GpuDevice device;
    device.index = fields[0];
    device.uuid = fields[1];
    device.product = AsLabel(fields[2]);
    std::from_chars(fields[3].data(), fields[3].data() + fields[3].size(), device.memory_mebibytes);
    device.capability = quant::ComputeCapability::Parse(fields[4]);
    devices.push_back(std::move(device));
  }
  return devices;
}

Machine PoolOf(const std::vector<GpuDevice>& found, const std::string* visible, int limit) {
  Machine machine;
  std::vector<GpuDevice> allowed = found;
  if (visible != nullptr) {
    allowed.clear();
    for (const std::string& name : Split(*visible, ',')) {
      const auto device = std::find_if(found.begin(), found.end(), [&](const GpuDevice& gpu) {
        return gpu.index == name || (!name.empty() && gpu.uuid.starts_with(name));
      });
      if (device == found.end()) break;  // as CUDA does: nothing after an invalid entry is visible
      allowed.push_back(*device);
    }
    if (allowed.size() < found.size()) {
      machine.notes.push_back("CUDA_VISIBLE_DEVICES=" + *visible + " leaves " + std::to_string(allowed.size()) +
                              " of " + std::to_string(found.size()) + " GPUs");
    }
  }
  for (const GpuDevice& device : allowed) {
    if (machine.gpu.product.empty()) {
      machine.gpu.product = device.product;
      machine.gpu.memory_bytes = device.memory_mebibytes * kMebibyte;
      machine.gpu.capability = device.capability;
    }
    if (device.product != machine.gpu.product) {
      machine.notes.push_back("GPU " + device.index + " (" + device.product +
                              ") is not used: all configurations are measured on " + machine.gpu.product);
    } else if (limit == 0 || machine.devices.size() < static_cast<std::size_t>(limit)) {
      machine.devices.push_back(device.index);
    }
  }
  return machine;
}

Machine DetectMachine(const Environment& environment, int limit) {
  std::vector<GpuDevice> found = ParseNvidiaSmi(
      OutputOf({"nvidia-smi", "--query-gpu=index,uuid,name,memory.total,compute_cap", "--format=csv,noheader,nounits"},
               environment));
  if (found.empty()) found = FromProc();
  const auto visible = environment.find("CUDA_VISIBLE_DEVICES");
  Machine machine = PoolOf(found, visible == environment.end() ? nullptr : &visible->second, limit);
  // /proc names the product only.
  if (!machine.gpu.product.empty() && !machine.gpu.capability) {
    if (const gpu::Product* known = gpu::FindProduct(machine.gpu.product)) {
      const std::string partition = gpu::SplitName(machine.gpu.product).partition;
      machine.gpu.memory_bytes =
          (partition.empty() ? known->mebibytes : gpu::PartitionMebibytes(partition)) * kMebibyte;
      machine.gpu.capability = known->capability;
    }
  }
  return machine;
}

Machine SimulatedMachine(const experiment::GpuInfo& gpu, int count) {
  Machine machine;
  machine.gpu = gpu;
  machine.simulated = true;
  for (int i = 0; i < count; ++i) machine.devices.push_back(std::to_string(i));
  return machine;
}

experiment::NodeView NodeOf(const Machine& machine, const std::string& resource,
                            const std::map<std::string, std::string>& labels) {
  experiment::NodeView node;
  std::array<char, 256> host{};
  node.name = gethostname(host.data(), host.size() - 1) == 0 ? host.data() : "localhost";
  if (!machine.type.empty()) node.name += "-" + machine.type;
  node.labels = labels;
  node.allocatable[resource] = static_cast<std::int64_t>(machine.devices.size());
  if (!machine.gpu.amd_architecture.empty()) {
    node.labels["amd.com/gpu.family"] = "AI";
    node.labels["amd.com/gpu.product-name"] = machine.gpu.product;
    if (machine.gpu.memory_bytes > 0) {
      node.labels["amd.com/gpu.vram"] = std::to_string(machine.gpu.memory_bytes / (1024 * kMebibyte)) + "G";
    }
  } else if (!machine.gpu.product.empty()) {
    // A partition's labels begin with its resource.
    const std::string prefix = experiment::PartitionOfResource(resource).empty()
                                   ? "nvidia.com/gpu"
                                   : std::string(experiment::LabelledResource(resource));
    node.labels[prefix + ".product"] = machine.gpu.product;
    node.labels[prefix + ".count"] = std::to_string(machine.devices.size());
    if (machine.gpu.memory_bytes > 0) {
      node.labels[prefix + ".memory"] = std::to_string(machine.gpu.memory_bytes / kMebibyte);
    }
    if (machine.gpu.capability) {
      node.labels["nvidia.com/gpu.compute.major"] = std::to_string(machine.gpu.capability->major);
      node.labels["nvidia.com/gpu.compute.minor"] = std::to_string(machine.gpu.capability->minor);
    }
  }
  return node;
}

}  // namespace autotune::local
