// What the cache keeps of a task, and that it is enough for what is decided about one that is over.
#include "operator/controller/cached_task.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "operator/api/task_json.h"
#include "operator/experiment/pod_builder.h"
#include "operator/reconcile/decide.h"

namespace autotune::controller {
namespace {

using nlohmann::json;
using ::testing::SizeIs;

constexpr const char* kFailedHash = "0123456789abcdef";
constexpr const char* kGoodHash = "fedcba9876543210";

json Finished() {
  const json loads = json::array({{{"scenario", "D(512,128)"}, {"concurrency", 8}, {"requests", 100}}});
  return {
      {"apiVersion", "autotuner.io/v1alpha1"},
      {"kind", "AutotuneTask"},
      {"metadata", {{"name", "t"}, {"namespace", "ns"}, {"uid", "u1"}, {"resourceVersion", "5"}, {"generation", 3}}},
      {"spec",
       {{"model", {{"idOrPath", "a/b"}}},
        {"baseRuntime", "vllm"},
        {"keepPods", "OnFailure"},
        {"retention", {{"pods", "24h"}, {"task", "720h"}}}}},
      {"status",
       {{"observedGeneration", 3},
        {"state", "Complete"},
        {"finishedAt", "2026-11-22T12:00:00Z"},
        {"progress", "2/2"},
        {"best", {{"experiment", "e1"}, {"runtime", "vllm"}, {"quantization", "default"}, {"score", "1"}}},
        {"recommendation", {{"configMap", "t-best"}}},
        {"experiments",
         {{{"name", "e1"}, {"hash", kGoodHash}, {"state", "Succeeded"}, {"attempts", 1}, {"loads", loads}},
          {{"name", "e2"}, {"hash", kFailedHash}, {"state", "Failed"}, {"attempts", 2}, {"reason", "OutOfMemory"}}}}}}};
}

CachedTask Cached(const json& object) {
  auto cached = CachedTask::FromJson(object);
  EXPECT_TRUE(cached) << cached.error().message;
  return *std::move(cached);
}

experiment::PodView Pod(const std::string& name, const std::string& hash, int attempt) {
  experiment::PodView pod;
  pod.name = name;
  pod.ns = "ns";
  pod.uid = "uid-" + name;
  pod.owner_uid = "u1";
  pod.phase = "Failed";
  pod.labels.role = "experiment";
  pod.labels.hash = hash;
  pod.labels.attempt = attempt;
  return pod;
}

TEST(CachedTask, OfAFinishedTaskOnlyALittleIsKept) {
  const CachedTask cached = Cached(Finished());
  ASSERT_TRUE(cached.settled());
  EXPECT_EQ(cached.state(), "Complete");
  const auto observed = cached.Observed();
  EXPECT_EQ(observed->task.metadata.name, "t");
  EXPECT_EQ(observed->task.metadata.generation, 3);
  EXPECT_EQ(observed->task.status.observed_generation, 3);
  EXPECT_EQ(observed->task.status.finished_at, "2026-11-22T12:00:00Z");
  EXPECT_EQ(observed->task.spec.retention.pods, std::chrono::hours(24));
  EXPECT_EQ(observed->task.spec.retention.task, std::chrono::hours(720));
  ASSERT_THAT(observed->task.status.experiments, SizeIs(2));
  EXPECT_EQ(observed->task.status.experiments[1].hash, kFailedHash);
  EXPECT_EQ(observed->task.status.experiments[1].attempts, 2);
  EXPECT_EQ(observed->task.status.experiments[1].state, api::ExperimentState::kFailed);
  EXPECT_TRUE(observed->task.status.experiments[0].loads.empty());
}

TEST(CachedTask, IsWholeWhileAnythingMayBeLeftToDo) {
  const auto patched = [](const char* patch) {
    json object = Finished();
    object.merge_patch(json::parse(patch));
    return Cached(object);
  };
  for (const char* patch : {
           R"({"metadata": {"generation": 4}})",                              // edited
           R"({"metadata": {"deletionTimestamp": "2026-11-22T12:00:00Z"}})",  // being deleted
           R"({"status": {"state": "Searching"}})",
           R"({"status": {"state": "Suspended"}})",
           R"({"status": {"recommendation": null}})",                                // could not be written yet
           R"({"status": {"conditions": [{"type": "PodsNotDeleted", "status": "True", "reason": "DeleteRefused",
               "message": "no", "lastTransitionTime": "2026-11-22T12:00:00Z"}]}})",  // until they are
           R"({"spec": {"model": null}})",
           R"({"status": {"experiments": [{"name": "e1", "hash": "0x123", "state": "Succeeded"}]}})",
       }) {
    SCOPED_TRACE(patch);
    const CachedTask cached = patched(patch);
    EXPECT_FALSE(cached.settled());
    EXPECT_NE(cached.Observed()->task.status.progress, "") << "all of it";
  }
  EXPECT_TRUE(patched(R"({"status": {"state": "Failed", "best": null, "recommendation": null}})").settled());
  EXPECT_TRUE(patched(R"({"status": {"best": null, "recommendation": null}})").settled()) << "nothing is recommended";
}

