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
    {"a shared card keeps its suffix and takes nothing from the catalog",
     {{"nvidia.com/gpu.product", "Tesla-T4-SHARED"}, {"nvidia.com/gpu.memory", "15360"}},
     "Tesla-T4-SHARED",
     15360,
     ""},
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
    {"AMD: no CUDA capability",
     {{"amd.com/gpu.product-name", "Instinct_MI300X"}, {"amd.com/gpu.vram", "192G"}},
     "Instinct_MI300X",
     192 * 1024,
     ""},
    {"only the instance type: facts, but no label to bind pods to",
     {{"node.kubernetes.io/instance-type", "p4d.24xlarge"}},
     "",
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
    const GpuInfo gpu = GpuOfNode(node);
    EXPECT_EQ(gpu.product, row.product);
    EXPECT_EQ(gpu.memory_bytes, row.mebibytes * kMiB);
    EXPECT_EQ(gpu.capability ? gpu.capability->ToString() : "", row.capability);
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
