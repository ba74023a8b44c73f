#include "operator/local/local_cluster.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "operator/experiment/pod_builder.h"
#include "simulated_gpus.h"

namespace autotune::local {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Pods here are shell scripts with the life of an experiment pod: install, a sidecar behind a startup probe, bench.
class LocalClusterTest : public ::testing::Test {
 protected:
  LocalClusterTest() {
    std::string name = ::testing::TempDir() + "cluster-XXXXXX";
    directory_ = mkdtemp(name.data());
  }
  ~LocalClusterTest() override {
    cluster_.reset();
    std::filesystem::remove_all(directory_);
  }

  LocalCluster& Cluster(int gpus = 2) {
    if (!cluster_) {
      LocalOptions options;
      options.machines = {SimulatedMachine(H100(), gpus)};
      options.environment = {{"PATH", "/usr/bin:/bin"}};
      options.by_image["engine:1"] = {{"RELEASE", "vllm:1"}};
      options.directory = directory_ / "pods";
      options.logs = directory_ / "logs";
      options.on_status = [this](const api::AutotuneTask& task) { states_.push_back(task.status.state); };
      api::AutotuneTask task;
      task.metadata.name = "t";
      task.metadata.ns = "default";
      task.metadata.uid = "task-uid";
      cluster_ = std::make_unique<LocalCluster>(std::move(options), task, clock_);
    }
    return *cluster_;
  }

  // Two machines, each with one GPU of a type.
  LocalCluster& ClusterOfTypes() {
    LocalOptions options;
    options.machines = {SimulatedMachine(H100(), 1), SimulatedMachine(H100(), 1)};
    options.machines[0].type = "a";
    options.machines[1].type = "b";
    options.machines[1].variables = {{"SIMULATED", "l40s"}};
    options.environment = {{"PATH", "/usr/bin:/bin"}};
    options.directory = directory_ / "pods";
    api::AutotuneTask task;
    task.metadata.name = "t";
    task.metadata.ns = "default";
    task.metadata.uid = "task-uid";
    task.spec.gpus.resize(2);
    task.spec.gpus[0].name = "a";
    task.spec.gpus[1].name = "b";
    cluster_ = std::make_unique<LocalCluster>(std::move(options), task, clock_);
    return *cluster_;
  }

  struct Scripts {
    std::string install = "true";
    std::string engine = "trap 'exit 0' TERM; touch $AUTOTUNE_POD_DIR/ready; sleep 1000 & wait";
    std::string bench = "echo result > $AUTOTUNE_POD_DIR/termination-log";
    int gpus = 1;
  };
  static json Pod(const std::string& name, const Scripts& scripts) {
    const auto shell = [](const char* container, const std::string& script) {
      return json{{"name", container}, {"image", "tools"}, {"command", {"sh", "-c", script}}};
    };
    json engine = shell("engine", scripts.engine);
    engine["image"] = "engine:1";
    engine["restartPolicy"] = "Always";
    engine["startupProbe"] = {{"exec", {{"command", {"test", "-e", "$(AUTOTUNE_POD_DIR)/ready"}}}},
                              {"periodSeconds", 1},
                              {"failureThreshold", 60}};
    engine["resources"]["limits"]["nvidia.com/gpu"] = std::to_string(scripts.gpus);
    return {{"metadata",
             {{"name", name},
              {"namespace", "default"},
              {"labels", {{experiment::kRoleLabel, "experiment"}}},
              {"ownerReferences", json::array({{{"uid", "task-uid"}, {"controller", true}}})}}},
            {"spec",
             {{"restartPolicy", "Never"},
              {"terminationGracePeriodSeconds", 20},
              {"initContainers", json::array({shell("install", scripts.install), engine})},
              {"containers", json::array({shell("bench", scripts.bench)})}}}};
  }

