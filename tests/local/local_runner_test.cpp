#include "operator/local/local_runner.h"

#include <gmock/gmock.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <mutex>

#include "bench/result.h"
#include "simulated_gpus.h"

namespace autotune::local {
namespace {

using nlohmann::json;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// The real reconcile against this machine. In place of launcher and bench stand scripts that keep the process contract:
// the launcher installs itself, runs until it is told to end; bench writes a result document that this test made.
class LocalRunnerTest : public ::testing::Test {
 protected:
  LocalRunnerTest() : rules_(*quant::RuleSet::BuiltIn()) {
    std::string name = ::testing::TempDir() + "runner-XXXXXX";
    directory_ = mkdtemp(name.data());
    // "$5" is the port in `run --dir DIR --port PORT ...`; the engine's argv is recorded for the test to read.
    WriteScript("launch", R"(case "$1" in
install) cp "$0" "$3/autotune-launch" ;;
ready) exit 0 ;;
run) echo "$*" >> ARGUMENTS; trap 'exit 0' TERM; sleep 1000 & wait ;;
esac)");
    WriteScript("bench", R"(while [ $# -gt 1 ]; do [ "$1" = --termination-log ] && log="$2"; shift; done
cp RESULT "$log"; exit EXIT)");
    SetResult(Measured(100), 0);
  }
  ~LocalRunnerTest() override { std::filesystem::remove_all(directory_); }

  void WriteScript(const std::string& name, std::string body) {
    for (const char* file : {"ARGUMENTS", "RESULT"}) {
      if (const std::size_t at = body.find(file); at != std::string::npos) {
        body.replace(at, std::string(file).size(), (directory_ / file).string());
      }
    }
    if (const std::size_t at = body.find("EXIT"); at != std::string::npos) {
      body.replace(at, 4, "$(cat " + (directory_ / "EXIT").string() + ")");
    }
    std::ofstream(directory_ / name) << "#!/bin/sh\n" << body << "\n";
    std::filesystem::permissions(directory_ / name, std::filesystem::perms::owner_all);
  }
  void SetResult(const bench::RunResult& result, int exit_code) {
    std::ofstream(directory_ / "RESULT") << bench::Encode(result);
    std::ofstream(directory_ / "EXIT") << exit_code;
  }
  static bench::RunResult Measured(double tokens_per_second) {
    bench::RunResult result;
    measurement::Point load;
    load.scenario = "D(64,16)";
    load.load = measurement::Concurrency(1);
    load.window_seconds = 1;
    load.requests = 10;
    load.output_tokens = 160;
    load.output_tokens_per_second = tokens_per_second;
    load.requests_per_second = 10;
    load.ttft = load.tpot = load.e2e = {5, 5, 5, 5, 5};
    result.points = {load};
    return result;
  }
  static bench::RunResult Broken(bench::FailureReason reason, const std::string& message) {
    bench::RunResult result;
    result.failure = bench::Failure{reason, message, 1, 0};
    return result;
  }

  static api::AutotuneTask Task(json changes = json::object()) {
    json object = json::parse(R"json({
      "apiVersion": "autotuner.io/v1alpha1", "kind": "AutotuneTask", "metadata": {"name": "t"},
      "spec": {
        "baseRuntime": "vllm",
        "model": {"idOrPath": "meta-llama/Llama-3.1-8B-Instruct", "facts": {
          "architectures": ["LlamaForCausalLM"], "torch_dtype": "bfloat16", "hidden_size": 4096, "intermediate_size": 14336,
          "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 128256}},
        "quantConfig": {"presets": ["default", "kv-cache-fp8"]},
        "benchmark": {"scenarios": ["D(64,16)"], "load": {
    "concurrency" : [1]}},
        "optimization": {
    "retries" : 0, "confirmations" : 0
  }
}
})json");
    object["spec"].merge_patch(changes);
    auto task = api::TaskFromJson(object);
    EXPECT_TRUE(task.ok()) << task.error().message;
    return *task;
  }

  base::Result<api::AutotuneTask> Run(api::AutotuneTask task, bool resume = false) {
    Admit(task, {SimulatedMachine(H100(), 2)}, clock_.Wall(), resume);
    LocalOptions options;
    options.machines = {SimulatedMachine(H100(), 2)};
    options.environment = {{"PATH", "/usr/bin:/bin"}};
    options.directory = directory_ / "pods";
    options.on_status = [this](const api::AutotuneTask& now) {
      const std::lock_guard lock(mutex_);
      if (states_.empty() || states_.back() != now.status.state) states_.push_back(now.status.state);
      if (on_status_) on_status_(now);
    };
    LocalCluster cluster(std::move(options), std::move(task), clock_);
    LocalTools tools;
    tools.launch_binary = directory_ / "launch";
    tools.bench_binary = directory_ / "bench";
    reconcile::Settings settings;
    settings.rules = &rules_;
    settings.environment = LocalPodEnvironment(tools);
    auto result = RunTask(cluster, settings, clock_, stop_.get_token());
    EXPECT_FALSE(cluster.HasRunningPods());
    return result;
  }
  std::vector<std::string> EngineCommands() const {
    std::vector<std::string> lines;
    std::ifstream file(directory_ / "ARGUMENTS");
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    return lines;
  }

  base::RealClock clock_;
  quant::RuleSet rules_;
  std::filesystem::path directory_;
  std::stop_source stop_;
  std::mutex mutex_;
  std::vector<std::string> states_;
  std::function<void(const api::AutotuneTask&)> on_status_;
};

