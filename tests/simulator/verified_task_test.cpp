// Tasks that were tuned on real H100s (tests/engines/runs), measured again on the simulated engine: it has to give the
// same order, and numbers of the same size.

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "../engine_model/closed_loop.h"
#include "engine_model/scheduler.h"
#include "recorded_data.h"
#include "simulator/command_line.h"
#include "simulator/deployment.h"
#include "simulator/options_file.h"
#include "simulator/startup.h"

namespace autotune::simulator {
namespace {

using nlohmann::json;

struct Figures {
  double tokens_per_second = 0, ttft_ms = 0, tpot_ms = 0;  // output tokens; medians
};

struct Step {
  std::string experiment;
  int concurrency = 0;
  int gpus = 1;
  Figures recorded, simulated;
};

struct Start {
  std::string experiment;
  double recorded = 0, simulated = 0;  // seconds
};

struct ReplayedTask {
  std::vector<Step> steps;
  std::vector<Start> starts;
};

// "211.3ms" or "2.119s", in milliseconds.
double Milliseconds(const json& duration) {
  const auto text = duration.get<std::string>();
  return std::stod(text) * (text.ends_with("ms") ? 1 : 1000);
}

double Number(const json& value) {
  return value.is_string() ? std::stod(value.get<std::string>()) : value.get<double>();
}

// A directory with the config.json that the task states as facts, as long as the object lives.
class ModelDirectory {
 public:
  explicit ModelDirectory(const json& facts) {
    std::string name = (std::filesystem::temp_directory_path() / "verified-XXXXXX").string();
    path_ = mkdtemp(name.data());
    std::ofstream(path_ / "config.json") << facts.dump();
  }
  ModelDirectory(const ModelDirectory&) = delete;
  ModelDirectory& operator=(const ModelDirectory&) = delete;
  ~ModelDirectory() { std::filesystem::remove_all(path_); }
  [[nodiscard]] std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

// The settings of the engine that is called as the experiment's was.
EngineSettings Settings(const json& task, const json& experiment, const std::string& model) {
  const json& runtimes = task["spec"]["runtimes"];
  const auto runtime = std::find_if(runtimes.begin(), runtimes.end(),
                                    [&](const json& each) { return each["name"] == experiment["runtime"]; });
  const bool vllm = (*runtime)["engine"] == "vllm";
  std::vector<std::string> argv =
      vllm ? std::vector<std::string>{"vllm", "serve", model}
           : std::vector<std::string>{"python3", "-m", "sglang.launch_server", "--model-path", model};
  for (const json& word : experiment["args"]) argv.push_back(word.get<std::string>());
  const EngineRelease release{vllm ? Engine::kVllm : Engine::kSglang, (*runtime)["version"].get<std::string>()};
  const RecordedParser parser = Recorded(release.engine, release.version);
  const auto arguments =
      std::get<AcceptedArguments>(ParseEngineArguments(std::get<Invocation>(RecogniseCommand(argv)), &parser))
          .arguments;
  return ResolveSettings({&parser, release, *FindGpu("h100"), experiment["gpus"].get<int>()}, arguments).value();
}

ReplayedTask Replay(const std::string& name) {
  const json task = ReadOptionsFile(TESTDATA_DIR "/engines/runs/2026-11-25-h100/" + name + ".status.yaml").value();
  const ModelDirectory model(task["spec"]["model"]["facts"]);
  ReplayedTask replayed;
  for (const json& experiment : task["status"]["experiments"]) {
    const EngineSettings settings = Settings(task, experiment, model.path());
    const auto title = experiment["runtime"].get<std::string>() + " " + experiment["name"].get<std::string>();
    replayed.starts.push_back({title, Number(experiment["startSeconds"]), ReadySeconds(settings)});
    for (const json& load : experiment["loads"]) {
      const engine_model::Deployment deployment = DeploymentOf(settings);
      engine_model::Scheduler scheduler(engine_model::Roofline(deployment), LimitsOf(deployment));
      Step step{title, load["concurrency"].get<int>(), experiment["gpus"].get<int>(), {}, {}};
      step.recorded = {Number(load["outputTokensPerSecond"]), Milliseconds(load["ttft"]["p50"]),
                       Milliseconds(load["tpot"]["p50"])};
      const engine_model::LoopResult loop =
          RunClosedLoop(scheduler, step.concurrency, load["requests"].get<int>(), 512, 128);
      step.simulated = {loop.output_tokens_per_second, loop.median_ttft_ms, loop.median_tpot_ms};
      replayed.steps.push_back(step);
    }
  }
  return replayed;
}

double Off(double simulated, double recorded) { return simulated / recorded - 1; }

void Print(const Step& step) {
  std::printf("%s x %d:", step.experiment.c_str(), step.concurrency);
  const auto print = [](const char* what, double simulated, double recorded) {
    std::printf("  %s %.4g, recorded %.4g (%+.0f %%)", what, simulated, recorded, 100 * Off(simulated, recorded));
  };
  print("tokens/s", step.simulated.tokens_per_second, step.recorded.tokens_per_second);
  print("TTFT ms", step.simulated.ttft_ms, step.recorded.ttft_ms);
  print("TPOT ms", step.simulated.tpot_ms, step.recorded.tpot_ms);
  std::printf("\n");
}

// Tokens/s per GPU of the better load, by experiment.
template <typename Value>
std::string Best(const ReplayedTask& task, Value value) {
  return std::max_element(task.steps.begin(), task.steps.end(),
                          [&](const Step& a, const Step& b) {
                            return value(a).tokens_per_second / a.gpus < value(b).tokens_per_second / b.gpus;
                          })
      ->experiment;
}

class VerifiedTask : public ::testing::TestWithParam<const char*> {};

TEST_P(VerifiedTask, ThroughputIsWithin16PercentAndTpotWithin20) {
  const ReplayedTask task = Replay(GetParam());
  ASSERT_GE(task.steps.size(), 6U);
  for (const Step& step : task.steps) {
    Print(step);
    EXPECT_LT(std::abs(Off(step.simulated.tokens_per_second, step.recorded.tokens_per_second)), 0.16)
        << step.experiment << " x " << step.concurrency;
    EXPECT_LT(std::abs(Off(step.simulated.tpot_ms, step.recorded.tpot_ms)), 0.20)
        << step.experiment << " x " << step.concurrency;
  }
}

// The best is 11 to 23 % ahead of the second in each of these tasks; repeated measurements differ by up to 7 %.
TEST_P(VerifiedTask, TheBestIsTheSame) {
  const ReplayedTask task = Replay(GetParam());
  EXPECT_EQ(Best(task, [](const Step& step) { return step.simulated; }),
            Best(task, [](const Step& step) { return step.recorded; }));
}

// Wider, since the recorded ones differ as much among themselves: the same command line took 116 s (e2 of vllm-dense)
// and 80 s (e1 of two-engines-dense, later that day).
TEST_P(VerifiedTask, StartsWithin35Percent) {
  for (const Start& start : Replay(GetParam()).starts) {
    const double off = Off(start.simulated, start.recorded);
    std::printf("%s: start %.1f s, recorded %.1f (%+.0f %%)\n", start.experiment.c_str(), start.simulated,
                start.recorded, 100 * off);
    EXPECT_LT(std::abs(off), 0.35) << start.experiment;
  }
}

INSTANTIATE_TEST_SUITE_P(H100, VerifiedTask,
                         ::testing::Values("vllm-dense", "sglang-dense", "two-engines-dense", "vllm-moe", "sglang-moe",
                                           "vllm-tensor-parallel"),
                         [](const auto& task) {
                           std::string name = task.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace autotune::simulator
