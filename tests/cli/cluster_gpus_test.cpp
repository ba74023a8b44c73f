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

TEST(GpuPools, TheResourcesThatNodesHaveAreNamed) {
  experiment::NodeView mig = Node("a", kH100, 0);
  mig.allocatable["nvidia.com/mig-1g.10gb"] = 56;
  mig.allocatable["vpc.amazonaws.com/pod-eni"] = 9;
  EXPECT_EQ(GpuResources({mig}), "nvidia.com/mig-1g.10gb");
  EXPECT_EQ(GpuResources({Node("b", kH100, 0)}), "");
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