  // Waits for a state of the pod as its status says it; a minute is far beyond what any of these needs.
  template <typename Predicate>
  bool Await(const std::string& pod, Predicate reached) {
    const auto until = clock_.Wall() + std::chrono::seconds(60);
    while (clock_.Wall() < until) {
      std::uint64_t version = 0;
      Cluster().Observe(&version);
      if (reached(Cluster().GetPod(pod))) return true;
      Cluster().AwaitChange(version, until, {});
    }
    ADD_FAILURE() << "pod " << pod << " is " << Cluster().GetPod(pod).dump(2);
    return false;
  }
  bool AwaitPhase(const std::string& pod, const std::string& phase) {
    return Await(pod, [&](const json& now) { return now.is_object() && now["status"]["phase"] == phase; });
  }
  bool AwaitGone(const std::string& pod) {
    return Await(pod, [](const json& now) { return now.is_null(); });
  }
  static const json& Status(const json& pod, const std::string& container) {
    for (const char* list : {"initContainerStatuses", "containerStatuses"}) {
      for (const json& status : pod.at("status").at(list)) {
        if (status["name"] == container) return status;
      }
    }
    static const json none;
    return none;
  }
  std::string UidOf(const std::string& pod) { return Cluster().GetPod(pod)["metadata"]["uid"]; }
  std::string Log(const std::string& pod, const std::string& container) const {
    std::ifstream file(directory_ / "logs" / pod / (container + ".log"));
    return {std::istreambuf_iterator<char>(file), {}};
  }

