#include "operator/experiment/node_view.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace autotune::experiment {
namespace {

using Labels = std::map<std::string, std::string>;
constexpr std::int64_t kMiB = 1024 * 1024;

struct Row {
  const char* what;
  Labels labels;
  std::string product;
  std::int64_t mebibytes;
  std::string capability;  // "" = not known
};

const Row kRows[] = {
    {"GPU Feature Discovery",
     {{"nvidia.com/gpu.product", "NVIDIA-H100-80GB-HBM3"},
      {"nvidia.com/gpu.memory", "81559"},
      {"nvidia.com/gpu.compute.major", "9"},
      {"nvidia.com/gpu.compute.minor", "0"}},
     "NVIDIA-H100-80GB-HBM3",
     81559,
     "9.0"},
    {"GPU Feature Discovery wins over the platform's own labels",
     {{"nvidia.com/gpu.product", "NVIDIA-L4"},
      {"nvidia.com/gpu.memory", "23034"},
      {"nvidia.com/gpu.compute.major", "8"},
      {"nvidia.com/gpu.compute.minor", "9"},
      {"cloud.google.com/gke-accelerator", "nvidia-h100-80gb"},
      {"node.kubernetes.io/instance-type", "p5.48xlarge"}},
     "NVIDIA-L4",
     23034,
     "8.9"},
    {"a product of GFD that nobody here knows, without the other labels",
     {{"nvidia.com/gpu.product", "NVIDIA-RTX-9999"}},
     "NVIDIA-RTX-9999",
     0,
     ""},
    {"a shared card keeps its suffix and is what it is",
     {{"nvidia.com/gpu.product", "Tesla-T4-SHARED"}, {"nvidia.com/gpu.memory", "15360"}},
     "Tesla-T4-SHARED",
     15360,
     "7.5"},
    {"clients of MPS get equal parts of a card's memory",
     {{"nvidia.com/gpu.product", "NVIDIA-L4-SHARED"},
      {"nvidia.com/gpu.memory", "23034"},
      {"nvidia.com/gpu.sharing-strategy", "mps"},
      {"nvidia.com/gpu.replicas", "2"}},
     "NVIDIA-L4-SHARED",
     11517,
     "8.9"},
    {"time-slicing leaves the memory whole",
     {{"nvidia.com/gpu.product", "NVIDIA-L4-SHARED"},
      {"nvidia.com/gpu.memory", "23034"},
      {"nvidia.com/gpu.sharing-strategy", "time-slicing"},
      {"nvidia.com/gpu.replicas", "2"}},
     "NVIDIA-L4-SHARED",
     23034,
     "8.9"},
    {"a partition without its memory label",
     {{"nvidia.com/gpu.product", "NVIDIA-H100-80GB-HBM3-MIG-1g.10gb-SHARED"}},
     "NVIDIA-H100-80GB-HBM3-MIG-1g.10gb-SHARED",
     10240,
     "9.0"},
    {"a virtual GPU without its memory label",
     {{"nvidia.com/gpu.product", "NVIDIA-A40-12Q"}},
     "NVIDIA-A40-12Q",
     12288,
     "8.6"},
    {"a virtual GPU under a board's name",
     {{"nvidia.com/gpu.product", "NVIDIA-H100XM-80C"}},
     "NVIDIA-H100XM-80C",
     81920,
     "9.0"},
    {"a GPU of a laptop",
     {{"nvidia.com/gpu.product", "NVIDIA-GeForce-RTX-4090-Laptop-GPU"}},
     "NVIDIA-GeForce-RTX-4090-Laptop-GPU",
     16376,
     "8.9"},
    {"Karpenter on Azure, a sixth of an A10",
     {{"karpenter.azure.com/sku-gpu-name", "A10"}, {"node.kubernetes.io/instance-type", "Standard_NV6ads_A10_v5"}},
     "A10-4096MiB",
     4096,
     "8.6"},
    {"Karpenter on Azure, a whole A10",
     {{"karpenter.azure.com/sku-gpu-name", "A10"}, {"node.kubernetes.io/instance-type", "Standard_NV36ads_A10_v5"}},
     "A10",
     23028,
     "8.6"},
    {"a whole A10 of Azure by its instance type",
     {{"node.kubernetes.io/instance-type", "Standard_NV36ads_A10_v5"}},
     "NVIDIA-A10",
     23028,
     "8.6"},
    {"a fraction of a GPU by its instance type",
     {{"node.kubernetes.io/instance-type", "g4-standard-12"}},
     "NVIDIA-RTX-PRO-6000-Blackwell-Server-Edition-24576MiB",
     24576,
     "12.0"},
    {"GKE, a fraction of a GPU under the card's name",
     {{"cloud.google.com/gke-accelerator", "nvidia-rtx-pro-6000"},
      {"node.kubernetes.io/instance-type", "g4-standard-12"}},
     "nvidia-rtx-pro-6000-24576MiB",
     24576,
     "12.0"},
    // karpenter-provider-aws issue 8324.
    {"Karpenter on AWS, a quarter of an L4 under the card's name",
     {{"karpenter.k8s.aws/instance-gpu-name", "l4"},
      {"karpenter.k8s.aws/instance-gpu-count", "1"},
      {"karpenter.k8s.aws/instance-gpu-memory", "5722"}},
     "l4-5722MiB",
     5722,
     "8.9"},
    {"Karpenter on AWS, a whole L4 reports a little less than the driver",
     {{"karpenter.k8s.aws/instance-gpu-name", "l4"}, {"karpenter.k8s.aws/instance-gpu-memory", "22888"}},
     "l4",
     22888,
     "8.9"},
    {"the label is the sum of eight GPUs",
     {{"karpenter.k8s.aws/instance-gpu-name", "l40s"},
      {"karpenter.k8s.aws/instance-gpu-count", "8"},
      {"karpenter.k8s.aws/instance-gpu-memory", "366211"}},
     "l40s",
     45776,
     "8.9"},
    {"the sum tells two cards of one name apart, too",
     {{"karpenter.k8s.aws/instance-gpu-name", "a100"},
      {"karpenter.k8s.aws/instance-gpu-count", "8"},
      {"karpenter.k8s.aws/instance-gpu-memory", "327680"}},
     "NVIDIA-A100-SXM4-40GB",
     40960,
     "8.0"},
    {"a card that nobody here knows may have as much",
     {{"karpenter.k8s.aws/instance-gpu-name", "x900"},
      {"karpenter.k8s.aws/instance-gpu-count", "8"},
      {"karpenter.k8s.aws/instance-gpu-memory", "366211"}},
     "x900",
     366211,
     ""},
    {"GKE, a GPU that several pods share",
     {{"cloud.google.com/gke-accelerator", "nvidia-l4"},
      {"cloud.google.com/gke-gpu-sharing-strategy", "time-sharing"},
      {"cloud.google.com/gke-max-shared-clients-per-gpu", "4"}},
     "nvidia-l4-SHARED",
     23034,
     "8.9"},
    {"GPU Feature Discovery, partitions that are not what they should be",
     {{"nvidia.com/gpu.product", "NVIDIA-A100-SXM4-80GB-MIG-INVALID"}},
     "NVIDIA-A100-SXM4-80GB-MIG-INVALID",
     0,
     ""},
    {"GKE, a partitioned GPU",
     {{"cloud.google.com/gke-accelerator", "nvidia-tesla-a100"}, {"cloud.google.com/gke-gpu-partition-size", "1g.5gb"}},
     "nvidia-tesla-a100-MIG-1g.5gb",
     5120,
     "8.0"},
    {"GKE, a name that no list has, of a known product",
     {{"cloud.google.com/gke-accelerator", "nvidia-gb300"}},
     "nvidia-gb300",
     284208,
     "10.3"},
    {"MIG, strategy single: the slice's memory",
     {{"nvidia.com/gpu.product", "NVIDIA-A100-SXM4-80GB-MIG-3g.40gb"},
      {"nvidia.com/gpu.memory", "40192"},
      {"nvidia.com/gpu.compute.major", "8"},
      {"nvidia.com/gpu.compute.minor", "0"}},
     "NVIDIA-A100-SXM4-80GB-MIG-3g.40gb",
     40192,
     "8.0"},
    {"GKE", {{"cloud.google.com/gke-accelerator", "nvidia-h100-mega-80gb"}}, "nvidia-h100-mega-80gb", 81559, "9.0"},
    {"GKE, a product that nobody here knows",
     {{"cloud.google.com/gke-accelerator", "nvidia-x900"}},
     "nvidia-x900",
     0,
     ""},
    {"Karpenter on AWS: only its memory label tells the two A100 apart, so the product has the name that does",
     {{"karpenter.k8s.aws/instance-gpu-name", "a100"}, {"karpenter.k8s.aws/instance-gpu-memory", "40960"}},
     "NVIDIA-A100-SXM4-40GB",
     40960,
     "8.0"},
    {"without it, nothing does", {{"karpenter.k8s.aws/instance-gpu-name", "a100"}}, "a100", 0, "8.0"},
    {"EKS Auto Mode",
     {{"eks.amazonaws.com/instance-gpu-name", "h200"}, {"eks.amazonaws.com/instance-gpu-memory", "144384"}},
     "h200",
     144384,
     "9.0"},
    {"Karpenter on Azure", {{"karpenter.azure.com/sku-gpu-name", "A100"}}, "A100", 0, "8.0"},
    {"CoreWeave", {{"gpu.nvidia.com/model", "H100_NVLINK_80GB"}}, "H100_NVLINK_80GB", 81559, "9.0"},
    {"CoreWeave's newer names", {{"gpu.nvidia.com/model", "GB200"}}, "GB200", 189471, "10.0"},
    {"a name of CoreWeave's that nobody here knows", {{"gpu.nvidia.com/model", "Tesla_V9000"}}, "Tesla_V9000", 0, ""},
    {"only the instance type: pods are bound to the types with this product",
     {{"node.kubernetes.io/instance-type", "p4d.24xlarge"}},
     "NVIDIA-A100-SXM4-40GB",
     40960,
     "8.0"},
    {"an unknown instance type", {{"node.kubernetes.io/instance-type", "m7i.large"}}, "", 0, ""},
    {"damaged labels",
     {{"nvidia.com/gpu.product", "NVIDIA-RTX-9999"},
      {"nvidia.com/gpu.memory", "much"},
      {"nvidia.com/gpu.compute.major", "nine"}},
     "NVIDIA-RTX-9999",
     0,
     ""},
    {"no labels", {}, "", 0, ""},
};

TEST(GpuOfNode, ReadsTheLabelsOfEveryPlatformAndGuessesNothing) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.what);
    NodeView node;
    node.labels = row.labels;
    const GpuInfo gpu = GpuOfNode(node, "nvidia.com/gpu");
    EXPECT_EQ(gpu.product, row.product);
    EXPECT_EQ(gpu.memory_bytes, row.mebibytes * kMiB);
    EXPECT_EQ(gpu.capability ? gpu.capability->ToString() : "", row.capability);
  }
}

