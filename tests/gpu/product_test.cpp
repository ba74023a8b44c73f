#include "gpu/product.h"

#include <gmock/gmock.h>

#include <set>

namespace autotune::gpu {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> NamesOf(std::string_view name) {
  std::vector<std::string> names;
  for (const Product* product : ProductsNamed(name)) names.emplace_back(product->name);
  return names;
}

TEST(Product, IsFoundByEverySpelling) {
  const struct {
    const char* name;
    const char* product;
  } kCases[] = {
      {"h100", "h100"},
      {"H100", "h100"},
      {"NVIDIA-H100-80GB-HBM3", "h100"},
      {"NVIDIA H100 80GB HBM3", "h100"},
      {"nvidia-h100-mega-80gb", "h100"},
      {"NVIDIA-H100-80GB-HBM3-SHARED", "h100"},
      {"NVIDIA-H100-80GB-HBM3-MIG-1g.10gb", "h100"},
      {"NVIDIA-H100-80GB-HBM3-MIG-1g.10gb-SHARED", "h100"},
      {"NVIDIA-H100-NVL", "h100-nvl"},
      {"NVIDIA-H100-PCIe", "h100-pcie"},
      {"NVIDIA-H200", "h200"},
      {"NVIDIA-H200-NVL", "h200-nvl"},
      {"a100", "a100-80gb"},
      {"A100-SXM4-40GB", "a100-40gb"},
      {"NVIDIA-A100-80GB-PCIe", "a100-pcie-80gb"},
      {"nvidia-gb200", "gb200"},
      {"b200", "b200"},
      {"NVIDIA-GB300", "gb300"},
      {"nvidia-rtx-pro-6000", "rtx-pro-6000"},
      {"NVIDIA-RTX-PRO-6000-Blackwell-Workstation-Edition", "rtx-pro-6000-workstation"},
      {"NVIDIA-RTX-6000-Ada-Generation", "rtx-6000-ada"},
      {"NVIDIA-GeForce-RTX-4090", "rtx-4090"},
      {"Tesla-T10", "t10"},
      {"Tesla-T4", "t4"},
      {"nvidia-tesla-t4", "t4"},
      {"nvidia-tesla-a100", "a100-40gb"},
      {"Tesla-V100-SXM2-32GB", "v100-32gb"},
      {"Tesla-V100-SXM2-16GB-N", "v100-16gb"},
      {"Tesla V100-SXM3-32GB-H", "v100-32gb"},
      {"NVIDIA-H20-3e", "h20-141gb"},
      {"NVIDIA-H20", "h20"},
      {"NVIDIA-L20", "l20"},
      {"NVIDIA-GH200-144G-HBM3e", "gh200-144gb"},
      {"gh200", "gh200"},
      {"NVIDIA-H800-PCIe", "h800-pcie"},
      {"H100_NVLINK_80GB", "h100"},
      {"A100_NVLINK_80GB", "a100-80gb"},
      {"NVIDIA-RTX-PRO-4500-Blackwell", "rtx-pro-4500"},
      {"Tesla-P100-PCIE-16GB", "p100"},
      {"rtx-3080", "rtx-3080"},
      {"NVIDIA-GeForce-RTX-3080", "rtx-3080"},
      {"NVIDIA-GeForce-RTX-3080-Ti", "rtx-3080-ti"},
      {"rtx3080ti", "rtx-3080-ti"},
      {"RTX 3060", "rtx-3060"},
      {"NVIDIA-GeForce-RTX-4070-Ti-SUPER", "rtx-4070-ti-super"},
      {"rtx4070tisuper", "rtx-4070-ti-super"},
      {"NVIDIA-GeForce-RTX-5060-Ti", "rtx-5060-ti"},
      {"NVIDIA-GeForce-RTX-5090-D", "rtx-5090-d"},
      {"NVIDIA-GeForce-RTX-2080-Ti", "rtx-2080-ti"},
      {"NVIDIA-GeForce-GTX-1080-Ti", "gtx-1080-ti"},
      {"NVIDIA-RTX-A5000", "rtx-a5000"},
      {"rtxa6000", "rtx-a6000"},
      {"RTX_A4000", "rtx-a4000"},
      {"Quadro-RTX-6000", "quadro-rtx-6000"},
      {"Quadro_RTX_4000", "quadro-rtx-4000"},
      {"NVIDIA-TITAN-RTX", "titan-rtx"},
      {"NVIDIA-RTX-4000-Ada-Generation", "rtx-4000-ada"},
      {"NVIDIA-RTX-4000-SFF-Ada-Generation", "rtx-4000-sff-ada"},
      {"rtx4000sffada", "rtx-4000-sff-ada"},
      {"NVIDIA-RTX-PRO-4000-Blackwell", "rtx-pro-4000"},
      {"NVIDIA-RTX-PRO-6000-Blackwell-Max-Q-Workstation-Edition", "rtx-pro-6000-workstation"},
      {"NVIDIA-A2", "a2"},
      {"NVIDIA-A16", "a16"},
      {"NVIDIA-A100-SXM-64GB", "a100-64gb"},
      {"Tesla-P40", "p40"},
      {"nvidia-tesla-p4", "p4"},
      {"Tesla-V100-PCIE-32GB", "v100-pcie-32gb"},
      {"NVIDIA-GH200-120GB", "gh200"},
      {"NVIDIA-A40-48Q", "a40"},
      {"GRID A100-40C", "a100-pcie-40gb"},
      {"GRID-A100X-1-5C", "a100-40gb"},
      {"NVIDIA-L40S-24C", "l40s"},
      {"NVIDIA-A10-24Q-SHARED", "a10"},
      {"NVIDIA H100XM-80C", "h100"},
      {"NVIDIA-H100L-94C", "h100-nvl"},
      {"GRID-V100DX-32Q", "v100-32gb"},
      {"NVIDIA-RTX6000-Ada-48Q", "rtx-6000-ada"},
      {"GRID RTX6000P-24C", "quadro-rtx-6000"},
      {"NVIDIA RTX Pro 6000 Blackwell DC-96Q", "rtx-pro-6000"},
      {"NVIDIA A100-SXM4-40GB MIG 1g.5gb", "a100-40gb"},
      {"NVIDIA-B200-MIG-1g.23gb", "b200"},
      {"NVIDIA GeForce RTX 4090 Laptop GPU", "rtx-4090-laptop"},
      {"NVIDIA-GeForce-RTX-5070-Ti-Laptop-GPU", "rtx-5070-ti-laptop"},
      {"AMD_Instinct_MI300X_OAM", "mi300x"},
      {"AMD_Instinct_MI325_OAM", "mi325x"},
      {"Instinct_MI210", "mi210"},
  };
  for (const auto& row : kCases) {
    const Product* product = FindProduct(row.name);
    ASSERT_NE(product, nullptr) << row.name;
    EXPECT_EQ(product->name, row.product) << row.name;
  }
}

TEST(Product, OfAShortNameIsEveryShapeOfIt) {
  EXPECT_THAT(NamesOf("h100"), ElementsAre("h100", "h100-pcie", "h100-nvl"));
  EXPECT_THAT(NamesOf("a100"), ElementsAre("a100-80gb", "a100-40gb", "a100-pcie-80gb", "a100-pcie-40gb"));
  EXPECT_THAT(NamesOf("NVIDIA-H200"), ElementsAre("h200"));
  EXPECT_THAT(NamesOf("l4"), ElementsAre("l4"));
}

TEST(Product, OfAnUnknownNameIsNotGuessed) {
  for (const char* name :
       {"", "rtx", "nvidia", "NVIDIA-X900", "MI300", "6000", "rtx 3085", "3080 gb", "-SHARED",
        // Boards that are not in the table, and designs of less power.
        "NVIDIA-A100-SXM4-80GB-MIG-INVALID", "NVIDIA-H100XS-64C", "48Q", "-48Q", "NVIDIA-48Q",
        "NVIDIA RTX A5000 Laptop GPU", "NVIDIA GeForce RTX 2080 with Max-Q Design", "GRID-4090X-24Q"}) {
    EXPECT_THAT(NamesOf(name), IsEmpty()) << name;
  }
  const auto read = ReadProduct("x900");
  ASSERT_FALSE(read.ok());
  EXPECT_THAT(read.error().message, HasSubstr("\"x900\" is not known; known are b200, gb200"));
}

TEST(Product, NamesAreUniqueAndMeanTheirProduct) {
  std::set<std::string_view> names;
  for (const Product& product : Products()) {
    EXPECT_TRUE(names.insert(product.name).second) << product.name;
    EXPECT_EQ(FindProduct(product.driver), &product) << product.driver;
    const auto meant = ProductsNamed(product.name);
    EXPECT_NE(std::ranges::find(meant, &product), meant.end()) << product.name;
  }
}

// A slipped digit is seen where a rate does not fit its neighbours.
TEST(Product, RatesFitOneAnother) {
  for (const Product& product : Products()) {
    const Rates& rates = product.rates;
    EXPECT_EQ(product.capability.has_value(), product.nvidia()) << product.name;
    if (product.capability && *product.capability < ComputeCapability{8, 9}) {
      EXPECT_EQ(rates.fp8, 0) << product.name;
    }
    if (rates.fp8 > 0) {
      EXPECT_NEAR(rates.fp8 / rates.bf16, 2, 0.03) << product.name;
    }
    if (rates.fp4 > 0 && rates.fp8 > 0) {
      EXPECT_GE(rates.fp4 / rates.fp8, 2 - 0.01) << product.name;
    }
    if (rates.bf16 > 0 || rates.memory_bytes > 0) {
      EXPECT_GE(rates.memory_bytes, 0.2e12) << product.name;
    }
    EXPECT_LE(rates.memory_bytes, 8e12) << product.name;
  }
}

TEST(SplitName, ReadsWhatLabellersAppend) {
  const NameParts parts = SplitName("NVIDIA-A100-SXM4-40GB-MIG-3g.20gb-SHARED");
  EXPECT_EQ(parts.product, "NVIDIA-A100-SXM4-40GB");
  EXPECT_EQ(parts.partition, "3g.20gb");
  EXPECT_TRUE(parts.shared);
  EXPECT_EQ(PartitionMebibytes("3g.20gb"), 20 * 1024);
  EXPECT_EQ(PartitionMebibytes("1g.10gb.me"), 10 * 1024);
  EXPECT_EQ(PartitionMebibytes("1c.3g.20gb"), 20 * 1024);
  EXPECT_EQ(PartitionMebibytes("mixed"), 0);
  EXPECT_EQ(PartitionMebibytes(""), 0);
  EXPECT_EQ(PartitionMebibytes("gb"), 0);
  EXPECT_EQ(SplitName("h100").product, "h100");
}

TEST(SplitName, ReadsTheMemoryOfAPart) {
  const std::string name = NameOfPart("l4", 5722);
  EXPECT_EQ(name, "l4-5722MiB");
  for (const std::string& spelled : {name, std::string("NVIDIA-L4-5722mib")}) {
    const NameParts parts = SplitName(spelled);
    EXPECT_EQ(parts.partition, "5722MiB");
    EXPECT_TRUE(parts.virtual_gpu && parts.by_memory && !parts.shared);
    EXPECT_EQ(PartitionMebibytes(parts.partition), 5722);
    EXPECT_EQ(FindProduct(spelled)->name, "l4");
  }
  EXPECT_TRUE(SplitName("l4-5722MiB-SHARED").shared);
  // The names of boards of NVIDIA vGPU do not apply.
  EXPECT_EQ(FindProduct("h100-20480MiB")->name, "h100");
  for (const char* other : {"l4-MiB", "-5722MiB", "l4-57x2MiB"}) EXPECT_FALSE(SplitName(other).by_memory) << other;
}

TEST(SplitName, ReadsProfilesOfVirtualGpus) {
  struct Row {
    const char *name, *product, *partition;
    std::int64_t gibibytes;
  };
  for (const Row& row : {Row{"NVIDIA-A40-48Q", "NVIDIA-A40", "48Q", 48}, Row{"GRID A100-40C", "GRID A100", "40C", 40},
                         Row{"a10-4q", "a10", "4Q", 4}, Row{"NVIDIA A100-1-10C", "NVIDIA A100", "1-10C", 10}}) {
    const NameParts parts = SplitName(row.name);
    EXPECT_TRUE(parts.virtual_gpu) << row.name;
    EXPECT_EQ(parts.product, row.product);
    EXPECT_EQ(parts.partition, row.partition);
    EXPECT_EQ(PartitionMebibytes(parts.partition), row.gibibytes * 1024);
  }
  for (const char* name :
       {"NVIDIA-H100-80GB-HBM3", "mi300a", "NVIDIA-H20-3e", "GeForce RTX 5090 D", "A100-SXM4-40GB"}) {
    EXPECT_FALSE(SplitName(name).virtual_gpu) << name;
    EXPECT_EQ(SplitName(name).partition, "") << name;
  }
}

}  // namespace
}  // namespace autotune::gpu
