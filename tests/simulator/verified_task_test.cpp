// A task that was tuned on real H100s (tests/engines/runs), measured again on the simulated engine: it has to give the
// same order, and numbers of the same size.

#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "closed_loop.h"
#include "simulator/roofline.h"

namespace autotune::simulator {
namespace {

struct Step {
  std::string experiment;
  int concurrency = 0;
  double recorded = 0, simulated = 0;  // output tokens/s
};

// What vLLM was started with for an experiment, for the simulated one.
EngineSettings Settings(const YAML::Node& experiment) {
  EngineSettings settings;
  settings.release = {Engine::kVllm, "0.24.0"};
  settings.gpu = *FindGpu("h100");
  settings.shape = ShapeFromName("x/Llama-8B");
  settings.dtype = "bfloat16";
  settings.kv_cache_dtype = "auto";
  settings.memory_fraction = 0.92;
  settings.token_budget = 8192;
  const auto args = experiment["args"].as<std::vector<std::string>>();
  for (std::size_t i = 0; i + 1 < args.size(); ++i) {
    if (args[i] == "--quantization") settings.quantization = args[i + 1];
    if (args[i] == "--kv-cache-dtype") settings.kv_cache_dtype = args[i + 1];
    if (args[i] == "--max-model-len") settings.max_model_len = std::stoi(args[i + 1]);
    if (args[i] == "--max-num-seqs") settings.max_sequences = std::stoi(args[i + 1]);
  }
  return settings;
}

std::vector<Step> ReplayedTask() {
  const YAML::Node task = YAML::LoadFile(TESTDATA_DIR "/engines/runs/2026-11-25-h100/vllm-dense.status.yaml");
  std::vector<Step> steps;
  for (const YAML::Node& experiment : task["status"]["experiments"]) {
    const EngineSettings settings = Settings(experiment);
    for (const YAML::Node& load : experiment["loads"]) {
      Scheduler scheduler(Roofline(settings),
                          {settings.max_sequences, settings.token_budget, PlanMemory(settings).kv_tokens, true});
      Step step{experiment["name"].as<std::string>(), load["concurrency"].as<int>(),
                load["outputTokensPerSecond"].as<double>(), 0};
      step.simulated =
          RunClosedLoop(scheduler, step.concurrency, load["requests"].as<int>(), 512, 128).output_tokens_per_second;
      std::printf("%s x %d: %.0f tokens/s, recorded %.0f (%+.0f %%)\n", step.experiment.c_str(), step.concurrency,
                  step.simulated, step.recorded, 100 * (step.simulated / step.recorded - 1));
      steps.push_back(step);
    }
  }
  return steps;
}

TEST(VerifiedTask, ThroughputIsWithin25Percent) {
  const std::vector<Step> steps = ReplayedTask();
  ASSERT_EQ(steps.size(), 16U);
  for (const Step& step : steps) {
    EXPECT_LT(std::abs(step.simulated / step.recorded - 1), 0.25) << step.experiment << " x " << step.concurrency;
  }
}

TEST(VerifiedTask, TheBestIsTheSame) {
  const std::vector<Step> steps = ReplayedTask();
  const auto best = [&](double Step::*value) {
    return std::max_element(steps.begin(), steps.end(),
                            [&](const Step& a, const Step& b) { return a.*value < b.*value; })
        ->experiment;
  };
  EXPECT_EQ(best(&Step::simulated), best(&Step::recorded));
}

}  // namespace
}  // namespace autotune::simulator
