// What the cache keeps of a pod, and when that is little.
#include "operator/controller/cached_pod.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "operator/experiment/pod_builder.h"

namespace autotune::controller {
namespace {

using nlohmann::json;

json EndedPod() {
  return {{"metadata",
           {{"name", "p"},
            {"namespace", "ns"},
            {"uid", "pod-1"},
            {"resourceVersion", "7"},
            {"labels",
             {{experiment::kRoleLabel, "experiment"},
              {experiment::kHashLabel, "0123456789abcdef"},
              {experiment::kAttemptLabel, "2"}}},
            {"managedFields",
             {{{"time", "2026-11-22T12:00:00Z"}, {"fieldsV1", {{"f:spec", json::object()}}}},
              {{"time", "2026-11-22T13:00:00Z"}, {"subresource", "status"}}}},
            {"ownerReferences", {{{"kind", "AutotuneTask"}, {"name", "t"}, {"uid", "u1"}, {"controller", true}}}}}},
          {"spec",
           {{"nodeName", "gpu-1"},
            {"containers", {{{"name", "bench"}, {"env", {{{"name", "A"}, {"value", "b"}}}}}}},
            {"initContainers",
             {{{"name", "engine"}, {"restartPolicy", "Always"}, {"args", {"serve"}}, {"image", "vllm"}}}}}},
          {"status",
           {{"phase", "Succeeded"},
            {"containerStatuses",
             {{{"name", "bench"}, {"state", {{"terminated", {{"exitCode", 0}, {"message", "{\"points\":[]}"}}}}}}}},
            {"initContainerStatuses", {{{"name", "engine"}, {"imageID", "vllm@sha256:1"}}}}}}};
}

TEST(CachedPod, TheTextIsReadAsThePod) {
  const json object = EndedPod();
  const experiment::PodView of_json = experiment::PodViewFromJson(object), of_text = PodViewFromText(object.dump());
  EXPECT_EQ(of_text.node, "gpu-1");
  EXPECT_EQ(of_text.owner_uid, "u1");
  EXPECT_EQ(of_text.phase, "Succeeded");
  EXPECT_EQ(of_text.labels.hash, "0123456789abcdef");
  EXPECT_EQ(of_text.schedulable_since, of_json.schedulable_since);
  EXPECT_NE(of_text.schedulable_since, base::WallTime{});
  EXPECT_EQ(of_text.Container("bench")->terminated->message, "{\"points\":[]}");
  EXPECT_EQ(of_text.Container("engine")->image_id, "vllm@sha256:1");
  EXPECT_TRUE(of_text.Container("engine")->restarts);
}

TEST(CachedPod, OfOneThatHasEndedWhatDecidesAboutItsEndIsKept) {
  const json object = EndedPod();
  const kube::runtime::ObjectMeta meta = kube::runtime::ReadObjectMeta(object);
  const CachedPod ended = CachedPod(experiment::PodViewFromJson(object)).Ended();
  ASSERT_FALSE(ended.whole());
  const experiment::PodView view = ended.View(meta);
  EXPECT_EQ(view.name, "p");
  EXPECT_EQ(view.ns, "ns");
  EXPECT_EQ(view.uid, "pod-1");
  EXPECT_EQ(view.owner_uid, "u1");
  EXPECT_EQ(view.labels.role, "experiment");
  EXPECT_EQ(view.labels.hash, "0123456789abcdef");
  EXPECT_EQ(view.labels.attempt, 2);
  EXPECT_EQ(view.phase, "Succeeded");
  EXPECT_FALSE(view.deleting);
  EXPECT_TRUE(view.containers.empty());
  EXPECT_FALSE(ended.Ended().whole()) << "and stays so";
}

TEST(CachedPod, AllOfItIsKeptWhileSomethingIsLeftToRead) {
  for (const char* patch : {R"({"status": {"phase": "Running"}})", R"({"status": {"phase": "Unknown"}})",
                            R"({"metadata": {"labels": {"autotuner.io/role": "inspect"}}})",
                            R"({"metadata": {"labels": {"autotuner.io/experiment-hash": "0123456789ABCDEF"}}})",
                            R"({"metadata": {"labels": {"autotuner.io/experiment-hash": "123"}}})"}) {
    SCOPED_TRACE(patch);
    json object = EndedPod();
    object["metadata"]["labels"] = {{experiment::kRoleLabel, "experiment"},
                                    {experiment::kHashLabel, "0123456789abcdef"}};
    object.merge_patch(json::parse(patch));
    const CachedPod pod = CachedPod(experiment::PodViewFromJson(object)).Ended();
    EXPECT_TRUE(pod.whole());
    EXPECT_EQ(pod.View({}).name, "p");
  }
}

}  // namespace
}  // namespace autotune::controller
