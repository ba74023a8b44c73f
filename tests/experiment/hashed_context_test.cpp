#include <gtest/gtest.h>

#include "operator/experiment/pod_builder.h"
#include "sample_task.h"

namespace autotune::experiment {
namespace {

std::string Hashed(const std::string& patch) { return HashedContext(SampleTask(patch).spec); }

TEST(HashedContext, IsTheSameForTheSameMeasurement) {
  const std::string plain = Hashed("{}");
  for (
      const char* patch : {
          R"({"description": "x", "parallelism": 4, "suspend": true})",
          R"x({"benchmark": {"scenarios": ["D(512,128)"], "duration": "60s", "seed": 1}})x",  // the defaults, written
                                                                                              // out
          R"({"benchmark": {"duration": "1m"}})",
          R"({"benchmark": {"load": {"concurrency": [1, 8, 32]}}})",
          R"({"model": {"huggingFace": {"tokenSecretRef": {"name": "hf", "key": "t"}, "cacheClaim": "c"}}})",
          R"({"model": {"huggingFace": {"endpoint": "https://huggingface.co"}}})",
          R"({"gpu": {"queueName": "q", "priorityClassName": "p", "schedulerName": "s", "pricePerHour": "2"}})",
          R"({"gpu": {"tolerations": [{"operator": "Exists"}], "nodeSelector": {}}})",
          R"({"optimization": {"maxExperiments": 3, "experimentTimeout": "2h", "startupTimeout": "1h", "retries": 0}})",
          R"({"slo": {"ttft": {"p99": "500ms"}}, "keepPods": "Always"})",
          R"({"podTemplate": {"labels": {"team": "a"}, "annotations": {"a": "b"}, "serviceAccountName": "s"}})",
      }) {
    EXPECT_EQ(Hashed(patch), plain) << patch;
  }
  EXPECT_EQ(Hashed(R"({"gpu": {"products": ["A", "B"], "minMemory": "70Gi"}})"),
            Hashed(R"({"gpu": {"products": ["B", "A"], "minMemory": "75161927680"}})"));
}

// A bound judges what was measured; nothing is measured again for it.
TEST(HashedContext, StaysTheSameUnderAnotherBound) {
  EXPECT_EQ(Hashed(R"({"quality": {"maxDegradation": "0.01"}})"), Hashed("{}"));
  EXPECT_EQ(Hashed(R"({"slo": {"ttft": {"p99": "1s"}}})"), Hashed("{}"));
}

TEST(HashedContext, ChangesWithEverythingThatInfluencesAResult) {
  const std::string plain = Hashed("{}");
  for (
      const char* patch : {
          R"({"model": {"idOrPath": "meta-llama/Llama-3.2-1B"}})",
          R"({"model": {"revision": "v2"}})",
          R"({"model": {"huggingFace": {"endpoint": "https://mirror.example"}}})",
          R"({"gpu": {"resourceName": "nvidia.com/gpu.shared"}})",
          R"({"gpu": {"products": ["NVIDIA-L4"]}})",
          R"({"gpu": {"minMemory": "70Gi"}})",
          R"({"gpu": {"minComputeCapability": "9.0"}})",
          R"({"gpu": {"nodeSelector": {"pool": "a"}}})",
          R"({"gpu": {"runtimeClassName": "kata"}})",
          R"x({"benchmark": {"scenarios": ["D(512,129)"]}})x",
          R"({"benchmark": {"load": {"concurrency": [1, 8]}}})",
          R"({"benchmark": {"duration": "61s"}})",
          R"({"benchmark": {"seed": 2}})",
          R"({"quality": {"measure": "Off"}})",
          R"({"benchmark": {"image": "mirror/autotune:2"}})",
          R"({"benchmark": {"resources": {"limits": {"cpu": "1"}}}})",
          R"({"podTemplate": {"securityContext": {"runAsUser": 1000}}})",
          R"({"podTemplate": {"volumes": [{"name": "a", "emptyDir": {}}], "volumeMounts": [{"name": "a", "mountPath": "/a"}]}})",
      }) {
    EXPECT_NE(Hashed(patch), plain) << patch;
  }
  EXPECT_NE(Hashed(R"({"model": {"idOrPath": "/m", "volume": {"persistentVolumeClaim": {"claimName": "a"}}}})"),
            Hashed(R"({"model": {"idOrPath": "/m", "volume": {"persistentVolumeClaim": {"claimName": "b"}}}})"));
  EXPECT_EQ(
      Hashed(R"({"model": {"idOrPath": "/m", "volume": {"image": {"reference": "a"}}}})"),
      Hashed(R"({"model": {"idOrPath": "/m", "volume": {"image": {"reference": "a", "pullPolicy": "Always"}}}})"));
}

TEST(BenchSpec, IsTheTasksBenchmarkInItsOwnOrder) {
  api::TaskSpec task = SampleTask(R"x({"benchmark": {"scenarios": ["D(2048,256)", "D(512,128)"], "duration": "30s",
      "maxRequests": 50, "warmupRequests": 2, "seed": 9}, "optimization": {"experimentTimeout": "10m"}})x")
                           .spec;
  task.benchmark.concurrency = {32, 1};
  const auto spec = BenchSpecOf(task);
  ASSERT_TRUE(spec.ok()) << spec.error().message;
  EXPECT_EQ(spec->scenarios.at(0).ToString(), "D(2048,256)");
  EXPECT_EQ(spec->load.mode, measurement::LoadMode::kFixedConcurrency);
  EXPECT_EQ(spec->load.fixed, (std::vector<double>{1, 32})) << "ascending: that is what bench takes";
  EXPECT_EQ(spec->duration, std::chrono::seconds(30));
  EXPECT_EQ(spec->seed, 9);
  EXPECT_EQ(spec->experiment_timeout, std::chrono::minutes(10));
  // What the pod is given, bench must be able to read.
  const auto read = bench::BenchSpecFromJson(bench::ToJson(*spec));
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(*read, *spec);
}

}  // namespace
}  // namespace autotune::experiment
