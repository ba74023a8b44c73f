// Every ending of a pod as a kubelet, the scheduler or the node controllers report it (statuses/*.json), against the
// one reason of the closed list that a user reads. Words between @ in a fixture stand for a bench's whole message,
// checksum included; the pods were created at 10:00:00.
#include "operator/experiment/outcome.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

namespace autotune::experiment {
namespace {

using bench::FailureReason;
using nlohmann::json;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;
using Kind = PodOutcome::Kind;

const base::WallTime kCreated = base::ParseRfc3339("2026-11-22T10:00:00Z");

bench::RunResult Measured() {
  bench::RunResult run;
  run.engine_version = "0.20.1";
  run.start_seconds = 79.5;
  run.points.emplace_back();
  run.points.back().scenario = "D(512,128)";
  run.points.back().load = measurement::Concurrency(8);
  return run;
}

std::string Reported(FailureReason reason, const std::string& message, int exit_code) {
  bench::RunResult run;
  run.failure = bench::Failure{reason, message, exit_code, 0};
  return bench::Encode(run);
}

std::string MessageFor(const std::string& name) {
  if (name == "@succeeded@") return bench::Encode(Measured());
  if (name == "@cut@") return bench::Encode(Measured()).substr(0, 60);
  if (name == "@rejected@") {
    return Reported(FailureReason::kEngineRejectedArguments, "vllm: error: unrecognized arguments: --swap-space", 2);
  }
  if (name == "@killed@") return Reported(FailureReason::kEngineCrashed, "the whole container was killed", 0);
  if (name == "@crashed-137@") return Reported(FailureReason::kEngineCrashed, "Loading safetensors shards: 50%", 137);
  if (name == "@model@") {
    bench::InspectResult inspect;
    inspect.model.architecture = "LlamaForCausalLM";
    return bench::Encode(inspect);
  }
  if (name == "@gated@") {
    bench::InspectResult inspect;
    inspect.failure = bench::Failure{FailureReason::kModelUnreadable, "access to the model is gated", 0, 403};
    return bench::Encode(inspect);
  }
  ADD_FAILURE() << "no message is called " << name;
  return "";
}

void FillMessages(json& value) {
  if (value.is_string()) {
    const std::string& text = value.get_ref<const std::string&>();
    if (text.size() > 2 && text.front() == '@' && text.back() == '@') value = MessageFor(text);
  } else if (value.is_structured()) {
    for (json& member : value) FillMessages(member);
  }
}

std::filesystem::path Statuses() { return std::filesystem::path(TESTDATA_DIR) / "experiment" / "statuses"; }

PodView Load(const std::string& name) {
  std::ifstream file(Statuses() / (name + ".json"));
  EXPECT_TRUE(file.is_open()) << name;
  json pod = json::parse(file, nullptr, false);
  EXPECT_FALSE(pod.is_discarded()) << name;
  FillMessages(pod);
  return PodViewFromJson(pod);
}

struct Ending {
  const char* file;
  seconds after;  // since the pod's creation
  FailureReason reason;
  const char* message;  // what a user has to find in it
};

// The default limits: scheduling 30m, image pull 15m, startup 30m, experiment 45m.
const Ending kEndings[] = {
    {"unschedulable", minutes(30), FailureReason::kUnschedulable, "no node within 30m: 0/3 nodes are available"},
    {"just-created", minutes(30), FailureReason::kUnschedulable, "no scheduler has processed the pod"},
    // The queue let it go at 13:00.
    {"admitted-by-queue", minutes(210), FailureReason::kUnschedulable, "2 Insufficient nvidia.com/gpu"},
    {"image-pull-back-off", seconds(905), FailureReason::kImagePullFailed,
     "pull access denied, repository does not exist"},
    {"image-being-pulled", seconds(905), FailureReason::kImagePullFailed, "an image is still being pulled"},
    {"invalid-image-name", seconds(6), FailureReason::kImagePullFailed,
     "repository name (library/vllm/VLLM) must be lowercase"},
    {"missing-secret", seconds(250), FailureReason::kInvalidPodConfiguration,
     "container engine: CreateContainerConfigError: secret \"hf\" not found"},
    {"engine-loading", seconds(60 + 1920), FailureReason::kStartupTimeout,
     "not ready after 30m, and its launcher has reported nothing"},
    {"measuring", seconds(150 + 2820), FailureReason::kExperimentTimeout, "more than 45m without a result"},
    {"engine-rejected-arguments", seconds(92), FailureReason::kEngineRejectedArguments,
     "unrecognized arguments: --swap-space"},
    {"oom-cgroup-v2", seconds(95), FailureReason::kOutOfMemory, "host memory: the kubelet reports OOMKilled"},
    {"oom-cgroup-v1", seconds(95), FailureReason::kOutOfMemory, "Loading safetensors shards: 50%"},
    {"oom-loop", seconds(97), FailureReason::kOutOfMemory, "host memory"},
    {"killed-137", seconds(95), FailureReason::kEngineCrashed,
     "nothing reports memory exhaustion: Loading safetensors"},
    {"killed-137-no-message", seconds(95), FailureReason::kEngineCrashed,
     "ended with exit code 137 (signal 9) before a result"},
    {"engine-cannot-start", seconds(40), FailureReason::kInvalidPodConfiguration,
     "\"/autotune/autotune-launch\": permission denied"},
    {"install-cannot-start", seconds(7), FailureReason::kInvalidPodConfiguration,
     "init container install cannot be started"},
    {"bench-cannot-start", seconds(95), FailureReason::kInvalidPodConfiguration, "autotune-bench: no such file"},
    {"bench-silent", seconds(302), FailureReason::kBenchmarkFailed, "exit code 20 without a result"},
    {"bench-message-cut", seconds(302), FailureReason::kBenchmarkFailed,
     "this one has 5; a sidecar injector may have added some"},
    {"bench-out-of-memory", seconds(302), FailureReason::kBenchmarkFailed,
     "raise spec.benchmark.resources.limits.memory"},
    {"refused-by-node", seconds(3), FailureReason::kNodeRefused,
     "UnexpectedAdmissionError: Pod was rejected: Allocate failed"},
    {"node-shutdown", seconds(302), FailureReason::kNodeLost, "imminent node shutdown"},
    {"status-unknown", seconds(302), FailureReason::kNodeLost, "could not be located when the pod was terminated"},
    {"deadline-exceeded", seconds(302), FailureReason::kExperimentTimeout,
     "the timeouts of the experiment, while measuring"},
};

TEST(PodOutcome, NamesEveryEndingByOneReasonWithItsCause) {
  for (const Ending& row : kEndings) {
    SCOPED_TRACE(row.file);
    const PodOutcome outcome = ReadExperimentOutcome(Load(row.file), {}, kCreated + row.after);
    EXPECT_EQ(outcome.kind, Kind::kFailed);
    if (!outcome.failure) continue;
    EXPECT_EQ(bench::FailureReasonName(outcome.failure->reason), bench::FailureReasonName(row.reason));
    EXPECT_THAT(outcome.failure->message, HasSubstr(row.message));
  }
}

// As a kubelet 1.36.4 with containerd 1.6.20 on cgroup v1 reported them for pods of stand-ins (shell scripts instead of
// launcher and bench). The files above follow these.
const Ending kRecorded[] = {
    {"missing-secret", seconds(250), FailureReason::kInvalidPodConfiguration, "secret \"hf\" not found"},
    {"root-refused", seconds(80), FailureReason::kInvalidPodConfiguration,
     "container install: container has runAsNonRoot"},
    {"invalid-image-name", seconds(80), FailureReason::kImagePullFailed,
     "repository name (vllm/VLLM) must be lowercase"},
    {"image-pull-back-off", seconds(1000), FailureReason::kImagePullFailed, "lookup registry.invalid"},
    {"engine-cannot-start", seconds(80), FailureReason::kInvalidPodConfiguration,
     "exec: \"/s/no-such\": stat /s/no-such"},
    {"install-cannot-start", seconds(80), FailureReason::kInvalidPodConfiguration,
     "init container install cannot be started"},
    {"bench-cannot-start", seconds(80), FailureReason::kInvalidPodConfiguration, "exec: \"/no-such\": stat /no-such"},
    {"oom-cgroup", seconds(80), FailureReason::kOutOfMemory,
     "OOMKilled for the engine's container"},  // all of it, as v2 does
    {"oom-child", seconds(80), FailureReason::kOutOfMemory,
     "Loading safetensors shards: 50%"},  // one process, as v1 does
    {"oom-loop", seconds(80), FailureReason::kOutOfMemory, "host memory"},
    {"deadline", seconds(80), FailureReason::kExperimentTimeout, "while starting the engine"},
    {"too-many-gpus", seconds(1800), FailureReason::kUnschedulable,
     "0/1 nodes are available: 1 Insufficient nvidia.com/gpu"},
    {"evicted-empty-dir-limit", seconds(80), FailureReason::kStorageLimitExceeded,
     "\"scratch\" exceeds the limit \"1Mi\""},
    {"evicted-container-storage-limit", seconds(80), FailureReason::kStorageLimitExceeded,
     "Container bench exceeded its local ephemeral storage limit \"4Mi\""},
    {"evicted-pod-storage-limit", seconds(80), FailureReason::kStorageLimitExceeded,
     "ephemeral local storage usage exceeds the total limit of containers 4Mi"},
    {"evicted-node-pressure", seconds(80), FailureReason::kEvicted,
     "on node pressed: The node was low on resource: memory"},
    {"preempted", seconds(80), FailureReason::kEvicted,
     "PreemptionByScheduler on node gpu-1: default-scheduler: preempting"},
    {"deleted-by-hand", seconds(80), FailureReason::kEvicted, "deleted while measuring"},
    {"refused-for-gpus", seconds(3), FailureReason::kNodeRefused,
     "OutOfnvidia.com/gpu: Pod was rejected: Node didn't have enough resource: nvidia.com/gpu"},
    {"node-unreachable", seconds(510), FailureReason::kNodeLost, "was lost on node silent: Taint manager"},
    {"node-deleted", seconds(510), FailureReason::kNodeLost, "PodGC: node no longer exists"},
    {"runtime-killed", seconds(80), FailureReason::kNodeLost, "the node lost track of container install"},
};

// containerd was restarted meanwhile, or the kubelet could not find the container: another attempt may go well.
TEST(PodOutcome, AContainerThatTheNodeLostTrackOfIsANodeThatWasLost) {
  const json lost = {
      {"exitCode", 255}, {"reason", "Unknown"}, {"startedAt", nullptr}, {"finishedAt", "2026-11-22T10:01:00Z"}};
  const auto of = [&](const char* name, const char* container, const char* state) {
    std::ifstream file(Statuses() / (std::string(name) + ".json"));
    json pod = json::parse(file);
    FillMessages(pod);
    for (json& status : pod["status"]["initContainerStatuses"]) {
      if (status["name"] == container) status[state] = {{"terminated", lost}};
    }
    return ReadExperimentOutcome(PodViewFromJson(pod), {}, kCreated + seconds(95));
  };
  for (const PodOutcome& outcome :
       {of("install-cannot-start", "install", "state"), of("killed-137-no-message", "engine", "lastState"),
        of("killed-137", "engine", "lastState")}) {
    ASSERT_TRUE(outcome.failure);
    EXPECT_EQ(outcome.failure->reason, FailureReason::kNodeLost) << outcome.failure->message;
    EXPECT_THAT(outcome.failure->message, HasSubstr("the node lost track of container"));
  }
}

// SGLang's parent process ends everything, itself too, by SIGKILL once a scheduler has raised.
TEST(PodOutcome, OfAnEngineThatKilledItselfIsTheErrorThatItLogged) {
  const std::string error = "RuntimeError: NCCL error: unhandled system error";
  std::ifstream file(Statuses() / "killed-137.json");
  std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::size_t at = text.find("\"@crashed-137@\"");
  ASSERT_NE(at, std::string::npos);
  text.replace(at, std::string("\"@crashed-137@\"").size(),
               json(Reported(FailureReason::kEngineCrashed, error, 137)).dump());
  const PodOutcome outcome = ReadExperimentOutcome(PodViewFromJson(json::parse(text)), {}, kCreated + seconds(95));
  ASSERT_TRUE(outcome.failure);
  EXPECT_EQ(outcome.failure->message, error);
}

// A Secret, or the kubelet's view of it, may come a moment later.
TEST(PodOutcome, WaitsForWhatTheConfigurationOfAContainerNames) {
  const PodView pod = Load("recorded/missing-secret");
  const PodOutcome early = ReadExperimentOutcome(pod, {}, pod.created_at + seconds(30));
  EXPECT_EQ(early.kind, Kind::kWaiting);
  EXPECT_THAT(early.waiting_message, HasSubstr("secret"));
  ASSERT_TRUE(early.next_deadline);
  EXPECT_LE(*early.next_deadline, pod.created_at + minutes(4));
  const PodOutcome late = ReadExperimentOutcome(pod, {}, *early.next_deadline);
  ASSERT_TRUE(late.failure);
  EXPECT_EQ(late.failure->reason, FailureReason::kInvalidPodConfiguration);
}

TEST(PodOutcome, ReadsWhatARealKubeletReported) {
  for (const Ending& row : kRecorded) {
    SCOPED_TRACE(row.file);
    const PodView pod = Load(std::string("recorded/") + row.file);
    const PodOutcome outcome = ReadExperimentOutcome(pod, {}, pod.created_at + row.after);
    EXPECT_EQ(outcome.kind, Kind::kFailed);
    if (!outcome.failure) continue;
    EXPECT_EQ(bench::FailureReasonName(outcome.failure->reason), bench::FailureReasonName(row.reason));
    EXPECT_THAT(outcome.failure->message, HasSubstr(row.message));
  }
}

struct Stand {
  const char* file;
  seconds after;
  Kind kind;
  const char* waiting;   // a part of the message, "" = no message
  int deadline_seconds;  // since creation, -1 = none: only an event changes anything
};

const Stand kStands[] = {
    {"just-created", seconds(1), Kind::kWaiting, "", 4},
    {"just-created", seconds(4), Kind::kWaiting, "no scheduler has processed", 1800},
    {"unschedulable", seconds(1799), Kind::kWaiting, "2 Insufficient nvidia.com/gpu", 1800},
    {"gated", minutes(600), Kind::kWaiting, "waiting for quota", -1},
    {"admitted-by-queue", minutes(209), Kind::kWaiting, "2 Insufficient nvidia.com/gpu", 12600},
    {"image-pull-back-off", seconds(904), Kind::kWaiting, "pull access denied", 905},
    {"image-being-pulled", seconds(8), Kind::kWaiting, "", 9},
    {"image-being-pulled", seconds(904), Kind::kWaiting, "images are being pulled", 905},
    {"engine-loading", seconds(60), Kind::kStarting, "", 60 + 1920},
    // Killed once and about to be started again: the launcher finds its marker and bench will report.
    {"oom-restarting", seconds(95), Kind::kStarting, "", 60 + 1920},
    {"measuring", seconds(200), Kind::kMeasuring, "", 150 + 2820},
    {"disruption-announced", seconds(290), Kind::kMeasuring, "", 150 + 2820},
    // The result is there, but the GPUs are not free and the log is not whole.
    {"engine-stopping", seconds(301), Kind::kMeasuring, "", 390},
};

TEST(PodOutcome, SaysWhereALivingPodStandsAndWhenTimeAloneChangesThat) {
  for (const Stand& row : kStands) {
    SCOPED_TRACE(row.file);
    const PodOutcome outcome = ReadExperimentOutcome(Load(row.file), {}, kCreated + row.after);
    EXPECT_EQ(outcome.kind, row.kind);
    EXPECT_FALSE(outcome.failure) << outcome.failure->message;
    EXPECT_FALSE(outcome.run.has_value());
    if (*row.waiting == '\0') {
      EXPECT_EQ(outcome.waiting_message, "");
    } else {
      EXPECT_THAT(outcome.waiting_message, HasSubstr(row.waiting));
    }
    if (row.deadline_seconds < 0) {
      EXPECT_FALSE(outcome.next_deadline);
    } else if (outcome.next_deadline) {
      EXPECT_EQ(*outcome.next_deadline - kCreated, seconds(row.deadline_seconds));
    } else {
      ADD_FAILURE() << "no deadline: nobody would look again";
    }
  }
}

TEST(PodOutcome, SaysWhichPodWaitsSinceWhenAndWhoKnowsMore) {
  const auto waiting = [](const char* file, std::chrono::seconds after) {
    return ReadExperimentOutcome(Load(file), {}, kCreated + after).waiting_message;
  };
  EXPECT_THAT(waiting("gated", minutes(600)),
              testing::AllOf(testing::StartsWith("pod llama-0123456789 since 2026-11-22T10:00:00Z: waiting for quota"),
                             testing::EndsWith(" (kubectl get workloads -n team-a)")));
  EXPECT_THAT(waiting("unschedulable", minutes(1)),
              testing::EndsWith(" (kubectl describe pod llama-0123456789 -n team-a)"));
  EXPECT_THAT(waiting("image-being-pulled", seconds(904)),
              testing::EndsWith(" (kubectl describe pod llama-0123456789 -n team-a)"));
}

// Looking at a deadline must settle it, or the reconcile would spin.
TEST(PodOutcome, IsDecidedOnceItsDeadlineIsReached) {
  for (const Stand& row : kStands) {
    if (row.deadline_seconds < 0) continue;
    SCOPED_TRACE(row.file);
    const base::WallTime deadline = kCreated + seconds(row.deadline_seconds);
    const PodOutcome outcome = ReadExperimentOutcome(Load(row.file), {}, deadline);
    if (outcome.kind == Kind::kWaiting) {  // what was no news is now told, once
      EXPECT_EQ(*row.waiting, '\0');
      EXPECT_NE(outcome.waiting_message, "");
      EXPECT_GT(*outcome.next_deadline, deadline);
      continue;
    }
    EXPECT_TRUE(outcome.kind == Kind::kFailed || outcome.kind == Kind::kSucceeded);
    EXPECT_FALSE(outcome.next_deadline);
  }
}

TEST(PodOutcome, CountsTheDeadlinesOfTheTask) {
  api::OptimizationSpec limits;
  limits.scheduling_timeout = minutes(1);
  limits.image_pull_timeout = minutes(2);
  limits.startup_timeout = minutes(3);
  limits.experiment_timeout = minutes(4);
  const auto deadline = [&](const char* file) {
    return *ReadExperimentOutcome(Load(file), limits, kCreated).next_deadline - kCreated;
  };
  EXPECT_EQ(deadline("unschedulable"), minutes(1));
  EXPECT_EQ(deadline("image-pull-back-off"), seconds(5) + minutes(2));  // from the end of `install`
  EXPECT_EQ(deadline("engine-loading"), seconds(60) + minutes(5));  // with two minutes for the launcher's own report
  EXPECT_EQ(deadline("measuring"), seconds(150) + minutes(6));
}

TEST(PodOutcome, IsAResultOnceThePodHasEnded) {
  const PodOutcome outcome = ReadExperimentOutcome(Load("succeeded"), {}, kCreated + seconds(302));
  ASSERT_EQ(outcome.kind, Kind::kSucceeded);
  EXPECT_EQ(outcome.run->engine_version, "0.20.1");
  EXPECT_EQ(outcome.run->points, Measured().points);
  EXPECT_EQ(outcome.gpu_since - kCreated, seconds(2)) << "GPUs are held from the binding";
  EXPECT_EQ(outcome.ended_at - kCreated, seconds(301)) << "until the engine has stopped";
}

TEST(PodOutcome, AnEngineThatDoesNotStopHoldsNoResultUp) {
  const PodOutcome outcome = ReadExperimentOutcome(Load("engine-stopping"), {}, kCreated + seconds(390));
  ASSERT_EQ(outcome.kind, Kind::kSucceeded);
  EXPECT_EQ(outcome.run->points, Measured().points);
}

TEST(PodOutcome, AWholeResultSurvivesWhateverHappensToThePodLater) {
  for (const char* file :
       {"recorded/evicted-node-pressure", "recorded/preempted", "recorded/node-deleted", "recorded/deadline"}) {
    SCOPED_TRACE(file);
    PodView pod = Load(file);
    auto& bench = pod.containers.at(0);
    bench.state = ContainerView::State::kTerminated;
    bench.terminated.emplace();
    bench.terminated->finished_at = pod.created_at + seconds(290);
    bench.terminated->message = MessageFor("@succeeded@");
    EXPECT_EQ(ReadExperimentOutcome(pod, {}, pod.created_at + seconds(600)).kind, Kind::kSucceeded);
  }
}

// Service meshes inject sidecars; the kubelet kills them with the pod, and starts them again otherwise.
TEST(PodOutcome, AnInjectedSidecarThatEndsIsNoFaultOfThePod) {
  for (const char* policy : {"Always", ""}) {
    for (const bool deleting : {true, false}) {
      SCOPED_TRACE(std::string(policy) + (deleting ? " deleting" : ""));
      nlohmann::json pod = {
          {"metadata", {{"name", "p"}, {"creationTimestamp", base::FormatRfc3339(kCreated)}}},
          {"spec", {{"nodeName", "n"}, {"initContainers", {{{"name", "istio-proxy"}, {"restartPolicy", policy}}}}}},
          {"status",
           {{"phase", "Pending"},
            {"initContainerStatuses",
             {{{"name", "istio-proxy"}, {"state", {{"terminated", {{"exitCode", 137}, {"reason", "Error"}}}}}}}}}}};
      if (deleting) pod["metadata"]["deletionTimestamp"] = base::FormatRfc3339(kCreated + seconds(30));
      const PodOutcome outcome = ReadExperimentOutcome(PodViewFromJson(pod), {}, kCreated + seconds(10));
      if (deleting) {
        ASSERT_TRUE(outcome.failure);
        EXPECT_EQ(outcome.failure->reason, FailureReason::kEvicted) << outcome.failure->message;
      } else if (policy == std::string("Always")) {
        EXPECT_FALSE(outcome.failure) << outcome.failure->message;
      } else {
        ASSERT_TRUE(outcome.failure);
        EXPECT_EQ(outcome.failure->reason, FailureReason::kInvalidPodConfiguration);
      }
    }
  }
}

TEST(PodOutcome, ADeletedPodIsNotABenchmarkThatFailed) {
  PodView pod = Load("recorded/deleted-by-hand");
  pod.containers.at(0).terminated->message =
      Reported(FailureReason::kBenchmarkFailed, "the benchmark was stopped before it had finished", 0);
  const PodOutcome outcome = ReadExperimentOutcome(pod, {}, pod.created_at + seconds(80));
  ASSERT_TRUE(outcome.failure);
  EXPECT_EQ(outcome.failure->reason, FailureReason::kEvicted);
  // What the engine did before is its own fault.
  pod.containers.at(0).terminated->exit_code = 10;
  EXPECT_EQ(ReadExperimentOutcome(pod, {}, pod.created_at + seconds(80)).failure->reason,
            FailureReason::kBenchmarkFailed);
}

TEST(PodOutcome, CostRunsFromTheBindingToTheLastContainersEnd) {
  const PodOutcome failed = ReadExperimentOutcome(Load("oom-cgroup-v2"), {}, kCreated + seconds(95));
  EXPECT_EQ(failed.gpu_since - kCreated, seconds(2));
  EXPECT_EQ(failed.ended_at - kCreated, seconds(94));
  // No container has a time: the pod's conditions do.
  const PodOutcome unknown = ReadExperimentOutcome(Load("status-unknown"), {}, kCreated + seconds(9000));
  EXPECT_EQ(unknown.ended_at - kCreated, seconds(301));
  // Nothing was held, and a pod that still lives has not ended.
  const PodOutcome unscheduled = ReadExperimentOutcome(Load("unschedulable"), {}, kCreated + minutes(30));
  EXPECT_EQ(unscheduled.gpu_since, base::WallTime{});
  EXPECT_EQ(unscheduled.ended_at, base::WallTime{});
}

TEST(PodOutcome, AnInspectPodTellsTheModelOrWhyItIsUnreadable) {
  const PodOutcome read = ReadInspectOutcome(Load("inspect-succeeded"), {}, kCreated + seconds(13));
  ASSERT_EQ(read.kind, Kind::kSucceeded);
  EXPECT_EQ(read.inspect->model.architecture, "LlamaForCausalLM");
  EXPECT_EQ(read.gpu_since, base::WallTime{}) << "it holds no GPU";

  const PodOutcome gated = ReadInspectOutcome(Load("inspect-gated-model"), {}, kCreated + seconds(13));
  ASSERT_EQ(gated.kind, Kind::kFailed);
  EXPECT_EQ(gated.failure->reason, FailureReason::kModelUnreadable);
  EXPECT_EQ(gated.failure->http_status, 403);

  const PodOutcome silent = ReadInspectOutcome(Load("inspect-silent"), {}, kCreated + seconds(13));
  EXPECT_EQ(silent.failure->reason, FailureReason::kModelUnreadable);
  EXPECT_THAT(silent.failure->message, HasSubstr("exit code 1 without a result"));

  const PodOutcome late = ReadInspectOutcome(Load("inspect-deadline"), {}, kCreated + seconds(302));
  EXPECT_EQ(late.failure->reason, FailureReason::kModelUnreadable);

  const PodOutcome running = ReadInspectOutcome(Load("inspect-running"), {}, kCreated + seconds(13));
  EXPECT_EQ(running.kind, Kind::kMeasuring);
  EXPECT_THAT(running.waiting_message, HasSubstr("pod llama-0123456789 since 2026-11-22T10:00:"));
  const PodOutcome fresh = ReadInspectOutcome(Load("inspect-running"), {}, kCreated + seconds(6));
  EXPECT_EQ(fresh.waiting_message, "") << "a hub that answers does so at once";
  EXPECT_LT(*fresh.next_deadline - kCreated, seconds(10));
  const PodOutcome stuck = ReadInspectOutcome(Load("inspect-running"), {}, *running.next_deadline);
  EXPECT_EQ(stuck.failure->reason, FailureReason::kModelUnreadable);
}

TEST(PodOutcome, EveryRecordedStatusIsUsed) {
  std::set<std::string> used = {"succeeded",      "inspect-succeeded", "inspect-gated-model",
                                "inspect-silent", "inspect-running",   "inspect-deadline"};
  for (const Ending& row : kEndings) used.insert(row.file);
  for (const Stand& row : kStands) used.insert(row.file);
  for (const Ending& row : kRecorded) used.insert(row.file);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(Statuses())) {
    if (entry.path().extension() != ".json") continue;
    EXPECT_TRUE(used.contains(entry.path().stem().string())) << entry.path();
  }
}

// A cache must not fail on a newer server, and a status that is not there yet is a pod that waits.
TEST(PodView, ReadsMissingAndForeignFieldsAsEmpty) {
  for (const char* text : {"{}", "null", "[]", R"({"metadata": 1, "spec": [], "status": "x"})",
                           R"({"metadata": {"labels": {"a": 1}, "ownerReferences": {}, "managedFields": 3},
                               "status": {"conditions": {}, "containerStatuses": [1, null, {"state": {"running": 7}}],
                                          "initContainerStatuses": {"a": 1}}})"}) {
    const PodView pod = PodViewFromJson(json::parse(text));
    EXPECT_EQ(pod.name, "");
    EXPECT_FALSE(pod.scheduled);
    EXPECT_EQ(ReadExperimentOutcome(pod, {}, base::WallTime{}).kind, Kind::kWaiting) << text;
  }
}