  base::RealClock clock_;
  std::filesystem::path directory_;
  std::vector<std::string> states_;
  std::unique_ptr<LocalCluster> cluster_;
};

TEST_F(LocalClusterTest, RunsInitContainerThenSidecarThenBench) {
  ASSERT_TRUE(Cluster()
                  .CreatePod(Pod("p", {.install = "echo one >> $AUTOTUNE_POD_DIR/order",
                                       .engine = "echo two >> $AUTOTUNE_POD_DIR/order; trap 'exit 0' TERM; "
                                                 "touch $AUTOTUNE_POD_DIR/ready; sleep 1000 & wait",
                                       .bench = "cat $AUTOTUNE_POD_DIR/order > $AUTOTUNE_POD_DIR/termination-log"}))
                  .ok());
  ASSERT_TRUE(AwaitPhase("p", "Succeeded"));
  const json pod = Cluster().GetPod("p");
  EXPECT_EQ(Status(pod, "bench")["state"]["terminated"]["message"], "one\ntwo\n");
  EXPECT_EQ(Status(pod, "bench")["state"]["terminated"]["exitCode"], 0);
  EXPECT_EQ(Status(pod, "bench")["state"]["terminated"]["reason"], "Completed");
  EXPECT_EQ(Status(pod, "install")["state"]["terminated"]["exitCode"], 0);
  EXPECT_EQ(Status(pod, "engine")["state"]["terminated"]["exitCode"], 0) << "the sidecar is ended after bench";
  EXPECT_EQ(Status(pod, "engine")["restartCount"], 0);
}

TEST_F(LocalClusterTest, FailsThePodWithBenchsExitCodeAndMessage) {
  ASSERT_TRUE(Cluster().CreatePod(Pod("p", {.bench = "echo why > $AUTOTUNE_POD_DIR/termination-log; exit 10"})).ok());
  ASSERT_TRUE(AwaitPhase("p", "Failed"));
  const json pod = Cluster().GetPod("p");
  EXPECT_EQ(Status(pod, "bench")["state"]["terminated"]["exitCode"], 10);
  EXPECT_EQ(Status(pod, "bench")["state"]["terminated"]["reason"], "Error");
  EXPECT_EQ(Status(pod, "bench")["state"]["terminated"]["message"], "why\n");
}

TEST_F(LocalClusterTest, RunsPodsOfATypeOfGpuOnTheMachineOfTheType) {
  ClusterOfTypes();
  const std::string waits = "while [ ! -e $AUTOTUNE_POD_DIR/../end ]; do sleep 0.05; done; ";
  for (const std::string name : {"a", "b", "later"}) {
    json pod = Pod(name, {.bench = waits + "echo $SIMULATED > $AUTOTUNE_POD_DIR/termination-log"});
    pod["metadata"]["labels"][experiment::kGpuLabel] = name == "b" ? "b" : "a";
    ASSERT_TRUE(Cluster().CreatePod(pod).ok());
  }
  // Each type has one GPU: the second pod of "a" waits, that of "b" does not.
  ASSERT_TRUE(AwaitPhase("a", "Running"));
  ASSERT_TRUE(AwaitPhase("b", "Running"));
  EXPECT_EQ(Cluster().GetPod("later")["status"]["phase"], "Pending");
  EXPECT_TRUE(Cluster().GetPod("b")["spec"]["nodeName"].get<std::string>().ends_with("-b"));
  std::uint64_t version = 0;
  EXPECT_EQ(Cluster().Observe(&version).nodes.size(), 2U);
  std::ofstream(directory_ / "pods" / "end") << "";
  ASSERT_TRUE(AwaitPhase("later", "Succeeded"));
  ASSERT_TRUE(AwaitPhase("b", "Succeeded"));
  EXPECT_EQ(Status(Cluster().GetPod("b"), "bench")["state"]["terminated"]["message"], "l40s\n");
}

TEST_F(LocalClusterTest, FailsThePodWhenAnInitContainerFails) {
  ASSERT_TRUE(Cluster().CreatePod(Pod("p", {.install = "exit 4"})).ok());
  ASSERT_TRUE(AwaitPhase("p", "Failed"));
  const json pod = Cluster().GetPod("p");
  EXPECT_EQ(Status(pod, "install")["state"]["terminated"]["exitCode"], 4);
  EXPECT_TRUE(Status(pod, "bench")["state"].contains("waiting"));
}

TEST_F(LocalClusterTest, RestartsASidecarThatDiesAndKeepsHowItDied) {
  ASSERT_TRUE(
      Cluster()
          .CreatePod(Pod("p", {.engine = "if [ -e $AUTOTUNE_POD_DIR/started ]; then touch $AUTOTUNE_POD_DIR/ready; "
                                         "trap 'exit 0' TERM; sleep 1000 & wait; fi; "
                                         "touch $AUTOTUNE_POD_DIR/started; exit 3"}))
          .ok());
  ASSERT_TRUE(AwaitPhase("p", "Succeeded"));
  const json pod = Cluster().GetPod("p");
  EXPECT_EQ(Status(pod, "engine")["restartCount"], 1);
  EXPECT_EQ(Status(pod, "engine")["lastState"]["terminated"]["exitCode"], 3);
}

TEST_F(LocalClusterTest, BacksOffFromASidecarThatDiesAgain) {
  ASSERT_TRUE(Cluster().CreatePod(Pod("p", {.engine = "exit 3"})).ok());
  ASSERT_TRUE(Await("p", [](const json& pod) {
    return Status(pod, "engine")["restartCount"] == 1 && Status(pod, "engine")["state"].contains("waiting");
  }));
  EXPECT_EQ(Status(Cluster().GetPod("p"), "engine")["state"]["waiting"]["reason"], "CrashLoopBackOff");
}

TEST_F(LocalClusterTest, ReportsACommandThatCannotBeStarted) {
  json pod = Pod("p", {});
  pod["spec"]["containers"][0]["command"] = {"/no/such/bench"};
  ASSERT_TRUE(Cluster().CreatePod(pod).ok());
  ASSERT_TRUE(AwaitPhase("p", "Failed"));
  const json end = Status(Cluster().GetPod("p"), "bench")["state"]["terminated"];
  EXPECT_EQ(end["reason"], "StartError");
  EXPECT_THAT(end["message"].get<std::string>(), HasSubstr("/no/such/bench"));
}

TEST_F(LocalClusterTest, FailsAPodAtOnceThatLacksASecret) {
  json pod = Pod("p", {});
  pod["spec"]["initContainers"][1]["env"] =
      json::array({{{"name", "HF_TOKEN"}, {"valueFrom", {{"secretKeyRef", {{"name", "hf"}, {"key", "token"}}}}}}});
  ASSERT_TRUE(Cluster().CreatePod(pod).ok());
  ASSERT_TRUE(AwaitPhase("p", "Failed"));
  const json end = Status(Cluster().GetPod("p"), "install")["state"]["terminated"];
  EXPECT_EQ(end["reason"], "StartError");
  EXPECT_THAT(end["message"].get<std::string>(), HasSubstr("container engine: secret \"hf\""));
}

TEST_F(LocalClusterTest, EndsAPodAtItsDeadline) {
  json pod = Pod("p", {.bench = "trap 'exit 143' TERM; sleep 1000 & wait"});
  pod["spec"]["activeDeadlineSeconds"] = 1;
  ASSERT_TRUE(Cluster().CreatePod(pod).ok());
  ASSERT_TRUE(AwaitPhase("p", "Failed"));
  EXPECT_EQ(Cluster().GetPod("p")["status"]["reason"], "DeadlineExceeded");
}

TEST_F(LocalClusterTest, CutsATerminationMessageAsAKubeletDoes) {
  ASSERT_TRUE(
      Cluster()
          .CreatePod(Pod("p", {.bench = "head -c 10000 /dev/zero | tr '\\0' x > $AUTOTUNE_POD_DIR/termination-log"}))
          .ok());
  ASSERT_TRUE(AwaitPhase("p", "Succeeded"));
  EXPECT_THAT(Status(Cluster().GetPod("p"), "bench")["state"]["terminated"]["message"].get<std::string>(),
              SizeIs(4096));
}

// A simulated engine has no files of a checkpoint on the hub.
TEST_F(LocalClusterTest, TellsSimulatedEnginesTheFactsOfTheirCheckpoint) {
  for (const bool simulated : {true, false}) {
    LocalOptions options;
    options.machines = {SimulatedMachine(H100(), 1)};
    options.machines[0].simulated = simulated;
    options.environment = {{"PATH", "/usr/bin:/bin"}};
    options.directory = directory_ / "pods";
    api::AutotuneTask task;
    task.metadata.name = "t";
    task.metadata.uid = "task-uid";
    task.spec.models.resize(2);
    task.status.models.resize(2);
    for (const std::size_t i : {0, 1}) {
      const std::string name = i == 0 ? "plain" : "awq";
      task.spec.models[i].name = task.status.models[i].name = name;
      task.spec.models[i].id_or_path = "acme/" + name;
      task.status.models[i].facts.emplace();
      task.status.models[i].facts->quantization = i == 0 ? "none" : "awq";
    }
    cluster_ = std::make_unique<LocalCluster>(std::move(options), task, clock_);
    json pod = Pod("p", {.bench = "echo \"$AUTOTUNE_SIM_MODELS\" > $AUTOTUNE_POD_DIR/termination-log"});
    pod["metadata"]["labels"][experiment::kModelLabel] = "awq";
    ASSERT_TRUE(cluster_->CreatePod(pod).ok());
    ASSERT_TRUE(AwaitPhase("p", "Succeeded"));
    const std::string given =
        Status(Cluster().GetPod("p"), "bench")["state"]["terminated"].value("message", std::string());
    if (!simulated) {
      EXPECT_THAT(given, ::testing::AnyOf("", "\n"));
      continue;
    }
    const json models = json::parse(given);
    ASSERT_THAT(models, SizeIs(1));
    EXPECT_EQ(models["acme/awq"]["quantization"], "awq") << models;
  }
}

TEST_F(LocalClusterTest, GivesEveryPodItsOwnGpusPortAndDirectory) {
  const std::string hold =
      "echo $CUDA_VISIBLE_DEVICES $AUTOTUNE_PORT $RELEASE $AUTOTUNE_POD_DIR > $AUTOTUNE_POD_DIR/termination-log";
  ASSERT_TRUE(Cluster().CreatePod(Pod("a", {.bench = hold})).ok());
  ASSERT_TRUE(Cluster().CreatePod(Pod("b", {.bench = hold})).ok());
  ASSERT_TRUE(AwaitPhase("a", "Succeeded"));
  ASSERT_TRUE(AwaitPhase("b", "Succeeded"));
  std::vector<std::string> devices;
  std::vector<std::string> ports;
  std::vector<std::string> directories;
  for (const char* name : {"a", "b"}) {
    std::istringstream words(
        Status(Cluster().GetPod(name), "bench")["state"]["terminated"]["message"].get<std::string>());
    std::string device, port, release, directory;
    words >> device >> port >> release >> directory;
    devices.push_back(device);
    ports.push_back(port);
    directories.push_back(directory);
    EXPECT_EQ(release, "vllm:1") << "what belongs to the engine's image";
  }
  EXPECT_THAT(devices, ::testing::UnorderedElementsAre("0", "1"));
  EXPECT_NE(ports[0], ports[1]);
  // SGLang listens on its port + 10000 as well, and refuses one above 65535.
  for (const std::string& port : ports) EXPECT_LT(std::stoi(port), 32768);
  EXPECT_NE(directories[0], directories[1]);
}

TEST_F(LocalClusterTest, KeepsPodsWaitingWhileNoGpuIsFreeAndStartsThemInOrder) {
  const std::string wait_for_go = "while [ ! -e " + (directory_ / "go").string() + " ]; do sleep 0.02; done";
  ASSERT_TRUE(Cluster().CreatePod(Pod("big", {.bench = wait_for_go, .gpus = 2})).ok());
  ASSERT_TRUE(Cluster().CreatePod(Pod("next", {.gpus = 2})).ok());
  ASSERT_TRUE(Cluster().CreatePod(Pod("small", {.gpus = 1})).ok());
  ASSERT_TRUE(AwaitPhase("big", "Running"));
  for (const char* name : {"next", "small"}) {
    const json condition = Cluster().GetPod(name)["status"]["conditions"][0];
    EXPECT_EQ(condition["reason"], "GpusInUse") << name;
    EXPECT_THAT(condition["message"].get<std::string>(), HasSubstr("0 of 2 are free"));
  }
  std::ofstream(directory_ / "go");
  EXPECT_TRUE(AwaitPhase("next", "Succeeded"));
  EXPECT_TRUE(AwaitPhase("small", "Succeeded"));
  EXPECT_LE(Cluster().GetPod("next")["status"]["startTime"], Cluster().GetPod("small")["status"]["startTime"]);
}

TEST_F(LocalClusterTest, SaysAtOnceThatAPodNeedsMoreGpusThanThereAre) {
  ASSERT_TRUE(Cluster(2).CreatePod(Pod("p", {.gpus = 4})).ok());
  ASSERT_TRUE(Cluster().CreatePod(Pod("q", {})).ok());
  ASSERT_TRUE(AwaitPhase("q", "Succeeded")) << "it is in nobody's way";
  const json pod = Cluster().GetPod("p");
  EXPECT_EQ(pod["status"]["phase"], "Failed");
  EXPECT_THAT(Status(pod, "install")["state"]["terminated"]["message"].get<std::string>(),
              HasSubstr("needs 4 GPUs, this machine has 2"));
}

TEST_F(LocalClusterTest, DeletesGracefullyAndKeepsTheLogs) {
  const auto fifo = directory_ / "fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  ASSERT_TRUE(Cluster()
                  .CreatePod(Pod("p", {.bench = "trap 'echo asked to end; exit 0' TERM; echo begun; echo begun > " +
                                                fifo.string() + "; sleep 1000 & wait"}))
                  .ok());
  // Opening the pipe waits for bench, which opens it once its handler is in place.
  std::string begun;
  std::ifstream(fifo) >> begun;
  ASSERT_EQ(begun, "begun");
  ASSERT_TRUE(Cluster().DeletePod("default", "p", "another uid").ok());
  EXPECT_FALSE(Cluster().GetPod("p")["metadata"].contains("deletionTimestamp"));
  ASSERT_TRUE(Cluster().DeletePod("default", "p", UidOf("p")).ok());
  ASSERT_TRUE(AwaitGone("p"));
  EXPECT_EQ(Log("p", "bench"), "begun\nasked to end\n");
  EXPECT_FALSE(std::filesystem::exists(directory_ / "pods" / "p"));
  EXPECT_TRUE(Cluster().DeletePod("default", "p", "gone").ok());
}