// k8s-device-plugin issue 732: one A10G offered ten times, with the labels of a card that is not shared.
TEST(GpuOfNode, SeesMoreGpusThanCards) {
  NodeView node;
  node.labels = {{"nvidia.com/gpu.product", "NVIDIA-A10G"},
                 {"nvidia.com/gpu.count", "1"},
                 {"nvidia.com/gpu.replicas", "1"},
                 {"nvidia.com/gpu.memory", "23028"}};
  node.allocatable = {{"nvidia.com/gpu", 10}, {"nvidia.com/mig-1g.5gb", 4}};
  EXPECT_TRUE(GpuOfNode(node, "nvidia.com/gpu").shared);
  EXPECT_EQ(GpuOfNode(node, "nvidia.com/gpu").product, "NVIDIA-A10G") << "pods are bound by this label";
  EXPECT_FALSE(GpuOfNode(node, "nvidia.com/mig-1g.5gb").shared);
  node.allocatable["nvidia.com/gpu"] = 1;
  EXPECT_FALSE(GpuOfNode(node, "nvidia.com/gpu").shared);
  node.allocatable["nvidia.com/gpu"] = 7;
  node.labels["nvidia.com/gpu.product"] = "NVIDIA-A30-MIG-1g.6gb";
  EXPECT_FALSE(GpuOfNode(node, "nvidia.com/gpu").shared);
  node.labels = {{"nvidia.com/gpu.product", "NVIDIA-A10G"}};
  EXPECT_FALSE(GpuOfNode(node, "nvidia.com/gpu").shared);
}