TEST(PodView, KeepsWhatDecisionsAreMadeFrom) {
  const PodView pod = Load("oom-cgroup-v2");
  EXPECT_EQ(pod.name, "llama-0123456789");
  EXPECT_EQ(pod.ns, "team-a");
  EXPECT_EQ(pod.uid, "pod-uid");
  EXPECT_EQ(pod.resource_version, "4711");
  EXPECT_EQ(pod.owner_uid, "task-uid");
  EXPECT_EQ(pod.node, "gpu-1");
  EXPECT_EQ(pod.phase, "Failed");
  EXPECT_EQ(pod.labels.hash, "3fa2c1d400112233");
  EXPECT_EQ(pod.scheduled_at - kCreated, seconds(2));
  const ContainerView* engine = pod.Container("engine");
  ASSERT_NE(engine, nullptr);
  EXPECT_EQ(engine->restart_count, 1);
  EXPECT_EQ(engine->last_terminated->exit_code, 137);
  EXPECT_EQ(engine->last_terminated->reason, "OOMKilled");
  EXPECT_EQ(pod.Container("no-such"), nullptr);
  EXPECT_FALSE(pod.scheduling_gated);
  EXPECT_TRUE(Load("gated").scheduling_gated);
  EXPECT_TRUE(Load("recorded/preempted").deleting);
}

TEST(PodOutcome, EveryReasonHasItsRowsInTheDocumentation) {
  std::ifstream file(std::filesystem::path(TESTDATA_DIR) / "../docs/failures.md");
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  for (int i = 0; i <= static_cast<int>(FailureReason::kNodeLost); ++i) {
    const std::string row = "| `" + std::string(FailureReasonName(static_cast<FailureReason>(i))) + "` |";
    const std::size_t meaning = page.find(row);
    ASSERT_NE(meaning, std::string::npos) << row << " what it means";
    EXPECT_NE(page.find(row, meaning + 1), std::string::npos) << row << " an example";
  }
}

}  // namespace
}  // namespace autotune::experiment
