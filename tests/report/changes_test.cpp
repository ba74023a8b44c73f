#include "report/changes.h"

#include <gmock/gmock.h>

#include "finished_task.h"
#include "report/markdown.h"
#include "report/page.h"
#include "report/result_view.h"
#include "report/settings.h"
#include "tests/quant/built_in_rules.h"

namespace autotune::report {
namespace {

using quant::testing::Rules;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// Finished(), where the first experiment is what is deployed.
api::AutotuneTask Deployed() {
  api::AutotuneTask task = Finished();
  task.status.experiments[0].deployed = true;
  task.status.experiments[0].env = {{"VLLM_X", "1"}};
  return task;
}

std::vector<std::string> Lines(const std::vector<Change>& changes) {
  std::vector<std::string> lines;
  for (const Change& change : changes) lines.push_back(change.setting + ": " + change.before + " -> " + change.after);
  return lines;
}

TEST(ChangesOf, AreSettingBySettingAgainstWhatIsDeployed) {
  const api::AutotuneTask task = Deployed();
  EXPECT_THAT(Lines(ChangesOf(task, {}, Rules())),
              ElementsAre("VLLM_X: 1 -> ", "kv-cache-dtype:  -> fp8", "quantization preset: default -> kv-cache-fp8"));
}

TEST(ChangesOf, NameAnotherImageAndReleaseFirst) {
  api::AutotuneTask task = Deployed();
  task.status.experiments[0].runtime = api::DeployedRuntimeName(task.status.experiments[0].runtime);
  task.status.experiments[0].engine_version = "0.22.0";
  task.status.experiments[1].engine_version = "0.24.0";
  api::BaselineSpec& baseline = task.spec.optimization.baseline.emplace();
  baseline.deployment_ref = api::WorkloadRef{"Deployment", "chat", "server"};
  baseline.deployed = api::DeployedServer{};
  baseline.deployed->image = "vllm/vllm-openai:v0.22.0";
  baseline.deployed->words = {"vllm", "serve", task.spec.models.front().id_or_path};
  baseline.deployed->limits = {{"memory", "64Gi"}, {"nvidia.com/gpu", "1"}};
  const std::vector<std::string> lines = Lines(ChangesOf(task, {}, Rules()));
  ASSERT_GE(lines.size(), 4U);
  EXPECT_THAT(lines[0], ::testing::StartsWith("image: vllm/vllm-openai:v0.22.0 -> "));
  EXPECT_EQ(lines[1], "release: 0.22.0 -> 0.24.0");
  EXPECT_EQ(lines[2], "memory limit: 64Gi -> ");
  EXPECT_EQ(lines[3], "VLLM_X: 1 -> ") << "and no line for the runtime";
}

TEST(ChangesOf, AreWorthWhatPairsMeasured) {
  api::AutotuneTask task = Deployed();
  task.status.experiments[0].args = {"--max-num-seqs", "32"};
  const MeasuredChange change{0.375, 0.351, 0.402, {0.36, 0.39}};
  const ValueEffect lower{"32", {}, {}, change, change};
  const std::vector<ResultRow> rows = ResultRows(task);
  const ValueEffect unpaired{"default", {rows.data()}, {}, std::nullopt, std::nullopt};
  const std::vector<ParameterEffect> effects = {
      {"max_num_seqs", "64", {lower, {"64", {}, {}, std::nullopt, std::nullopt}}},
      {"quantization", "kv-cache-fp8", {unpaired}}};
  const std::string table = ChangeTable(ChangesOf(task, effects, Rules()), "deployed").Text();
  EXPECT_THAT(table, HasSubstr("DEPLOYED"));
  EXPECT_THAT(table, ::testing::ContainsRegex("max-num-seqs +32 +64 +.37.5% ..35.1% to .40.2%., 2 pairs"));
  EXPECT_THAT(table,
              ::testing::ContainsRegex("quantization preset +default +kv-cache-fp8 +no pair differs in this alone"));
  EXPECT_THAT(
      table, ::testing::ContainsRegex("kv-cache-dtype +engine's default: auto +fp8 +the task does not vary it alone\n"))
      << "no parameter of the task";
}

TEST(ChangesOf, SayThatALimitOfTheBatchWasNotReached) {
  api::AutotuneTask task = Finished();
  task.status.experiments[0].args = {};
  task.status.experiments[1].args = {"--max-num-seqs", "1024"};
  const std::vector<ResultRow> rows = ResultRows(task);
  const ValueEffect unset{"", {rows.data()}, {}, std::nullopt, std::nullopt};
  const std::vector<ParameterEffect> effects = {{"max_num_seqs", "1024", {unset}}};
  const auto table = [&] { return ChangeTable(ChangesOf(task, effects, Rules()), "baseline").Text(); };
  EXPECT_THAT(table(), HasSubstr("no pair differs in this alone; not reached where the best was scored: 8 in flight"));
  task.status.experiments[1].args = {"--max-num-seqs", "4"};
  EXPECT_THAT(table(), Not(HasSubstr("not reached")));
}

TEST(ChangesOf, SayWhatTheEngineUsesWhereAFlagIsNotSet) {
  api::AutotuneTask task = Finished();
  task.status.experiments[0].args = {};
  task.status.experiments[1].args = {"--max-num-seqs", "128", "--block-size", "32"};
  const auto table = [&] { return ChangeTable(ChangesOf(task, {}, Rules()), "baseline").Text(); };
  EXPECT_THAT(table(), ::testing::ContainsRegex("max-num-seqs +engine's default +128"));
  EXPECT_THAT(table(), ::testing::ContainsRegex("block-size +engine's default +32"));
  task.status.gpus.front().memory_bytes = std::int64_t{80} << 30;
  EXPECT_THAT(table(), ::testing::ContainsRegex("max-num-seqs +engine's default: 1024 +128"));
  EXPECT_THAT(table(), ::testing::ContainsRegex("block-size +engine's default +32")) << "not known";
  task.status.experiments[1].env = {{"VLLM_X", "1"}};
  EXPECT_THAT(table(), ::testing::ContainsRegex("VLLM_X +.not set. +1"));
  task.status.experiments[1].args = {"--max-num-seqs", "1024"};
  EXPECT_THAT(table(),
              ::testing::ContainsRegex("max-num-seqs +engine's default: 1024 +1024 +the engine's default is the same"));
  task.status.experiments[1].args = {"--max-num-seqs", "128"};
  const MeasuredChange change{0.1, 0.07, 0.13, {0.1}};
  const std::vector<ParameterEffect> effects = {{"max_num_seqs", "128", {{"1024", {}, {}, change, change}}}};
  EXPECT_THAT(ChangeTable(ChangesOf(task, effects, Rules()), "baseline").Text(),
              ::testing::ContainsRegex("max-num-seqs +engine's default: 1024 +128 +.10.0%"));
}

TEST(ChangesOf, SayWhatChangedTogether) {
  api::AutotuneTask task = Finished();
  task.status.experiments[0].args = {};
  const MeasuredChange change{0.2, 0.17, 0.23, {0.2}}, back{-0.17, -0.19, -0.15, {-0.17}};
  const std::vector<ResultRow> rows = ResultRows(task);
  const ValueEffect unset{"",           {rows.data()},
                          {},           std::nullopt,
                          std::nullopt, NearestPair{back, change, {"quantization"}, "e2-bbbbbb", "e1-aaaaaa"}};
  const std::vector<ParameterEffect> effects = {{"max_num_seqs", "64", {unset}}};
  EXPECT_THAT(ChangeTable(ChangesOf(task, effects, Rules()), "baseline").Text(),
              HasSubstr("no pair differs in this alone; together with quantization: +20.0% (+17.0% to +23.0%), from "
                        "e1-aaaaaa to e2-bbbbbb"));
}

// A type's image may be of another release, in which a flag has another spelling.
TEST(ChangesOf, ReadFlagsByTheReleaseOfTheTypeOfGpu) {
  api::AutotuneTask task = Finished();
  task.spec.base_runtime.clear();
  api::RuntimeSpec& runtime = task.spec.runtimes.emplace_back();
  runtime.name = runtime.engine = "vllm";
  runtime.image = "vllm/vllm-openai:v0.33.0";
  task.spec.gpus.resize(2);
  task.status.gpus.resize(2);
  task.spec.gpus[0].name = task.status.gpus[0].name = "h100";
  task.spec.gpus[0].products = {"NVIDIA-H100-80GB-HBM3"};
  task.spec.gpus[1].name = task.status.gpus[1].name = "h200";
  task.spec.gpus[1].products = {"NVIDIA-H200"};
  task.spec.gpus[1].images = {{"vllm", "vllm/vllm-openai:v0.16.0"}};
  task.status.experiments[0].args = {};
  task.status.experiments[1].args = {"--disable-prefix-caching"};
  const auto of = [&](const char* gpu) {
    for (api::ExperimentStatus& experiment : task.status.experiments) experiment.gpu = gpu;
    return Lines(ChangesOf(task, {}, Rules()));
  };
  EXPECT_THAT(of("h100"),
              ElementsAre("enable-prefix-caching:  -> false", "quantization preset: default -> kv-cache-fp8"));
  EXPECT_THAT(of("h200"), Not(::testing::Contains(HasSubstr("enable-prefix-caching")))) << "0.16.0 spells it otherwise";
}

TEST(ChangesOf, SayWhatComesWithThePreset) {
  const api::AutotuneTask task = Finished();
  const std::vector<ParameterEffect> effects = {{"quantization", "kv-cache-fp8", {}}};
  EXPECT_THAT(
      ChangeTable(ChangesOf(task, effects, Rules()), "baseline").Text(),
      ::testing::ContainsRegex("kv-cache-dtype +engine's default: auto +fp8 +comes with the quantization preset"));
}

TEST(ChangesOf, AreInEveryReport) {
  const api::AutotuneTask task = Deployed();
  EXPECT_THAT(MarkdownReport(task, Rules()), HasSubstr("## Against what is deployed"));
  EXPECT_THAT(HtmlReport(task, Rules()), HasSubstr("Against what is deployed"));
  EXPECT_THAT(HtmlReport(task, Rules()), HasSubstr("+41.3% over what is deployed"));
  EXPECT_THAT(Headline(task), HasSubstr(", +41.3% over what is deployed"));
  api::AutotuneTask itself = Deployed();
  itself.status.best->experiment = itself.status.experiments[0].name;
  EXPECT_THAT(MarkdownReport(itself, Rules()), Not(HasSubstr("## Against what")));
  EXPECT_TRUE(ChangesOf(itself, {}, Rules()).empty());
}

TEST(EngineSettings, LeavesOutFlagsThatTheEngineHasAnyway) {
  const api::AutotuneTask task = Finished();
  const EngineSettings engine(task, task.status.experiments[1], Rules());
  EXPECT_THAT(
      engine.WithoutDefaults({"--kv-cache-dtype", "fp8", "--gpu-memory-utilization=0.92", "--block-size", "64", "-O3"}),
      ::testing::ElementsAre("--kv-cache-dtype", "fp8", "--block-size", "64", "-O3"));
}

// "gpu" is the beginning of one flag of vLLM's only: --gpu-memory-utilization.
TEST(EngineSettings, TakesATypeOfGpuForNoFlag) {
  const api::AutotuneTask task = Finished();
  const EngineSettings engine(task, task.status.experiments[1], Rules());
  EXPECT_EQ(engine.NameOf("gpu"), "gpu");
  EXPECT_EQ(engine.NameOf("checkpoint"), "checkpoint");
  EXPECT_EQ(engine.NameOf("gpu-memory-util"), "gpu-memory-utilization");
}

}  // namespace
}  // namespace autotune::report
