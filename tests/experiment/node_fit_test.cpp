#include "operator/experiment/node_fit.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "sample_task.h"

namespace autotune::experiment {
namespace {

api::GpuSpec Gpu(const std::string& json) { return SampleTask(R"({"gpu": )" + json + "}").spec.gpus.front(); }

NodeView Tainted(const std::vector<Taint>& taints) {
  NodeView node;
  node.name = "gpu-1";
  node.labels = {{"pool", "a"}, {"cpus", "64"}};
  node.taints = taints;
  return node;
}

TEST(NodeFit, PodsTolerateTheTaintOfTheirResource) {
  const NodeView node = Tainted({{"nvidia.com/gpu", "present", "NoSchedule"}});
  EXPECT_TRUE(MayRunOn(Gpu("{}"), node));
  EXPECT_TRUE(MayRunOn(Gpu(R"({"resourceName": "nvidia.com/mig-1g.10gb"})"), node));
  EXPECT_FALSE(MayRunOn(Gpu(R"({"resourceName": "amd.com/gpu"})"), node));
  EXPECT_FALSE(MayRunOn(Gpu("{}"), Tainted({{"nvidia.com/gpu", "present", "NoExecute"}})));
}

TEST(NodeFit, TolerationsAreThoseOfKubernetes) {
  const Taint taint{"dedicated", "ml", "NoSchedule"};
  struct Row {
    const char* toleration;
    bool tolerated;
  };
  for (const Row& row :
       {Row{R"({"key": "dedicated", "value": "ml"})", true},
        Row{R"({"key": "dedicated", "operator": "Equal", "value": "ml", "effect": "NoSchedule"})", true},
        Row{R"({"key": "dedicated", "operator": "Exists"})", true}, Row{R"({"operator": "Exists"})", true},
        Row{R"({"key": "dedicated", "value": "web"})", false},
        Row{R"({"key": "dedicated", "operator": "Exists", "effect": "NoExecute"})", false},
        Row{R"({"key": "other", "operator": "Exists"})", false}}) {
    const api::GpuSpec spec = Gpu(std::string(R"({"tolerations": [)") + row.toleration + "]}");
    EXPECT_EQ(UntoleratedTaints(spec, Tainted({taint})).empty(), row.tolerated) << row.toleration;
  }
}

TEST(NodeFit, RequiredAffinityIsThatOfKubernetes) {
  const auto matches = [](const std::string& terms) {
    return SelectsNode(Gpu(R"({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution":
        {"nodeSelectorTerms": )" +
                           terms + "}}}}"),
                       Tainted({}));
  };
  EXPECT_TRUE(matches(R"([{"matchExpressions": [{"key": "pool", "operator": "In", "values": ["a", "b"]}]}])"));
  EXPECT_FALSE(matches(R"([{"matchExpressions": [{"key": "pool", "operator": "NotIn", "values": ["a"]}]}])"));
  EXPECT_TRUE(matches(R"([{"matchExpressions": [{"key": "rack", "operator": "NotIn", "values": ["a"]}]}])"));
  EXPECT_TRUE(matches(R"([{"matchExpressions": [{"key": "rack", "operator": "DoesNotExist"},
                                                {"key": "pool", "operator": "Exists"}]}])"));
  EXPECT_TRUE(matches(R"([{"matchExpressions": [{"key": "cpus", "operator": "Gt", "values": ["63"]}]}])"));
  EXPECT_FALSE(matches(R"([{"matchExpressions": [{"key": "cpus", "operator": "Lt", "values": ["64"]}]}])"));
  EXPECT_FALSE(matches(R"([{"matchExpressions": [{"key": "pool", "operator": "Gt", "values": ["1"]}]}])"));
  EXPECT_FALSE(matches(R"([{"matchFields": [{"key": "metadata.name", "operator": "NotIn", "values": ["gpu-1"]}]}])"));
  EXPECT_TRUE(matches(R"([{"matchExpressions": [{"key": "rack", "operator": "Exists"}]},
                          {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["gpu-1"]}]}])"))
      << "one of several terms is enough";
  EXPECT_TRUE(SelectsNode(Gpu("{}"), Tainted({})));
  EXPECT_FALSE(SelectsNode(Gpu(R"({"nodeSelector": {"pool": "b"}})"), Tainted({})));
}

}  // namespace
}  // namespace autotune::experiment
