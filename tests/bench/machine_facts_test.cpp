#include "bench/machine_facts.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

namespace autotune::bench {
namespace {

class MachineFacts : public testing::Test {
 protected:
  MachineFacts() {
    char path[] = "/tmp/autotune-machine-XXXXXX";
    root_ = ::mkdtemp(path);
  }
  ~MachineFacts() override { std::filesystem::remove_all(root_); }
  void Write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << text;
  }
  std::string root_;
};

TEST_F(MachineFacts, CountsOomKillsOnCgroupV2) {
  Write("/proc/self/cgroup", "0::/\n");
  Write("/sys/fs/cgroup/memory.events", "low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 1\n");
  EXPECT_EQ(OomKills(root_), 2);
}

TEST_F(MachineFacts, CountsOomKillsOnCgroupV1) {
  Write("/proc/self/cgroup", "12:cpu,cpuacct:/kubepods/a\n9:memory:/kubepods/a\n0::/\n");
  // The path is the host's: below the container's mount there is only its root.
  Write("/sys/fs/cgroup/memory/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 5\n");
  EXPECT_EQ(OomKills(root_), 5);
}

TEST_F(MachineFacts, PrefersItsOwnCgroupToTheMountsRoot) {
  Write("/proc/self/cgroup", "0::/user.slice/x\n");
  Write("/sys/fs/cgroup/user.slice/x/memory.events", "oom_kill 1\n");
  Write("/sys/fs/cgroup/memory.events", "oom_kill 40\n");
  EXPECT_EQ(OomKills(root_), 1);
}

TEST_F(MachineFacts, WithoutCgroupsNothingWasKilled) { EXPECT_EQ(OomKills(root_), 0); }

TEST_F(MachineFacts, NamesTheGpuAsTheDriverDoes) {
  EXPECT_EQ(GpuProduct(root_), "");
  const std::string text = "Model: \t\t NVIDIA H100 80GB HBM3\nIRQ:   \t\t 120\nGPU UUID: \t GPU-1\n";
  Write("/proc/driver/nvidia/gpus/0000:01:00.0/information", text);
  Write("/proc/driver/nvidia/gpus/0000:02:00.0/information", text);
  EXPECT_EQ(GpuProduct(root_), "NVIDIA H100 80GB HBM3");
  Write("/proc/driver/nvidia/gpus/0000:03:00.0/information", "Model: \t\t NVIDIA A10\n");
  EXPECT_EQ(GpuProduct(root_), "NVIDIA A10 + NVIDIA H100 80GB HBM3");
}

TEST_F(MachineFacts, SayTheDriversVersion) {
  EXPECT_EQ(GpuDriver(root_), "");
  Write("/sys/module/amdgpu/version", "6.12.12\n");
  EXPECT_EQ(GpuDriver(root_), "6.12.12");
  Write("/proc/driver/nvidia/version",
        "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 22:23:56 UTC 2024\nGCC version:  "
        "12.2.0\n");
  EXPECT_EQ(GpuDriver(root_), "550.54.15");
  Write("/proc/driver/nvidia/version",
        "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  Release Build  (dvs-builder)\n");
  EXPECT_EQ(GpuDriver(root_), "570.86.15");
}

}  // namespace
}  // namespace autotune::bench
