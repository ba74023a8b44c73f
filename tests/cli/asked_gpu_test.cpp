#include "cli/asked_gpu.h"

#include <gmock/gmock.h>

#include "engine_model/gpu_spec.h"
#include "gpu/product.h"

namespace autotune::cli {
namespace {

using ::testing::HasSubstr;

TEST(ReadGpu, KnowsShortNamesLabelsAndArchitectures) {
  struct Case {
    const char* name;
    const char* text;
  };
  const Case cases[] = {
      {"h100", "NVIDIA-H100-80GB-HBM3, compute capability 9.0"},
      {"H100", "NVIDIA-H100-80GB-HBM3, compute capability 9.0"},
      {"a100-40gb", "NVIDIA-A100-SXM4-40GB, compute capability 8.0"},
      {"NVIDIA-H200", "NVIDIA-H200, compute capability 9.0"},
      {"nvidia-gb300", "NVIDIA-GB300, compute capability 10.3"},
      {"NVIDIA-H100-NVL-MIG-1g.12gb", "NVIDIA-H100-NVL-MIG-1g.12gb, compute capability 9.0"},
      {"NVIDIA-A100-80GB-PCIe-MIG-3g.40gb-SHARED", "NVIDIA-A100-80GB-PCIe-MIG-3g.40gb-SHARED, compute capability 8.0"},
      {"NVIDIA A40-48Q", "NVIDIA-A40-48Q, compute capability 8.6"},
      {"grid-h100xm-20c", "GRID-H100XM-20C, compute capability 9.0"},
      {"l40s-24c", "NVIDIA-L40S-24C, compute capability 8.9"},
      {"Tesla-T4-SHARED", "Tesla-T4-SHARED, compute capability 7.5"},
      {"t4", "Tesla-T4, compute capability 7.5"},
      {"mi300x", "AMD_Instinct_MI300X_OAM, AMD gfx942"},
      {"74a1", "74a1, AMD gfx942"},
      {"7408", "7408, AMD gfx90a"},
      {"nvidia-tesla-a100", "NVIDIA-A100-SXM4-40GB, compute capability 8.0"},
      {"A100_NVLINK", "NVIDIA-A100-SXM4-40GB, compute capability 8.0"},
      {"12.0", "compute capability 12.0"},
      {"gfx950", "AMD gfx950"},
      {"gfx1201", "AMD gfx1201 (not known to autotune)"}};
  for (const Case& test : cases) {
    const auto gpu = ReadGpu(test.name);
    ASSERT_TRUE(gpu.ok()) << test.name << ": " << gpu.error().message;
    EXPECT_EQ(GpuText(gpu->product, gpu->capability, gpu->amd_architecture), test.text) << test.name;
  }
  EXPECT_EQ(ReadGpu("NVIDIA-A40-24Q")->memory_bytes, std::int64_t{24} << 30);
  EXPECT_FALSE(ReadGpu("99").ok());
  for (const char* wrong : {"gfx", "gfx9", "gfx94*", "gfx942-oam"}) {
    const auto gpu = ReadGpu(wrong);
    ASSERT_FALSE(gpu.ok()) << wrong;
    EXPECT_THAT(gpu.error().message, HasSubstr("is not an AMD architecture")) << wrong;
  }
  EXPECT_EQ(GpuText("AMD_Radeon_X", {}, "gfx"), "AMD_Radeon_X, AMD, architecture not known");
  const auto unknown = ReadGpu("rtx");
  ASSERT_FALSE(unknown.ok());
  EXPECT_THAT(unknown.error().message, HasSubstr("\"rtx\""));
  EXPECT_THAT(unknown.error().message, HasSubstr("h100"));
}

TEST(ReadSimulatedGpu, TakesTheSameNamesWhereRatesAreKnown) {
  int simulated = 0;
  for (const gpu::Product& product : gpu::Products()) {
    const auto gpu = ReadSimulatedGpu(std::string(product.name));
    if (product.rates.bf16 == 0 || product.mebibytes == 0) {
      EXPECT_FALSE(gpu.ok()) << product.name;
      continue;
    }
    ASSERT_TRUE(gpu.ok()) << product.name << ": " << gpu.error().message;
    EXPECT_EQ(gpu->name, product.name);
    EXPECT_FALSE(gpu->info.product.empty()) << product.name;
    ++simulated;
  }
  EXPECT_GT(simulated, 30);
  EXPECT_EQ(ReadSimulatedGpu("74a1")->name, "mi300x");
  EXPECT_EQ(ReadSimulatedGpu("NVIDIA-H200")->name, "h200");
  EXPECT_THAT(ReadSimulatedGpu("gb10").error().message, HasSubstr("its data sheet is not known"));
  for (const char* part : {"NVIDIA-L40S-24C", "NVIDIA-H100-80GB-HBM3-MIG-1g.10gb", "NVIDIA-L4-SHARED"}) {
    EXPECT_THAT(ReadSimulatedGpu(part).error().message, HasSubstr("it is a part of a GPU")) << part;
    EXPECT_FALSE(engine_model::FindGpu(part)) << part;
  }
  EXPECT_FALSE(ReadSimulatedGpu("12.0").ok());
}

}  // namespace
}  // namespace autotune::cli
