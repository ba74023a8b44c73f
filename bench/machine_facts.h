// Facts that the launcher reads from /proc and /sys: the kernel's out-of-memory counter, the GPU's name and its driver.
//
// Stateless. `root` is "" on a machine and a directory in tests. Uses only the C++ library.
#pragma once

#include <cstdint>
#include <string>

namespace autotune::bench {

// Number of processes of this process's memory cgroup that the kernel has killed for lack of memory: cgroup v1
// (memory.oom_control) or v2 (memory.events). 0 if neither can be read.
std::int64_t OomKills(const std::string& root = "");

// "NVIDIA H100 80GB HBM3" as the driver names it; several models are joined with " + "; "" = no NVIDIA driver here.
std::string GpuProduct(const std::string& root = "");

// Version of the GPUs' kernel driver, NVIDIA's or AMD's: "570.86.15"; "" = none.
std::string GpuDriver(const std::string& root = "");

}  // namespace autotune::bench
