// Tasks with several types of GPU, from the manifest to the recommendation.
#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <set>

#include "operator/experiment/pod_builder.h"
#include "tests/reconcile/fake_cluster.h"

namespace autotune::reconcile {
namespace {

using nlohmann::json;
using std::chrono::seconds;
using ::testing::Contains;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

json NvidiaNode(const std::string& name, const std::string& product, int mebibytes, const char* major,
                const char* minor) {
  return {{"metadata",
           {{"name", name},
            {"labels",
             {{"nvidia.com/gpu.product", product},
              {"nvidia.com/gpu.memory", std::to_string(mebibytes)},
              {"nvidia.com/gpu.compute.major", major},
              {"nvidia.com/gpu.compute.minor", minor}}}}},
          {"status", {{"allocatable", {{"nvidia.com/gpu", "8"}}}}}};
}

json Mi300xNode() {
  return {{"metadata",
           {{"name", "mi300x-0"},
            {"labels",
             {{"amd.com/gpu.product-name", "AMD_Instinct_MI300X_OAM"},
              {"amd.com/gpu.family", "AI"},
              {"amd.com/gpu.vram", "192G"}}}}},
          {"status", {{"allocatable", {{"amd.com/gpu", "8"}}}}}};
}

// SmallTask on H100 and L40S, whose GPU costs a third. Two runtimes would not add anything here.
json TaskOfTypes() {
  json task = SmallTask();
  task["spec"]["gpus"] = {{{"name", "h100"}, {"products", {"NVIDIA-H100-80GB-HBM3"}}, {"pricePerHour", "3"}},
                          {{"name", "l40s"}, {"products", {"NVIDIA-L40S"}}, {"pricePerHour", "1"}}};
  task["spec"].erase("gpu");
  return task;
}

std::vector<json> BothNodes() {
  return {NvidiaNode("h100-0", "NVIDIA-H100-80GB-HBM3", 81559, "9", "0"),
          NvidiaNode("l40s-0", "NVIDIA-L40S", 46068, "8", "9")};
}

std::string TypeOf(const json& pod) { return pod["metadata"]["labels"].value(experiment::kGpuLabel, ""); }

bool IsFp8(const json& pod) {
  const std::vector<std::string> argv = EngineArgv(pod);
  return std::ranges::any_of(argv, [](const std::string& word) { return word.find("fp8") != std::string::npos; });
}

// An H100 is twice as fast as an L40S, and an fp8 cache adds a quarter on both.
void MeasureByType(FakeCluster& cluster, json& pod) {
  const double of_type = TypeOf(pod) == "h100" ? 1000 : 500;
  pod["spec"]["nodeName"] = TypeOf(pod) + "-0";
  cluster.Finish(pod, ResultMessage(IsFp8(pod) ? 1.25 * of_type : of_type, 5), 0);
}

TEST(SeveralGpuTypes, MeasureEveryConfigurationOnEachTypeAndPlaceItThere) {
  FakeCluster cluster(TaskOfTypes());
  cluster.nodes = BothNodes();
  cluster.RunToEnd(MeasureByType);
  const api::AutotuneTask done = cluster.Task();
  ASSERT_EQ(done.status.state, "Complete");
  std::set<std::string> measured;
  for (const api::ExperimentStatus& entry : done.status.experiments) measured.insert(api::ConfigurationName(entry));
  EXPECT_THAT(measured, UnorderedElementsAre("default on h100", "default on l40s", "kv-cache-fp8 on h100",
                                             "kv-cache-fp8 on l40s"));
  for (const json& pod : cluster.created_pods) {
    const std::string product = TypeOf(pod) == "h100" ? "NVIDIA-H100-80GB-HBM3" : "NVIDIA-L40S";
    EXPECT_THAT(pod["spec"]["affinity"].dump(), HasSubstr(product)) << TypeOf(pod);
  }
  ASSERT_TRUE(done.status.best.has_value());
  EXPECT_EQ(done.status.best->gpu, "h100");
  EXPECT_EQ(done.status.best->improvement_over_baseline, "+25.0%");
  const std::string manifests = cluster.config_maps.begin()->second["data"].dump();
  EXPECT_THAT(manifests, HasSubstr("NVIDIA-H100-80GB-HBM3"));
  EXPECT_THAT(manifests, Not(HasSubstr("NVIDIA-L40S")));
}

TEST(SeveralGpuTypes, HaveOneBaselineForEachRuntimeOnTheNamedType) {
  for (const std::string named : {"", "l40s"}) {
    json task = TaskOfTypes();
    if (!named.empty()) task["spec"]["optimization"]["baseline"] = {{"gpu", named}};
    FakeCluster cluster(task);
    cluster.nodes = BothNodes();
    cluster.RunToEnd(MeasureByType);
    std::vector<std::string> baselines;
    for (const api::ExperimentStatus& entry : cluster.Task().status.experiments) {
      if (entry.baseline) baselines.push_back(api::ConfigurationName(entry));
    }
    EXPECT_THAT(baselines, UnorderedElementsAre("default on " + (named.empty() ? "h100" : named)));
  }
}

TEST(SeveralGpuTypes, AreComparedByThePriceOfTheirTokens) {
  json task = TaskOfTypes();
  task["spec"]["optimization"]["objective"] = "MinimizeCost";
  FakeCluster cluster(task);
  cluster.nodes = BothNodes();
  cluster.RunToEnd(MeasureByType);
  const api::TaskStatus status = cluster.Task().status;
  ASSERT_TRUE(status.best.has_value());
  // 625 tokens/s for 1 an hour, not 1,250 for 3.
  EXPECT_EQ(api::ConfigurationName(*status.best), "kv-cache-fp8 on l40s");
  EXPECT_EQ(status.best->price, "0.4444");
  EXPECT_EQ(status.best->improvement_over_baseline, "+46.7%");
}

TEST(SeveralGpuTypes, KeepTheCheaperOnTheParetoFront) {
  for (const bool priced : {false, true}) {
    json task = TaskOfTypes();
    if (!priced) {
      for (json& gpu : task["spec"]["gpus"]) gpu.erase("pricePerHour");
    }
    FakeCluster cluster(task);
    cluster.nodes = BothNodes();
    cluster.RunToEnd(MeasureByType);
    const api::TaskStatus status = cluster.Task().status;
    std::set<std::string> front;
    for (const api::ExperimentStatus& entry : status.experiments) {
      if (std::ranges::find(status.pareto, entry.name) != status.pareto.end()) {
        front.insert(api::ConfigurationName(entry));
      }
    }
    EXPECT_EQ(front.contains("kv-cache-fp8 on l40s"), priced);
    EXPECT_TRUE(front.contains("kv-cache-fp8 on h100"));
  }
}

TEST(SeveralGpuTypes, CountHoursAndMoneyOfEach) {
  FakeCluster cluster(TaskOfTypes());
  cluster.nodes = BothNodes();
  cluster.RunToEnd(MeasureByType);
  const api::TaskStatus status = cluster.Task().status;
  ASSERT_THAT(status.gpus, SizeIs(2));
  // Two experiments of 120 s each.
  EXPECT_EQ(status.gpus[0].gpu_hours, "0.0667");
  EXPECT_EQ(status.gpus[0].price, "0.2");
  EXPECT_EQ(status.gpus[1].price, "0.07");
  EXPECT_EQ(status.cost.gpu_hours, "0.1333");
  EXPECT_EQ(status.cost.price, "0.27");
}

TEST(SeveralGpuTypes, RunSideBySide) {
  FakeCluster cluster(TaskOfTypes());
  cluster.nodes = BothNodes();
  cluster.RunUntilQuiet([](FakeCluster& self, json& pod) {
    pod["spec"]["nodeName"] = TypeOf(pod) + "-0";
    self.SetPhaseRunning(pod);
  });
  std::vector<std::string> running;
  for (const auto& [name, pod] : cluster.pods) running.push_back(TypeOf(pod));
  EXPECT_THAT(running, UnorderedElementsAre("h100", "l40s"));
}

// A pod that no node has room for: it is never given one.
void Starve(json& pod) {
  pod["status"]["phase"] = "Pending";
  pod["status"]["conditions"] = {{{"type", "PodScheduled"},
                                  {"status", "False"},
                                  {"reason", "Unschedulable"},
                                  {"message", "0/2 nodes are available: 2 Insufficient nvidia.com/gpu."}}};
}

TEST(SeveralGpuTypes, EndTheExperimentsOfATypeThatGetsNoPodAndNotTheTask) {
  for (const char* strategy : {"Grid", "Adaptive"}) {
    json task = TaskOfTypes();
    task["spec"]["optimization"]["strategy"] = strategy;
    FakeCluster cluster(task);
    cluster.nodes = BothNodes();
    const base::WallTime began = cluster.clock.Wall();
    cluster.RunToEnd([](FakeCluster& self, json& pod) {
      if (TypeOf(pod) == "l40s") return Starve(pod);
      MeasureByType(self, pod);
    });
    const api::TaskStatus status = cluster.Task().status;
    ASSERT_EQ(status.state, "Complete") << strategy;
    ASSERT_TRUE(status.best.has_value());
    EXPECT_EQ(status.best->gpu, "h100");
    int on_h100 = 0;
    for (const api::ExperimentStatus& entry : status.experiments) {
      if (entry.gpu == "h100" && entry.confirms.empty()) ++on_h100;
      EXPECT_EQ(entry.reason, entry.gpu == "h100" ? "" : "Unschedulable") << entry.name;
    }
    EXPECT_EQ(on_h100, 2);
    EXPECT_THAT(status.gpus[1].unavailable, HasSubstr("Insufficient nvidia.com/gpu"));
    EXPECT_EQ(status.gpus[0].unavailable, "");
    // One patience for the type, not one for each of its experiments.
    EXPECT_LT(cluster.clock.Wall() - began, std::chrono::minutes(45)) << strategy;
    if (std::string(strategy) == "Adaptive") {
      ASSERT_FALSE(status.not_tried.empty());
      EXPECT_EQ(status.not_tried.front().reason, "Unschedulable");
    }
  }
}

TEST(SeveralGpuTypes, HaveImagesOfTheirVendor) {
  json task = TaskOfTypes();
  task["spec"]["runtimes"][0].erase("image");
  task["spec"]["gpus"][1] = {{"name", "mi300x"}, {"resourceName", "amd.com/gpu"}, {"products", {"mi300x"}}};
  FakeCluster cluster(task);
  cluster.nodes = {BothNodes().front(), Mi300xNode()};
  cluster.RunToEnd(MeasureByType);
  ASSERT_EQ(cluster.Task().status.state, "Complete")
      << api::FindCondition(cluster.Task().status.conditions, "Ready")->message;
  std::map<std::string, std::set<std::string>> images;
  for (const json& pod : cluster.created_pods) {
    const json& engine = pod["spec"]["initContainers"][1];
    images[TypeOf(pod)].insert(engine["image"].get<std::string>());
    EXPECT_TRUE(engine["resources"]["limits"].contains(TypeOf(pod) == "h100" ? "nvidia.com/gpu" : "amd.com/gpu"));
  }
  EXPECT_THAT(images["h100"], Each(Not(HasSubstr("rocm"))));
  EXPECT_THAT(images["mi300x"], Each(HasSubstr("rocm")));
}

std::string ProblemOf(const json& task, std::vector<json> nodes) {
  FakeCluster cluster(task);
  cluster.nodes = std::move(nodes);
  cluster.RunToEnd(MeasureByType);
  const api::TaskStatus status = cluster.Task().status;
  EXPECT_EQ(status.state, "Failed");
  EXPECT_THAT(cluster.created_pods, IsEmpty());
  return api::FindCondition(status.conditions, "Ready")->message;
}

TEST(SeveralGpuTypes, AreRefusedBeforeAGpuIsUsed) {
  json task = TaskOfTypes();
  task["spec"]["optimization"]["objective"] = "MinimizeCost";
  task["spec"]["gpus"][1].erase("pricePerHour");
  EXPECT_THAT(ProblemOf(task, BothNodes()), HasSubstr("spec.gpus[1].pricePerHour: is required"));
  task["spec"]["gpus"][1]["pricePerHour"] = "0";
  EXPECT_THAT(ProblemOf(task, BothNodes()), HasSubstr("spec.gpus[1].pricePerHour: must be more than 0"));

  task = TaskOfTypes();
  task["spec"]["gpus"][1]["name"] = "h100";
  EXPECT_THAT(ProblemOf(task, BothNodes()), HasSubstr("spec.gpus[1].name: \"h100\" is listed twice"));

  task = TaskOfTypes();
  task["spec"]["gpu"] = {{"products", {"h100"}}};
  EXPECT_THAT(ProblemOf(task, BothNodes()), HasSubstr("set at most one of gpu and gpus"));

  task = TaskOfTypes();
  task["spec"]["gpus"][1]["products"] = task["spec"]["gpus"][0]["products"];
  EXPECT_THAT(ProblemOf(task, BothNodes()), HasSubstr("spec.gpus[1] (l40s): selects the same GPUs as spec.gpus[0]"));

  task = TaskOfTypes();
  task["spec"]["optimization"]["baseline"] = {{"gpu", "b200"}};
  EXPECT_THAT(ProblemOf(task, BothNodes()), HasSubstr("optimization.baseline.gpu: there is no entry \"b200\""));

  task = TaskOfTypes();
  task["spec"]["gpus"][1]["images"] = {{"sglang", "image:1"}};
  EXPECT_THAT(ProblemOf(task, BothNodes()), HasSubstr("spec.gpus[1].images.sglang: the task has no runtime"));

  // Nothing of TensorRT-LLM runs on AMD.
  task = TaskOfTypes();
  task["spec"]["runtimes"] = {{{"name", "trt"}, {"engine", "tensorrt-llm"}}};
  task["spec"]["gpus"][1] = {{"name", "mi300x"}, {"resourceName", "amd.com/gpu"}, {"products", {"mi300x"}}};
  EXPECT_THAT(ProblemOf(task, {BothNodes().front(), Mi300xNode()}),
              HasSubstr("spec.gpus[1] (mi300x): no configuration of the task can run on it"));
}

TEST(SeveralGpuTypes, KeepWhatWasMeasuredOfATypeWhenAnotherIsAdded) {
  FakeCluster cluster(TaskOfTypes());
  cluster.nodes = BothNodes();
  cluster.nodes.push_back(NvidiaNode("h200-0", "NVIDIA-H200", 143771, "9", "0"));
  cluster.RunToEnd(MeasureByType);
  const std::size_t before = cluster.created_pods.size();
  cluster.EditSpec([](json& spec) { spec["gpus"].push_back({{"name", "h200"}, {"products", {"NVIDIA-H200"}}}); });
  cluster.RunToEnd(MeasureByType);
  EXPECT_EQ(cluster.Task().status.experiments.size(), 6U);
  for (std::size_t i = before; i < cluster.created_pods.size(); ++i) {
    EXPECT_EQ(TypeOf(cluster.created_pods[i]), "h200");
  }
}

TEST(SeveralGpuTypes, TakeOverWhatAnotherTaskMeasuredOnTheSameProduct) {
  json alone = SmallTask();
  alone["spec"]["gpu"] = {{"products", {"NVIDIA-L40S"}}};
  FakeCluster first(alone);
  first.nodes = BothNodes();
  first.RunToEnd([](FakeCluster& self, json& pod) {
    pod["spec"]["nodeName"] = "l40s-0";
    self.Finish(pod, ResultMessage(500, 5), 0);
  });
  ASSERT_EQ(first.Task().status.state, "Complete");

  json task = TaskOfTypes();
  task["spec"]["optimization"]["reuse"] = "Namespace";
  FakeCluster cluster(task);
  cluster.nodes = BothNodes();
  cluster.other_tasks = {first.task};
  cluster.other_tasks.front()["metadata"]["name"] = "earlier";
  cluster.other_tasks.front()["metadata"]["uid"] = "another-uid";
  cluster.RunToEnd(MeasureByType);
  std::vector<std::string> reused;
  for (const api::ExperimentStatus& entry : cluster.Task().status.experiments) {
    if (!entry.reused_from.empty()) reused.push_back(api::ConfigurationName(entry));
  }
  EXPECT_THAT(reused, UnorderedElementsAre("default on l40s", "kv-cache-fp8 on l40s"));
}

}  // namespace
}  // namespace autotune::reconcile
