// optimization.reuse: what a finished task of the namespace measured counts for another one, where it would measure the
// same, and nowhere else.
#include <gmock/gmock.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "tests/reconcile/fake_cluster.h"

namespace autotune::reconcile {
namespace {

using nlohmann::json;
using ::testing::Contains;
using ::testing::Field;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

void Measure(FakeCluster& cluster, json& pod) {
  const bool cache = EngineArgv(pod).back().find("fp8") != std::string::npos;
  cluster.Finish(pod, ResultMessage(cache ? 1200 : 800, 20), 0);
}

json ReusingTask() {
  json task = SmallTask();
  task["spec"]["optimization"]["reuse"] = "Namespace";
  return task;
}

// A node with labels: GPUs that nobody knows are not compared.
json GpuNode(const std::string& product) {
  return {{"metadata",
           {{"name", "gpu-1"},
            {"labels",
             {{"nvidia.com/gpu.product", product},
              {"nvidia.com/gpu.compute.major", "9"},
              {"nvidia.com/gpu.compute.minor", "0"},
              {"nvidia.com/gpu.memory", "81559"}}}}},
          {"status",
           {{"allocatable", {{"nvidia.com/gpu", "8"}}}, {"conditions", {{{"type", "Ready"}, {"status", "True"}}}}}}};
}

constexpr const char* kProduct = "NVIDIA-H100-80GB-HBM3";

// The task as it is when it has ended, under another name.
json Finished(json task, const std::function<void(FakeCluster&)>& prepare = nullptr) {
  FakeCluster cluster(std::move(task));
  cluster.nodes = {GpuNode(kProduct)};
  if (prepare) prepare(cluster);
  cluster.RunToEnd(Measure);
  EXPECT_EQ(cluster.Task().status.state, "Complete");
  json done = cluster.task;
  done["metadata"]["name"] = "earlier";
  done["metadata"]["uid"] = "another-uid";
  return done;
}

std::unique_ptr<FakeCluster> RunAfter(const json& earlier, json task) {
  auto cluster = std::make_unique<FakeCluster>(std::move(task));
  cluster->nodes = {GpuNode(kProduct)};
  cluster->other_tasks = {earlier};
  cluster->RunToEnd(Measure);
  return cluster;
}

int ReusedIn(const FakeCluster& cluster) {
  const api::AutotuneTask task = cluster.Task();
  return static_cast<int>(
      std::ranges::count_if(task.status.experiments, [](const auto& entry) { return !entry.reused_from.empty(); }));
}

TEST(Reuse, TheSameTaskIsAnsweredWithoutAPod) {
  const json earlier = Finished(SmallTask());
  const auto cluster = RunAfter(earlier, ReusingTask());
  const api::AutotuneTask task = cluster->Task();
  EXPECT_EQ(task.status.state, "Complete");
  EXPECT_THAT(cluster->created, IsEmpty());
  ASSERT_THAT(task.status.experiments, SizeIs(earlier["status"]["experiments"].size()));
  EXPECT_EQ(task.status.experiments.front().reused_from,
            "earlier/" + earlier["status"]["experiments"][0]["name"].get<std::string>());
  EXPECT_EQ(task.status.cost.gpu_hours, "0");
  EXPECT_EQ(task.status.best->score, earlier["status"]["best"]["score"]);
  EXPECT_THAT(cluster->events, Contains(Field(&TaskEvent::reason, "MeasurementsReused")));
}

TEST(Reuse, IsAskedForAndOthersAreReadOnce) {
  const json earlier = Finished(SmallTask());
  const auto without = RunAfter(earlier, SmallTask());
  EXPECT_EQ(ReusedIn(*without), 0);
  EXPECT_EQ(without->task_reads, 0);
  EXPECT_EQ(RunAfter(earlier, ReusingTask())->task_reads, 1);
}

TEST(Reuse, OnlyWhatTheOtherTaskMeasuredIsTaken) {
  json first = SmallTask();
  first["spec"]["quantConfig"]["presets"] = {"default"};
  const auto cluster = RunAfter(Finished(first), ReusingTask());
  EXPECT_EQ(ReusedIn(*cluster), 1);
  EXPECT_THAT(cluster->created, Not(IsEmpty()));
  EXPECT_EQ(cluster->Task().status.state, "Complete");
  EXPECT_NE(cluster->Task().status.cost.gpu_hours, "0");
}

struct Other {
  const char* name;
  std::function<void(json& earlier)> change;  // of the finished task
};
class NotReused : public testing::TestWithParam<Other> {};

TEST_P(NotReused, WhereSomethingDiffers) {
  json earlier = Finished(SmallTask());
  GetParam().change(earlier);
  const auto cluster = RunAfter(earlier, ReusingTask());
  EXPECT_EQ(ReusedIn(*cluster), 0);
  EXPECT_EQ(cluster->Task().status.state, "Complete");
}

INSTANTIATE_TEST_SUITE_P(
    Of, NotReused,
    testing::Values(Other{"OtherGpus", [](json& done) { done["status"]["gpu"]["product"] = "NVIDIA-A100-SXM4-80GB"; }},
                    Other{"StillRunning", [](json& done) { done["status"]["state"] = "Searching"; }},
                    Other{"OtherModelFacts",
                          [](json& done) { done["status"]["model"]["commit"] = std::string(40, 'c'); }},
                    Other{"OtherHashScheme", [](json& done) { done["status"]["expandedFor"]["hashScheme"] = 99; }},
                    Other{"OtherWorkloadOrImage",
                          [](json& done) {
                            for (json& runtime : done["status"]["expandedFor"]["runtimes"]) runtime["hash"] = "0123";
                          }},
                    Other{"CutByABudget",
                          [](json& done) {
                            for (json& entry : done["status"]["experiments"]) entry["stopped"] = "OutOfTime";
                          }},
                    Other{"Itself", [](json& done) { done["metadata"]["uid"] = "uid-task"; }}),
    [](const auto& of) { return of.param.name; });

TEST(Reuse, WhatWasGivenUpCountsOnlyBesideTheLeaderThatBeatIt) {
  json earlier = Finished(SmallTask());
  for (json& entry : earlier["status"]["experiments"]) {
    if (entry["name"] != earlier["status"]["best"]["experiment"]) entry["stopped"] = "CannotWin";
  }
  EXPECT_EQ(ReusedIn(*RunAfter(earlier, ReusingTask())), 2);
  json without_leader = ReusingTask();
  without_leader["spec"]["quantConfig"]["presets"] = {"default"};
  EXPECT_EQ(ReusedIn(*RunAfter(earlier, without_leader)), 0);
}

TEST(Reuse, AnOperatorThatIsKilledWhileItReadsReadsAgain) {
  const json earlier = Finished(SmallTask());
  FakeCluster cluster(ReusingTask());
  cluster.nodes = {GpuNode(kProduct)};
  cluster.other_tasks = {earlier};
  int kills = 0;
  cluster.crash = [&](const std::string& what) { return what == "tasks" && kills++ == 0; };
  (void)cluster.Reconcile();
  cluster.Restart();
  cluster.RunToEnd(Measure);
  EXPECT_EQ(kills, 2);
  EXPECT_EQ(ReusedIn(cluster), 2);
  EXPECT_THAT(cluster.created, IsEmpty());
}

TEST(Reuse, AnAdaptiveSearchStartsAReusedAnswerOnce) {
  json task = ReusingTask();
  task["spec"]["optimization"]["strategy"] = "Adaptive";
  const auto cluster = RunAfter(Finished(SmallTask()), task);
  const api::AutotuneTask done = cluster->Task();
  ASSERT_EQ(done.status.state, "Complete");
  EXPECT_EQ(ReusedIn(*cluster), 2);
  ASSERT_THAT(cluster->created, SizeIs(1));
  EXPECT_THAT(done.status.experiments, Contains(Field(&api::ExperimentStatus::confirms, done.status.best->experiment)));
  EXPECT_TRUE(done.status.best->confirmed);
}

TEST(Reuse, AResultStaysReusedInAThirdTaskAndNamesWhoMeasuredIt) {
  const json first = Finished(SmallTask());
  const auto second = RunAfter(first, ReusingTask());
  json copied = second->task;
  copied["metadata"]["name"] = "second";
  copied["metadata"]["uid"] = "second-uid";
  const auto third = RunAfter(copied, ReusingTask());
  EXPECT_THAT(third->Task().status.experiments.front().reused_from, testing::StartsWith("earlier/"));
}

}  // namespace
}  // namespace autotune::reconcile
