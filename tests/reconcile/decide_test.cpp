#include "operator/reconcile/decide.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "operator/reconcile/answer.h"
#include "tests/reconcile/fake_cluster.h"
#include "text/yaml_json.h"

namespace autotune::reconcile {
namespace {

using nlohmann::json;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

bool UsesFp8KvCache(const json& pod) {
  const auto argv = EngineArgv(pod);
  return std::find(argv.begin(), argv.end(), "--kv-cache-dtype") != argv.end();
}

void MeasureWell(FakeCluster& cluster, json& pod) {
  cluster.Finish(pod, UsesFp8KvCache(pod) ? ResultMessage(1500, 5) : ResultMessage(1000, 7), 0);
}

const api::Condition& Ready(const api::AutotuneTask& task) {
  static const api::Condition none;
  const api::Condition* ready = api::FindCondition(task.status.conditions, "Ready");
  return ready == nullptr ? none : *ready;
}

TEST(Decide, TakesATaskFromApplyToTheBestConfiguration) {
  FakeCluster cluster(SmallTask());
  cluster.RunToEnd(MeasureWell);
  const api::AutotuneTask task = cluster.Task();
  EXPECT_EQ(task.status.state, "Complete");
  EXPECT_EQ(task.status.progress, "2/2");
  ASSERT_TRUE(task.status.best.has_value());
  EXPECT_EQ(task.status.best->runtime, "vllm");
  EXPECT_EQ(task.status.best->quant_name, "kv-cache-fp8");
  EXPECT_EQ(task.status.best->score, "1500");
  EXPECT_EQ(task.status.best->improvement_over_baseline, "+50.0%");
  EXPECT_EQ(Ready(task).status, "True");
  EXPECT_EQ(Ready(task).reason, "Succeeded");
  EXPECT_EQ(task.status.observed_generation, 1);
  EXPECT_TRUE(task.status.experiments[0].simulated);
  EXPECT_EQ(api::FindCondition(task.status.conditions, "Reconciling"), nullptr);
  ASSERT_NE(api::FindCondition(task.status.conditions, "Feasible"), nullptr);
  EXPECT_EQ(api::FindCondition(task.status.conditions, "Feasible")->status, "True");
  EXPECT_TRUE(cluster.pods.empty()) << "succeeded pods are deleted";
  ASSERT_TRUE(cluster.config_maps.contains("llama-best"));
  const auto documents =
      text::ParseYaml(cluster.config_maps["llama-best"]["data"]["deployment.yaml"], "deployment.yaml");
  ASSERT_TRUE(documents.ok());
  const json deployment = documents->front();
  EXPECT_THAT(deployment["spec"]["template"]["spec"]["containers"][0]["command"].get<std::vector<std::string>>(),
              Contains("--kv-cache-dtype"));
}

TEST(Decide, RunsTheBaselineFirst) {
  json task = SmallTask();
  task["spec"]["quantConfig"]["presets"] = {"dynamic-fp8", "kv-cache-fp8"};
  FakeCluster cluster(task);
  cluster.RunToEnd(MeasureWell);
  ASSERT_EQ(cluster.created_pods.size(), 3U);
  EXPECT_FALSE(UsesFp8KvCache(cluster.created_pods[0]));
}

json NvidiaNode(const std::string& name, const std::string& product, const std::string& gpus, const std::string& major,
                const std::string& minor) {
  return json{{"metadata",
               {{"name", name},
                {"labels",
                 {{"nvidia.com/gpu.product", product},
                  {"nvidia.com/gpu.compute.major", major},
                  {"nvidia.com/gpu.compute.minor", minor}}}}},
              {"status", {{"allocatable", {{"nvidia.com/gpu", gpus}}}}}};
}

// Configurations are compared on the same GPUs: every pod of a task has the same affinity, which all of them can run
// under.
TEST(Decide, AMixedClusterGetsOneAffinityForTheWholeTask) {
  json task = SmallTask();
  task["spec"]["quantConfig"]["presets"] = {"default", "bf16-stable", "dynamic-fp8"};
  FakeCluster cluster(task);
  cluster.nodes = {NvidiaNode("old", "Tesla-T4", "64", "7", "5"),
                   NvidiaNode("new", "NVIDIA-H100-80GB-HBM3", "8", "9", "0")};
  cluster.RunToEnd(MeasureWell);
  EXPECT_EQ(cluster.Task().status.gpus.front().product, "NVIDIA-H100-80GB-HBM3");
  EXPECT_EQ(cluster.Task().status.candidates.pruned, 0);
  ASSERT_EQ(cluster.created_pods.size(), 3U);
  for (const json& pod : cluster.created_pods) {
    EXPECT_EQ(pod["spec"]["affinity"], cluster.created_pods[0]["spec"]["affinity"]);
    EXPECT_THAT(pod["spec"]["affinity"].dump(), HasSubstr("NVIDIA-H100-80GB-HBM3"));
    EXPECT_THAT(pod["spec"]["affinity"].dump(), ::testing::Not(HasSubstr("T4")));
  }
}

// What was measured on one product cannot be compared with another's, whichever nodes are there today.
TEST(Decide, TheGpuProductStaysWhateverNodesComeAndGo) {
  json task = SmallTask();
  task["spec"]["quantConfig"]["presets"] = {"default", "kv-cache-fp8", "dynamic-fp8"};
  FakeCluster cluster(task);
  const json h100 = NvidiaNode("a", "NVIDIA-H100-80GB-HBM3", "8", "9", "0");
  const json h200 = NvidiaNode("b", "NVIDIA-H200", "8", "9", "0");
  cluster.nodes = {h100, h200};
  cluster.RunUntilQuiet([](FakeCluster& self, json& pod) {
    self.created.size() < 3 ? MeasureWell(self, pod) : self.SetPhaseRunning(pod);
  });
  ASSERT_EQ(cluster.Task().status.gpus.front().product, "NVIDIA-H100-80GB-HBM3");
  ASSERT_EQ(cluster.Task().status.progress, "2/3");

  // More of the other, and an edit that asks for nothing else.
  cluster.nodes.push_back(NvidiaNode("c", "NVIDIA-H200", "8", "9", "0"));
  cluster.EditSpec([](json& spec) { spec["description"] = "an H200 more"; });
  ASSERT_TRUE(cluster.Reconcile().ok());
  EXPECT_EQ(cluster.Task().status.progress, "2/3");
  // The only node of the product is cordoned while an upgrade brings other rules.
  cluster.nodes[0]["spec"]["unschedulable"] = true;
  cluster.task["status"]["rulesVersion"] = "2020-01-01+older";
  cluster.EditSpec([](json& spec) { spec["quantConfig"]["custom"] = {{{"name", "mine"}, {"gemmDtype", "fp8"}}}; });
  ASSERT_TRUE(cluster.Reconcile().ok());
  EXPECT_EQ(cluster.Task().status.progress, "2/4");
  cluster.RunToEnd(MeasureWell);
  EXPECT_EQ(cluster.Task().status.gpus.front().product, "NVIDIA-H100-80GB-HBM3");
  EXPECT_EQ(cluster.Task().status.state, "Complete");
  EXPECT_EQ(cluster.created.size(), 4U);
}

TEST(Decide, GpusThatTheSpecNoLongerAllowsAreGivenUpWithWhatRunsOnThem) {
  const std::vector<std::function<void(json & spec)>> edits = {
      [](json& spec) { spec["gpu"]["products"] = {"NVIDIA-H200"}; },
      [](json& spec) { spec["gpu"]["minMemory"] = "100Gi"; },
      [](json& spec) {
        spec["gpu"]["nodeSelector"] = {{"pool", "new"}};
      }};
  for (std::size_t i = 0; i < edits.size(); ++i) {
    SCOPED_TRACE(i);
    FakeCluster cluster(SmallTask());
    json h100 = NvidiaNode("a", "NVIDIA-H100-80GB-HBM3", "16", "9", "0");
    json h200 = NvidiaNode("b", "NVIDIA-H200", "8", "9", "0");
    h200["metadata"]["labels"]["pool"] = "new";
    cluster.nodes = {h100, h200};
    cluster.RunUntilQuiet([](FakeCluster& self, json& pod) { self.SetPhaseRunning(pod); });
    ASSERT_EQ(cluster.Task().status.gpus.front().product, "NVIDIA-H100-80GB-HBM3");
    ASSERT_EQ(cluster.pods.size(), 1U);
    const std::string before = cluster.pods.begin()->first;
    cluster.EditSpec(edits[i]);
    cluster.RunToEnd(MeasureWell);
    const api::TaskStatus status = cluster.Task().status;
    EXPECT_EQ(status.gpus.front().product, "NVIDIA-H200");
    EXPECT_EQ(status.state, "Complete");
    EXPECT_FALSE(cluster.pods.contains(before));
    ASSERT_EQ(cluster.created_pods.size(), 3U);
    for (const std::size_t pod : {1U, 2U}) {
      EXPECT_THAT(cluster.created_pods[pod]["spec"]["affinity"].dump(), HasSubstr("NVIDIA-H200"));
    }
  }
}

TEST(Decide, APodOnGpusThatWereGivenUpIsNotTakenForTheExperimentThatIsAskedForAgain) {
  FakeCluster cluster(SmallTask());
  cluster.nodes = {NvidiaNode("a", "NVIDIA-H100-80GB-HBM3", "16", "9", "0"),
                   NvidiaNode("b", "NVIDIA-H200", "8", "9", "0")};
  cluster.RunUntilQuiet([](FakeCluster& self, json& pod) { self.SetPhaseRunning(pod); });
  ASSERT_EQ(cluster.Task().status.gpus.front().product, "NVIDIA-H100-80GB-HBM3");
  cluster.EditSpec([](json& spec) { spec["gpu"]["products"] = {"NVIDIA-H200"}; });
  cluster.crash = [](const std::string& what) { return what == "delete"; };
  EXPECT_FALSE(cluster.Reconcile().ok());
  cluster.crash = nullptr;
  cluster.EditSpec([](json& spec) { spec["gpu"].erase("products"); });
  cluster.Restart();
  ASSERT_EQ(cluster.pods.size(), 1U) << "it runs on";
  cluster.RunToEnd(MeasureWell);
  EXPECT_EQ(cluster.Task().status.gpus.front().product, "NVIDIA-H200");
  EXPECT_EQ(cluster.Task().status.state, "Complete");
  ASSERT_EQ(cluster.created_pods.size(), 3U);
  for (const std::size_t pod : {1U, 2U}) {
    EXPECT_THAT(cluster.created_pods[pod]["spec"]["affinity"].dump(), HasSubstr("NVIDIA-H200"));
  }
}

TEST(Decide, AnAmdTaskIsBoundToOneAmdProductByAmdsLabels) {
  json task = SmallTask();
  task["spec"]["gpu"] = {{"resourceName", "amd.com/gpu"}};
  task["spec"]["runtimes"][0].erase("image");
  task["spec"]["quantConfig"]["presets"] = {"default", "dynamic-fp8"};  // on NVIDIA GPUs they need a capability
  FakeCluster cluster(task);
  const auto node = [](const std::string& resource, const std::string& label, const std::string& product) {
    return json{{"metadata", {{"name", product}, {"labels", {{label, product}}}}},
                {"status", {{"allocatable", {{resource, "8"}}}}}};
  };
  cluster.nodes = {node("nvidia.com/gpu", "nvidia.com/gpu.product", "NVIDIA-L4"),
                   node("amd.com/gpu", "amd.com/gpu.product-name", "AMD_Instinct_MI300X_OAM")};
  cluster.RunToEnd(MeasureWell);
  EXPECT_EQ(cluster.Task().status.state, "Complete");
  EXPECT_EQ(cluster.Task().status.gpus.front().product, "AMD_Instinct_MI300X_OAM");
  EXPECT_EQ(cluster.Task().status.gpus.front().compute_capability, "");
  EXPECT_EQ(cluster.Task().status.gpus.front().memory_bytes, std::int64_t{192} << 30);
  ASSERT_EQ(cluster.created_pods.size(), 2U);
  for (const json& pod : cluster.created_pods) {
    const std::string text = pod.dump();
    EXPECT_THAT(
        text, HasSubstr(R"({"key":"amd.com/gpu.product-name","operator":"In","values":["AMD_Instinct_MI300X_OAM"]})"));
    EXPECT_THAT(text, HasSubstr("vllm/vllm-openai-rocm:"));
    EXPECT_THAT(text, Not(HasSubstr("nvidia")));
  }
}

TEST(Decide, WarnsOfSharedGpus) {
  json task = SmallTask();
  FakeCluster cluster(task);
  cluster.nodes = {json{{"metadata", {{"name", "a"}, {"labels", {{"nvidia.com/gpu.product", "NVIDIA-L40S-SHARED"}}}}},
                        {"status", {{"allocatable", {{"nvidia.com/gpu", "4"}}}}}}};
  cluster.RunToEnd(MeasureWell);
  std::map<std::string, std::string> warnings;
  for (const quant::Warning& warning : cluster.Task().status.warnings) warnings[warning.reason] = warning.message;
  EXPECT_THAT(warnings["GpuIsShared"], HasSubstr("NVIDIA-L40S-SHARED is a share of a card that other pods use"));
}

TEST(Decide, SaysThatTheMemoryOfTheGpusIsNotKnown) {
  // A labeller writes no nvidia.com/gpu.memory where the driver does not report it.
  for (const auto& [product, says, memory] :
       {std::tuple("NVIDIA-GB10", "only what exceeds 137.4 GB is pruned", std::int64_t{128} << 30),
        std::tuple("NVIDIA-Future", "whether the model and its KV cache fit is not checked", std::int64_t{0})}) {
    FakeCluster cluster(SmallTask());
    cluster.nodes = {json{{"metadata", {{"name", "a"}, {"labels", {{"nvidia.com/gpu.product", product}}}}},
                          {"status", {{"allocatable", {{"nvidia.com/gpu", "1"}}}}}}};
    cluster.RunToEnd(MeasureWell);
    std::map<std::string, std::string> warnings;
    for (const quant::Warning& warning : cluster.Task().status.warnings) warnings[warning.reason] = warning.message;
    EXPECT_THAT(warnings["GpuMemoryNotKnown"], HasSubstr(product));
    EXPECT_THAT(warnings["GpuMemoryNotKnown"], HasSubstr(says));
    EXPECT_EQ(cluster.Task().status.gpus.front().memory_bytes, memory);
  }
}

TEST(Decide, SaysThatNothingIsKnownOfTheAmdGpus) {
  json task = SmallTask();
  task["spec"]["gpu"] = {{"resourceName", "amd.com/gpu"}};
  FakeCluster cluster(task);
  cluster.RunToEnd(MeasureWell);
  std::map<std::string, std::string> warnings;
  for (const quant::Warning& warning : cluster.Task().status.warnings) warnings[warning.reason] = warning.message;
  EXPECT_THAT(warnings["GpuLabelsMissing"], HasSubstr("amd.com/gpu.product-name"));
  EXPECT_THAT(warnings["ImageIsForNvidia"], HasSubstr("spec.runtimes[0].image"));
}

TEST(Decide, AComputeCapabilityStallsAnAmdTask) {
  json task = SmallTask();
  task["spec"]["gpu"] = {{"resourceName", "amd.com/gpu"}, {"minComputeCapability", "9.0"}};
  FakeCluster cluster(task);
  cluster.RunToEnd(MeasureWell);
  EXPECT_TRUE(cluster.created_pods.empty());
  const api::AutotuneTask done = cluster.Task();
  const api::Condition* stalled = api::FindCondition(done.status.conditions, "Stalled");
  ASSERT_NE(stalled, nullptr);
  EXPECT_EQ(stalled->reason, "InvalidSpec");
  EXPECT_THAT(stalled->message, HasSubstr("spec.gpu.minComputeCapability: exists only for NVIDIA GPUs"));
}

// Every kind of restriction; tests/experiment/pod_policy_test.cpp has each of its fields.
struct Forbidden {
  const char* at;  // JSON pointer in the spec
  json value;
  const char* message;
};

std::vector<Forbidden> ForbiddenByDefault() {
  return {{"/model/volume", {{"hostPath", {{"path", "/"}}}}, "spec.model.volume.hostPath: "},
          {"/podTemplate/volumes",
           {{{"name", "root"}, {"hostPath", {{"path", "/"}}}}},
           "spec.podTemplate.volumes[0].hostPath: "},
          {"/podTemplate/volumes",
           {{{"name", "share"}, {"nfs", {{"server", "s"}, {"path", "/"}}}}},
           "spec.podTemplate.volumes[0].nfs: "},
          {"/podTemplate/serviceAccountName", "cluster-admin", "spec.podTemplate.serviceAccountName: "},
          {"/podTemplate/securityContext",
           {{"sysctls", {{{"name", "kernel.msgmax"}, {"value", "1"}}}}},
           "spec.podTemplate.securityContext.sysctls[0].name: "},
          {"/podTemplate/annotations",
           {{"container.apparmor.security.beta.kubernetes.io/inspect", "unconfined"}},
           "spec.podTemplate.annotations["},
          {"/runtimes/0/securityContext", {{"privileged", true}}, "spec.runtimes[0].securityContext.privileged: "}};
}

TEST(Decide, ATaskThatRequestsMoreThanTheOperatorAllowsEndsBeforeAnyPod) {
  for (const Forbidden& forbidden : ForbiddenByDefault()) {
    for (const bool inspects : {false, true}) {
      for (const bool datasets : {false, true}) {
        SCOPED_TRACE(std::string(forbidden.message) + (inspects ? " inspects" : "") + (datasets ? " datasets" : ""));
        json task = SmallTask();
        if (inspects) task["spec"]["model"].erase("facts");
        if (datasets) task["spec"]["quality"]["dataset"] = {{"configMap", {{"name", "d"}, {"key", "d.jsonl"}}}};
        task["spec"][json::json_pointer(forbidden.at)] = forbidden.value;
        if (task["spec"]["model"].contains("volume")) task["spec"]["model"]["idOrPath"] = "/llama";
        FakeCluster cluster(task);
        cluster.RunToEnd(MeasureWell);
        EXPECT_TRUE(cluster.created_pods.empty());
        EXPECT_EQ(cluster.Task().status.state, "Failed");
        EXPECT_EQ(Ready(cluster.Task()).reason, "InvalidSpec");
        EXPECT_THAT(Ready(cluster.Task()).message, testing::StartsWith(forbidden.message));
      }
    }
  }
}

TEST(Decide, AnOperatorThatAllowsLessThanBeforeEndsARunningTaskAndDeletesItsPods) {
  json task = SmallTask();
  task["spec"]["podTemplate"]["serviceAccountName"] = "reader";
  FakeCluster cluster(task);
  cluster.settings.environment.policy.service_accounts = {"reader"};
  ASSERT_TRUE(cluster.Reconcile().ok());
  ASSERT_EQ(cluster.pods.size(), 1U);
  cluster.settings.environment.policy = {};
  cluster.Restart();
  cluster.RunToEnd(MeasureWell);
  EXPECT_EQ(Ready(cluster.Task()).reason, "InvalidSpec");
  EXPECT_TRUE(cluster.pods.empty());
  EXPECT_EQ(cluster.created.size(), 1U);
}

// Nodes come with the first pods: what the strictest configuration needs is asked for by all.
TEST(Decide, RaisesTheCapabilityThatTheUserAskedForToWhatTheTaskNeeds) {
  json task = SmallTask();
  task["spec"]["quantConfig"]["presets"] = {"default", "bf16-stable"};
  task["spec"]["gpu"] = {{"minComputeCapability", "7.0"}};
  FakeCluster cluster(task);
  cluster.RunToEnd(MeasureWell);
  ASSERT_EQ(cluster.created_pods.size(), 2U);
  for (const json& pod : cluster.created_pods) {
    const json& terms =
        pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"];
    EXPECT_THAT(terms.dump(), HasSubstr(R"({"key":"nvidia.com/gpu.compute.major","operator":"Gt","values":["7"]})"));
  }
}

// A release that the rules do not know is judged by the newest, and the task says so for as long as it exists.
TEST(Decide, SaysInTheStatusThatTheEnginesReleaseIsNotKnown) {
  for (const auto& [image, words] : {std::pair("vllm/vllm-openai:nightly", "is not known"),
                                     std::pair("vllm/vllm-openai:v9.9.9", "is newer than the compatibility table")}) {
    json task = SmallTask();
    task["spec"]["runtimes"][0]["image"] = image;
    FakeCluster cluster(task);
    cluster.RunToEnd(MeasureWell);
    const api::AutotuneTask done = cluster.Task();
    EXPECT_EQ(done.status.state, "Complete");
    const auto warning = std::find_if(done.status.warnings.begin(), done.status.warnings.end(),
                                      [](const auto& one) { return one.reason == "UnknownEngineVersion"; });
    ASSERT_NE(warning, done.status.warnings.end()) << image;
    EXPECT_EQ(warning->field, "runtimes.vllm");
    EXPECT_THAT(warning->message, HasSubstr(words));
  }
}

// The bench's spec of an experiment's pod.
json BenchSpecOf(const json& pod) { return json::parse(pod["spec"]["containers"][0]["args"][6].get<std::string>()); }

// A bench that has found its limit, and measured at `reference` requests/s.
std::string LatencyResult(double limit, double reference, double tpot_ms, const char* stopped = "Found") {
  bench::RunResult result;
  measurement::Point point;
  point.scenario = "D(512,128)";
  point.load = measurement::Concurrency(static_cast<int>(limit * 10));
  point.requests = 500;
  point.requests_per_second = limit;
  point.output_tokens_per_second = limit * 128;
  for (const auto metric : measurement::kMetrics) point.Get(metric) = {tpot_ms, tpot_ms, tpot_ms, tpot_ms, tpot_ms};
  point.verdict = measurement::Verdict::kMet;
  result.points = {point, point};
  result.points[1].load = measurement::RequestRate(reference);
  result.points[1].requests_per_second = reference;
  result.points[1].mean_concurrency = reference * 2;
  result.points[1].role = measurement::PointRole::kReference;
  result.outcomes = {{*measurement::StopReasonFromName(stopped), 0}};
  return bench::Encode(result);
}

TEST(Decide, LatencyObjectivesCompareAtOneRecordedLoad) {
  for (const char* strategy : {"Grid", "Adaptive"}) {
    json task = SmallTask();
    task["spec"]["quantConfig"]["presets"] = {"default", "kv-cache-fp8", "dynamic-fp8"};
    task["spec"]["benchmark"].erase("load");
    task["spec"]["optimization"] = {{"strategy", strategy}, {"objective", "MinimizeTPOT"}};
    task["spec"]["slo"] = {{"ttft", {{"p99", "500ms"}}}};
    task["spec"]["parallelism"] = 3;
    FakeCluster cluster(task);
    std::vector<json> specs;
    cluster.RunToEnd([&](FakeCluster& at, json& pod) {
      if (specs.empty()) {
        EXPECT_EQ(at.pods.size(), 1U) << "the others wait for the reference load";
      }
      specs.push_back(BenchSpecOf(pod));
      // What a limit is, and how fast it is there, says nothing of the reference.
      at.Finish(pod, UsesFp8KvCache(pod) ? LatencyResult(4, 7, 9) : LatencyResult(10, 7, 12), 0);
    });
    ASSERT_GE(specs.size(), 2U) << strategy;
    EXPECT_DOUBLE_EQ(specs[0]["load"]["referenceShare"].get<double>(), 0.7);
    EXPECT_FALSE(specs[0].contains("reference"));
    EXPECT_EQ(specs[0]["worth"], "Tpot");
    for (std::size_t i = 1; i < specs.size(); ++i) EXPECT_EQ(specs[i]["reference"], json({7.0}));
    const api::AutotuneTask done = cluster.Task();
    ASSERT_EQ(done.status.reference_loads.size(), 1U);
    EXPECT_DOUBLE_EQ(done.status.reference_loads[0].request_rate, 7);
    EXPECT_EQ(done.status.reference_loads[0].scenario, "D(512,128)");
    ASSERT_TRUE(done.status.best);
    EXPECT_EQ(done.status.best->score, "-9");
    EXPECT_EQ(done.status.best->improvement_over_baseline, "+25.0%");
    EXPECT_EQ(done.status.best->request_rate, "7");
    if (strategy == std::string("Adaptive")) {
      EXPECT_EQ(specs[1]["scoreToBeat"], json({-12.0}));
    }
  }
}

TEST(Decide, NeverRunsMorePodsThanParallelismAllows) {
  json task = SmallTask();
  task["spec"]["parameters"] = {{"max-num-seqs", {16, 32, 64, 128}}};
  task["spec"]["parallelism"] = 3;
  FakeCluster cluster(task);
  std::size_t most = 0;
  int age = 0;
  cluster.RunToEnd([&](FakeCluster& self, json& pod) {
    std::size_t holding = 0;
    for (const auto& [name, other] : self.pods) {
      const auto& phase = other["status"]["phase"];
      holding += phase != "Succeeded" && phase != "Failed" ? 1 : 0;
    }
    most = std::max(most, holding);
    if (++age % 2 == 0) {
      MeasureWell(self, pod);
    } else {
      self.SetPhaseRunning(pod);
    }
  });
  EXPECT_EQ(most, 3U);
  EXPECT_EQ(cluster.Task().status.experiments.size(), 9U);  // with the baseline
}

TEST(Decide, SteadyStateWritesNothing) {
  FakeCluster cluster(SmallTask());
  cluster.RunToEnd(MeasureWell);
  const int writes = cluster.status_writes;
  const json before = cluster.task;
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(cluster.Reconcile().ok());
  EXPECT_EQ(cluster.status_writes, writes);
  EXPECT_EQ(cluster.task, before);
}

// Create, delete and three status patches: that it starts, that it measures, its result with what comes next. A task
// costs one at its beginning and one once its recommendation is written.
TEST(Decide, AnExperimentCostsThreeStatusWrites) {
  json task = SmallTask();
  task["spec"]["quantConfig"]["presets"] = {"default", "kv-cache-fp8", "dynamic-fp8"};
  FakeCluster cluster(task);
  std::map<std::string, int> steps;
  cluster.RunToEnd([&](FakeCluster& self, json& pod) {
    const std::string now = base::FormatRfc3339(self.clock.Wall());
    const json scheduled = {{{"type", "PodScheduled"}, {"status", "True"}, {"lastTransitionTime", now}}};
    const auto waiting = [](const char* name, const char* reason) {
      return json{
          {"name", name}, {"ready", false}, {"restartCount", 0}, {"state", {{"waiting", {{"reason", reason}}}}}};
    };
    switch (++steps[pod["metadata"]["name"]]) {
      case 1:  // nobody has looked at it yet
        pod["status"] = {{"phase", "Pending"}, {"qosClass", "Burstable"}};
        break;
      case 2:
        pod["spec"]["nodeName"] = "node-1";
        pod["status"] = {{"phase", "Pending"}, {"conditions", scheduled}};
        break;
      case 3:
        pod["status"]["startTime"] = now;
        pod["status"]["initContainerStatuses"] = {waiting("install", "PodInitializing"),
                                                  waiting("engine", "PodInitializing")};
        pod["status"]["containerStatuses"] = {waiting("bench", "PodInitializing")};
        break;
      case 4:  // the engine loads
        self.SetPhaseRunning(pod);
        pod["status"]["phase"] = "Pending";
        pod["status"]["initContainerStatuses"][1]["ready"] = false;
        pod["status"]["initContainerStatuses"][1]["started"] = false;
        pod["status"]["containerStatuses"] = {waiting("bench", "PodInitializing")};
        break;
      case 5:
        self.SetPhaseRunning(pod);
        break;
      case 6:  // bench is done, the engine is being stopped
        // Equal latencies at the API's precision: judged with more digits, the front would change once they are read
        // back, and be written again.
        self.Finish(pod, UsesFp8KvCache(pod) ? ResultMessage(1500, 5.0002) : ResultMessage(1000, 5.0001), 0);
        pod["status"]["phase"] = "Running";
        break;
      default:
        pod["status"]["phase"] = "Succeeded";
    }
  });
  EXPECT_EQ(cluster.Task().status.state, "Complete");
  EXPECT_EQ(cluster.created.size(), 3U);
  EXPECT_EQ(cluster.status_writes, 2 + 3 * 3);
}

TEST(Decide, AnUpgradedOperatorStartsNothingOnAFinishedTask) {
  FakeCluster cluster(SmallTask());
  cluster.RunToEnd(MeasureWell);
  cluster.task["status"]["rulesVersion"] = "2020-01-01+older";
  const std::size_t created = cluster.created.size();
  cluster.RunToEnd(MeasureWell);
  EXPECT_EQ(cluster.created.size(), created);
  EXPECT_EQ(cluster.Task().status.rules_version, "2020-01-01+older");
}

TEST(Decide, AnEditKeepsFinishedExperimentsAndRunsOnlyNewOnes) {
  FakeCluster cluster(SmallTask());
  cluster.RunToEnd(MeasureWell);
  cluster.EditSpec([](json& spec) { spec["quantConfig"]["presets"] = {"default", "kv-cache-fp8", "dynamic-fp8"}; });
  cluster.RunToEnd(MeasureWell);
  EXPECT_EQ(cluster.created.size(), 3U);
  const api::AutotuneTask task = cluster.Task();
  EXPECT_EQ(task.status.experiments.size(), 3U);
  EXPECT_EQ(task.status.state, "Complete");
  EXPECT_EQ(task.status.observed_generation, 2);
}

TEST(Decide, AnEditDropsWhatIsNotAskedForAnyMoreAndItsPod) {
  FakeCluster cluster(SmallTask());
  cluster.RunUntilQuiet([](FakeCluster& self, json& pod) {
    if (!UsesFp8KvCache(pod))
      MeasureWell(self, pod);
    else
      self.SetPhaseRunning(pod);
  });
  ASSERT_EQ(cluster.pods.size(), 1U);
  cluster.EditSpec([](json& spec) { spec["quantConfig"]["presets"] = {"default"}; });
  cluster.RunToEnd(MeasureWell);
  EXPECT_TRUE(cluster.pods.empty());
  EXPECT_EQ(cluster.Task().status.experiments.size(), 1U);
  EXPECT_EQ(cluster.Task().status.state, "Complete");
}

TEST(Decide, AFailureOfTheConfigurationIsRecordedAndNotRetried) {
  FakeCluster cluster(SmallTask());
  cluster.RunToEnd([](FakeCluster& self, json& pod) {
    if (UsesFp8KvCache(pod)) {
      self.Finish(pod, FailureMessage(bench::FailureReason::kEngineRejectedConfiguration, "ValueError: no"), 10);
    } else {
      MeasureWell(self, pod);
    }
  });
  const api::AutotuneTask task = cluster.Task();
  EXPECT_EQ(cluster.created.size(), 2U);
  EXPECT_EQ(task.status.state, "Complete");
  EXPECT_EQ(task.status.best->quant_name, "default");
  EXPECT_THAT(Ready(task).message, HasSubstr("it is the baseline"));
  EXPECT_EQ(task.status.experiments[1].reason, "EngineRejectedConfiguration");
  EXPECT_EQ(task.status.experiments[1].message, "ValueError: no");
  EXPECT_EQ(cluster.pods.size(), 1U) << "keepPods OnFailure keeps the failed pod for its logs";
}

TEST(Decide, InfrastructureFailuresAreRetriedWithBackOffAndThenGivenUp) {
  FakeCluster cluster(SmallTask());
  cluster.RunToEnd([](FakeCluster& self, json& pod) {
    if (!UsesFp8KvCache(pod)) return MeasureWell(self, pod);
    self.SetPhaseRunning(pod);
    pod["status"]["phase"] = "Failed";
    pod["status"]["reason"] = "NodeLost";
    pod["status"]["message"] = "Node gpu-17 which was running the pod is unresponsive";
  });
  const api::AutotuneTask task = cluster.Task();
  EXPECT_EQ(cluster.created.size(), 4U) << "one baseline, one attempt and two retries";
  EXPECT_EQ(std::set<std::string>(cluster.created.begin(), cluster.created.end()).size(), 4U);
  EXPECT_EQ(task.status.experiments[1].state, api::ExperimentState::kFailed);
  EXPECT_EQ(task.status.experiments[1].reason, "NodeLost");
  EXPECT_EQ(task.status.experiments[1].attempts, 3);
}

TEST(Decide, AVanishedPodIsAnInfrastructureFailure) {
  FakeCluster cluster(SmallTask());
  int vanished = 0;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(cluster.Reconcile().ok());
    for (auto& [name, pod] : cluster.pods) cluster.SetPhaseRunning(pod);
  }
  cluster.pods.clear();
  ++vanished;
  cluster.RunToEnd(MeasureWell);
  const api::AutotuneTask task = cluster.Task();
  EXPECT_EQ(task.status.state, "Complete");
  EXPECT_EQ(task.status.experiments[0].attempts, 1 + vanished);
  EXPECT_EQ(task.status.best->quant_name, "kv-cache-fp8");
}

TEST(Decide, EverythingFailedMakesTheTaskStallWithTheMostFrequentCause) {
  FakeCluster cluster(SmallTask());
  cluster.RunToEnd([](FakeCluster& self, json& pod) {
    self.Finish(pod, FailureMessage(bench::FailureReason::kEngineCrashed, "RuntimeError: boom"), 10);
  });
  const api::AutotuneTask task = cluster.Task();
  EXPECT_EQ(task.status.state, "Failed");
  EXPECT_EQ(Ready(task).reason, "AllExperimentsFailed");
  EXPECT_THAT(Ready(task).message, HasSubstr("2 of 2 experiments failed with EngineCrashed: RuntimeError: boom"));
  ASSERT_NE(api::FindCondition(task.status.conditions, "Stalled"), nullptr);
}

TEST(Decide, AnImpossibleSloCompletesWithTheNearestConfiguration) {
  json task = SmallTask();
  task["spec"]["slo"] = {{"tpot", {{"p95", "4ms"}}}};
  FakeCluster cluster(task);
  cluster.RunToEnd(MeasureWell);
  const api::AutotuneTask done = cluster.Task();
  EXPECT_EQ(done.status.state, "Complete");
  EXPECT_EQ(Ready(done).status, "True");
  EXPECT_EQ(Ready(done).reason, "NoFeasibleConfiguration");
  EXPECT_THAT(Ready(done).message, HasSubstr("slo.tpot.p95"));
  const api::Condition* feasible = api::FindCondition(done.status.conditions, "Feasible");
  ASSERT_NE(feasible, nullptr);
  EXPECT_EQ(feasible->status, "False");
  EXPECT_EQ(feasible->message, Ready(done).message);
  EXPECT_TRUE(cluster.config_maps.empty());
  EXPECT_FALSE(done.status.best.has_value());
}

TEST(Decide, QualityIsComparedWithTheBaselineAndCanForbidTheFastest) {
  const auto measure = [](FakeCluster& cluster, json& pod) {
    cluster.Finish(pod, UsesFp8KvCache(pod) ? ResultMessage(1500, 2.05, "") : ResultMessage(1000, 2.0, ""), 0);
  };
  FakeCluster free(SmallTask());
  free.RunToEnd(measure);
  EXPECT_EQ(free.Task().status.best->quant_name, "kv-cache-fp8") << "without a bound speed decides";
  EXPECT_EQ(free.Task().status.pareto.size(), 2U) << "the baseline loses less";

  json bounded = SmallTask();
  bounded["spec"]["quality"] = {{"maxDegradation", "0.01"}};
  FakeCluster cluster(bounded);
  cluster.RunToEnd(measure);
  const api::TaskStatus status = cluster.Task().status;
  EXPECT_EQ(status.best->quant_name, "default");
  ASSERT_TRUE(status.experiments[1].quality);
  EXPECT_EQ(status.experiments[1].quality->mean, "2.05");
  EXPECT_EQ(status.experiments[1].quality->delta, "0.05");
  EXPECT_EQ(status.experiments[1].quality->ci, "0");
  EXPECT_EQ(status.experiments[1].score, "");
  EXPECT_EQ(status.experiments[0].quality->delta, "0");
}

// A document of blocks whose log-probabilities the configuration changes, or not, and of greedy answers.
std::string MeasuredQuality(double tokens_per_second, double loss, const std::string& answer) {
  auto run = *bench::DecodeRun(ResultMessage(tokens_per_second, 2 + loss, ""));
  for (std::size_t i = 0; i < run.quality->blocks.size(); ++i) {
    measurement::QualityBlock& block = run.quality->blocks[i];
    if (loss > 0) block.nll += i / measurement::kQualityGroups % 2 == 0 ? 0.01 : -0.01;
    block.prints.fill(loss > 0 ? 1 : 2);
  }
  run.quality->answers.assign(measurement::kGreedyPrompts, measurement::MakeGreedyAnswer(answer, answer));
  return bench::Encode(run);
}

TEST(Decide, ABoundInsideTheIntervalIsSaid) {
  json task = SmallTask();
  task["spec"]["quality"] = {{"maxDegradation", "0.01"}};
  FakeCluster cluster(task);
  cluster.RunToEnd([](FakeCluster& self, json& pod) {
    self.Finish(pod, UsesFp8KvCache(pod) ? MeasuredQuality(1500, 0.008, "b") : MeasuredQuality(1000, 0, "a"), 0);
  });
  const api::TaskStatus status = cluster.Task().status;
  EXPECT_EQ(status.best->quant_name, "kv-cache-fp8") << "the likelier side";
  ASSERT_TRUE(status.experiments[1].quality);
  EXPECT_EQ(status.experiments[0].quality->gate, "Holds");
  EXPECT_EQ(status.experiments[1].quality->gate, "Undecided");
  EXPECT_EQ(status.experiments[1].quality->cache, "Read");
  EXPECT_EQ(status.experiments[1].quality->growth, "0.008032");
  ASSERT_FALSE(status.experiments[1].warnings.empty());
  EXPECT_EQ(status.experiments[1].warnings.front().reason, "QualityUndecided");
  EXPECT_THAT(status.experiments[1].warnings.front().message,
              testing::MatchesRegex("undecided: .0.80% .+%, allowed 1%: the interval contains the limit.*"));
  EXPECT_EQ(std::count_if(status.experiments[1].warnings.begin(), status.experiments[1].warnings.end(),
                          [](const quant::Warning& warning) { return warning.reason == "QualityUndecided"; }),
            1)
      << "however often it is recomputed";
}

TEST(Decide, ACacheThatNoTextReadsIsNoLossOfZero) {
  json task = SmallTask();
  task["spec"]["quality"] = {{"maxDegradation", "0.01"}};
  FakeCluster cluster(task);
  cluster.RunToEnd([](FakeCluster& self, json& pod) {
    const bool fp8 = UsesFp8KvCache(pod);
    self.Finish(pod, MeasuredQuality(fp8 ? 1500 : 1000, 0, fp8 ? "one thing" : "another"), 0);
  });
  const api::TaskStatus status = cluster.Task().status;
  const api::ExperimentStatus& changed = status.experiments[1];
  ASSERT_TRUE(changed.quality);
  EXPECT_EQ(changed.quality->cache, "NotRead");
  EXPECT_EQ(changed.quality->delta, "");
  EXPECT_EQ(changed.quality->agreement, "0");
  EXPECT_EQ(changed.quality->own_agreement, "1");
  EXPECT_EQ(changed.quality->gate, "Undecided");
  EXPECT_TRUE(std::any_of(changed.warnings.begin(), changed.warnings.end(),
                          [](const quant::Warning& warning) { return warning.reason == "CacheNotExercised"; }));
  EXPECT_EQ(status.best->quant_name, "default") << "nothing says that the bound holds";
  const char* undecided = "undecided: only answers can be compared: 0% agree, of the baseline with itself 100%";
  EXPECT_TRUE(std::any_of(changed.warnings.begin(), changed.warnings.end(),
                          [&](const quant::Warning& warning) { return warning.message.starts_with(undecided); }));
  api::AutotuneTask task_without = cluster.Task();
  task_without.status.experiments[0].loads.clear();
  EXPECT_THAT(Answer(task_without.spec, task_without.status), HasSubstr(undecided)) << "there is no best";
}

TEST(Decide, ABaselineThatFailedIsWhyNoQualityIsCompared) {
  json task = SmallTask();
  task["spec"]["quality"] = {{"maxDegradation", "0.00005"}};
  FakeCluster cluster(task);
  cluster.RunToEnd([](FakeCluster& self, json& pod) {
    if (UsesFp8KvCache(pod)) return self.Finish(pod, ResultMessage(1500, 2.05, ""), 0);
    self.Finish(pod, FailureMessage(bench::FailureReason::kEngineRejectedConfiguration, "ValueError: no"), 10);
  });
  const api::AutotuneTask done = cluster.Task();
  EXPECT_EQ(Ready(done).message,
            "No configuration meets quality.maxDegradation = \"0.00005\": the quality of " +
                done.status.experiments[1].name + " has nothing to be compared with: the baseline " +
                done.status.experiments[0].name + " failed (EngineRejectedConfiguration: ValueError: no)");
}

TEST(Decide, ABenchIsToldTheBaselinesQualityAndTheBound) {
  for (const bool bound : {false, true}) {
    json task = SmallTask();
    if (bound) task["spec"]["quality"] = {{"maxDegradation", "0.01"}};
    FakeCluster cluster(task);
    cluster.RunToEnd([](FakeCluster& self, json& pod) {
      self.Finish(pod, UsesFp8KvCache(pod) ? MeasuredQuality(1500, 0.001, "b") : MeasuredQuality(1000, 0, "a"), 0);
    });
    const std::string pod = cluster.created_pods.back().dump();
    EXPECT_NE(pod.find("onlyCacheDiffers"), std::string::npos);
    EXPECT_EQ(pod.find("maxGrowth") != std::string::npos, bound);
  }
}

TEST(OnlyCacheDiffers, ComparesTheRestOfWhatTheEnginesAreStartedWith) {
  const auto with = [](std::vector<std::string> args, const char* apart) {
    api::ExperimentStatus experiment;
    experiment.args = std::move(args);
    experiment.apart_from_cache = apart;
    return experiment;
  };
  const api::ExperimentStatus plain = with({"--max-num-seqs", "64"}, "a");
  EXPECT_TRUE(OnlyCacheDiffers(with({"--kv-cache-dtype", "fp8", "--max-num-seqs", "64"}, "a"), plain));
  EXPECT_FALSE(OnlyCacheDiffers(plain, plain));
  EXPECT_FALSE(OnlyCacheDiffers(with({"--kv-cache-dtype", "fp8", "--max-num-seqs", "32"}, "b"), plain));
  EXPECT_FALSE(OnlyCacheDiffers(with({"--max-num-seqs", "32"}, ""), with({}, ""))) << "nothing is known";
}

TEST(Decide, AQualityBoundThatNothingMeetsIsTheAnswer) {
  json task = SmallTask();
  task["spec"]["quality"] = {{"maxDegradation", "0.01"}};
  FakeCluster cluster(task);
  cluster.RunToEnd([](FakeCluster& self, json& pod) {
    self.Finish(pod, ResultMessage(1000, 0, "HTTP 500: Out of range float values"), 0);
  });
  const api::AutotuneTask done = cluster.Task();
  EXPECT_EQ(Ready(done).reason, "NoFeasibleConfiguration");
  EXPECT_THAT(Ready(done).message, HasSubstr("quality.maxDegradation = \"0.01\": no experiment measured it"));
  const std::vector<quant::Warning>& warnings = done.status.experiments[0].warnings;
  ASSERT_FALSE(warnings.empty());
  EXPECT_EQ(warnings.front().reason, "QualityNotMeasured");
  EXPECT_EQ(warnings.front().message, "HTTP 500: Out of range float values");
  // Why it is not there is known: another bound asks for nothing again.
  cluster.EditSpec([](json& spec) { spec["quality"]["maxDegradation"] = "0.02"; });
  cluster.RunToEnd(MeasureWell);
  EXPECT_EQ(cluster.created.size(), 2U);
}

// Results of a version that did not measure quality are kept, until a bound asks for it.
TEST(Decide, ABoundOnQualityMeasuresAgainWhatHasNone) {
  FakeCluster cluster(SmallTask());
  cluster.RunToEnd(MeasureWell);
  EXPECT_FALSE(cluster.Task().status.experiments[0].quality);
  cluster.EditSpec([](json& spec) { spec["quality"]["maxDegradation"] = "0.1"; });
  cluster.RunToEnd([](FakeCluster& self, json& pod) { self.Finish(pod, ResultMessage(1000, 2.0, ""), 0); });
  EXPECT_EQ(cluster.created.size(), 4U);
  EXPECT_TRUE(cluster.Task().status.experiments[0].quality);
  EXPECT_TRUE(cluster.Task().status.best);
}

TEST(Decide, SuspendStopsPodsKeepsResultsAndResumeGoesOn) {
  FakeCluster cluster(SmallTask());
  cluster.RunUntilQuiet([](FakeCluster& self, json& pod) {
    if (!UsesFp8KvCache(pod))
      MeasureWell(self, pod);
    else
      self.SetPhaseRunning(pod);
  });
  ASSERT_EQ(cluster.pods.size(), 1U);
  cluster.EditSpec([](json& spec) { spec["suspend"] = true; });
  cluster.RunToEnd(MeasureWell);
  EXPECT_TRUE(cluster.pods.empty());
  EXPECT_EQ(cluster.Task().status.state, "Suspended");
  EXPECT_EQ(Ready(cluster.Task()).status, "False");
  cluster.EditSpec([](json& spec) { spec["suspend"] = false; });
  cluster.RunToEnd(MeasureWell);
  EXPECT_EQ(cluster.Task().status.state, "Complete");
  EXPECT_EQ(cluster.created.size(), 3U) << "the baseline was not measured again";
}

TEST(Decide, ADeletedTaskGetsNothingNew) {
  json task = SmallTask();
  task["metadata"]["deletionTimestamp"] = "2026-11-22T10:00:00Z";
  FakeCluster cluster(task);
  ASSERT_TRUE(cluster.Reconcile().ok());
  EXPECT_TRUE(cluster.pods.empty());
  EXPECT_EQ(cluster.status_writes, 0);
}

TEST(Decide, WrongParameterValuesStallTheTaskWithTheFieldsPath) {
  json task = SmallTask();
  task["spec"]["quantConfig"] = {{"gemmDtype", "fp9"}};
  FakeCluster cluster(task);
  cluster.RunToEnd(MeasureWell);
  EXPECT_EQ(cluster.Task().status.state, "Failed");
  EXPECT_EQ(Ready(cluster.Task()).reason, "InvalidSpec");
  EXPECT_THAT(Ready(cluster.Task()).message, HasSubstr("spec.quantConfig.gemmDtype: \"fp9\""));
}

// The baseline sets no flag that has several values, so it alone would be measured.
TEST(Decide, AMistypedFlagWithSeveralValuesIsRefused) {
  json task = SmallTask();
  task["spec"]["parameters"] = {{"max-nun-seqs", {64, 128}}};
  FakeCluster cluster(task);
  cluster.RunToEnd(MeasureWell);
  EXPECT_TRUE(cluster.created.empty());
  EXPECT_EQ(Ready(cluster.Task()).reason, "InvalidSpec");
  EXPECT_THAT(Ready(cluster.Task()).message, HasSubstr("spec.parameters.max-nun-seqs: vLLM 0."));
  EXPECT_THAT(Ready(cluster.Task()).message, HasSubstr("max-num-seqs"));
}

TEST(Decide, AFlagThatOneOfTwoEnginesHasIsNoMistake) {
  json task = SmallTask();
  task["spec"]["runtimes"] = {{{"name", "vllm"}, {"engine", "vllm"}}, {{"name", "sglang"}, {"engine", "sglang"}}};
  task["spec"]["parameters"] = {{"max-num-seqs", {64, 128}}};
  FakeCluster cluster(task);
  cluster.RunToEnd(MeasureWell);
  EXPECT_EQ(cluster.Task().status.state, "Complete");
  EXPECT_GE(cluster.Task().status.candidates.pruned, 2);
}

TEST(Decide, WhatCannotRunIsPrunedWithItsReasonBeforeAnyPodExists) {
  json task = SmallTask();
  task["spec"]["quantConfig"]["presets"] = {"default", "aggressive-moe"};
  task["spec"]["parameters"] = {{"no-such-flag", {1}}};
  FakeCluster cluster(task);
  cluster.RunToEnd(MeasureWell);
  EXPECT_TRUE(cluster.created.empty());
  const api::AutotuneTask done = cluster.Task();
  EXPECT_EQ(done.status.state, "Failed");
  EXPECT_EQ(Ready(done).reason, "InvalidSpec");
  EXPECT_THAT(Ready(done).message,
              testing::MatchesRegex("spec.parameters.no-such-flag: vLLM 0.* has no flag \"no-such-flag\".*"));
  EXPECT_GE(done.status.candidates.pruned, 2);
}

TEST(Decide, WhereEveryCandidateIsPrunedTheMessageSaysWhy) {
  json task = SmallTask();
  task["spec"]["model"]["facts"]["quantization"] = {{"group_size", 64}, {"bits", 4}};  // as MLX writes it
  FakeCluster cluster(task);
  cluster.RunToEnd(MeasureWell);
  EXPECT_TRUE(cluster.created.empty());
  EXPECT_EQ(Ready(cluster.Task()).reason, "AllExperimentsFailed");
  EXPECT_THAT(Ready(cluster.Task()).message, HasSubstr("Every candidate was pruned"));
}

// The bounds that the message gives, in the spec's syntax.
json RelaxedBounds(const std::string& message) {
  json slo = json::object();
  const std::size_t from = message.find("With ") + 5;
  std::istringstream bounds(message.substr(from, message.find(" it becomes feasible") - from));
  for (std::string bound; std::getline(bounds, bound, ',');) {
    std::istringstream words(bound);
    std::string field, equals, value;
    words >> field >> equals >> value;  // slo.ttft.p99 = 501.3ms
    const std::size_t dot = field.rfind('.');
    slo[field.substr(4, dot - 4)][field.substr(dot + 1)] = value;
  }
  return slo;
}

TEST(Decide, TheBoundsOfItsAdviceMakeTheTaskFeasible) {
  const std::vector<double> kTpots = {6.11, 6.0001, 7.95, 7, 6.149999, 12.34567};
  for (const double tpot : kTpots) {
    const auto measure = [&](FakeCluster& self, json& pod) { self.Finish(pod, ResultMessage(1000, tpot), 0); };
    json task = SmallTask();
    task["spec"]["slo"] = {{"tpot", {{"p95", "4ms"}, {"mean", "3ms"}}}, {"ttft", {{"p99", "1ms"}}}};
    FakeCluster strict(task);
    strict.RunToEnd(measure);
    const std::string message = Ready(strict.Task()).message;
    ASSERT_EQ(Ready(strict.Task()).reason, "NoFeasibleConfiguration") << message;
    const json relaxed = RelaxedBounds(message);
    EXPECT_EQ(relaxed.dump().find("\"\""), std::string::npos) << message;
    EXPECT_EQ(relaxed["tpot"].size(), 2U) << "every broken bound: " << message;
    EXPECT_EQ(relaxed["ttft"].size(), 1U) << message;
    task["spec"]["slo"].merge_patch(relaxed);
    FakeCluster advised(task);
    advised.RunToEnd(measure);
    EXPECT_TRUE(advised.Task().status.best.has_value()) << message << "; now: " << Ready(advised.Task()).message;
  }
}

TEST(Decide, AWarningOfTheBenchmarkKeepsItsAdvice) {
  FakeCluster cluster(SmallTask());
  const std::string warning =
      "requests waited in the client: 60 % at 59.56 requests/s, for one of 16 places (load.max, --max). The server had "
      "room, so this is no limit of its own: raise it";
  cluster.RunToEnd([&](FakeCluster& self, json& pod) {
    auto run = *bench::DecodeRun(ResultMessage(1000, 7));
    run.warnings = {warning};
    self.Finish(pod, bench::Encode(run), 0);
  });
  const auto warnings = cluster.Task().status.experiments.at(0).warnings;
  ASSERT_FALSE(warnings.empty());
  EXPECT_EQ(warnings[0].message, warning);
}

TEST(Decide, ACommandThatNamesNoModelIsToldOf) {
  json task = SmallTask();
  task["spec"]["runtimes"][0]["command"] = {"vllm", "serve", "other/model", "--port", "{port}"};
  FakeCluster cluster(task);
  cluster.RunToEnd([](FakeCluster& self, json& pod) {
    auto run = *bench::DecodeRun(ResultMessage(1000, 7));
    run.warnings = {"the server calls its model \"other/model\""};
    self.Finish(pod, bench::Encode(run), 0);
  });
  const api::TaskStatus status = cluster.Task().status;
  ASSERT_FALSE(status.warnings.empty());
  EXPECT_EQ(status.warnings[0].reason, "CommandNamesNoModel");
  ASSERT_FALSE(status.experiments[0].warnings.empty());
  EXPECT_EQ(status.experiments[0].warnings[0].reason, "MeasuredWithReserve");
  EXPECT_THAT(status.experiments[0].warnings[0].message, HasSubstr("other/model"));
}

TEST(Decide, AnEngineThatWouldLoadAnotherRevisionIsPrunedAndTheOthersRun) {
  json task = SmallTask();
  task["spec"]["model"]["revision"] = "v2";
  task["spec"]["runtimes"].push_back({{"name", "trt"},
                                      {"engine", "tensorrt-llm"},
                                      {"image", "nvcr.io/nvidia/tensorrt-llm/release:1.1.0"},
                                      {"version", "1.1.0"}});
  FakeCluster cluster(task);
  cluster.RunToEnd(MeasureWell);
  const api::AutotuneTask done = cluster.Task();
  EXPECT_EQ(done.status.state, "Complete");
  EXPECT_EQ(done.status.candidates.pruned, 2);
  ASSERT_EQ(done.status.pruned_reasons.size(), 1U);
  EXPECT_EQ(done.status.pruned_reasons[0].reason, "RevisionNotSupported");
  EXPECT_THAT(done.status.pruned_reasons[0].example, HasSubstr("instead of v2"));
  ASSERT_EQ(cluster.created.size(), 2U);
  for (const json& pod : cluster.created_pods) EXPECT_THAT(EngineArgv(pod), Contains("v2"));
}

TEST(Decide, ReadsTheModelWithAPodWhenNoFactsAreGiven) {
  json task = SmallTask();
  task["spec"]["model"].erase("facts");
  FakeCluster cluster(task);
  ASSERT_TRUE(cluster.Reconcile().ok());
  EXPECT_EQ(cluster.Task().status.state, "Inspecting");
  ASSERT_EQ(cluster.pods.size(), 1U);
  bench::InspectResult inspected;
  inspected.model.architecture = "LlamaForCausalLM";
  inspected.model.quantization = "awq";
  inspected.model.family = "int4-wna16";
  cluster.RunToEnd([&](FakeCluster& self, json& pod) {
    if (pod["metadata"]["labels"][experiment::kRoleLabel] == "inspect") {
      self.FinishInspect(pod, inspected, 0);
    } else {
      MeasureWell(self, pod);
    }
  });
  const api::AutotuneTask done = cluster.Task();
  EXPECT_EQ(done.status.state, "Complete");
  EXPECT_EQ(done.status.models.front().facts->quantization, "awq");
  EXPECT_TRUE(cluster.pods.empty());
}

json TaskWithQuestions() {
  json task = SmallTask();
  task["spec"]["quality"]["dataset"] = {{"configMap", {{"name", "exam"}, {"key", "exam.jsonl"}}}};
  return task;
}

TEST(Decide, ADatasetThatNoExperimentCanUseEndsTheTaskBeforeAGpuIsUsed) {
  FakeCluster cluster(TaskWithQuestions());
  cluster.RunToEnd([](FakeCluster& self, json& pod) {
    ASSERT_EQ(pod["metadata"]["labels"][experiment::kRoleLabel], "inspect");
    bench::InspectResult result;
    result.dataset_problem = "spec.quality.dataset: exam.jsonl:17: has neither \"reference\" nor \"choices\"";
    self.FinishInspect(pod, result, 0);
  });
  const api::AutotuneTask done = cluster.Task();
  EXPECT_EQ(done.status.state, "Failed");
  EXPECT_EQ(Ready(done).reason, "InvalidSpec");
  EXPECT_THAT(Ready(done).message, HasSubstr("exam.jsonl:17"));
  EXPECT_EQ(cluster.created.size(), 1U);
}

TEST(Decide, ReadsTheDatasetsOnceWhereTheFactsAreGiven) {
  int inspected = 0;
  FakeCluster cluster(TaskWithQuestions());
  cluster.RunToEnd([&](FakeCluster& self, json& pod) {
    if (pod["metadata"]["labels"][experiment::kRoleLabel] != "inspect") return MeasureWell(self, pod);
    ++inspected;
    bench::InspectResult result;
    result.datasets_read = "exam.jsonl: 120 questions: 80 by choices (likelihood), 40 by number";
    result.choice_questions = 80;
    self.FinishInspect(pod, result, 0);
  });
  EXPECT_EQ(cluster.Task().status.models.front().inspection.message,
            "exam.jsonl: 120 questions: 80 by choices (likelihood), 40 by number");
  EXPECT_EQ(cluster.Task().status.models.front().inspection.choice_questions, 80);
  EXPECT_EQ(cluster.Task().status.state, "Complete");
  EXPECT_EQ(cluster.Task().status.models.front().facts->architecture, "LlamaForCausalLM") << "as the spec says";
  EXPECT_EQ(inspected, 1);
}

TEST(Decide, WarnsOfChoicesOnlyIfTheDatasetHasSome) {
  for (const bool choices : {true, false}) {
    json task = TaskWithQuestions();
    task["spec"]["runtimes"] = {{{"name", "trt"}, {"engine", "tensorrt-llm"}}};
    FakeCluster cluster(task);
    cluster.RunToEnd([&](FakeCluster& self, json& pod) {
      if (pod["metadata"]["labels"][experiment::kRoleLabel] != "inspect") return MeasureWell(self, pod);
      bench::InspectResult result;
      result.datasets_read = "exam.jsonl: 2 questions";
      result.choice_questions = choices ? 2 : 0;
      self.FinishInspect(pod, result, 0);
    });
    const std::vector<quant::Warning> warnings = cluster.Task().status.warnings;
    EXPECT_EQ(std::any_of(warnings.begin(), warnings.end(),
                          [](const quant::Warning& warning) { return warning.reason == "ChoicesNotCompared"; }),
              choices);
  }
}

TEST(Decide, AnUnreadableModelStallsAndIsNeverTakenForUnquantized) {
  json task = SmallTask();
  task["spec"]["model"].erase("facts");
  FakeCluster cluster(task);
  cluster.RunToEnd([](FakeCluster& self, json& pod) {
    bench::InspectResult result;
    result.failure = bench::Failure{bench::FailureReason::kModelUnreadable, "The model is gated", 0, 401};
    self.FinishInspect(pod, result, 10);
  });
  const api::AutotuneTask done = cluster.Task();
  EXPECT_EQ(done.status.state, "Failed");
  EXPECT_EQ(Ready(done).reason, "ModelUnreadable");
  EXPECT_THAT(Ready(done).message, HasSubstr("401"));
  EXPECT_EQ(cluster.created.size(), 1U);
}

TEST(Decide, CountsTheCostOfStartsMeasurementsAndWaste) {
  json task = SmallTask();
  task["spec"]["gpu"] = {{"pricePerHour", "3.00"}};
  FakeCluster cluster(task);
  cluster.RunToEnd(MeasureWell);
  const api::TaskStatus status = cluster.Task().status;
  // Two pods that held one GPU for 120 s each, 60 s of it measuring.
  EXPECT_EQ(status.cost.gpu_hours, "0.0667");
  EXPECT_EQ(status.cost.measure, "0.0333");
  EXPECT_EQ(status.cost.start, "0.0333");
  EXPECT_EQ(status.cost.wasted, "0");
  EXPECT_EQ(status.cost.price, "0.2");
}

TEST(Decide, PricesTheTokensOfTheAnswerAsIfOneKindPaidForAll) {
  json task = SmallTask();
  task["spec"]["gpu"] = {{"pricePerHour", "3.60"}};
  FakeCluster cluster(task);
  cluster.RunToEnd([](FakeCluster& self, json& pod) { self.Finish(pod, ResultMessage(1000, 5), 0); });
  // 0.001 a second for 1,000 output tokens and 5,120 input tokens.
  const api::TaskStatus status = cluster.Task().status;
  ASSERT_TRUE(status.best.has_value());
  EXPECT_EQ(status.best->price, "1");
  EXPECT_EQ(status.best->input_price, "0.1953");
}

TEST(Decide, WhatAnEditDropsStaysInTheCost) {
  json task = SmallTask();
  task["spec"]["gpu"] = {{"pricePerHour", "3.00"}};
  FakeCluster cluster(task);
  cluster.RunToEnd(MeasureWell);
  cluster.EditSpec([](json& spec) { spec["quantConfig"]["presets"] = {"default"}; });
  cluster.RunToEnd(MeasureWell);
  EXPECT_EQ(cluster.Task().status.experiments.size(), 1U);
  EXPECT_EQ(cluster.Task().status.cost.gpu_hours, "0.0667");
  EXPECT_EQ(cluster.Task().status.cost.measure, "0.0333");
  EXPECT_EQ(cluster.Task().status.cost.price, "0.2");
  // The same preset again is measured, and paid for, a second time.
  cluster.EditSpec([](json& spec) { spec["quantConfig"]["presets"] = {"default", "kv-cache-fp8"}; });
  cluster.RunToEnd(MeasureWell);
  EXPECT_EQ(cluster.Task().status.experiments.size(), 2U);
  EXPECT_EQ(cluster.Task().status.cost.gpu_hours, "0.1");
  EXPECT_EQ(cluster.Task().status.cost.price, "0.3");
}

TEST(Decide, WhatAnEditRunsAgainWasPaidForTwice) {
  FakeCluster cluster(SmallTask());
  const auto too_slow = [](FakeCluster& self, json& pod) {
    if (!UsesFp8KvCache(pod)) return MeasureWell(self, pod);
    self.Finish(pod, FailureMessage(bench::FailureReason::kStartupTimeout, "still loading"), 10);
  };
  cluster.RunToEnd(too_slow);
  ASSERT_EQ(cluster.Task().status.cost.wasted, "0.0333");
  cluster.EditSpec([](json& spec) { spec["optimization"]["startupTimeout"] = "50m"; });
  cluster.RunToEnd(too_slow);
  EXPECT_EQ(cluster.created.size(), 3U);
  EXPECT_EQ(cluster.Task().status.cost.wasted, "0.0667");
  EXPECT_EQ(cluster.Task().status.cost.gpu_hours, "0.1");
}

TEST(Decide, WhatRanWhenAnEditDroppedItOrStalledTheTaskIsInTheCost) {
  struct Edit {
    const char* name;
    std::function<void(json& spec)> edit;
    const char* hours_after_undoing_it;
  };
  const std::vector<Edit> edits = {
      {"one dropped", [](json& spec) { spec["quantConfig"]["presets"] = {"default"}; }, "0.1667"},
      {"all pruned",
       [](json& spec) {
         spec["parameters"] = {{"no-such-flag", {1}}};
       },
       "0.2"},
      {"stalled",
       [](json& spec) {
         spec["quantConfig"] = {{"gemmDtype", "fp9"}};
       },
       "0.1667"}};
  for (const Edit& one : edits) {
    SCOPED_TRACE(one.name);
    FakeCluster cluster(SmallTask());
    cluster.RunUntilQuiet([](FakeCluster& self, json& pod) {
      if (!UsesFp8KvCache(pod)) return MeasureWell(self, pod);
      if (pod["status"]["phase"] == "Pending") self.SetPhaseRunning(pod);
    });
    ASSERT_EQ(cluster.pods.size(), 1U);
    cluster.clock.Advance(std::chrono::minutes(6));
    const json spec = cluster.task["spec"];
    cluster.EditSpec(one.edit);
    cluster.RunToEnd(MeasureWell);
    EXPECT_TRUE(cluster.pods.empty());
    EXPECT_EQ(cluster.Task().status.cost.wasted, "0.1");
    EXPECT_EQ(cluster.Task().status.cost.gpu_hours, "0.1333");
    // Time that passes afterwards is nobody's, and counted once is counted.
    cluster.clock.Advance(std::chrono::hours(1));
    cluster.EditSpec([&](json& edited) { edited = spec; });
    cluster.RunToEnd(MeasureWell);
    EXPECT_EQ(cluster.Task().status.state, "Complete");
    EXPECT_EQ(cluster.Task().status.cost.wasted, "0.1");
    EXPECT_EQ(cluster.Task().status.cost.gpu_hours, one.hours_after_undoing_it);
  }
}

}  // namespace
}  // namespace autotune::reconcile