struct AmdRow {
  const char* what;
  Labels labels;
  std::string product;
  std::int64_t gibibytes;
  std::string architecture;
};

const AmdRow kAmdRows[] = {
    {"AMD's labeller, its documented example",
     {{"amd.com/gpu.product-name", "AMD_Instinct_MI300X_OAM"},
      {"amd.com/gpu.vram", "192G"},
      {"amd.com/gpu.family", "AI"},
      {"amd.com/gpu.device-id", "74a1"}},
     "AMD_Instinct_MI300X_OAM",
     192,
     "gfx942"},
    {"it writes the old keys too",
     {{"amd.com/gpu.product-name", "Instinct_MI210"},
      {"amd.com/gpu.vram", "64G"},
      {"beta.amd.com/gpu.product-name", "Instinct_MI210"},
      {"beta.amd.com/gpu.product-name.Instinct_MI210", "1"},
      {"beta.amd.com/gpu.vram.64G", "1"}},
     "Instinct_MI210",
     64,
     "gfx90a"},
    {"a board that leaves the X out, memory from the catalog",
     {{"amd.com/gpu.product-name", "AMD_Instinct_MI325_OAM"}},
     "AMD_Instinct_MI325_OAM",
     256,
     "gfx942"},
    {"MI300 alone may be two products: what it is says its device id",
     {{"amd.com/gpu.product-name", "AMD_Instinct_MI300"}, {"amd.com/gpu.device-id", "74a0"}},
     "AMD_Instinct_MI300",
     128,
     "gfx942"},
    {"without one nothing does", {{"amd.com/gpu.product-name", "AMD_Instinct_MI300"}}, "AMD_Instinct_MI300", 0, "gfx"},
    {"a partition has less memory than its card",
     {{"amd.com/gpu.product-name", "AMD_Instinct_MI355X_OAM"}, {"amd.com/gpu.vram", "36G"}},
     "AMD_Instinct_MI355X_OAM",
     36,
     "gfx950"},
    {"a virtual function has no product name: its device id is the product",
     {{"amd.com/gpu.family", "AI"}, {"amd.com/gpu.device-id", "74b5"}, {"amd.com/gpu.vram", "192G"}},
     "74b5",
     192,
     "gfx942"},
    {"an old labeller: the value is in the key, the value is a count",
     {{"beta.amd.com/gpu.device-id.75a3", "8"},
      {"beta.amd.com/gpu.family.AI", "8"},
      {"beta.amd.com/gpu.vram.288G", "8"}},
     "75a3",
     288,
     "gfx950"},
    {"an old labeller on a node of two products: neither",
     {{"beta.amd.com/gpu.device-id.74a1", "4"}, {"beta.amd.com/gpu.device-id.740f", "4"}},
     "",
     0,
     ""},
    {"and a current one",
     {{"amd.com/gpu.family", "AI"},
      {"amd.com/gpu.product-name.Instinct_MI210", "1"},
      {"amd.com/gpu.product-name.Instinct_MI300X", "1"},
      {"beta.amd.com/gpu.product-name.Instinct_MI210", "1"}},
     "",
     0,
     ""},
    {"a card that nobody here knows is an AMD GPU all the same",
     {{"amd.com/gpu.product-name", "AMD_Radeon_8060S_Graphics"}, {"amd.com/gpu.vram", "96G"}},
     "AMD_Radeon_8060S_Graphics",
     96,
     "gfx"},
    {"AMD's labels win over the platform's",
     {{"karpenter.azure.com/sku-gpu-name", "MI300X"}, {"amd.com/gpu.product-name", "AMD_Instinct_MI300X_OAM"}},
     "AMD_Instinct_MI300X_OAM",
     192,
     "gfx942"},
    {"no AMD GPU", {{"nvidia.com/gpu.product", "NVIDIA-L4"}}, "NVIDIA-L4", 23034 / 1024, ""},
};