TEST_F(LocalRunnerTest, RunsATaskToItsBest) {
  const auto task = Run(Task());
  ASSERT_TRUE(task.ok()) << task.error().message;
  EXPECT_EQ(task->status.state, "Complete");
  ASSERT_EQ(task->status.experiments.size(), 2U);
  ASSERT_TRUE(task->status.best.has_value());
  EXPECT_EQ(task->status.best->score, "100");
  EXPECT_EQ(states_.back(), "Complete");
  // The final arguments reached the engine, and the port is one of this machine.
  const auto commands = EngineCommands();
  ASSERT_EQ(commands.size(), 2U);
  EXPECT_THAT(commands[0], ::testing::Not(HasSubstr("--kv-cache-dtype")));
  EXPECT_THAT(commands[1], HasSubstr("--kv-cache-dtype fp8"));
  for (const std::string& command : commands) {
    EXPECT_THAT(command, ::testing::ContainsRegex("--port [0-9]+ .*-- vllm serve meta-llama/Llama-3.1-8B-Instruct"));
    EXPECT_THAT(command, ::testing::Not(HasSubstr("$(")));
  }
}

TEST_F(LocalRunnerTest, FailsATaskWhoseExperimentsAllFail) {
  SetResult(Broken(bench::FailureReason::kEngineRejectedArguments, "vllm serve: error: unrecognized arguments"), 10);
  const auto task = Run(Task());
  ASSERT_TRUE(task.ok()) << task.error().message;
  EXPECT_EQ(task->status.state, "Failed");
  EXPECT_FALSE(task->status.best.has_value());
  for (const auto& experiment : task->status.experiments) {
    EXPECT_EQ(experiment.reason, "EngineRejectedArguments");
    EXPECT_THAT(experiment.message, HasSubstr("unrecognized arguments"));
  }
}

TEST_F(LocalRunnerTest, SaysWhichProgramIsMissing) {
  std::filesystem::remove(directory_ / "bench");
  const auto task = Run(Task());
  ASSERT_TRUE(task.ok());
  EXPECT_EQ(task->status.state, "Failed");
  EXPECT_THAT(task->status.experiments.front().message, HasSubstr("bench"));
}

TEST_F(LocalRunnerTest, FailsAnExperimentThatNeedsMoreGpusThanTheMachineHas) {
  const auto task = Run(Task({{"parallelConfig", {{"tensorParallel", {1, 4}}}}, {"quantConfig", nullptr}}));
  ASSERT_TRUE(task.ok());
  EXPECT_EQ(task->status.state, "Complete");
  ASSERT_EQ(task->status.experiments.size(), 2U);
  EXPECT_EQ(task->status.experiments[1].reason, "InvalidPodConfiguration");
  EXPECT_THAT(task->status.experiments[1].message, HasSubstr("needs 4 GPUs, this machine has 2"));
}

TEST_F(LocalRunnerTest, StopsWhenAskedAndLeavesNothingRunning) {
  WriteScript("bench", "sleep 1000");
  on_status_ = [this](const api::AutotuneTask& now) {
    for (const auto& experiment : now.status.experiments) {
      if (experiment.state == api::ExperimentState::kMeasuring) stop_.request_stop();
    }
  };
  const auto task = Run(Task());
  ASSERT_FALSE(task.ok());
  EXPECT_EQ(task.error().code, base::Code::kCancelled);
  EXPECT_FALSE(std::filesystem::exists(directory_ / "pods"));
}

