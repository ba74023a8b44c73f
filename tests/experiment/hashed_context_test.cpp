#include <gtest/gtest.h>

#include "operator/experiment/pod_builder.h"
#include "sample_task.h"

namespace autotune::experiment {
namespace {

std::string Hashed(const std::string& patch) { return HashedContext(SampleTask(patch).spec, 0, 0); }

TEST(HashedContext, IsTheSameForTheSameMeasurement) {
  const std::string plain = Hashed("{}");
  for (
      const char* patch : {
          R"({"description": "x", "parallelism": 4, "suspend": true})",
          R"x({"benchmark": {"scenarios": ["D(512,128)"], "duration": "60s", "seed": 1}})x",  // the defaults, written
                                                                                              // out
          R"({"benchmark": {"duration": "1m"}})",
          R"({"benchmark": {"load": {"auto": {}}, "endpoint": "Completions"}})",
          R"({"model": {"huggingFace": {"tokenSecretRef": {"name": "hf", "key": "t"}, "cacheClaim": "c"}}})",
          R"({"model": {"huggingFace": {"endpoint": "https://huggingface.co"}}})",
          R"({"gpu": {"queueName": "q", "priorityClassName": "p", "schedulerName": "s", "pricePerHour": "2"}})",
          R"({"gpu": {"tolerations": [{"operator": "Exists"}], "nodeSelector": {}}})",
          R"({"optimization": {"maxExperiments": 3, "experimentTimeout": "2h", "startupTimeout": "1h", "retries": 0}})",
          R"({"slo": {"errorRate": "0.01"}, "keepPods": "Always"})",
          R"({"podTemplate": {"labels": {"team": "a"}, "annotations": {"a": "b"}, "serviceAccountName": "s"}})",
      }) {
    EXPECT_EQ(Hashed(patch), plain) << patch;
  }
  EXPECT_EQ(Hashed(R"({"gpu": {"products": ["A", "B"], "minMemory": "70Gi"}})"),
            Hashed(R"({"gpu": {"products": ["B", "A"], "minMemory": "75161927680"}})"));
}

// A bound judges what was measured; nothing is measured again for it.
TEST(HashedContext, StaysTheSameUnderAnotherBoundWhereTheLoadsAreGiven) {
  EXPECT_EQ(Hashed(R"({"quality": {"maxDegradation": "0.01"}})"), Hashed("{}"));
  const std::string plain = Hashed(R"({"benchmark": {"load": {"concurrency": [1, 8]}}})");
  EXPECT_EQ(Hashed(R"({"benchmark": {"load": {"concurrency": [1, 8]}}, "slo": {"ttft": {"p99": "1s"}}})"), plain);
  EXPECT_NE(Hashed(R"({"benchmark": {"load": {"concurrency": [1, 8]}},
                       "slo": {"ttft": {"p99": "1s"}, "attainment": "0.9"}})"),
            plain);
}

TEST(HashedContext, ADatasetIsWhereItComesFromToo) {
  const auto of = [](const char* source) {
    return Hashed(std::string(R"({"benchmark": {"scenarios": null, "dataset": {"format": "JSONL", )") + source + "}}}");
  };
  const std::string plain = of(R"("configMap": {"name": "a", "key": "d.jsonl"})");
  EXPECT_NE(of(R"("configMap": {"name": "b", "key": "d.jsonl"})"), plain);
  EXPECT_NE(of(R"("configMap": {"name": "a", "key": "e.jsonl"})"), plain);
  EXPECT_NE(of(R"("persistentVolumeClaim": {"claimName": "a", "path": "d.jsonl"})"), plain);
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
          R"({"benchmark": {"drain": "10s"}})",
          R"({"benchmark": {"warmup": "9s"}})",
          R"({"benchmark": {"requestTimeout": "9s"}})",
          R"({"benchmark": {"endpoint": "Chat"}})",
          R"({"benchmark": {"prefix": {"tokens": 64}}})",
          R"({"benchmark": {"turns": {"mean": "3"}}})",
          R"({"benchmark": {"load": {"auto": {"max": 64}}}})",
          R"({"benchmark": {"load": {"requestRate": ["2"]}}})",
          R"({"benchmark": {"arrival": {"process": "Constant"}}})",
          R"({"benchmark": {"dataset": {"format": "JSONL", "configMap": {"name": "a", "key": "b"}}}})",
          R"({"slo": {"ttft": {"p99": "1s"}}})",
          R"({"benchmark": {"seed": 2}})",
          R"({"quality": {"measure": "Off"}})",
          R"({"quality": {"dataset": {"configMap": {"name": "q", "key": "exam.jsonl"}}}})",
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
  const api::TaskSpec task =
      SampleTask(R"x({"benchmark": {"scenarios": ["D(2048,256)", "D(512,128)"], "duration": "30s",
      "load": {"concurrency": [1, 32]}, "drain": "20s", "warmup": "5s", "seed": 9}, "slo": {"ttft": {"p99": "1s"}}, "optimization": {"experimentTimeout": "10m"}})x")
          .spec;
  const auto spec = BenchSpecOf(task);
  ASSERT_TRUE(spec.ok()) << spec.error().message;
  EXPECT_EQ(spec->scenarios.at(0).ToString(), "D(2048,256)");
  EXPECT_EQ(spec->load.mode, measurement::LoadMode::kFixedConcurrency);
  EXPECT_EQ(spec->load.fixed, (std::vector<double>{1, 32}));
  EXPECT_EQ(spec->duration, std::chrono::seconds(30));
  EXPECT_EQ(spec->drain, std::chrono::seconds(20));
  EXPECT_EQ(spec->warmup, std::chrono::seconds(5));
  EXPECT_EQ(spec->slo.bounds,
            (std::vector<measurement::Bound>{{measurement::Metric::kTtft, measurement::Statistic::kP99, 1000}}));
  EXPECT_EQ(spec->seed, 9);
  EXPECT_EQ(spec->experiment_timeout, std::chrono::minutes(10));
  // What the pod is given, bench must be able to read.
  const auto read = bench::BenchSpecFromJson(bench::ToJson(*spec));
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(*read, *spec);
}

}  // namespace
}  // namespace autotune::experiment