TEST(GpuOfNode, ReadsTheLabelsOfAmd) {
  for (const AmdRow& row : kAmdRows) {
    SCOPED_TRACE(row.what);
    NodeView node;
    node.labels = row.labels;
    const GpuInfo gpu = GpuOfNode(node, "nvidia.com/gpu");
    EXPECT_EQ(gpu.product, row.product);
    EXPECT_EQ(gpu.memory_bytes / (1024 * kMiB), row.gibibytes);
    EXPECT_EQ(gpu.amd_architecture, row.architecture);
    EXPECT_EQ(gpu.capability.has_value(), row.architecture.empty() && !row.product.empty());
  }
}

TEST(NodeView, KeepsLabelsCountedResourcesAndTheCordon) {
  const NodeView node = NodeViewFromJson(nlohmann::json::parse(R"({
    "metadata": {"name": "gpu-1", "labels": {"pool": "training", "nvidia.com/gpu.product": "NVIDIA-L4"}},
    "spec": {"unschedulable": true},
    "status": {"allocatable": {"cpu": "31850m", "memory": "65857704Ki", "pods": "110",
                               "nvidia.com/gpu": "8", "nvidia.com/mig-1g.5gb": "0", "example.com/odd": "1k"}}})"));
  EXPECT_EQ(node.name, "gpu-1");
  EXPECT_EQ(node.labels.at("pool"), "training");
  EXPECT_TRUE(node.unschedulable);
  EXPECT_EQ(node.allocatable,
            (std::map<std::string, std::int64_t>{{"nvidia.com/gpu", 8}, {"nvidia.com/mig-1g.5gb", 0}}));
}