TEST_F(LocalClusterTest, LeavesNoProcessNotEvenOneThatIgnoresSignalsInASessionOfItsOwn) {
  const auto fifo = directory_ / "fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  ASSERT_TRUE(
      Cluster()
          .CreatePod(Pod("p", {.engine = "touch $AUTOTUNE_POD_DIR/ready; trap '' TERM; setsid sh -c \"trap '' TERM; "
                                         "while :; do sleep 1000; done\" & echo $$$$ $! > " +
                                         fifo.string() + "; while :; do sleep 1000; done",
                               .bench = "sleep 1000"}))
          .ok());
  int engine = 0;
  int worker = 0;
  std::ifstream(fifo) >> engine >> worker;
  ASSERT_GT(worker, 0);
  EXPECT_EQ(kill(engine, 0), 0);
  cluster_.reset();
  const auto alive = [](int pid) {
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
    const std::string text((std::istreambuf_iterator<char>(stat)), {});
    return !text.empty() && text.find(") Z ") == std::string::npos;
  };
  for (int i = 0; i < 100'000 && (alive(engine) || alive(worker)); ++i) std::this_thread::yield();
  EXPECT_FALSE(alive(engine));
  EXPECT_FALSE(alive(worker));
  EXPECT_FALSE(std::filesystem::exists(directory_ / "pods"));
}

