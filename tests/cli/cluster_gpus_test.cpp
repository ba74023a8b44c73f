#include "cli/cluster_gpus.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace autotune::cli {
namespace {

using ::testing::HasSubstr;

experiment::NodeView Node(const std::string& name, const std::string& product, std::int64_t gpus) {
  experiment::NodeView node;
  node.name = name;
  if (!product.empty()) node.labels["nvidia.com/gpu.product"] = product;
  node.allocatable["nvidia.com/gpu"] = gpus;
  return node;
}

constexpr const char* kH100 = "NVIDIA-H100-80GB-HBM3";
constexpr const char* kL4 = "NVIDIA-L4";

TEST(GpuPools, CountNodesAndGpusByProductMostFirst) {
  experiment::NodeView closed = Node("d", kH100, 4);
  closed.unschedulable = true;
  experiment::NodeView without = Node("e", "", 0);
  const auto pools = GpuPools({}, {Node("a", kL4, 1), Node("b", kH100, 8), closed, without, Node("f", kL4, 2)});
  ASSERT_EQ(pools.size(), 2U) << "a node without GPUs is in none";
  EXPECT_EQ(pools[0].product, kH100);
  EXPECT_EQ(pools[0].nodes, 2);
  EXPECT_EQ(pools[0].closed, 1);
  EXPECT_EQ(pools[0].gpus, 12);
  EXPECT_EQ(pools[0].largest, 8);
  EXPECT_EQ(pools[0].info.capability->ToString(), "9.0") << "by the catalogue, where no label says it";
  EXPECT_EQ(pools[1].gpus, 3);
}

TEST(GpuPools, SayWhatTheSpecLeavesOut) {
  api::GpuSpec spec;
  spec.products = {"h100"};
  experiment::NodeView zone = Node("c", kH100, 8);
  zone.labels["zone"] = "b";
  const auto by_product = GpuPools(spec, {Node("a", kH100, 8), Node("b", kL4, 4)});
  EXPECT_EQ(by_product[0].allowed, 1);
  EXPECT_EQ(by_product[1].allowed, 0);
  const std::string text = GpuPoolsText(by_product, spec, kH100);
  EXPECT_THAT(text, HasSubstr("this plan"));
  EXPECT_THAT(text, HasSubstr("spec.gpu does not allow them"));

  spec.node_selector = {{"zone", "b"}};
  const auto by_label = GpuPools(spec, {Node("a", kH100, 8), zone});
  EXPECT_EQ(by_label[0].allowed, 1);
  EXPECT_THAT(GpuPoolsText(by_label, spec, kH100), HasSubstr("spec.gpu allows 1 of the nodes"));
}

TEST(GpuPools, MarkSharesOfCards) {
  const auto shares = GpuPools({}, {Node("a", "NVIDIA-L4-SHARED", 4)});
  EXPECT_THAT(GpuPoolsText(shares, {}, ""), HasSubstr("shares of cards that other pods use"));
  api::GpuSpec renamed;
  renamed.resource_name = "nvidia.com/gpu.shared";
  experiment::NodeView node = Node("a", kL4, 0);
  node.allocatable = {{"nvidia.com/gpu.shared", 4}};
  EXPECT_THAT(GpuPoolsText(GpuPools(renamed, {node}), renamed, ""), HasSubstr("shares of cards"));
  EXPECT_EQ(GpuPoolsText(GpuPools({}, {Node("a", kL4, 4)}), {}, "").find("shares"), std::string::npos);
}

// karpenter-provider-aws issue 8324.
TEST(GpuPools, APartOfACardIsAPoolOfItsOwn) {
  const auto l4 = [](const char* name, const char* mebibytes) {
    experiment::NodeView node = Node(name, "", 1);
    node.labels = {{"karpenter.k8s.aws/instance-gpu-name", "l4"}, {"karpenter.k8s.aws/instance-gpu-memory", mebibytes}};
    return node;
  };
  api::GpuSpec spec;
  spec.products = {"l4"};
  const auto pools = GpuPools(spec, {l4("a", "22888"), l4("b", "5722"), l4("c", "23034")});
  ASSERT_EQ(pools.size(), 2U);
  EXPECT_EQ(pools[0].product, "l4");
  EXPECT_EQ(pools[0].allowed, 2);
  EXPECT_EQ(pools[0].info.memory_bytes, std::int64_t{22888} << 20) << "the least, which the plan reckons with";
  EXPECT_EQ(pools[1].product, "l4-5722MiB");
  EXPECT_EQ(pools[1].allowed, 0);
  EXPECT_THAT(GpuPoolsText(pools, spec, "l4"), HasSubstr("parts of cards, which only this name in products allows"));
}

TEST(GpuPools, NodesWithTaintsThatPodsDoNotTolerateAreNotCounted) {
  experiment::NodeView dedicated = Node("b", kH100, 8);
  dedicated.taints = {{"dedicated", "ml", "NoSchedule"}};
  const auto pools = GpuPools({}, {Node("a", kH100, 4), dedicated});
  ASSERT_EQ(pools.size(), 1U);
  EXPECT_EQ(pools[0].allowed, 1);
  EXPECT_EQ(pools[0].tainted, 1);
  EXPECT_THAT(GpuPoolsText(pools, {}, kH100), HasSubstr("taint not tolerated: dedicated=ml:NoSchedule"));
  EXPECT_THAT(TooManyGpus(pools, kH100, 8), HasSubstr("the largest allowed node with NVIDIA-H100-80GB-HBM3 has 4"));
  EXPECT_EQ(TaintsText(pools, "spec.gpu"),
            "1 node has taints that spec.gpu.tolerations does not tolerate (dedicated=ml:NoSchedule)");
  api::GpuSpec tolerant;
  tolerant.tolerations = {{{"key", "dedicated"}, {"operator", "Exists"}}};
  EXPECT_EQ(GpuPools(tolerant, {dedicated})[0].allowed, 1);
  EXPECT_EQ(TaintsText(GpuPools(tolerant, {dedicated}), "spec.gpu"), "");
}

TEST(GpuPools, GpusOfAnotherResourceAreNamedAsNotUsed) {
  experiment::NodeView amd = Node("a", "", 0);
  amd.labels = {{"amd.com/gpu.product-name", "AMD_Instinct_MI300X_OAM"}};
  amd.allocatable = {{"amd.com/gpu", 8}};
  experiment::NodeView gaudi = Node("b", "", 0);
  gaudi.allocatable = {{"habana.ai/gaudi", 8}};
  experiment::NodeView mixed = Node("c", kH100, 4);
  mixed.allocatable["nvidia.com/mig-1g.10gb"] = 28;
  mixed.labels["nvidia.com/mig-1g.10gb.product"] = "NVIDIA-H100-80GB-HBM3-MIG-1g.10gb";
  mixed.allocatable["vpc.amazonaws.com/pod-eni"] = 9;
  const std::vector nodes = {amd, gaudi, mixed};
  EXPECT_EQ(OtherGpusText(OtherGpusOf({}, nodes)),
            "  Not used: 8 amd.com/gpu on 1 node (AMD_Instinct_MI300X_OAM); only resourceName: amd.com/gpu uses them\n"
            "  Not used: 8 habana.ai/gaudi on 1 node; Intel Gaudi is not supported\n"
            "  Not used: 28 nvidia.com/mig-1g.10gb on 1 node (NVIDIA-H100-80GB-HBM3-MIG-1g.10gb); only resourceName: "
            "nvidia.com/mig-1g.10gb uses them\n");
  EXPECT_EQ(OtherGpusJson(OtherGpusOf({}, nodes)).size(), 3U);
  EXPECT_EQ(OtherGpusText(OtherGpusOf({}, {Node("d", kH100, 4)})), "");
}

TEST(GpuPools, TheResourcesThatNodesHaveAreNamed) {
  experiment::NodeView mig = Node("a", kH100, 0);
  mig.allocatable["nvidia.com/mig-1g.10gb"] = 56;
  mig.allocatable["vpc.amazonaws.com/pod-eni"] = 9;
  EXPECT_EQ(GpuResources({mig}), "nvidia.com/mig-1g.10gb");
  EXPECT_EQ(GpuResources({Node("b", kH100, 0)}), "");
  experiment::NodeView gaudi = Node("c", "", 0);
  gaudi.allocatable["habana.ai/gaudi"] = 8;
  EXPECT_EQ(GpuResources({gaudi}), "") << "resourceName cannot be this";
}

TEST(GpuPools, AnExperimentFitsOnOneNodeOrIsNamed) {
  const auto pools = GpuPools({}, {Node("a", kH100, 4), Node("b", kH100, 4), Node("c", kL4, 8)});
  EXPECT_EQ(TooManyGpus(pools, kH100, 4), "");
  EXPECT_EQ(TooManyGpus(pools, kH100, 8),
            "an experiment requires 8 GPUs on one node, and the largest node with NVIDIA-H100-80GB-HBM3 has 4; "
            "engines over several nodes are not supported");
  EXPECT_EQ(GpuPoolsText({}, {}, ""), "No node of the cluster has nvidia.com/gpu.\n");
}

}  // namespace
}  // namespace autotune::cli
