#include "operator/local/machine.h"

#include <gmock/gmock.h>

#include "simulated_gpus.h"

namespace autotune::local {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

constexpr const char* kTwoH100 =
    "0, GPU-aaaa, NVIDIA H100 80GB HBM3, 81559, 9.0\n"
    "1, GPU-bbbb, NVIDIA H100 80GB HBM3, 81559, 9.0\n";

TEST(ParseNvidiaSmi, ReadsProductMemoryAndCapability) {
  const auto devices = ParseNvidiaSmi(kTwoH100);
  ASSERT_THAT(devices, SizeIs(2));
  EXPECT_EQ(devices[1].index, "1");
  EXPECT_EQ(devices[1].uuid, "GPU-bbbb");
  EXPECT_EQ(devices[1].product, "NVIDIA-H100-80GB-HBM3");
  EXPECT_EQ(devices[1].memory_mebibytes, 81559);
  EXPECT_EQ(devices[1].capability, (quant::ComputeCapability{9, 0}));
}

TEST(ParseNvidiaSmi, IgnoresWhatIsNotADevice) {
  for (const char* output :
       {"", "No devices were found\n", "NVIDIA-SMI has failed because it couldn't talk\n", ",,,,\n"}) {
    EXPECT_THAT(ParseNvidiaSmi(output), IsEmpty()) << output;
  }
}

TEST(PoolOf, HasEveryDeviceUpToTheLimit) {
  const auto devices = ParseNvidiaSmi(kTwoH100);
  EXPECT_THAT(PoolOf(devices, nullptr, 0).devices, ElementsAre("0", "1"));
  EXPECT_THAT(PoolOf(devices, nullptr, 1).devices, ElementsAre("0"));
  EXPECT_THAT(PoolOf({}, nullptr, 3).devices, IsEmpty());
}

TEST(PoolOf, ObeysCudaVisibleDevicesAsCudaReadsIt) {
  const auto devices = ParseNvidiaSmi(kTwoH100);
  struct Case {
    std::string visible;
    std::vector<std::string> expected;
  };
  const Case cases[] = {{"1", {"1"}}, {"1,0", {"1", "0"}}, {"GPU-bbbb", {"1"}}, {"", {}}, {"-1", {}}, {"0,7,1", {"0"}}};
  for (const Case& test : cases) {
    EXPECT_EQ(PoolOf(devices, &test.visible, 0).devices, test.expected) << test.visible;
  }
}

TEST(PoolOf, ComparesOnOneProductAndSaysWhatIsLeftOut) {
  const auto machine =
      PoolOf(ParseNvidiaSmi("0, GPU-a, NVIDIA L4, 23034, 8.9\n1, GPU-b, Tesla T4, 15360, 7.5\n"), nullptr, 0);
  EXPECT_THAT(machine.devices, ElementsAre("0"));
  EXPECT_EQ(machine.gpu.product, "NVIDIA-L4");
  EXPECT_THAT(machine.notes, Contains(HasSubstr("Tesla-T4")));
}

TEST(NodeOf, CarriesTheLabelsOfGpuFeatureDiscovery) {
  const Machine machine = SimulatedMachine(H100(), 8);
  const auto node = NodeOf(machine, "nvidia.com/gpu", {{"pool", "gpu"}});
  EXPECT_THAT(node.allocatable, ElementsAre(Pair("nvidia.com/gpu", 8)));
  EXPECT_THAT(node.labels, Contains(Pair("pool", "gpu")));
  const experiment::GpuInfo gpu = experiment::GpuOfNode(node, "nvidia.com/gpu");
  EXPECT_EQ(gpu.product, "NVIDIA-H100-80GB-HBM3");
  EXPECT_EQ(gpu.capability, (quant::ComputeCapability{9, 0}));
  EXPECT_EQ(gpu.memory_bytes, 81559LL * 1024 * 1024);
}

TEST(NodeOf, CarriesTheLabelsOfThePartitionsResource) {
  Machine machine = SimulatedMachine(H100(), 2);
  machine.gpu.product = "NVIDIA-H100-80GB-HBM3-MIG-1g.10gb";
  machine.gpu.memory_bytes = 9856LL << 20;
  const auto node = NodeOf(machine, "nvidia.com/mig-1g.10gb", {});
  const experiment::GpuInfo gpu = experiment::GpuOfNode(node, "nvidia.com/mig-1g.10gb");
  EXPECT_EQ(gpu.product, machine.gpu.product);
  EXPECT_EQ(gpu.memory_bytes, machine.gpu.memory_bytes);
  EXPECT_EQ(gpu.capability, (quant::ComputeCapability{9, 0}));
}

TEST(NodeOf, CarriesTheLabelsOfAmdsLabeller) {
  const auto node = NodeOf(SimulatedMachine(Mi300x(), 8), "amd.com/gpu", {});
  EXPECT_THAT(node.allocatable, ElementsAre(Pair("amd.com/gpu", 8)));
  const experiment::GpuInfo gpu = experiment::GpuOfNode(node, "amd.com/gpu");
  EXPECT_EQ(gpu.product, "mi300x");
  EXPECT_EQ(gpu.amd_architecture, "gfx942");
  EXPECT_EQ(gpu.memory_bytes, 192LL << 30);
}

}  // namespace
}  // namespace autotune::local
