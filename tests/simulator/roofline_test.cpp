#include "engine_model/roofline.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "../engine_model/closed_loop.h"
#include "engine_model/scheduler.h"
#include "simulator/deployment.h"
#include "simulator/start_failures.h"

namespace autotune::simulator {
namespace {

using engine_model::ClientCost;
using engine_model::LoopResult;
using engine_model::StepLoad;

engine_model::Roofline Roofline(const EngineSettings& settings) {
  return engine_model::Roofline(DeploymentOf(settings));
}
engine_model::MemoryPlan PlanMemory(const EngineSettings& settings) {
  return engine_model::PlanMemory(DeploymentOf(settings));
}

EngineSettings Llama8b(const std::string& quantization, const std::string& kv, const char* gpu = "h100") {
  EngineSettings s;
  s.release = {Engine::kVllm, "0.24.0"};
  s.gpu = *FindGpu(gpu);
  s.shape = ShapeFromName("x/Llama-8B");
  s.dtype = "bfloat16";
  s.quantization = quantization;
  s.kv_cache_dtype = kv;
  s.memory_fraction = 0.92;
  s.max_model_len = 131072;
  s.max_sequences = 1024;
  s.token_budget = 8192;
  return s;
}

// vLLM's own benchmark client, one Python process; fitted together with the front end.
constexpr ClientCost kPythonClient{0, 85e-6};

LoopResult Measure(const EngineSettings& settings, int concurrency, int requests) {
  const engine_model::Deployment deployment = DeploymentOf(settings);
  engine_model::Scheduler scheduler(engine_model::Roofline(deployment), LimitsOf(deployment));
  return RunClosedLoop(scheduler, concurrency, requests, 1024, 128, kPythonClient);
}

struct RecordedSpeed {
  bool fp8;
  int concurrency;
  double tokens_per_second, ttft_ms, tpot_ms;
};
// vLLM 0.24.0, one H100, Llama-8B-like, 1024 random tokens in, 128 out (docs/simulated-engine.md).
constexpr RecordedSpeed kRecorded[] = {
    {false, 16, 1590, 344, 7.36}, {false, 64, 3022, 756, 15.1}, {false, 256, 3804, 1189, 57.7},
    {true, 16, 2402, 233, 4.83},  {true, 64, 4421, 641, 9.50},  {true, 256, 5522, 2153, 29.5},
};

// The recording does not say how many requests were sent; the model has to hold for any usual number of rounds.
class RecordedH100 : public ::testing::TestWithParam<int> {};

TEST_P(RecordedH100, EveryFigureIsWithin25Percent) {
  for (const RecordedSpeed& row : kRecorded) {
    const EngineSettings settings = row.fp8 ? Llama8b("fp8", "fp8") : Llama8b("", "auto");
    const LoopResult got = Measure(settings, row.concurrency, GetParam() * row.concurrency);
    const auto within = [&](const char* what, double value, double recorded) {
      const double off = value / recorded - 1;
      std::printf("%s c=%d %s: %.4g, recorded %.4g (%+.0f %%)\n", row.fp8 ? "fp8+fp8kv" : "bf16", row.concurrency, what,
                  value, recorded, 100 * off);
      EXPECT_LT(std::abs(off), 0.25) << what << " at concurrency " << row.concurrency << (row.fp8 ? " fp8" : " bf16");
    };
    within("output tok/s", got.output_tokens_per_second, row.tokens_per_second);
    within("median TTFT ms", got.median_ttft_ms, row.ttft_ms);
    within("mean TPOT ms", got.mean_tpot_ms, row.tpot_ms);
  }
}
INSTANTIATE_TEST_SUITE_P(Rounds, RecordedH100, ::testing::Values(2, 3, 5),
                         [](const auto& rounds) { return "x" + std::to_string(rounds.param); });

EngineSettings OfSglang(EngineSettings s) {
  s.release = {Engine::kSglang, "0.5.15"};
  s.memory_fraction = 0.83;
  return s;
}

// The shape of tests/engines/on_gpu/make_models.py's `moe`: Qwen3-MoE's, with 16 layers and 64 experts.
EngineSettings Moe(const std::string& quantization, const std::string& kv) {
  EngineSettings s = Llama8b(quantization, kv);
  s.shape = ShapeFromConfig({{"num_hidden_layers", 16},
                             {"hidden_size", 2048},
                             {"num_attention_heads", 32},
                             {"num_key_value_heads", 4},
                             {"head_dim", 128},
                             {"num_experts", 64},
                             {"num_experts_per_tok", 8},
                             {"moe_intermediate_size", 768},
                             {"vocab_size", 32000}},
                            nullptr)
                .value();
  return s;
}

// SGLang logs its rate every 40 decoding steps and at every prefill: medians over the tasks sglang-dense and sglang-moe
// of 25 November 2026, contexts of about 597 tokens, prompts of 512.
TEST(Roofline, TakesAsLongForAStepAsSglangLogged) {
  struct Row {
    const char* name;
    EngineSettings settings;
    double decode_ms[5];           // 1, 3, 16, 64, 128 sequences
    double prefill_per_second[3];  // steps of 1024, 2560, 8192 tokens
  };
  const Row rows[] = {
      {"dense bf16", Llama8b("", "auto"), {6.10, 6.29, 6.69, 8.25, 10.52}, {42500, 43000, 43500}},
      {"dense fp8 cache", Llama8b("", "fp8_e4m3"), {6.25, 6.60, 6.76, 8.04, 9.86}, {44000, 45000, 44600}},
      {"dense fp8", Llama8b("fp8", "fp8_e4m3"), {4.37, 4.57, 4.87, 6.22, 8.10}, {65000, 66000, 63300}},
      {"moe bf16", Moe("", "auto"), {1.54, 2.68, 4.20, 5.00, 5.70}, {161000, 207000, 215000}},
      {"moe fp8 cache", Moe("", "fp8_e4m3"), {1.67, 2.84, 4.30, 5.01, 5.58}, {184000, 206500, 218500}},
      {"moe fp8", Moe("fp8", "fp8_e4m3"), {1.58, 2.25, 3.10, 3.68, 4.30}, {231000, 263000, 281000}},
  };
  constexpr int kSequences[] = {1, 3, 16, 64, 128};
  constexpr int kTokens[] = {1024, 2560, 8192};
  for (const Row& row : rows) {
    const engine_model::Roofline roofline = Roofline(OfSglang(row.settings));
    for (int i = 0; i < 5; ++i) {
      StepLoad load;
      load.decode_sequences = kSequences[i];
      load.decode_context = kSequences[i] * 597.0;
      const double off = roofline.StepSeconds(load) * 1e3 / row.decode_ms[i] - 1;
      // Few sequences on an MoE model: each expert's matrix is read for one or two tokens, and not at full rate.
      const double bound = kSequences[i] == 3 && row.settings.shape.is_moe() ? 0.20 : 0.06;
      EXPECT_LT(std::abs(off), bound) << row.name << ", decoding " << kSequences[i];
    }
    for (int i = 0; i < 3; ++i) {
      StepLoad load;
      load.prefill_tokens = kTokens[i];
      load.prefill_context = kTokens[i] * 256.0;
      const double off = kTokens[i] / roofline.StepSeconds(load) / row.prefill_per_second[i] - 1;
      EXPECT_LT(std::abs(off), 0.16) << row.name << ", prefill of " << kTokens[i];
    }
  }
}

TEST(Roofline, IsBoundByTheCpuWithoutCudaGraphs) {
  StepLoad decode;
  decode.decode_sequences = 16;
  const auto milliseconds = [&](const char* quantization, int gpus) {
    EngineSettings s = Llama8b(quantization, "auto");
    s.eager = true;
    s.tensor_parallel = gpus;
    return 1e3 * Roofline(s).StepSeconds(decode);
  };
  // TPOT at 16 in flight of vllm-tensor-parallel.
  EXPECT_NEAR(milliseconds("", 1), 16.5, 0.5);
  EXPECT_NEAR(milliseconds("fp8", 1), 21.4, 0.6);
  EXPECT_NEAR(milliseconds("fp8", 2), 33.6, 1.0);
}

TEST(MemoryPlan, HoldsAsManyTokensAsRecorded) {
  EXPECT_NEAR(static_cast<double>(PlanMemory(Llama8b("", "auto")).kv_tokens), 476800, 476800 * 0.01);
  EXPECT_NEAR(static_cast<double>(PlanMemory(Llama8b("fp8", "fp8")).kv_tokens), 1060112, 1060112 * 0.01);
  EXPECT_NEAR(static_cast<double>(PlanMemory(Moe("", "auto")).kv_tokens), 2019024, 2019024 * 0.01);
  EXPECT_NEAR(static_cast<double>(PlanMemory(OfSglang(Llama8b("", "auto"))).kv_tokens), 422796, 422796 * 0.01);
  EXPECT_NEAR(static_cast<double>(PlanMemory(OfSglang(Llama8b("fp8", "fp8_e4m3"))).kv_tokens), 947929, 947929 * 0.01);
  EXPECT_NEAR(static_cast<double>(PlanMemory(OfSglang(Moe("", "auto"))).kv_tokens), 1811443, 1811443 * 0.01);
  EXPECT_NEAR(static_cast<double>(PlanMemory(OfSglang(Moe("fp8", "fp8_e4m3"))).kv_tokens), 3926119, 3926119 * 0.01);
  EngineSettings small = Llama8b("", "auto");
  small.memory_fraction = 0.28;
  EXPECT_NEAR(PlanMemory(small).kv_gib, 7.53, 0.1);
  EXPECT_NEAR(PlanMemory(small).weights_gib, 13.54, 0.1);
}

// Blocks of one GiB for the 1B model: 2048 in bf16, 4096 in fp8, 3855 in int8 with one scale per token and head.
TEST(MemoryPlan, CountsTheRecordedBlocksPerGib) {
  const auto blocks = [](const char* kv) {
    EngineSettings s = Llama8b("", kv);
    s.shape = ShapeFromName("x/Llama-1B");
    s.kv_cache_bytes = std::int64_t{1} << 30;
    return PlanMemory(s).kv_tokens / 16;
  };
  EXPECT_EQ(blocks("auto"), 2048);
  EXPECT_EQ(blocks("fp8"), 4096);
  EXPECT_EQ(blocks("fp8_e5m2"), 4096);
  EXPECT_EQ(blocks("int8_per_token_head"), 3855);
}

TEST(Roofline, IsFasterOnFasterGpusAndWithMoreOfThem) {
  const auto speed = [](const EngineSettings& s) { return Measure(s, 64, 128).output_tokens_per_second; };
  const double h100 = speed(Llama8b("", "auto"));
  EXPECT_GT(speed(Llama8b("", "auto", "h200")), h100);
  EXPECT_GT(speed(Llama8b("", "auto", "b200")), speed(Llama8b("", "auto", "h200")));
  EXPECT_LT(speed(Llama8b("", "auto", "a100")), h100);
  EngineSettings two = Llama8b("", "auto");
  two.tensor_parallel = 2;
  EXPECT_GT(speed(two), 1.3 * h100);
  EXPECT_LT(speed(two), 2 * h100);
}

TEST(Roofline, KnowsTheGpusOfTheCatalogue) {
  for (const char* name : {"mi300x", "l40s", "b200", "h100-pcie", "a100-40gb"}) {
    EXPECT_TRUE(FindGpu(name).ok()) << name;
  }
  StepLoad decode;
  decode.decode_sequences = 64;
  decode.decode_context = 64 * 1000;
  const EngineSettings amd = Llama8b("fp8", "fp8", "mi300x");
  EXPECT_FALSE(amd.gpu.nvidia());
  // More bandwidth and more memory than an H100, and no CUDA capability that fp8 could lack.
  EXPECT_LT(Roofline(amd).StepSeconds(decode), Roofline(Llama8b("fp8", "fp8")).StepSeconds(decode));
  EXPECT_GT(PlanMemory(amd).kv_tokens, 2 * PlanMemory(Llama8b("fp8", "fp8")).kv_tokens);
  EXPECT_EQ(FindStartFailure(amd), FindStartFailure(Llama8b("fp8", "fp8"))) << "starts where an H100 does";
}

TEST(Roofline, GainsNothingFromFp8ArithmeticWhereTheGpuHasNone) {
  StepLoad prefill;
  prefill.prefill_tokens = 8192;
  const auto seconds = [&](const char* method, const char* gpu) {
    return Roofline(Llama8b(method, "auto", gpu)).StepSeconds(prefill);
  };
  EXPECT_LT(seconds("fp8", "h100"), 0.8 * seconds("", "h100"));
  EXPECT_NEAR(seconds("fp8", "a100"), seconds("", "a100"), 0.01 * seconds("", "a100"));
}

TEST(Roofline, ReadsOnlyTheExpertsThatAreChosen) {
  EngineSettings moe = Llama8b("", "auto");
  moe.shape = ShapeFromName("x/Qwen3-30B-A3B");
  StepLoad one;
  one.decode_sequences = 1;
  StepLoad many;
  many.decode_sequences = 256;
  const engine_model::Roofline roofline = Roofline(moe);
  const double all_weights = roofline.WeightBytesPerGpu() / (moe.gpu.bandwidth_tb * 1e12);
  EXPECT_LT(roofline.StepSeconds(one), 0.3 * all_weights);
  EXPECT_GT(roofline.StepSeconds(many), all_weights);
}

TEST(Roofline, ChangesNothingOnDenseModelsForExpertMethods) {
  StepLoad decode;
  decode.decode_sequences = 16;
  EXPECT_DOUBLE_EQ(Roofline(Llama8b("experts_int8", "auto")).StepSeconds(decode),
                   Roofline(Llama8b("", "auto")).StepSeconds(decode));
}

}  // namespace
}  // namespace autotune::simulator
