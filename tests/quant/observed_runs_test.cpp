// Runs of real engines on one H100 (dummy weights, 2026-11-22): what was started, and what the engine did. The rules
// have to say the same before anything is started.

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/quant/plan_fixture.h"

namespace autotune::quant {
namespace {

enum class Model { kDense, kMoe };
enum class Did {
  kStart,          // ready, and a completion was answered
  kChangeBackend,  // started with another attention backend than asked for or usual
  kNothing,        // started, the argument changed nothing
  kRefuse,         // exit 1 or 2, killed itself, or died on the first request
};

struct Run {
  Model model;
  Flags arguments;
  Did did;
  std::string reason;  // of the rejection or the warning; the backend that was taken instead
};

void Check(const std::string& engine, const std::string& version, const std::vector<Run>& runs) {
  for (const Run& run : runs) {
    LaunchRequest request = Request(engine, version, run.model == Model::kDense ? Dense() : Moe());
    request.parameters = Values(run.arguments);
    const LaunchPlan plan = PlanLaunch(Rules(), request);
    std::string name = engine;
    for (const auto& [flag, value] : run.arguments) name += " --" + flag + " " + value;
    if (plan.rejection) name += "\n  " + plan.rejection->message;
    switch (run.did) {
      case Did::kStart:
        EXPECT_FALSE(plan.rejection) << name;
        EXPECT_FALSE(Warns(plan, "AttentionBackendChanges")) << name;
        break;
      case Did::kChangeBackend:
        EXPECT_FALSE(plan.rejection) << name;
        EXPECT_TRUE(std::ranges::any_of(plan.warnings,
                                        [&](const Warning& warning) {
                                          return warning.reason == "AttentionBackendChanges" &&
                                                 warning.message.find(run.reason) != std::string::npos;
                                        }))
            << name << " names no " << run.reason;
        break;
      case Did::kNothing:
        EXPECT_FALSE(plan.rejection) << name;
        EXPECT_TRUE(Warns(plan, run.reason)) << name;
        break;
      case Did::kRefuse:
        ASSERT_TRUE(plan.rejection) << name;
        EXPECT_EQ(plan.rejection->reason, run.reason) << name;
        break;
    }
  }
}

constexpr Model kDense = Model::kDense;
constexpr Model kMoe = Model::kMoe;

TEST(ObservedRuns, Vllm0240) {
  Check(
      "vllm", "0.24.0",
      {
          {kDense, {}, Did::kStart, ""},
          {kDense, {{"quantization", "fp8"}}, Did::kStart, ""},
          {kDense, {{"kv-cache-dtype", "fp8"}}, Did::kStart, ""},
          {kDense, {{"kv-cache-dtype", "fp8_e4m3"}}, Did::kStart, ""},
          {kDense, {{"kv-cache-dtype", "fp8_e5m2"}}, Did::kChangeBackend, "FLASHINFER"},
          {kDense, {{"quantization", "fp8"}, {"kv-cache-dtype", "fp8_e5m2"}}, Did::kRefuse, "KvDtypeNeedsOtherWeights"},
          {kDense, {{"quantization", "fp8"}, {"kv-cache-dtype", "fp8"}}, Did::kStart, ""},
          {kDense,
           {{"quantization", "fp8_per_tensor"}, {"kv-cache-dtype", "fp8_e5m2"}},
           Did::kChangeBackend,
           "FLASHINFER"},
          {kDense, {{"dtype", "float16"}}, Did::kStart, ""},
          {kDense, {{"dtype", "float32"}}, Did::kChangeBackend, "TRITON_ATTN"},
          {kDense, {{"dtype", "float32"}, {"quantization", "fp8"}}, Did::kRefuse, "DtypeNotForQuantization"},
          {kDense, {{"kv-cache-dtype", "bfloat16"}}, Did::kStart, ""},
          {kDense, {{"kv-cache-dtype", "float16"}}, Did::kRefuse, "KvDtypeNotModelDtype"},
          {kDense, {{"kv-cache-dtype", "fp16"}}, Did::kRefuse, "InvalidFlagValue"},
          {kDense, {{"kv-cache-dtype", "int8"}}, Did::kRefuse, "InvalidFlagValue"},
          {kDense, {{"kv-cache-dtype", "int4_per_token_head"}}, Did::kRefuse, "InvalidFlagValue"},
          {kDense, {{"kv-cache-dtype", "int8_per_token_head"}}, Did::kChangeBackend, "TRITON_ATTN"},
          {kDense, {{"kv-cache-dtype", "fp8_per_token_head"}}, Did::kChangeBackend, "TRITON_ATTN"},
          {kDense, {{"kv-cache-dtype", "nvfp4"}}, Did::kRefuse, "KvDtypeNotOnThisGpu"},
          {kDense, {{"quantization", "fp8_per_tensor"}}, Did::kStart, ""},
          {kDense, {{"quantization", "fp8_per_channel"}}, Did::kStart, ""},
          {kDense, {{"quantization", "fp8_per_block"}}, Did::kStart, ""},
          {kDense, {{"quantization", "mxfp8"}}, Did::kStart, ""},
          {kDense, {{"quantization", "int8_per_channel_weight_only"}}, Did::kNothing, "ModelHasNoExperts"},
          {kDense, {{"quantization", "experts_int8"}}, Did::kNothing, "ModelHasNoExperts"},
          {kDense, {{"quantization", "int8"}}, Did::kRefuse, "InvalidFlagValue"},
          {kDense, {{"quantization", "awq"}}, Did::kRefuse, "NeedsCheckpoint"},
          // It started, silently without the setting: nothing may be measured under its name.
          {kDense,
           {{"quantization-config", R"({"linear":"fp8_per_tensor"})"}},
           Did::kRefuse,
           "QuantizationConfigIgnored"},
          {kDense,
           {{"quantization", "online"}, {"quantization-config", R"({"linear":"fp8_per_tensor"})"}},
           Did::kStart,
           ""},
          {kDense,
           {{"quantization", "fp8"}, {"quantization-config", R"({"linear":"fp8_per_tensor"})"}},
           Did::kRefuse,
           "QuantizationConfigNeedsOnline"},
          {kDense, {{"kv-cache-dtype", "fp8"}, {"calculate-kv-scales", "true"}}, Did::kStart, ""},
          {kDense, {{"attention-backend", "TRITON_ATTN"}, {"kv-cache-dtype", "fp8"}}, Did::kStart, ""},
          {kDense, {{"attention-backend", "FLASHINFER"}}, Did::kStart, ""},
          {kDense, {{"attention-backend", "FLASHINFER"}, {"kv-cache-dtype", "fp8"}}, Did::kStart, ""},
          {kDense,
           {{"attention-backend", "FLASH_ATTN"}, {"kv-cache-dtype", "fp8_e5m2"}},
           Did::kRefuse,
           "BackendNotForKvCache"},
          {kDense, {{"no-such-flag", "1"}}, Did::kRefuse, "UnknownFlag"},
          {kDense, {{"swap-space", "4"}}, Did::kRefuse, "UnknownFlag"},
          {kDense, {{"kv_cache_dtype", "fp8"}}, Did::kStart, ""},
          {kMoe, {}, Did::kStart, ""},
          {kMoe, {{"quantization", "fp8"}}, Did::kStart, ""},
          {kMoe, {{"quantization", "fp8"}, {"kv-cache-dtype", "fp8"}}, Did::kStart, ""},
          {kMoe, {{"quantization", "online"}, {"quantization-config", R"({"moe":"fp8_per_tensor"})"}}, Did::kStart, ""},
          {kMoe,
           {{"quantization", "online"}, {"quantization-config", R"({"moe":"int8_per_channel_weight_only"})"}},
           Did::kStart,
           ""},
          {kMoe,
           {{"quantization", "online"},
            {"quantization-config", R"({"linear":"fp8_per_tensor","moe":"int8_per_channel_weight_only"})"}},
           Did::kStart,
           ""},
          {kMoe,
           {{"quantization", "online"}, {"quantization-config", R"({"moe":"mxfp4"})"}},
           Did::kRefuse,
           "NotForExperts"},
          {kMoe,
           {{"quantization", "fp8"}, {"moe-backend", "flashinfer_cutlass"}},
           Did::kRefuse,
           "MoeBackendNotForQuantization"},
          {kMoe, {{"quantization", "fp8"}, {"moe-backend", "triton"}}, Did::kStart, ""},
      });
}

TEST(ObservedRuns, Sglang0515) {
  Check("sglang", "0.5.15",
        {
            {kDense, {}, Did::kStart, ""},
            {kDense, {{"quantization", "fp8"}}, Did::kStart, ""},
            {kDense, {{"kv-cache-dtype", "fp8_e4m3"}}, Did::kStart, ""},
            {kDense, {{"quantization", "fp8"}, {"kv-cache-dtype", "fp8_e4m3"}}, Did::kStart, ""},
            {kDense, {{"kv-cache-dtype", "fp8_e5m2"}}, Did::kChangeBackend, "triton"},
            {kDense, {{"quantization", "fp8"}, {"kv-cache-dtype", "fp8_e5m2"}}, Did::kChangeBackend, "triton"},
            {kDense, {{"kv-cache-dtype", "fp8_e5m2"}, {"attention-backend", "fa3"}}, Did::kChangeBackend, "triton"},
            {kDense, {{"kv-cache-dtype", "bf16"}}, Did::kStart, ""},
            {kDense, {{"dtype", "float16"}, {"kv-cache-dtype", "bf16"}}, Did::kRefuse, "KvDtypeNotModelDtype"},
            {kDense, {{"dtype", "float32"}}, Did::kRefuse, "DtypeNotSupported"},
            {kDense, {{"dtype", "float32"}, {"attention-backend", "triton"}}, Did::kRefuse, "DtypeNotSupported"},
            {kDense, {{"dtype", "float16"}}, Did::kStart, ""},
            {kDense, {{"dtype", "bfloat16"}, {"kv-cache-dtype", "fp8_e4m3"}}, Did::kStart, ""},
            {kDense, {{"kv-cache-dtype", "fp8"}}, Did::kRefuse, "InvalidFlagValue"},
            {kDense, {{"quantization", "int8"}}, Did::kRefuse, "InvalidFlagValue"},
            {kDense, {{"kv-cache-dtype", "fp4_e2m1"}}, Did::kRefuse, "BackendNotForKvCache"},
            {kDense, {{"no-such-flag", "1"}}, Did::kRefuse, "UnknownFlag"},
            {kDense, {{"quantization", "auto-round-int8"}}, Did::kStart, ""},
            // These started with dummy weights only.
            {kDense, {{"quantization", "w8a8_int8"}}, Did::kRefuse, "NeedsCheckpoint"},
            {kDense, {{"quantization", "w8a8_fp8"}}, Did::kRefuse, "NeedsCheckpoint"},
            {kDense, {{"quantization", "mxfp8"}}, Did::kRefuse, "CapabilityTooLow"},
            {kDense, {{"quantization", "nvfp4_online"}}, Did::kRefuse, "CapabilityTooLow"},
            {kDense, {{"quantization", "awq"}}, Did::kRefuse, "NeedsCheckpoint"},
            {kMoe, {{"quantization", "mxfp4"}}, Did::kRefuse, "NeedsCheckpoint"},
            {kDense, {{"torchao-config", "int8wo"}}, Did::kRefuse, "FlagBroken"},
            {kMoe, {}, Did::kStart, ""},
            {kMoe, {{"quantization", "fp8"}}, Did::kStart, ""},
            {kMoe, {{"quantization", "fp8"}, {"kv-cache-dtype", "fp8_e4m3"}}, Did::kStart, ""},
            {kMoe,
             {{"quantization", "fp8"}, {"moe-runner-backend", "flashinfer_cutlass"}},
             Did::kRefuse,
             "MoeBackendNotForQuantization"},
            {kMoe, {{"moe-runner-backend", "flashinfer_cutlass"}}, Did::kNothing, "KernelsCompiledAtStart"},
            {kMoe, {{"quantization", "w4afp8"}}, Did::kRefuse, "NeedsCheckpoint"},
            {kDense, {{"attention-backend", "flashinfer"}, {"kv-cache-dtype", "fp8_e4m3"}}, Did::kStart, ""},
        });
}

TEST(ObservedRuns, SglangGetsDashesOnly) {
  LaunchRequest request = Request("sglang", "0.5.15");
  request.parameters = Values({{"kv_cache_dtype", "fp8_e4m3"}});
  EXPECT_EQ(Line(PlanLaunch(Rules(), request)), "--kv-cache-dtype fp8_e4m3");
}

}  // namespace
}  // namespace autotune::quant