TEST_F(LocalRunnerTest, KeepsFinishedExperimentsWhenItResumes) {
  auto first = Run(Task());
  ASSERT_TRUE(first.ok());
  std::filesystem::remove(directory_ / "ARGUMENTS");
  api::AutotuneTask more = Task({{"quantConfig", {{"presets", {"default", "kv-cache-fp8", "dynamic-fp8"}}}}});
  more.status = first->status;
  SetResult(Measured(250), 0);
  const auto second = Run(more, true);
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(second->status.experiments.size(), 3U);
  EXPECT_EQ(EngineCommands().size(), 1U) << "only the new one ran";
  EXPECT_EQ(second->status.best->quant_name, "dynamic-fp8");
}

TEST(CheckLocal, RefusesWhatCannotRunHere) {
  const std::vector<Machine> machine = {SimulatedMachine(H100(), 2)};
  api::AutotuneTask task;
  EXPECT_TRUE(CheckLocal(task, machine).ok());
  task.spec.gpus.front().node_selector = {{"pool", "gpu"}};
  EXPECT_TRUE(CheckLocal(task, machine).ok()) << "the only machine there is";
  const auto other = CheckLocal(task, {SimulatedMachine(Mi300x(), 2)});
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().message,
            "spec.gpu.resourceName: is nvidia.com/gpu; the GPUs of this machine (mi300x) are amd.com/gpu");
  task.spec.gpus.front().products = {"NVIDIA-A100-SXM4-80GB"};
  EXPECT_THAT(CheckLocal(task, machine).error().message, HasSubstr("spec.gpu"));
  task.spec.gpus.front().products = {};
  task.spec.suspend = true;
  EXPECT_THAT(CheckLocal(task, machine).error().message, HasSubstr("spec.suspend"));
  task.spec.suspend = false;
  task.spec.models.front().volume = {{"image", {{"reference", "registry/weights:1"}}}};
  EXPECT_THAT(CheckLocal(task, machine).error().message, HasSubstr("--model-dir"));
}

TEST(CheckLocal, RefusesSeveralTypesOfGpuOnOneMachine) {
  api::AutotuneTask task;
  task.spec.gpus.resize(2);
  task.spec.gpus[0].name = "h100";
  task.spec.gpus[1].name = "l40s";
  const auto refused = CheckLocal(task, {SimulatedMachine(H100(), 2)});
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message,
              HasSubstr("spec.gpus: the task compares 2 types of GPU, and this machine has one"));
  EXPECT_TRUE(CheckLocal(task, {SimulatedMachine(H100(), 2), SimulatedMachine(H100(), 2)}).ok());
}

TEST(Admit, StartsANewGenerationAndForgetsWhatWasNotFinished) {
  api::AutotuneTask task;
  task.metadata.name = "t";
  task.status.observed_generation = 4;
  task.status.experiments.resize(2);
  task.status.experiments[0].state = api::ExperimentState::kSucceeded;
  task.status.experiments[1].state = api::ExperimentState::kMeasuring;
  task.status.experiments[1].attempts = 2;
  api::AutotuneTask fresh = task, elsewhere = task;
  Admit(task, {Machine()}, {}, true);
  EXPECT_EQ(task.metadata.generation, 5);
  ASSERT_EQ(task.status.experiments.size(), 2U);
  EXPECT_EQ(task.status.experiments[0].state, api::ExperimentState::kSucceeded);
  EXPECT_EQ(task.status.experiments[1].state, api::ExperimentState::kPending);
  EXPECT_EQ(task.status.experiments[1].attempts, 0);
  EXPECT_EQ(task.metadata.ns, "default");
  EXPECT_FALSE(task.metadata.uid.empty());
  Admit(fresh, {Machine()}, {}, false);
  EXPECT_EQ(fresh.metadata.generation, 1);
  EXPECT_THAT(fresh.status.experiments, IsEmpty());
  EXPECT_EQ(fresh.metadata.uid, task.metadata.uid) << "pods keep their names";
  Machine other;
  other.gpu.product = "NVIDIA-L40S";
  Admit(elsewhere, {other}, {}, true);
  EXPECT_THAT(elsewhere.status.experiments, IsEmpty()) << "measured on other GPUs";
}

}  // namespace
}  // namespace autotune::local
