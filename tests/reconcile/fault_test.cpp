// What passes ends no task, what waits says for what, and nothing that was not measured for the present spec is
// reported.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "operator/deploy/server_spec.h"
#include "tests/reconcile/fake_cluster.h"

namespace autotune::reconcile {
namespace {

using nlohmann::json;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

bool UsesFp8KvCache(const json& pod) {
  const auto argv = EngineArgv(pod);
  return std::find(argv.begin(), argv.end(), "--kv-cache-dtype") != argv.end();
}

bool IsInspect(const json& pod) { return pod["metadata"]["labels"][experiment::kRoleLabel] == "inspect"; }

// Reads every model as a Llama, measures every pod.
void MeasureWell(FakeCluster& cluster, json& pod) {
  if (IsInspect(pod)) {
    bench::InspectResult inspected;
    inspected.model.architecture = "LlamaForCausalLM";
    return cluster.FinishInspect(pod, inspected, 0);
  }
  cluster.Finish(pod, UsesFp8KvCache(pod) ? ResultMessage(1500, 5) : ResultMessage(1000, 7), 0);
}

void Start(FakeCluster& cluster, json& pod) {
  if (pod["status"]["phase"] == "Pending") cluster.SetPhaseRunning(pod);
}

api::Condition Of(const FakeCluster& cluster, const char* type) {
  const api::TaskStatus status = cluster.Task().status;
  const api::Condition* found = api::FindCondition(status.conditions, type);
  return found == nullptr ? api::Condition{} : *found;
}

base::Error Forbidden(const std::string& words) { return {base::Code::kRetry, words, std::nullopt, 403}; }

void Wait(FakeCluster& cluster) {
  ASSERT_TRUE(cluster.wake_at);
  cluster.clock.Advance(std::max<base::Duration>(*cluster.wake_at - cluster.clock.Wall(), base::Duration{0}));
}

// ---- Wrong answers -------------------------------------------------------------------------------------------------

json Inspected() {
  json task = SmallTask();
  task["spec"]["model"] = {{"idOrPath", "org/small"}};
  return task;
}

void MeasureByModel(FakeCluster& cluster, json& pod) {
  if (IsInspect(pod)) return MeasureWell(cluster, pod);
  const auto argv = EngineArgv(pod);
  const bool big = std::find(argv.begin(), argv.end(), "org/big") != argv.end();
  cluster.Finish(pod, big ? ResultMessage(1821, 5) : ResultMessage(528, 7), 0);
}

TEST(Present, AnotherModelIsMeasuredAndNotReportedWithTheNumbersOfTheFirst) {
  FakeCluster cluster(Inspected());
  cluster.RunToEnd(MeasureByModel);
  ASSERT_EQ(cluster.Task().status.best->score, "528");
  cluster.EditSpec([](json& spec) { spec["model"]["idOrPath"] = "org/big"; });
  while (cluster.Task().status.state != "Complete" || cluster.Task().status.observed_generation != 2) {
    ASSERT_TRUE(cluster.Reconcile().ok());
    const api::TaskStatus status = cluster.Task().status;
    EXPECT_TRUE(!status.best || status.best->score == "1821");
    cluster.Terminate();
    for (auto& [name, pod] : cluster.pods) {
      if (pod["status"]["phase"] == "Pending") MeasureByModel(cluster, pod);
    }
    ASSERT_LT(cluster.created.size(), 10U);
  }
  EXPECT_EQ(cluster.Task().status.best->score, "1821");
  EXPECT_EQ(cluster.Task().status.expanded_for->generation, 2);
}

TEST(Present, AnotherModelInMidSearchLeavesNothingOfTheFirstRunning) {
  FakeCluster cluster(Inspected());
  cluster.RunUntilQuiet(
      [](FakeCluster& self, json& pod) { IsInspect(pod) ? MeasureWell(self, pod) : Start(self, pod); });
  ASSERT_EQ(cluster.pods.size(), 1U);
  cluster.EditSpec([](json& spec) {
    spec["model"]["idOrPath"] = "org/big";
    spec["quantConfig"]["presets"] = {"default", "kv-cache-fp8", "dynamic-fp8"};
  });
  cluster.RunToEnd(MeasureByModel);
  const api::TaskStatus status = cluster.Task().status;
  EXPECT_EQ(status.state, "Complete");
  EXPECT_EQ(status.progress, "3/3");
  for (const api::ExperimentStatus& entry : status.experiments) EXPECT_EQ(entry.score, "1821");
  EXPECT_THAT(cluster.pods, IsEmpty());
}

json TaskThatInspects() {
  json task = SmallTask();
  task["spec"]["model"].erase("facts");
  return task;
}

// 2 writes for each try, and a try at most every 5 minutes: within an hour at most 17 tries.
constexpr int kMostWritesInAnHour = 34;

TEST(Present, ATaskWaitsWithoutPodsWhereTheDefinitionDropsWhatItNeedsToContinue) {
  for (const char* field : {"/startedAt", "/rulesVersion", "/inspection", "/expandedFor"}) {
    for (const json& task : {SmallTask(), TaskThatInspects()}) {
      SCOPED_TRACE(std::string(field) + (task["spec"]["model"].contains("facts") ? "" : ", inspects"));
      const bool inspects = !task["spec"]["model"].contains("facts");
      if (std::string(field) == "/inspection" && !inspects) continue;
      FakeCluster cluster(task);
      cluster.unknown_fields = {field};
      const base::WallTime end = cluster.clock.Wall() + std::chrono::hours(1);
      while (cluster.clock.Wall() < end) {
        ASSERT_TRUE(cluster.RunUntilQuiet(MeasureWell));
        ASSERT_TRUE(cluster.wake_at);
        cluster.clock.Advance(
            std::max<base::Duration>(std::chrono::seconds(1), *cluster.wake_at - cluster.clock.Wall()));
      }
      const bool later = std::string(field) == "/rulesVersion" || std::string(field) == "/expandedFor";
      EXPECT_EQ(cluster.created.size(), inspects && later ? 1U : 0U) << "only the inspection comes before these two";
      EXPECT_LE(cluster.status_writes, kMostWritesInAnHour);
      EXPECT_EQ(std::ranges::count(cluster.events, "DefinitionOutdated", &TaskEvent::reason), 1);
      const api::Condition ready = Of(cluster, "Ready");
      EXPECT_EQ(ready.reason, "DefinitionOutdated");
      EXPECT_THAT(ready.message, HasSubstr("status." + std::string(field + 1)));
      EXPECT_THAT(ready.message, HasSubstr("--force-conflicts -f crds/autotunetask.yaml"));
      EXPECT_EQ(Of(cluster, "Stalled").status, "True");
      // The definition is upgraded, and nobody touches the task.
      cluster.unknown_fields.clear();
      cluster.RunToEnd(MeasureWell);
      EXPECT_EQ(cluster.Task().status.state, "Complete");
      EXPECT_EQ(Of(cluster, "Stalled").status, "");
    }
  }
}

TEST(Present, ADefinitionThatDropsResultsStopsNothing) {
  FakeCluster cluster(TaskThatInspects());
  cluster.unknown_fields = {"/candidates", "/cost", "/estimate"};
  cluster.RunToEnd(MeasureWell);
  EXPECT_EQ(cluster.Task().status.state, "Complete");
  EXPECT_EQ(cluster.Task().status.best->score, "1500");
}

TEST(Present, AModelThatCannotBeReadHasNoBest) {
  FakeCluster cluster(Inspected());
  cluster.RunToEnd(MeasureByModel);
  ASSERT_TRUE(cluster.Task().status.best);
  cluster.EditSpec([](json& spec) { spec["model"]["idOrPath"] = "org/gated"; });
  cluster.RunToEnd([](FakeCluster& self, json& pod) {
    bench::InspectResult result;
    result.failure = bench::Failure{bench::FailureReason::kModelUnreadable, "is gated", 0, 403};
    self.FinishInspect(pod, result, 10);
  });
  const api::TaskStatus status = cluster.Task().status;
  EXPECT_EQ(status.state, "Failed");
  EXPECT_EQ(Of(cluster, "Ready").reason, "ModelUnreadable");
  EXPECT_FALSE(status.best);
  EXPECT_THAT(status.pareto, IsEmpty());
  EXPECT_THAT(status.experiments, IsEmpty());
  EXPECT_EQ(Of(cluster, "Feasible").status, "");
}

TEST(Present, ASpecThatCannotBeCarriedOutHasNoBestAndUndoingTheEditRepeatsNothing) {
  FakeCluster cluster(SmallTask());
  cluster.RunToEnd(MeasureWell);
  const json spec = cluster.task["spec"];
  cluster.EditSpec([](json& edited) { edited["quantConfig"] = {{"gemmDtype", "fp9"}}; });
  cluster.RunToEnd(MeasureWell);
  EXPECT_EQ(Of(cluster, "Ready").reason, "InvalidSpec");
  EXPECT_FALSE(cluster.Task().status.best);
  EXPECT_EQ(cluster.Task().status.recommendation_config_map, "");
  cluster.EditSpec([&](json& edited) { edited = spec; });
  cluster.RunToEnd(MeasureWell);
  EXPECT_EQ(cluster.Task().status.best->score, "1500");
  EXPECT_EQ(cluster.created.size(), 2U);
}

// Found by the model: what experiments were expanded for stayed recorded after they had been let go.
TEST(Present, ExperimentsThatAnEditLetGoAreMeasuredWhenItIsTakenBack) {
  json task = SmallTask();
  task["spec"]["runtimes"].push_back({{"name", "sg"}, {"engine", "sglang"}});
  FakeCluster cluster(task);
  cluster.RunToEnd(MeasureWell);
  ASSERT_EQ(cluster.Task().status.progress, "4/4");
  const json first = cluster.task["spec"];
  for (const json& edit : {json{{"suspend", true}, {"benchmark", {{"duration", "20s"}}}},
                           json{{"suspend", true},
                                {"runtimes",
                                 {{{"name", "vllm"}, {"engine", "vllm"}, {"image", "vllm/vllm-openai:v0.20.1"}},
                                  {{"name", "sg"}, {"engine", "sglang"}}}}},
                           json{{"model", {{"idOrPath", "org/another"}, {"facts", nullptr}}}}}) {
    SCOPED_TRACE(edit.dump());
    cluster.EditSpec([&](json& spec) { spec.merge_patch(edit); });
    ASSERT_TRUE(cluster.RunUntilQuiet([](FakeCluster&, json&) {}));
    cluster.EditSpec([&](json& spec) { spec = first; });
    cluster.RunToEnd(MeasureWell);
    EXPECT_EQ(cluster.Task().status.state, "Complete") << Of(cluster, "Ready").message;
    EXPECT_EQ(cluster.Task().status.progress, "4/4");
  }
}

TEST(Present, AnUpgradeThatNamesExperimentsOtherwiseGoesOnAndRepeatsNothing) {
  for (const bool counted_up : {true, false}) {
    SCOPED_TRACE(counted_up);
    json task = SmallTask();
    task["spec"]["quantConfig"]["presets"] = {"default", "kv-cache-fp8", "dynamic-fp8"};
    task["spec"]["parallelism"] = 2;
    FakeCluster cluster(task);
    cluster.RunUntilQuiet([](FakeCluster& self, json& pod) {
      self.created.size() == 2 && UsesFp8KvCache(pod) ? MeasureWell(self, pod) : Start(self, pod);
    });
    ASSERT_EQ(cluster.Task().status.progress, "1/3");
    cluster.NameExperimentsOtherwise(counted_up);
    cluster.RunToEnd(MeasureWell);
    EXPECT_EQ(cluster.Task().status.state, "Complete");
    EXPECT_EQ(cluster.Task().status.progress, "3/3");
    EXPECT_EQ(cluster.created.size(), 3U) << "neither what was measured nor what was running begins again";
  }
}

TEST(Present, AStatusThatIsWipedStartsAnewAndTakesNothingOver) {
  FakeCluster cluster(SmallTask());
  cluster.RunUntilQuiet(
      [](FakeCluster& self, json& pod) { UsesFp8KvCache(pod) ? Start(self, pod) : MeasureWell(self, pod); });
  cluster.task.erase("status");
  cluster.task["metadata"]["resourceVersion"] = "1000";
  cluster.RunToEnd(MeasureWell);
  EXPECT_EQ(cluster.Task().status.state, "Complete");
  EXPECT_EQ(cluster.created.size(), 4U);
  EXPECT_EQ(std::set<std::string>(cluster.created.begin(), cluster.created.end()).size(), 3U)
      << "only a pod that is still there keeps its name from being given again";
}

TEST(Present, AStatusOfANewerOperatorIsLeftAsItIs) {
  FakeCluster cluster(SmallTask());
  cluster.RunUntilQuiet(Start);
  ASSERT_EQ(cluster.pods.size(), 1U);
  json& status = cluster.task["status"];
  status["experiments"][0]["state"] = "Confirming";
  status["newer"] = {{"a", 1}};
  const json before = status;
  cluster.Restart();
  cluster.RunToEnd([](FakeCluster&, json&) {});
  const json after = cluster.task["status"];
  for (const auto& [key, value] : before.items()) {
    if (key == "conditions") continue;
    EXPECT_EQ(after[key], value) << key;
  }
  EXPECT_THAT(after["conditions"].dump(), HasSubstr("StatusUnreadable"));
  EXPECT_THAT(after["conditions"].dump(), HasSubstr("status.experiments[0].state"));
  EXPECT_THAT(after["conditions"].dump(), Not(HasSubstr("InvalidSpec")));
  EXPECT_EQ(cluster.pods.size(), 1U);
  EXPECT_EQ(cluster.created.size(), 1U);
  // The newer operator is back.
  status["experiments"][0]["state"] = "Starting";
  cluster.RunToEnd(MeasureWell);
  EXPECT_EQ(cluster.Task().status.state, "Complete");
  EXPECT_EQ(cluster.created.size(), 2U);
}

// ---- Refusals ------------------------------------------------------------------------------------------------------

TEST(Refusal, WhateverTheApiServerSaysNowEndsNothingAndIsToldInItsWords) {
  struct Case {
    base::Error error;
    const char* reason;
    const char* ready;
  };
  const auto rbac = Forbidden("pods is forbidden: User \"operator\" cannot create resource \"pods\" in API group \"\"");
  const std::vector<Case> cases = {
      {rbac, "PodRefused", "Unknown"},
      {{base::Code::kRetry, "Unauthorized", std::nullopt, 401}, "PodRefused", "Unknown"},
      {{base::Code::kRetry, "pods \"x\" is forbidden: ValidatingAdmissionPolicy 'p' denied request", std::nullopt, 422},
       "PodRefused",
       "Unknown"},
      {Forbidden("pods \"x\" is forbidden: violates PodSecurity \"restricted\""), "PodRefused", "Unknown"},
      {Forbidden("pods \"x\" is forbidden: status unknown for quota: q"), "WaitingForResources", "Unknown"},
      {Forbidden("pods \"x\" is forbidden: exceeded quota: gpus, requested: requests.nvidia.com/gpu=1, used: "
                 "requests.nvidia.com/gpu=8, limited: requests.nvidia.com/gpu=8"),
       "WaitingForResources", "Unknown"},
      // Everything that one `kubectl apply -f DIRECTORY` brings may come a moment after the task.
      {Forbidden("pods \"x\" is forbidden: cannot set blockOwnerDeletion in this case because cannot find RESTMapping "
                 "for APIVersion autotuner.io/v1alpha1 Kind AutotuneTask: no matches for kind \"AutotuneTask\""),
       "WaitingForResources", "Unknown"},
      {Forbidden("pods \"x\" is forbidden: error looking up service account ml/default: serviceaccount \"default\" "
                 "not found"),
       "WaitingForResources", "Unknown"},
      {Forbidden("pods \"x\" is forbidden: no PriorityClass with name low was found"), "WaitingForResources",
       "Unknown"},
      {Forbidden("pods \"x\" is forbidden: pod rejected: RuntimeClass \"nvidia\" not found"), "WaitingForResources",
       "Unknown"},
      {{base::Code::kConflict, "Operation cannot be fulfilled on resourcequotas \"q\": the object has been modified",
        std::nullopt, 409},
       "WaitingForResources",
       "Unknown"},
      {{base::Code::kRetry, "Internal error occurred: failed calling webhook \"validate.kyverno.svc-fail\": refused",
        std::nullopt, 500},
       "PodRefused",
       "Unknown"},
      {Forbidden("pods \"x\" is forbidden: failed quota: q: must specify limits.cpu for: bench,install"), "PodRefused",
       "False"},
      {{base::Code::kInvalid, "Pod \"x\" is invalid: spec.containers[0].env[0].name: Invalid value", std::nullopt, 422},
       "PodRefused",
       "False"},
      {{base::Code::kAlreadyExists, "Pod ml/x exists and belongs to another object", std::nullopt, 409},
       "PodRefused",
       "False"}};
  for (const Case& one : cases) {
    for (const bool inspects : {false, true}) {
      SCOPED_TRACE(one.error.message);
      FakeCluster cluster(inspects ? Inspected() : SmallTask());
      cluster.refuse_pods = one.error;
      ASSERT_TRUE(cluster.RunUntilQuiet(MeasureWell));
      EXPECT_EQ(Of(cluster, "Ready").reason, one.reason);
      EXPECT_EQ(Of(cluster, "Ready").status, one.ready);
      EXPECT_EQ(Of(cluster, "Ready").message, one.error.message);
      EXPECT_EQ(Of(cluster, "Stalled").status, one.ready == std::string("False") ? "True" : "");
      // For an hour: each time later, and neither written nor tried in between.
      base::Duration last{0};
      int tries = 0;
      const base::WallTime begin = cluster.clock.Wall();
      cluster.admission = [&](const json&) {
        ++tries;
        return std::optional<base::Error>(one.error);
      };
      cluster.refuse_pods.reset();
      while (cluster.clock.Wall() - begin < std::chrono::hours(1)) {
        const json told = cluster.task;
        ASSERT_TRUE(cluster.RunUntilQuiet(MeasureWell));
        ASSERT_EQ(cluster.task, told);
        ASSERT_TRUE(cluster.wake_at);
        const base::Duration delay = *cluster.wake_at - cluster.clock.Wall();
        EXPECT_GE(delay, last);
        EXPECT_LE(delay, std::chrono::minutes(5));
        last = delay;
        Wait(cluster);
      }
      EXPECT_LT(tries, 20);
      cluster.admission = nullptr;
      cluster.RunToEnd(MeasureWell);
      EXPECT_EQ(cluster.Task().status.state, "Complete");
      EXPECT_EQ(Of(cluster, "Stalled").status, "");
    }
  }
}

TEST(Refusal, RunningPodsGoOnWhileNewOnesAreRefused) {
  json task = SmallTask();
  task["spec"]["parallelism"] = 2;
  FakeCluster cluster(task);
  cluster.admission = [&](const json&) -> std::optional<base::Error> {
    if (cluster.created.empty()) return std::nullopt;
    return Forbidden("pods is forbidden: User cannot create");
  };
  ASSERT_TRUE(cluster.RunUntilQuiet(Start));
  EXPECT_EQ(cluster.pods.size(), 1U);
  EXPECT_EQ(Of(cluster, "Ready").reason, "PodRefused");
  for (int i = 0; i < 5; ++i) {
    Wait(cluster);
    ASSERT_TRUE(cluster.RunUntilQuiet(Start));
  }
  EXPECT_EQ(cluster.pods.size(), 1U) << "it is not deleted";
  cluster.admission = nullptr;
  cluster.RunToEnd(MeasureWell);
  EXPECT_EQ(cluster.Task().status.state, "Complete");
  EXPECT_EQ(cluster.created.size(), 2U);
}

TEST(Refusal, AnEditIsTriedAtOnce) {
  FakeCluster cluster(SmallTask());
  cluster.refuse_pods = Forbidden("no");
  ASSERT_TRUE(cluster.RunUntilQuiet(MeasureWell));
  cluster.refuse_pods.reset();
  cluster.EditSpec([](json& spec) { spec["podTemplate"] = {{"labels", {{"team", "a"}}}}; });
  ASSERT_TRUE(cluster.RunUntilQuiet(MeasureWell));
  EXPECT_EQ(cluster.Task().status.state, "Complete");
}

TEST(Refusal, ACandidateThatItsQuotaCanNeverHoldFailsAndTheOthersGoOn) {
  json task = SmallTask();
  task["spec"]["parallelConfig"] = {{"tensorParallel", {4, 1, 2}}};
  task["spec"]["quantConfig"] = {{"preset", "default"}};
  FakeCluster cluster(task);
  cluster.admission = [&](const json& pod) -> std::optional<base::Error> {
    const int gpus =
        std::stoi(pod["spec"]["initContainers"][1]["resources"]["limits"]["nvidia.com/gpu"].get<std::string>());
    if (gpus <= 2) return std::nullopt;
    return Forbidden(
        "pods \"x\" is forbidden: exceeded quota: gpus, requested: requests.nvidia.com/gpu=" + std::to_string(gpus) +
        ",requests.cpu=500m, used: requests.nvidia.com/gpu=0,requests.cpu=0, limited: "
        "requests.nvidia.com/gpu=2,requests.cpu=4");
  };
  const base::WallTime begin = cluster.clock.Wall();
  cluster.RunToEnd(MeasureWell);
  const api::TaskStatus status = cluster.Task().status;
  EXPECT_EQ(status.state, "Complete");
  EXPECT_EQ(cluster.created.size(), 2U);
  int failed = 0;
  for (const api::ExperimentStatus& entry : status.experiments) {
    if (entry.gpus == 4) {
      EXPECT_EQ(entry.reason, "Unschedulable");
      EXPECT_THAT(entry.message, HasSubstr("limited: requests.nvidia.com/gpu=2"));
      ++failed;
    }
  }
  EXPECT_EQ(failed, 1);
  EXPECT_LT(cluster.clock.Wall() - begin, std::chrono::minutes(6)) << "nobody waits for it";
}

TEST(Refusal, ACandidateThatIsRefusedDoesNotHoldUpTheOthers) {
  json task = SmallTask();
  task["spec"]["quantConfig"]["presets"] = {"default", "kv-cache-fp8", "dynamic-fp8"};
  FakeCluster cluster(task);
  cluster.admission = [&](const json& pod) -> std::optional<base::Error> {
    if (UsesFp8KvCache(pod)) return std::nullopt;
    return Forbidden("admission webhook \"x\" denied the request: not this one");
  };
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(cluster.RunUntilQuiet(MeasureWell));
    Wait(cluster);
  }
  EXPECT_EQ(cluster.Task().status.progress, "2/3");
  EXPECT_THAT(Of(cluster, "Ready").message, HasSubstr("not this one"));
  cluster.admission = nullptr;
  cluster.RunToEnd(MeasureWell);
  EXPECT_EQ(cluster.Task().status.state, "Complete");
}

// ---- The recommendation --------------------------------------------------------------------------------------------

TEST(Recommend, ARefusedConfigMapIsAConditionOfACompleteTaskAndTriedAgain) {
  struct Case {
    base::Error error;
    const char* reason;
  };
  const std::vector<Case> cases = {
      {Forbidden("configmaps is forbidden: exceeded quota: q, requested: count/configmaps=1"), "NotWritten"},
      {{base::Code::kRetry, "denied by policy", std::nullopt, 422}, "NotWritten"},
      {{base::Code::kRetry, "connection refused", std::nullopt, 0}, "NotWritten"},
      {{base::Code::kAlreadyExists, "ConfigMap ml/llama-best exists and does not belong to this task", std::nullopt,
        409},
       "AlreadyOwned"}};
  for (const Case& one : cases) {
    SCOPED_TRACE(one.error.message);
    FakeCluster cluster(SmallTask());
    cluster.refuse_config_maps = one.error;
    ASSERT_TRUE(cluster.RunUntilQuiet(MeasureWell));
    EXPECT_EQ(cluster.Task().status.state, "Complete");
    EXPECT_EQ(Of(cluster, "Ready").status, "True");
    EXPECT_EQ(Of(cluster, "RecommendationFailed").status, "True");
    EXPECT_EQ(Of(cluster, "RecommendationFailed").reason, one.reason);
    EXPECT_EQ(Of(cluster, "RecommendationFailed").message, one.error.message);
    EXPECT_EQ(cluster.Task().status.best->score, "1500");
    EXPECT_EQ(cluster.Task().status.recommendation_config_map, "");
    const auto told = [&] {
      return std::count_if(cluster.events.begin(), cluster.events.end(),
                           [](const TaskEvent& event) { return event.reason == "RecommendationFailed"; });
    };
    EXPECT_EQ(told(), 1);
    for (int i = 0; i < 3; ++i) {
      Wait(cluster);
      if (i == 1) cluster.Restart();
      ASSERT_TRUE(cluster.RunUntilQuiet(MeasureWell));
    }
    EXPECT_EQ(told(), 1);
    EXPECT_EQ(Of(cluster, "RecommendationFailed").reason, one.reason);
    cluster.refuse_config_maps.reset();
    cluster.RunToEnd(MeasureWell);
    EXPECT_EQ(Of(cluster, "RecommendationFailed").status, "");
    EXPECT_EQ(cluster.Task().status.recommendation_config_map, "llama-best");
    EXPECT_TRUE(cluster.config_maps.contains("llama-best"));
    EXPECT_EQ(cluster.created.size(), 2U);
    EXPECT_FALSE(cluster.wake_at);
  }
}

TEST(Recommend, TheRunningDeploymentIsReadOnceAndItsDifferenceIsInTheStatus) {
  nlohmann::json task = SmallTask();
  task["spec"]["recommendation"] = {{"diffAgainst", {{"deployment", "chat"}}}};
  FakeCluster cluster(task);
  cluster.deployments["chat"] = {
      {"kind", "Deployment"},
      {"metadata", {{"name", "chat"}}},
      {"spec",
       {{"template",
         {{"spec",
           {{"containers",
             {{{"name", "server"}, {"image", "vllm/vllm-openai:v0.9.0"}, {"args", {"--max-num-seqs", "7"}}}}}}}}}}}};
  ASSERT_TRUE(cluster.RunUntilQuiet(MeasureWell));
  EXPECT_EQ(cluster.deployment_reads, 1);
  const auto difference = cluster.Task().status.difference;
  ASSERT_TRUE(difference && difference->compared());
  EXPECT_EQ(difference->container, "server");
  EXPECT_EQ(difference->lines.front().running, "vllm/vllm-openai:v0.9.0");
  EXPECT_EQ(cluster.Task().status.recommendation_config_map, "llama-best");
  cluster.Restart();
  ASSERT_TRUE(cluster.RunUntilQuiet(MeasureWell));
  EXPECT_EQ(cluster.deployment_reads, 1) << "a finished task stays as it is";

  cluster.EditSpec([](nlohmann::json& spec) { spec["recommendation"]["diffAgainst"]["deployment"] = "other"; });
  ASSERT_TRUE(cluster.RunUntilQuiet(MeasureWell));
  EXPECT_EQ(cluster.created.size(), 2U) << "what was measured is kept";
  EXPECT_EQ(cluster.Task().status.difference->message, "there is no Deployment \"other\" in namespace ml");
  EXPECT_EQ(cluster.Task().status.state, "Complete");
  EXPECT_EQ(cluster.Task().status.recommendation_config_map, "llama-best");

  cluster.EditSpec([](nlohmann::json& spec) { spec["recommendation"].erase("diffAgainst"); });
  ASSERT_TRUE(cluster.RunUntilQuiet(MeasureWell));
  EXPECT_FALSE(cluster.Task().status.difference);
}

TEST(Recommend, WhoWaitsForReadyFindsTheConfigMapAndTheResultsAreWrittenBeforeIt) {
  FakeCluster cluster(SmallTask());
  bool complete_before = false, results_before = true;
  cluster.crash = [&](const std::string& what) {
    if (what == "configmap") results_before = cluster.Task().status.progress == "2/2" && cluster.Task().status.best;
    if (what == "status" && cluster.config_maps.empty()) {
      complete_before = complete_before || cluster.Task().status.state == "Complete";
    }
    return false;
  };
  cluster.RunToEnd(MeasureWell);
  EXPECT_TRUE(results_before);
  EXPECT_FALSE(complete_before);
  EXPECT_EQ(cluster.Task().status.state, "Complete");
}

TEST(Recommend, NamesOfLongTasksDoNotMeet) {
  api::AutotuneTask task;
  task.metadata.name = "llama";
  EXPECT_EQ(deploy::ServerName(task), "llama-best");
  task.metadata.name = std::string(58, 'a');
  EXPECT_EQ(deploy::ServerName(task), std::string(58, 'a') + "-best");
  std::set<std::string> names;
  for (const char* tail : {"x", "y", "-team-a", "-team-b"}) {
    task.metadata.name = std::string(58, 'a') + tail;
    const std::string name = deploy::ServerName(task);
    EXPECT_LE(name.size(), 63U);
    EXPECT_TRUE(name.ends_with("-best"));
    EXPECT_TRUE(names.insert(name).second) << name;
  }
}

// ---- Nodes and pods ------------------------------------------------------------------------------------------------

TEST(Pods, APodThatNeverEndsOnALostNodeIsNodeLostAndTriedAgain) {
  FakeCluster cluster(SmallTask());
  cluster.RunUntilQuiet(Start);
  ASSERT_EQ(cluster.pods.size(), 1U);
  const std::string stuck = cluster.pods.begin()->first;
  cluster.lost_nodes = {"node-1"};
  // The node controller deletes it, and no kubelet confirms.
  json& pod = cluster.pods.begin()->second;
  ASSERT_TRUE(cluster.DeletePod("ml", stuck, pod["metadata"]["uid"]).ok());
  ASSERT_TRUE(cluster.RunUntilQuiet(Start));
  EXPECT_EQ(cluster.created.size(), 1U) << "it may still end";
  ASSERT_TRUE(cluster.wake_at);
  EXPECT_LT(*cluster.wake_at - cluster.clock.Wall(), std::chrono::minutes(3));
  Wait(cluster);
  ASSERT_TRUE(cluster.RunUntilQuiet(Start));
  EXPECT_EQ(cluster.Task().status.experiments[0].reason, "NodeLost");
  EXPECT_THAT(cluster.Task().status.experiments[0].message, HasSubstr("node-1"));
  cluster.RunToEnd([](FakeCluster& self, json& other) {
    other["spec"]["nodeName"] = "node-2";
    MeasureWell(self, other);
  });
  EXPECT_EQ(cluster.Task().status.state, "Complete");
  EXPECT_EQ(cluster.created.size(), 3U);
}

TEST(Pods, ThoseOfAnotherOperatorAreToldOfByItsName) {
  FakeCluster cluster(SmallTask());
  cluster.settings.environment.operator_name = "team-a/autotune";
  cluster.RunUntilQuiet(Start);
  const auto told = [&] {
    return std::any_of(cluster.events.begin(), cluster.events.end(), [](const TaskEvent& event) {
      return event.reason == "OtherOperator" && event.note.find("team-a/autotune") != std::string::npos &&
             event.note.find("this one is team-b/autotune") != std::string::npos;
    });
  };
  EXPECT_FALSE(told());
  // The same task, as another operator sees it.
  cluster.settings.environment.operator_name = "team-b/autotune";
  cluster.RunUntilQuiet(MeasureWell);
  EXPECT_TRUE(told());
}

TEST(Pods, APodDeletedBeforeItWasRecordedIsTriedAgainLaterAndNotForEver) {
  for (const bool inspects : {false, true}) {
    SCOPED_TRACE(inspects);
    FakeCluster cluster(inspects ? Inspected() : SmallTask());
    // At a standing clock: every pod is deleted as soon as it is there.
    for (int look = 0; look < 500; ++look) {
      ASSERT_TRUE(cluster.Reconcile().ok());
      cluster.pods.clear();
    }
    EXPECT_LE(cluster.created.size(), 2U);
    EXPECT_THAT(Of(cluster, "Ready").message, HasSubstr("deleted before"));
    cluster.RunToEnd(MeasureWell);
    EXPECT_EQ(cluster.Task().status.state, "Complete");
  }
}

TEST(Pods, SuspendTakesNothingFromTheRetriesAndAnEditGivesThemBack) {
  FakeCluster cluster(SmallTask());
  for (int i = 1; i <= 5; ++i) {
    cluster.RunUntilQuiet(Start);
    cluster.EditSpec([](json& spec) { spec["suspend"] = true; });
    cluster.RunUntilQuiet(Start);
    ASSERT_EQ(cluster.Task().status.state, "Suspended");
    cluster.EditSpec([](json& spec) { spec["suspend"] = false; });
  }
  const auto lose = [](FakeCluster& self, json& pod) {
    self.SetPhaseRunning(pod);
    pod["status"]["phase"] = "Failed";
    pod["status"]["reason"] = "NodeLost";
  };
  const std::size_t before = cluster.created.size();
  int lost = 0;
  cluster.RunToEnd([&](FakeCluster& self, json& pod) { ++lost <= 2 ? lose(self, pod) : MeasureWell(self, pod); });
  EXPECT_EQ(cluster.Task().status.experiments[0].state, api::ExperimentState::kSucceeded);
  EXPECT_EQ(cluster.created.size(), before + 4);
}

TEST(Pods, ASuspendedPodThatNobodyHadSeenYetIsNoFailure) {
  FakeCluster cluster(SmallTask());
  ASSERT_TRUE(cluster.Reconcile().ok());
  ASSERT_EQ(cluster.pods.size(), 1U);
  cluster.pods.begin()->second["spec"]["nodeName"] = "node-1";  // it terminates for a while
  cluster.EditSpec([](json& spec) { spec["suspend"] = true; });
  ASSERT_TRUE(cluster.Reconcile().ok());
  cluster.EditSpec([](json& spec) { spec["suspend"] = false; });
  cluster.RunToEnd(MeasureWell);
  EXPECT_EQ(cluster.Task().status.state, "Complete");
  EXPECT_EQ(cluster.Task().status.experiments[0].failures, 0);
  EXPECT_EQ(cluster.created.size(), 3U);
}

TEST(Pods, ASecretThatComesAMomentLaterFailsNothingAndOneThatNeverComesDoes) {
  FakeCluster cluster(SmallTask());
  const auto lacks_secret = [](FakeCluster& self, json& pod) {
    if (pod["status"]["phase"] != "Pending" || pod["status"].contains("initContainerStatuses")) return;
    self.SetPhaseRunning(pod);
    pod["status"]["phase"] = "Pending";
    pod["status"]["initContainerStatuses"] = {
        {{"name", "install"},
         {"ready", false},
         {"restartCount", 0},
         {"state", {{"waiting", {{"reason", "CreateContainerConfigError"}, {"message", "secret \"hf\" not found"}}}}}}};
    pod["status"]["containerStatuses"] = json::array();
  };
  ASSERT_TRUE(cluster.RunUntilQuiet(lacks_secret));
  EXPECT_EQ(Of(cluster, "Ready").reason, "WaitingForResources");
  EXPECT_THAT(Of(cluster, "Ready").message, HasSubstr("secret \"hf\" not found"));
  cluster.clock.Advance(std::chrono::seconds(60));
  ASSERT_TRUE(cluster.RunUntilQuiet(lacks_secret));
  ASSERT_EQ(cluster.pods.size(), 1U);
  MeasureWell(cluster, cluster.pods.begin()->second);
  cluster.RunToEnd(lacks_secret);
  const api::TaskStatus status = cluster.Task().status;
  EXPECT_EQ(status.state, "Complete");
  EXPECT_EQ(status.experiments[0].state, api::ExperimentState::kSucceeded);
  EXPECT_EQ(status.experiments[1].reason, "InvalidPodConfiguration");
}

json Node(const std::string& name) {
  return {{"metadata", {{"name", name}, {"labels", {{"nvidia.com/gpu.product", "NVIDIA-H100-80GB-HBM3"}}}}},
          {"status", {{"allocatable", {{"nvidia.com/gpu", "8"}}}}}};
}

TEST(Pods, AFaultOfTheGpuOrTheNetworkIsTriedOnceMoreOnAnotherNode) {
  for (const bool machine : {true, false}) {
    for (const bool another : {true, false}) {
      SCOPED_TRACE(machine);
      FakeCluster cluster(SmallTask());
      cluster.nodes = {Node("bad")};
      if (another) cluster.nodes.push_back(Node("good"));
      std::vector<json> fp8;
      cluster.RunToEnd([&](FakeCluster& self, json& pod) {
        pod["spec"]["nodeName"] = "bad";
        if (!UsesFp8KvCache(pod)) return MeasureWell(self, pod);
        fp8.push_back(pod);
        self.Finish(pod,
                    machine ? MachineFaultMessage("CUDA error: uncorrectable ECC error encountered")
                            : FailureMessage(bench::FailureReason::kEngineCrashed, "ValueError: boom"),
                    10);
      });
      ASSERT_EQ(fp8.size(), machine ? 2U : 1U) << "once, and only once";
      EXPECT_EQ(cluster.Task().status.experiments[1].reason, "EngineCrashed");
      if (!machine) continue;
      const std::string affinity = fp8[1]["spec"]["affinity"].dump();
      const std::string avoids = R"({"key":"metadata.name","operator":"NotIn","values":["bad"]})";
      EXPECT_EQ(affinity.find(avoids) != std::string::npos, another) << affinity;
      EXPECT_EQ(cluster.Task().status.experiments[1].warnings[0].reason, "RanElsewhere");
    }
  }
}

TEST(Pods, AFaultOfTheMachineIsNotTriedAgainWhereNothingIs) {
  json task = SmallTask();
  task["spec"]["optimization"]["retries"] = 0;
  FakeCluster cluster(task);
  cluster.RunToEnd([](FakeCluster& self, json& pod) { self.Finish(pod, MachineFaultMessage("NCCL error"), 10); });
  EXPECT_EQ(cluster.created.size(), 2U) << "each experiment once";
  EXPECT_EQ(Of(cluster, "Ready").reason, "AllExperimentsFailed");
}

TEST(Pods, WhatADroppedExperimentLeftBehindIsNotTakenForTheOneThatIsAskedForAgain) {
  FakeCluster cluster(SmallTask());
  cluster.RunUntilQuiet(
      [](FakeCluster& self, json& pod) { UsesFp8KvCache(pod) ? Start(self, pod) : MeasureWell(self, pod); });
  cluster.lost_nodes = {"node-1"};  // it takes its time
  cluster.EditSpec([](json& spec) { spec["quantConfig"]["presets"] = {"default"}; });
  ASSERT_TRUE(cluster.Reconcile().ok());
  cluster.EditSpec([](json& spec) { spec["quantConfig"]["presets"] = {"default", "kv-cache-fp8"}; });
  ASSERT_TRUE(cluster.Reconcile().ok());
  cluster.lost_nodes.clear();
  cluster.RunToEnd(MeasureWell);
  EXPECT_EQ(cluster.Task().status.state, "Complete");
  EXPECT_EQ(cluster.Task().status.experiments[1].failures, 0);
  EXPECT_EQ(cluster.created.size(), 3U);
}

TEST(Pods, ANodeThatRefusesPodsIsAvoidedWhereAnotherOneFits) {
  for (const bool another : {true, false}) {
    SCOPED_TRACE(another);
    FakeCluster cluster(SmallTask());
    cluster.nodes = {Node("bad")};
    if (another) cluster.nodes.push_back(Node("good"));
    cluster.RunToEnd([&](FakeCluster& self, json& pod) {
      const std::string avoids = R"({"key":"metadata.name","operator":"NotIn","values":["bad"]})";
      if (pod["spec"]["affinity"].dump().find(avoids) != std::string::npos) return MeasureWell(self, pod);
      // What a kubelet says whose device plugin lost a GPU: it is the emptiest node, so the scheduler prefers it.
      pod["spec"]["nodeName"] = "bad";
      pod["status"] = {{"phase", "Failed"},
                       {"reason", "UnexpectedAdmissionError"},
                       {"startTime", base::FormatRfc3339(self.clock.Wall())},
                       {"message", "Pod was rejected: Allocate failed: nvml: GPU is lost"}};
    });
    EXPECT_EQ(cluster.Task().status.state, another ? "Complete" : "Failed");
    if (another) continue;
    EXPECT_EQ(cluster.Task().status.experiments[0].reason, "NodeRefused");
  }
}

class PodThatMayNotBeDeleted : public testing::TestWithParam<base::Error> {};
INSTANTIATE_TEST_SUITE_P(
    Words, PodThatMayNotBeDeleted,
    testing::Values(Forbidden("pods is forbidden: User \"operator\" cannot delete resource \"pods\""),
                    base::Error{base::Code::kRetry, "Internal error occurred: failed calling webhook \"x\": refused",
                                std::nullopt, 500}));
TEST_P(PodThatMayNotBeDeleted, IsToldAndHoldsNothingElseUp) {
  const base::Error& error = GetParam();
  FakeCluster cluster(SmallTask());
  cluster.refuse_deletes = error;
  for (int look = 0; look < 10; ++look) {
    (void)cluster.Reconcile();  // fails, and the queue repeats it
    for (auto& [name, pod] : cluster.pods) MeasureWell(cluster, pod);
  }
  EXPECT_EQ(cluster.created.size(), 2U);
  const api::TaskStatus status = cluster.Task().status;
  EXPECT_EQ(status.state, "Complete");
  EXPECT_EQ(Of(cluster, "PodsNotDeleted").status, "True");
  EXPECT_THAT(Of(cluster, "PodsNotDeleted").message, HasSubstr(error.message));
  cluster.refuse_deletes.reset();
  cluster.RunToEnd(MeasureWell);
  EXPECT_THAT(cluster.pods, IsEmpty());
  EXPECT_EQ(Of(cluster, "PodsNotDeleted").status, "") << "also of a task that is over";
}

TEST(Pods, SuspendedPodsThatMayNotBeDeletedAreToldUntilTheyAreGone) {
  FakeCluster cluster(SmallTask());
  ASSERT_TRUE(cluster.RunUntilQuiet(Start));
  cluster.refuse_deletes = Forbidden("pods is forbidden");
  cluster.EditSpec([](json& spec) { spec["suspend"] = true; });
  for (int look = 0; look < 3; ++look) EXPECT_FALSE(cluster.Reconcile().ok());
  EXPECT_EQ(cluster.Task().status.state, "Suspended");
  EXPECT_EQ(Of(cluster, "PodsNotDeleted").reason, "DeleteRefused");
  cluster.refuse_deletes.reset();
  ASSERT_TRUE(cluster.RunUntilQuiet(Start));
  EXPECT_EQ(Of(cluster, "PodsNotDeleted").status, "");
}

TEST(Refusal, AStatusThatMayNotBeWrittenIsAnEvent) {
  FakeCluster cluster(SmallTask());
  cluster.refuse_status = Forbidden("autotunetasks/status is forbidden");
  EXPECT_FALSE(cluster.Reconcile().ok());
  ASSERT_EQ(cluster.events.size(), 1U);
  EXPECT_EQ(cluster.events[0].reason, "StatusNotWritten");
  EXPECT_THAT(cluster.created, IsEmpty());
}

// ---- The model -----------------------------------------------------------------------------------------------------

TEST(Inspect, NodesThatComeAndGoEndNoTask) {
  FakeCluster cluster(Inspected());
  int lost = 0;
  cluster.RunToEnd([&](FakeCluster& self, json& pod) {
    if (!IsInspect(pod) || ++lost > 8) return MeasureWell(self, pod);
    pod["spec"]["nodeName"] = "node-1";
    pod["status"]["phase"] = "Failed";
    pod["status"]["reason"] = "NodeLost";
  });
  EXPECT_EQ(cluster.Task().status.state, "Complete");
  EXPECT_EQ(lost, 9);
}

// The kubelet runs the pod, and nothing comes of it.
void RunsForever(FakeCluster& self, json& pod) {
  if (pod["status"].contains("containerStatuses")) return;
  const std::string now = base::FormatRfc3339(self.clock.Wall());
  pod["spec"]["nodeName"] = "node-1";
  pod["status"] = {{"phase", "Running"},
                   {"conditions", {{{"type", "PodScheduled"}, {"status", "True"}, {"lastTransitionTime", now}}}},
                   {"containerStatuses", {{{"name", "inspect"}, {"state", {{"running", {{"startedAt", now}}}}}}}}};
}

TEST(Inspect, SaysWithinFiveSecondsWhichHubItWaitsForSinceWhenAndWhatSaysMore) {
  FakeCluster cluster(Inspected());
  const base::WallTime begin = cluster.clock.Wall();
  for (;;) {
    ASSERT_TRUE(cluster.RunUntilQuiet(RunsForever));
    if (Of(cluster, "Ready").message.find("no answer from") != std::string::npos) break;
    Wait(cluster);
    ASSERT_LE(cluster.clock.Wall() - begin, std::chrono::seconds(5)) << Of(cluster, "Ready").message;
  }
  EXPECT_THAT(
      Of(cluster, "Ready").message,
      ::testing::MatchesRegex("Reading the model's configuration: pod [a-z0-9-]+ since [0-9TZ:-]+, no answer from "
                              "https://huggingface.co yet .kubectl logs [a-z0-9-]+ -n [a-z]+."));
  EXPECT_EQ(Of(cluster, "Ready").reason, "Inspecting");
}

TEST(Inspect, AHubThatDidNotAnswerIsNamedWithWhatHelps) {
  FakeCluster cluster(Inspected());
  ASSERT_TRUE(cluster.RunUntilQuiet([&](FakeCluster& self, json& pod) {
    bench::InspectResult result;
    result.failure =
        bench::Failure{bench::FailureReason::kModelUnreadable, "the hub cannot be read: timed out", 0, 0, true};
    self.FinishInspect(pod, result, 20);
  }));
  EXPECT_THAT(Of(cluster, "Ready").message, HasSubstr(" (failed once): the hub cannot be read: timed out. "
                                                      "spec.model.huggingFace.endpoint names another hub"));
}

TEST(Inspect, AHubThatDoesNotAnswerIsAskedAgainForAsLongAsItTakes) {
  FakeCluster cluster(Inspected());
  int asked = 0;
  cluster.RunToEnd([&](FakeCluster& self, json& pod) {
    if (!IsInspect(pod) || ++asked > 12) return MeasureWell(self, pod);
    bench::InspectResult result;
    result.failure =
        bench::Failure{bench::FailureReason::kModelUnreadable, "the hub cannot be read: timed out", 0, 0, true};
    self.FinishInspect(pod, result, 20);
  });
  EXPECT_EQ(cluster.Task().status.state, "Complete");
  EXPECT_EQ(asked, 13);
}

// ---- What a task waits for -----------------------------------------------------------------------------------------

using Kubelet = std::function<void(FakeCluster&, json& pod)>;

// The pod has got as far as `conditions` and `status` say, once.
Kubelet StaysAt(const char* node, json condition, json status = json::object()) {
  return [node, condition, status](FakeCluster& self, json& pod) {
    if (pod["status"].contains("conditions")) return;
    if (*node != '\0') pod["spec"]["nodeName"] = node;
    json told = condition;
    told["type"] = "PodScheduled";
    told["lastTransitionTime"] = base::FormatRfc3339(self.clock.Wall());
    pod["status"] = status;
    pod["status"]["phase"] = "Pending";
    pod["status"]["conditions"] = {told};
  };
}

json WaitingEngine(const char* reason, const char* message) {
  return {{"initContainerStatuses",
           {{{"name", "engine"}, {"state", {{"waiting", {{"reason", reason}, {"message", message}}}}}}}}};
}

const json kScheduled = {{"status", "True"}};

TEST(Waiting, ATaskSaysWithinFiveSecondsWhatItWaitsFor) {
  struct Case {
    const char* what;
    json task;
    Kubelet kubelet;
    const char* words;
  };
  const json unschedulable = {
      {"status", "False"}, {"reason", "Unschedulable"}, {"message", "0/2 nodes: Insufficient nvidia.com/gpu"}};
  for (const Case& one : std::vector<Case>{
           {"a scheduler that is not there", SmallTask(), [](FakeCluster&, json&) {}, "no scheduler has processed"},
           {"a node", SmallTask(), StaysAt("", unschedulable), "Insufficient nvidia.com/gpu"},
           {"a queue", SmallTask(),
            StaysAt("", {{"status", "False"}, {"reason", "SchedulingGated"}, {"message", "in queue gpus"}}),
            "in queue gpus"},
           {"an image", SmallTask(), StaysAt("node-1", kScheduled), "images are being pulled"},
           {"an image that is not there", SmallTask(),
            StaysAt("node-1", kScheduled, WaitingEngine("ImagePullBackOff", "not found")),
            "ImagePullBackOff: not found"},
           {"a secret", SmallTask(),
            StaysAt("node-1", kScheduled, WaitingEngine("CreateContainerConfigError", R"(secret "hf" not found)")),
            R"(secret "hf" not found)"},
           {"the scheduler, for the pod that reads the model", Inspected(), [](FakeCluster&, json&) {},
            "no scheduler has processed"},
           {"a node for the pod that reads the model", Inspected(), StaysAt("", unschedulable),
            "Insufficient nvidia.com/gpu"},
           {"an image of the pod that reads the model", Inspected(), StaysAt("node-1", kScheduled),
            "images are being pulled"}}) {
    SCOPED_TRACE(one.what);
    FakeCluster cluster(one.task);
    const base::WallTime begin = cluster.clock.Wall();
    for (;;) {
      ASSERT_TRUE(cluster.RunUntilQuiet(one.kubelet));
      if (Of(cluster, "Ready").message.find(one.words) != std::string::npos) break;
      Wait(cluster);
      ASSERT_LE(cluster.clock.Wall() - begin, std::chrono::seconds(5)) << Of(cluster, "Ready").message;
    }
    EXPECT_EQ(Of(cluster, "Ready").reason, "WaitingForResources");
    EXPECT_EQ(Of(cluster, "Ready").status, "Unknown");
  }
}

constexpr const char* kDeadlineIsOver =
    "spec.optimization.budget.deadline: 10m since the start of the task have passed";

json WithDeadline(json task, const char* strategy) {
  task["spec"]["optimization"] = {{"strategy", strategy}, {"budget", {{"deadline", "10m"}}}};
  return task;
}

TEST(Waiting, ATaskEndsAtItsDeadlineWhateverItWaitsFor) {
  struct Case {
    const char* what;
    json task;
    Kubelet kubelet;
    const char* words;
    std::optional<base::Error> refused;
  };
  const json unschedulable = {
      {"status", "False"}, {"reason", "Unschedulable"}, {"message", "0/2 nodes: Insufficient nvidia.com/gpu"}};
  const json gated = {{"status", "False"}, {"reason", "SchedulingGated"}, {"message", "in queue gpus"}};
  const Kubelet nobody = [](FakeCluster&, json&) {};
  const base::Error quota = Forbidden("exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2");
  for (const char* strategy : {"Grid", "Adaptive"}) {
    for (const Case& one : std::vector<Case>{
             {"a scheduler that is not there", SmallTask(), nobody, "no scheduler has processed", std::nullopt},
             {"a node", SmallTask(), StaysAt("", unschedulable), "Insufficient nvidia.com/gpu", std::nullopt},
             {"a queue", SmallTask(), StaysAt("", gated), "in queue gpus", std::nullopt},
             {"an image", SmallTask(), StaysAt("node-1", kScheduled), "images are being pulled", std::nullopt},
             {"a quota", SmallTask(), nobody, "exceeded quota", quota},
             {"a node for the pod that reads the model", Inspected(), StaysAt("", unschedulable),
              "Insufficient nvidia.com/gpu", std::nullopt},
             {"a quota for the pod that reads the model", Inspected(), nobody, "exceeded quota", quota}}) {
      SCOPED_TRACE(std::string(strategy) + ", " + one.what);
      FakeCluster cluster(WithDeadline(one.task, strategy));
      cluster.refuse_pods = one.refused;
      const base::WallTime begin = cluster.clock.Wall();
      cluster.RunToEnd(one.kubelet);
      EXPECT_EQ(cluster.Task().status.state, "Failed");
      EXPECT_EQ(cluster.clock.Wall() - begin, std::chrono::minutes(10));
      EXPECT_TRUE(cluster.pods.empty());
      EXPECT_EQ(Of(cluster, "Stalled").status, "True");
      EXPECT_THAT(Of(cluster, "Ready").message, HasSubstr(kDeadlineIsOver));
      EXPECT_THAT(Of(cluster, "Ready").message, HasSubstr(one.words));
    }
  }
}

TEST(Waiting, WhatIsBeingMeasuredAtTheDeadlineIsTheAnswer) {
  FakeCluster cluster(WithDeadline(SmallTask(), "Grid"));
  ASSERT_TRUE(cluster.RunUntilQuiet(Start));
  cluster.clock.Advance(std::chrono::minutes(10));
  ASSERT_TRUE(cluster.RunUntilQuiet(Start));
  EXPECT_EQ(cluster.Task().status.experiments[0].state, api::ExperimentState::kMeasuring);
  cluster.RunToEnd(MeasureWell);
  const api::TaskStatus status = cluster.Task().status;
  EXPECT_EQ(status.state, "Complete");
  EXPECT_EQ(status.best->experiment, status.experiments[0].name);
  EXPECT_EQ(status.experiments[1].reason, "Unschedulable");
  EXPECT_THAT(status.experiments[1].message, HasSubstr(kDeadlineIsOver));
  EXPECT_EQ(cluster.created.size(), 1U);
}

TEST(Waiting, ALaterDeadlineStartsWhatTheFirstOneEnded) {
  FakeCluster cluster(WithDeadline(SmallTask(), "Grid"));
  cluster.RunToEnd([](FakeCluster&, json&) {});
  ASSERT_EQ(cluster.Task().status.state, "Failed");
  cluster.EditSpec([](json& spec) { spec["optimization"]["budget"]["deadline"] = "10h"; });
  cluster.RunToEnd(MeasureWell);
  EXPECT_EQ(cluster.Task().status.state, "Complete");
  for (const api::ExperimentStatus& entry : cluster.Task().status.experiments) {
    EXPECT_EQ(entry.state, api::ExperimentState::kSucceeded);
    EXPECT_EQ(entry.message, "");
  }
}

TEST(Waiting, ADeadlineThatPassesWhileATaskIsSuspendedEndsItWhenItIsResumed) {
  for (const char* strategy : {"Grid", "Adaptive"}) {
    SCOPED_TRACE(strategy);
    FakeCluster cluster(WithDeadline(SmallTask(), strategy));
    ASSERT_TRUE(cluster.RunUntilQuiet(Start));
    cluster.EditSpec([](json& spec) { spec["suspend"] = true; });
    cluster.RunToEnd(Start);
    cluster.clock.Advance(std::chrono::hours(1));
    cluster.RunToEnd(Start);
    EXPECT_EQ(cluster.Task().status.state, "Suspended");
    cluster.EditSpec([](json& spec) { spec["suspend"] = false; });
    cluster.RunToEnd(MeasureWell);
    EXPECT_EQ(cluster.Task().status.state, "Failed");
    EXPECT_THAT(Of(cluster, "Ready").message, HasSubstr(kDeadlineIsOver));
    EXPECT_EQ(cluster.created.size(), 1U);
  }
}

TEST(Waiting, ATaskSaysThatPodsOfBeforeAnEditStillHoldTheGpus) {
  FakeCluster cluster(SmallTask());
  ASSERT_TRUE(cluster.RunUntilQuiet(Start));
  cluster.lost_nodes = {"node-1"};
  cluster.EditSpec([](json& spec) { spec["benchmark"]["duration"] = "20s"; });
  ASSERT_TRUE(cluster.RunUntilQuiet(Start));
  EXPECT_EQ(cluster.created.size(), 1U);
  EXPECT_THAT(Of(cluster, "Ready").message, HasSubstr("pod " + cluster.created[0] + ", which is being deleted"));
}

}  // namespace
}  // namespace autotune::reconcile
