#include "bench/machine_facts.h"

#include <charconv>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string_view>
#include <system_error>
#include <vector>

#include "bench/clean_text.h"

namespace autotune::bench {
namespace {

// The number after "oom_kill " in a file of "key value" lines; nothing in -1.
std::int64_t ReadOomKill(const std::string& path) {
  std::ifstream file(path);
  std::string key;
  std::int64_t value = 0;
  while (file >> key >> value) {
    if (key == "oom_kill") return value;
  }
  return -1;
}

bool IsVersion(std::string_view word) {
  return word.find('.') != std::string_view::npos && word.find_first_not_of("0123456789.") == std::string_view::npos;
}

}  // namespace

std::int64_t OomKills(const std::string& root) {
  // Lines "0::/path" (v2) and "9:memory:/path" (v1). Without a cgroup namespace the path is the host's and does not
  // exist below the container's own mount: then the mount's root is this container's cgroup.
  std::ifstream memberships(root + "/proc/self/cgroup");
  std::vector<std::string> candidates;
  for (std::string line; std::getline(memberships, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const std::string path = line.substr(second + 1);
    if (controllers == ",,") {
      candidates.push_back(root + "/sys/fs/cgroup" + path + "/memory.events");
    } else if (controllers.find(",memory,") != std::string::npos) {
      candidates.push_back(root + "/sys/fs/cgroup/memory" + path + "/memory.oom_control");
    }
  }
  candidates.push_back(root + "/sys/fs/cgroup/memory.events");
  candidates.push_back(root + "/sys/fs/cgroup/memory/memory.oom_control");
  for (const std::string& path : candidates) {
    if (const std::int64_t kills = ReadOomKill(path); kills >= 0) return kills;
  }
  return 0;
}

std::string GpuProduct(const std::string& root) {
  std::set<std::string> models;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(root + "/proc/driver/nvidia/gpus", error), end; !error && entry != end;
       entry.increment(error)) {
    std::ifstream file(entry->path() / "information");
    for (std::string line; std::getline(file, line);) {
      constexpr std::string_view kModel = "Model:";
      if (line.starts_with(kModel)) models.insert(CleanText(std::string_view(line).substr(kModel.size()), 100));
    }
  }
  std::string joined;
  for (const std::string& model : models) joined += (joined.empty() ? "" : " + ") + model;
  return joined;
}

std::string GpuDriver(const std::string& root) {
  // "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 22:23:56 UTC 2024"; of the open module
  // "... Open Kernel Module for x86_64  570.86.15  Release Build ...".
  std::ifstream nvidia(root + "/proc/driver/nvidia/version");
  std::string line;
  std::getline(nvidia, line);
  std::istringstream words(line);
  for (std::string word; words >> word;) {
    if (IsVersion(word)) return CleanText(word, 40);
  }
  std::ifstream amd(root + "/sys/module/amdgpu/version");
  std::string version;
  amd >> version;
  return IsVersion(version) ? CleanText(version, 40) : "";
}

}  // namespace autotune::bench