TEST_F(LocalClusterTest, RefusesAStatusForAnOlderVersion) {
  api::ObjectMeta meta = Cluster().Observe(nullptr).task.metadata;
  const auto written = Cluster().PatchStatus(meta, {{"state", "Searching"}});
  ASSERT_TRUE(written.ok()) << written.error().message;
  EXPECT_NE(written->resource_version, meta.resource_version);
  const auto stale = Cluster().PatchStatus(meta, {{"state", "Failed"}});
  ASSERT_FALSE(stale.ok());
  EXPECT_EQ(stale.error().code, base::Code::kConflict);
  EXPECT_EQ(Cluster().Observe(nullptr).task.status.state, "Searching");
  EXPECT_THAT(states_, ElementsAre("Searching"));
}

TEST_F(LocalClusterTest, CreatesAPodOfOneNameOnce) {
  ASSERT_TRUE(Cluster().CreatePod(Pod("p", {})).ok());
  EXPECT_TRUE(Cluster().CreatePod(Pod("p", {})).ok()) << "names are deterministic: it is the same pod";
  EXPECT_THAT(Cluster().Observe(nullptr).pods, SizeIs(1));
  json other = Pod("p", {});
  other["metadata"]["ownerReferences"][0]["uid"] = "somebody else";
  const auto refused = Cluster().CreatePod(other);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, base::Code::kAlreadyExists);
}

TEST_F(LocalClusterTest, ObservesThisMachineAsANode) {
  const auto observed = Cluster(2).Observe(nullptr);
  ASSERT_THAT(observed.nodes, SizeIs(1));
  EXPECT_EQ(observed.nodes[0].labels.at("nvidia.com/gpu.product"), "NVIDIA-H100-80GB-HBM3");
  EXPECT_THAT(observed.pods, IsEmpty());
}

TEST_F(LocalClusterTest, StopsWaitingWhenAsked) {
  std::uint64_t version = 0;
  Cluster().Observe(&version);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(Cluster().AwaitChange(version, std::nullopt, stop.get_token()));
}

}  // namespace
}  // namespace autotune::local