TEST(NodeView, KeepsTaintsThatKeepPodsAway) {
  const auto node = [](const char* taints) {
    return NodeViewFromJson(nlohmann::json::parse(std::string(R"({"spec": {"taints": )") + taints + "}}"));
  };
  const NodeView dedicated = node(R"([{"key": "dedicated", "value": "ml", "effect": "NoSchedule"},
      {"key": "spot", "effect": "PreferNoSchedule"}, {"key": "drain", "effect": "NoExecute"}])");
  ASSERT_EQ(dedicated.taints.size(), 2U);
  EXPECT_EQ(TaintText(dedicated.taints[0]), "dedicated=ml:NoSchedule");
  EXPECT_EQ(TaintText(dedicated.taints[1]), "drain:NoExecute");
  EXPECT_FALSE(dedicated.unschedulable);
  for (const char* key : {"node.kubernetes.io/not-ready", "karpenter.sh/disrupted", "node.cilium.io/agent-not-ready",
                          "node.cloudprovider.kubernetes.io/uninitialized", "ToBeDeletedByClusterAutoscaler"}) {
    const NodeView passing = node((R"([{"key": ")" + std::string(key) + R"(", "effect": "NoSchedule"}])").c_str());
    EXPECT_TRUE(passing.unschedulable) << key;
    EXPECT_TRUE(passing.taints.empty()) << key;
  }
}

TEST(NodeView, ReadsMissingAndForeignFieldsAsEmpty) {
  for (const char* text :
       {"{}", "null", R"({"metadata": [], "spec": 1, "status": {"allocatable": {"nvidia.com/gpu": 8}}})"}) {
    const NodeView node = NodeViewFromJson(nlohmann::json::parse(text));
    EXPECT_EQ(node.name, "");
    EXPECT_FALSE(node.unschedulable);
    EXPECT_TRUE(node.allocatable.empty()) << text;
  }
}

}  // namespace
}  // namespace autotune::experiment
