#include "operator/experiment/context_limit.h"

#include <gtest/gtest.h>

#include "tests/experiment/sample_task.h"

namespace autotune::experiment {
namespace {

// Of a checkpoint with 8,192 positions; 0 = not known.
int ContextWith(const std::string& patch) {
  checkpoint::ModelFacts facts;
  facts.max_position = 8192;
  return ContextLimitOf(SampleTask(patch).spec).With(facts);
}

std::string Runtime(const std::string& members) {
  return R"({"baseRuntime": null, "runtimes": [{"name": "a", "engine": "vllm", )" + members + "}]}";
}

TEST(ContextLimit, IsTheModelsOwnWhereNoFlagSetsOne) {
  EXPECT_EQ(ContextWith("{}"), 8192);
  EXPECT_EQ(ContextWith(R"({"parameters": {"max-num-seqs": [8, 16]}})"), 8192);
  EXPECT_EQ(ContextLimitOf(SampleTask().spec).With({}), 0) << "a checkpoint that does not say";
}

TEST(ContextLimit, IsTheLargestValueOfAFlag) {
  EXPECT_EQ(ContextWith(R"({"parameters": {"max-model-len": 4096}})"), 4096);
  EXPECT_EQ(ContextWith(R"({"parameters": {"max-model-len": [2048, "16k", 4096]}})"), 16000);
  EXPECT_EQ(ContextWith(R"({"parameters": {"max-model-len": [2048, "auto"]}})"), 8192);
  EXPECT_EQ(ContextWith(R"({"parameters": {"max-model-len": [2048, {"unset": true}]}})"), 8192);
  EXPECT_EQ(ContextWith(R"({"parameters": {"max-model-len": [-1, 9000]}})"), 9000);
  EXPECT_EQ(ContextWith(Runtime(R"("args": ["--max-model-len", "4096"])")), 4096);
  EXPECT_EQ(ContextWith(Runtime(R"("args": ["--max_model_len=4096"])")), 4096);
  EXPECT_EQ(ContextWith(Runtime(R"("command": ["sh", "-c", "serve --context-length 4096 --port {port}"])")), 4096);
}

TEST(ContextLimit, IsThatOfTheRuntimeWithTheLongest) {
  const auto two = [](const std::string& args) {
    return ContextWith(R"({"baseRuntime": null, "runtimes": [
      {"name": "a", "engine": "vllm", "args": ["--max-model-len", "4096"]},
      {"name": "b", "engine": "sglang", "args": [)" +
                       args + "]}]}");
  };
  EXPECT_EQ(two(R"("--context-length", "2048")"), 4096);
  EXPECT_EQ(two(""), 8192);
}

TEST(ContextLimit, IsNotKnownWhereTheConfigurationIsReplaced) {
  EXPECT_EQ(ContextWith(R"({"parameters": {"hf-overrides": {"rope_scaling": {"factor": 4}}}})"), 0);
  EXPECT_EQ(ContextWith(Runtime(R"("args": ["--hf-overrides.rope_scaling.factor=4"])")), 0);
  EXPECT_EQ(ContextWith(Runtime(R"("args": ["--config", "/etc/vllm.yaml"])")), 0);
  EXPECT_EQ(ContextWith(Runtime(R"("args": ["--max-model-len", "$LENGTH"])")), 0);
  EXPECT_EQ(ContextWith(R"({"parameters": {"hf-overrides": {"x": 1}, "max-model-len": 4096}})"), 4096)
      << "what the flag sets is the limit all the same";
}

}  // namespace
}  // namespace autotune::experiment