TEST(CachedTask, TheTextOfAFinishedTaskIsReadAsItsJson) {
  const json object = Finished();
  const CachedTask of_json = Cached(object);
  auto of_text = CachedTask::FromText(object.dump());
  ASSERT_TRUE(of_text) << of_text.error().message;
  ASSERT_TRUE(of_text->settled());
  const reconcile::ObservedTask a = *of_json.Observed(), b = *of_text->Observed();
  EXPECT_EQ(a.task.metadata.uid, b.task.metadata.uid);
  EXPECT_EQ(api::ToJson(a.task.status), api::ToJson(b.task.status));
  EXPECT_EQ(a.task.spec.keep_pods, b.task.spec.keep_pods);
  EXPECT_EQ(a.task.spec.retention.task, b.task.spec.retention.task);
  EXPECT_EQ(of_json.summary().score, of_text->summary().score);
  EXPECT_EQ(of_json.summary().progress, of_text->summary().progress);
}

TEST(CachedTask, TheTextOfATaskThatGoesOnKeepsItsMeasurements) {
  json object = Finished();
  object["metadata"]["generation"] = 4;
  auto cached = CachedTask::FromText(object.dump());
  ASSERT_TRUE(cached) << cached.error().message;
  ASSERT_FALSE(cached->settled());
  EXPECT_EQ(api::ToJson(cached->Observed()->task.status), api::ToJson(reconcile::ObserveTask(object)->task.status));
  ASSERT_THAT(cached->Observed()->task.status.experiments, SizeIs(2));
  EXPECT_THAT(cached->Observed()->task.status.experiments[0].loads, SizeIs(1));
}

TEST(CachedTask, MeasurementsThatCannotBeReadMatterOnlyWhenTheyAre) {
  json object = Finished();
  object["status"]["experiments"][0]["loads"][0]["requests"] = "many";
  auto finished = CachedTask::FromText(object.dump());
  ASSERT_TRUE(finished);
  EXPECT_TRUE(finished->settled());
  object["metadata"]["generation"] = 4;
  auto edited = CachedTask::FromText(object.dump());
  ASSERT_TRUE(edited);
  ASSERT_FALSE(edited->settled());
  EXPECT_NE(edited->Observed()->status_error, "");
}

TEST(CachedTask, ItsPodsStayAndGoAsThoseOfTheWholeTask) {
  const auto rules = quant::RuleSet::BuiltIn();
  ASSERT_TRUE(rules);
  reconcile::Settings settings;
  settings.rules = &*rules;
  for (const char* keep : {"Never", "OnFailure", "Always"}) {
    SCOPED_TRACE(keep);
    json object = Finished();
    object["spec"]["keepPods"] = keep;
    const auto deleted = [&](const api::AutotuneTask& task) {
      reconcile::Observed observed;
      observed.task = task;
      observed.pods = {Pod("good", kGoodHash, 1), Pod("failed", kFailedHash, 2), Pod("earlier", kFailedHash, 1),
                       Pod("nobodys", "aaaaaaaaaaaaaaaa", 1)};
      return reconcile::Decide(observed, settings, base::WallTime{}).delete_pods;
    };
    const auto whole = reconcile::ObserveTask(object);
    ASSERT_TRUE(whole);
    const CachedTask cached = Cached(object);
    ASSERT_TRUE(cached.settled());
    EXPECT_EQ(deleted(cached.Observed()->task), deleted(whole->task));
    EXPECT_THAT(deleted(whole->task), SizeIs(std::string(keep) == "Never" ? 4 : std::string(keep) == "Always" ? 2 : 3));
  }
}

}  // namespace
}  // namespace autotune::controller
