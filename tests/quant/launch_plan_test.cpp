#include "quant/launch_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/quant/plan_fixture.h"

namespace autotune::quant {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Presets, ReachTheArgumentsOfEveryEngine) {
  const checkpoint::ModelFacts fp8 = Quantized(Dense(), "fp8", "fp8");
  const checkpoint::ModelFacts w4a8_sglang = Quantized(Moe(), "w4afp8", "w4a8");
  const checkpoint::ModelFacts w4a8_vllm = Quantized(Moe(), "compressed-tensors", "w4a8");
  struct Case {
    std::string preset, engine, version;
    checkpoint::ModelFacts model;
    std::string line;
  };
  const std::string yaml_fp8 = "YAML: kv_cache_config: /   dtype: fp8";
  const std::vector<Case> cases = {
      {"default", "vllm", "0.24.0", Dense(), ""},
      {"default", "sglang", "0.5.15", Dense(), ""},
      {"default", "tensorrt-llm", "1.2.0", Dense(), ""},
      {"kv-cache-fp8", "vllm", "0.24.0", Dense(), "--kv-cache-dtype fp8"},
      {"kv-cache-fp8", "sglang", "0.5.15", Dense(), "--kv-cache-dtype fp8_e4m3"},
      {"kv-cache-fp8", "tensorrt-llm", "1.2.0", Dense(), yaml_fp8},
      {"dynamic-fp8", "vllm", "0.11.2", Moe(), "--quantization fp8 --kv-cache-dtype fp8"},
      {"dynamic-fp8", "vllm", "0.33.0", Moe(), "--quantization fp8 --kv-cache-dtype fp8"},
      {"dynamic-fp8", "sglang", "0.5.23", Moe(), "--quantization fp8 --kv-cache-dtype fp8_e4m3"},
      {"dynamic-fp8", "tensorrt-llm", "1.2.0", fp8, yaml_fp8},
      {"dynamic-fp8", "tensorrt-llm", "1.2.0", Dense(), yaml_fp8 + " REJECT NoOnlineQuantization"},
      {"bf16-stable", "vllm", "0.24.0", Dense(), "--dtype bfloat16 --kv-cache-dtype fp8"},
      {"bf16-stable", "sglang", "0.5.15", Dense(), "--dtype bfloat16 --kv-cache-dtype fp8_e4m3"},
      {"bf16-stable", "tensorrt-llm", "1.2.0", Dense(), "YAML: dtype: bfloat16 / kv_cache_config: /   dtype: fp8"},
      {"aggressive-moe", "vllm", "0.24.0", w4a8_vllm, "--dtype bfloat16 --kv-cache-dtype fp8"},
      {"aggressive-moe", "vllm", "0.24.0", Moe(), "--dtype bfloat16 --kv-cache-dtype fp8 REJECT NeedsCheckpoint"},
      {"aggressive-moe", "sglang", "0.5.15", w4a8_sglang, "--dtype bfloat16 --kv-cache-dtype fp8_e4m3"},
      {"aggressive-moe", "sglang", "0.5.15", Moe(),
       "--dtype bfloat16 --kv-cache-dtype fp8_e4m3 REJECT NeedsCheckpoint"},
      {"aggressive-moe", "tensorrt-llm", "1.2.0", Moe(),
       "YAML: dtype: bfloat16 / kv_cache_config: /   dtype: fp8 REJECT NeedsCheckpoint"},
  };
  for (const Case& c : cases)
    EXPECT_EQ(Line(Plan(Request(c.engine, c.version, c.model), Preset(c.preset))), c.line)
        << c.preset << " " << c.engine;
}

TEST(Mapping, TurnsOneCellIntoArguments) {
  checkpoint::ModelFacts half = Dense();
  half.dtype = "float16";
  struct Case {
    std::string engine, version;
    checkpoint::ModelFacts model;
    QuantConfig quant;  // gemm, kvcache, attention, moe
    std::string line;
  };
  const std::vector<Case> cases = {
      {"vllm",
       "0.24.0",
       Dense(),
       {"x", "fp8", "fp8_e5m2", "auto", "auto"},
       "--quantization fp8_per_tensor --kv-cache-dtype fp8_e5m2"},
      {"vllm",
       "0.18.1",
       Dense(),
       {"x", "fp8", "fp8_e5m2", "auto", "auto"},
       "--quantization fp8 --kv-cache-dtype fp8_e5m2 REJECT KvDtypeNeedsOtherWeights"},
      {"vllm", "0.24.0", Dense(), {"x", "int8", "auto", "auto", "auto"}, "REJECT NoOnlineInt8"},
      {"vllm", "0.24.0", Dense(), {"x", "auto", "fp16", "auto", "auto"}, "REJECT KvDtypeNotModelDtype"},
      {"vllm", "0.24.0", half, {"x", "auto", "fp16", "auto", "auto"}, ""},
      {"vllm", "0.24.0", Dense(), {"x", "float16", "fp16", "auto", "auto"}, "--dtype float16"},
      {"vllm", "0.18.1", Dense(), {"x", "auto", "int8", "auto", "auto"}, "REJECT KvDtypeNotSupported"},
      {"vllm", "0.20.2", Dense(), {"x", "auto", "int8", "auto", "auto"}, "--kv-cache-dtype int8_per_token_head"},
      {"vllm", "0.26.0", Dense(), {"x", "auto", "int4", "auto", "auto"}, "--kv-cache-dtype int4_per_token_head"},
      {"vllm",
       "0.24.0",
       Moe(),
       {"x", "fp8", "auto", "auto", "bfloat16"},
       R"(--quantization online --quantization-config {"linear":"fp8_per_tensor"})"},
      {"vllm",
       "0.24.0",
       Moe(),
       {"x", "auto", "auto", "auto", "fp8"},
       R"(--quantization online --quantization-config {"moe":"fp8_per_tensor"})"},
      {"vllm", "0.18.1", Moe(), {"x", "auto", "auto", "auto", "fp8"}, "REJECT ExpertsFollowGemm"},
      {"vllm",
       "0.24.0",
       Moe(),
       {"x", "fp8", "auto", "auto", "int8"},
       R"(--quantization online --quantization-config {"linear":"fp8_per_tensor","moe":"int8_per_channel_weight_only"})"},
      {"vllm",
       "0.24.0",
       Moe(),
       {"x", "fp8", "fp8_e5m2", "auto", "int8"},
       R"(--quantization online --quantization-config {"linear":"fp8_per_tensor","moe":"int8_per_channel_weight_only"} --kv-cache-dtype fp8_e5m2)"},
      {"vllm", "0.20.2", Moe(), {"x", "auto", "auto", "auto", "int8"}, "--quantization int8_per_channel_weight_only"},
      {"vllm",
       "0.18.1",
       Moe(),
       {"x", "auto", "auto", "auto", "int8"},
       "--quantization experts_int8 --allow-deprecated-quantization"},
      {"vllm", "0.24.0", Moe(), {"x", "auto", "auto", "auto", "mxfp4"}, "REJECT NeedsCheckpoint"},
      {"vllm",
       "0.33.0",
       Moe(),
       {"x", "auto", "auto", "auto", "mxfp4"},
       R"(--quantization online --quantization-config {"moe":"mxfp4"})"},
      {"sglang", "0.5.15", Dense(), {"x", "int8", "auto", "auto", "int8"}, "--quantization auto-round-int8"},
      {"sglang", "0.5.9", Dense(), {"x", "int8", "auto", "auto", "auto"}, "REJECT NoOnlineInt8"},
      {"sglang", "0.5.15", Dense(), {"x", "float32", "auto", "auto", "auto"}, "REJECT DtypeNotSupported"},
      {"sglang", "0.5.15", Moe(), {"x", "auto", "auto", "auto", "fp8"}, "REJECT ExpertsFollowGemm"},
      {"sglang",
       "0.5.15",
       Moe(),
       {"x", "fp8", "auto", "auto", "bfloat16"},
       "--quantization fp8 REJECT ExpertsFollowGemm"},
      {"tensorrt-llm",
       "1.2.0",
       Dense(),
       {"x", "float16", "fp8", "auto", "auto"},
       "YAML: dtype: float16 / kv_cache_config: /   dtype: fp8"},
      {"tensorrt-llm", "1.2.0", Dense(), {"x", "auto", "fp8_e5m2", "auto", "auto"}, "REJECT KvDtypeNotSupported"},
  };
  for (const Case& c : cases)
    EXPECT_EQ(Line(Plan(Request(c.engine, c.version, c.model), c.quant)), c.line)
        << c.engine << " " << c.version << " " << Summary(c.quant);
}

TEST(Mapping, LeavesTheWeightsOfAQuantizedCheckpointAlone) {
  for (const auto& [method, family] : std::vector<std::pair<std::string, std::string>>{
           {"awq", "int4-wna16"}, {"gptq", "int4-wna16"}, {"modelopt", "nvfp4"}, {"compressed-tensors", "int8-w8a8"}}) {
    for (const auto& [engine, version] :
         std::vector<std::pair<std::string, std::string>>{{"vllm", "0.24.0"}, {"sglang", "0.5.15"}}) {
      const LaunchPlan plan = Plan(Request(engine, version, Quantized(Dense(), method, family)), Preset("dynamic-fp8"));
      EXPECT_THAT(Line(plan), ::testing::StartsWith("--kv-cache-dtype fp8")) << engine << " " << method;
      EXPECT_FALSE(plan.rejection) << engine << " " << method;
      EXPECT_TRUE(Warns(plan, "CheckpointKeepsItsWeights")) << engine << " " << method;
      EXPECT_EQ(plan.verdicts[0].kind, VerdictKind::kWarn);
    }
  }
}

TEST(Mapping, TakesWhatTheCheckpointCarries) {
  const LaunchPlan plan = Plan(Request("vllm", "0.24.0", Quantized(Moe(), "fp8", "fp8")), Preset("dynamic-fp8"));
  EXPECT_EQ(Line(plan), "--kv-cache-dtype fp8");
  EXPECT_EQ(plan.verdicts[0].kind, VerdictKind::kNeedsCheckpoint);
  EXPECT_EQ(plan.verdicts[0].reason, "CheckpointCarriesIt");
  EXPECT_EQ(plan.verdicts[3].kind, VerdictKind::kNeedsCheckpoint);
}

TEST(Mapping, RejectsE5m2BesideAnFp8Checkpoint) {
  QuantConfig quant;
  quant.kvcache = "fp8_e5m2";
  const LaunchPlan plan = Plan(Request("vllm", "0.24.0", Quantized(Dense(), "modelopt", "fp8")), quant);
  ASSERT_TRUE(plan.rejection);
  EXPECT_EQ(plan.rejection->field, "kvcacheDtype");
  EXPECT_EQ(plan.rejection->reason, "KvDtypeNeedsOtherWeights");
  EXPECT_EQ(plan.verdicts[1].kind, VerdictKind::kReject);
}

TEST(Mapping, SaysThatAttentionCannotBeControlled) {
  QuantConfig quant;
  quant.attention = "fp8";
  LaunchRequest request = Request("vllm", "0.24.0");
  EXPECT_TRUE(Warns(Plan(request, quant), "AttentionDtypeNotControllable"));
  quant.kvcache = "fp8";
  EXPECT_FALSE(Warns(Plan(request, quant), "AttentionDtypeNotControllable"));
  request.gpu = ComputeCapability{8, 9};
  EXPECT_TRUE(Warns(Plan(request, quant), "AttentionDtypeNotControllable"));
  request.gpu = std::nullopt;
  EXPECT_TRUE(Warns(Plan(request, quant), "AttentionDtypeNotControllable"));
}

TEST(Mapping, WarnsAboutAReleaseThatIsNotKnown) {
  LaunchRequest request = Request("vllm", "0.24.0");
  request.release = *Rules().Resolve("vllm", "vllm/vllm-openai:latest", "");
  EXPECT_TRUE(Warns(Plan(request, Preset("default")), "UnknownEngineVersion"));
}

TEST(Parameters, WinOverTheMappingAndAreRecorded) {
  const LaunchPlan plan = Plan(Request("vllm", "0.24.0"), Preset("dynamic-fp8"), {{"kv_cache_dtype", "bfloat16"}});
  EXPECT_EQ(Line(plan), "--quantization fp8 --kv-cache-dtype bfloat16");
  ASSERT_EQ(plan.overrides.size(), 1u);
  EXPECT_EQ(plan.overrides[0].flag, "kv-cache-dtype");
  EXPECT_EQ(plan.overrides[0].mapped, "fp8");
  EXPECT_EQ(plan.overrides[0].user, "bfloat16");
}

TEST(Parameters, RemoveWhatTheMappingSetWhenUnset) {
  const LaunchPlan plan = Plan(Request("vllm", "0.24.0"), Preset("dynamic-fp8"), {{"quantization", "-"}});
  EXPECT_EQ(Line(plan), "--kv-cache-dtype fp8");
  ASSERT_EQ(plan.overrides.size(), 1u);
  EXPECT_EQ(plan.overrides[0].user, "(unset)");
}

TEST(Parameters, AreCheckedTogetherWithTheMapping) {
  // The mapping's own fp8 gives way to the method that accepts e5m2; a user's own fp8 does not.
  LaunchPlan plan = Plan(Request("vllm", "0.24.0"), Preset("dynamic-fp8"), {{"kv-cache-dtype", "fp8_e5m2"}});
  EXPECT_EQ(Line(plan), "--quantization fp8_per_tensor --kv-cache-dtype fp8_e5m2");
  EXPECT_TRUE(Warns(plan, "WeightMethodChanged"));
  plan = Plan(Request("vllm", "0.24.0"), Preset("default"), {{"kv-cache-dtype", "fp8_e5m2"}, {"quantization", "fp8"}});
  ASSERT_TRUE(plan.rejection);
  EXPECT_EQ(plan.rejection->field, "parameters.kv-cache-dtype");
  EXPECT_EQ(plan.rejection->reason, "KvDtypeNeedsOtherWeights");
  // The dtype that a user sets is the one that the KV cache is compared with.
  plan = Plan(Request("vllm", "0.24.0"), QuantConfig{"x", "auto", "bfloat16", "auto", "auto"}, {{"dtype", "half"}});
  ASSERT_TRUE(plan.rejection);
  EXPECT_EQ(plan.rejection->reason, "KvDtypeNotModelDtype");
}

TEST(Parameters, DecideAboutExpertsToo) {
  struct Case {
    std::string engine, version, moe;
    Flags flags;
    std::string line;
  };
  const std::vector<Case> cases = {
      {"vllm", "0.24.0", "fp8", {{"quantization", "mxfp8"}}, "--quantization mxfp8"},
      {"vllm",
       "0.24.0",
       "fp8",
       {{"quantization", "online"}, {"quantization-config", R"({"moe":"fp8_per_tensor"})"}},
       R"(--quantization online --quantization-config {"moe":"fp8_per_tensor"})"},
      {"vllm", "0.33.0", "mxfp4", {{"quantization", "mxfp8"}}, "--quantization mxfp8"},
      {"vllm", "0.24.0", "bfloat16", {{"quantization", "mxfp8"}}, "--quantization mxfp8"},
      {"sglang", "0.5.15", "bfloat16", {{"quantization", "fp8"}}, "--quantization fp8"},
  };
  for (const Case& c : cases) {
    const LaunchPlan plan =
        Plan(Request(c.engine, c.version, Moe()), QuantConfig{"x", "auto", "auto", "auto", c.moe}, c.flags);
    EXPECT_EQ(Line(plan), c.line);
    EXPECT_TRUE(Warns(plan, "ParametersDecide")) << c.line;
  }
  // What the mapping itself set is no such word: gemmDtype fp8 takes SGLang's experts along.
  EXPECT_EQ(Line(Plan(Request("sglang", "0.5.15", Moe()), QuantConfig{"x", "fp8", "auto", "auto", "bfloat16"})),
            "--quantization fp8 REJECT ExpertsFollowGemm");
}

// Of a model whose experts alone are quantized (gpt-oss), of one without experts and of one that nobody knows.
TEST(Mapping, SaysWhatExpertsAreComputedInByPart) {
  const auto verdict = [](const LaunchPlan& plan, Field field) {
    for (const Verdict& one : plan.verdicts) {
      if (one.field == field) return one.reason + ": " + one.message;
    }
    return std::string();
  };
  checkpoint::ModelFacts gpt_oss = Quantized(Moe(), "mxfp4", "mxfp4");
  gpt_oss.linear_format = "none";
  checkpoint::ModelFacts unknown;
  for (const auto& [engine, release] : {std::pair{"vllm", "0.24.0"}, {"sglang", "0.5.15"}, {"tensorrt-llm", "1.2.0"}}) {
    const auto experts = [&](const checkpoint::ModelFacts& model) {
      return verdict(Plan(Request(engine, release, model), Preset("default"), {}), Field::kMoe);
    };
    EXPECT_EQ(experts(gpt_oss), "EngineChooses: experts are computed as the checkpoint declares") << engine;
    EXPECT_EQ(experts(Quantized(Moe(), "fp8", "fp8")), "FollowsGemm: experts are computed as the linear layers are");
    EXPECT_EQ(experts(Moe()), "FollowsGemm: experts are computed as the linear layers are") << engine;
    EXPECT_EQ(experts(Dense()), "ModelHasNoExperts: the model has no experts") << engine;
    EXPECT_EQ(experts(unknown),
              "EngineChooses: experts, if the model has any, are computed as the checkpoint declares");
  }
  const auto with = [&](const checkpoint::ModelFacts& model, const std::string& method, Field field) {
    return verdict(Plan(Request("vllm", "0.24.0", model), Preset("default"), {{"quantization", method}}), field);
  };
  EXPECT_EQ(with(gpt_oss, "mxfp4", Field::kGemm),
            "SetByParameter: parameters.quantization is mxfp4; the checkpoint's linear layers are not quantized");
  EXPECT_EQ(with(gpt_oss, "mxfp4", Field::kMoe), "EngineChooses: experts are computed as the checkpoint declares");
  EXPECT_EQ(with(Moe(), "fp8", Field::kMoe), "SetByParameter: parameters.quantization decides: fp8");
  unknown.quantization = "mxfp4";  // as its command says
  unknown.family = unknown.linear_format = unknown.expert_format = "other";
  EXPECT_EQ(with(unknown, "mxfp4", Field::kGemm),
            "SetByParameter: parameters.quantization decides: mxfp4, if the method quantizes linear layers");
  EXPECT_EQ(with(unknown, "mxfp4", Field::kMoe),
            "SetByParameter: parameters.quantization decides: mxfp4, if the method quantizes experts");
  EXPECT_EQ(with(Dense(), "fp8", Field::kMoe), "ModelHasNoExperts: the model has no experts");
}

TEST(Mapping, SaysWhichDtypeDecidesInstead) {
  const auto said = [](const std::string& engine, const checkpoint::ModelFacts& model, const Flags& flags,
                       int major = 9) {
    LaunchRequest request = Request(engine, engine == "vllm" ? "0.24.0" : "0.5.15", model);
    request.gpu = ComputeCapability{major, 0};
    for (const Verdict& one : Plan(std::move(request), Preset("default"), flags).verdicts) {
      if (one.field == Field::kGemm) return one.reason + ": " + one.message;
    }
    return std::string();
  };
  for (const char* engine : {"vllm", "sglang"}) {
    EXPECT_EQ(said(engine, Dense(), {}), "EngineChooses: weights are computed as the checkpoint declares");
    EXPECT_EQ(said(engine, Dense(), {{"dtype", "auto"}}),
              "EngineChooses: weights are computed as the checkpoint declares");
    EXPECT_EQ(said(engine, Dense(), {{"dtype", "half"}}), "SetByParameter: parameters.dtype decides: float16");
    // It has no bfloat16.
    EXPECT_EQ(said(engine, Dense(), {}, 7),
              "EngineChooses: weights are computed in float16, not in the checkpoint's bfloat16");
    EXPECT_EQ(said(engine, Quantized(Dense(), "awq", "int4-wna16"), {{"dtype", "half"}}),
              "SetByParameter: weights are computed as the checkpoint declares; parameters.dtype decides the dtype of "
              "the rest: float16");
  }
  EXPECT_EQ(said("vllm", Dense(), {{"dtype", "half"}, {"quantization", "fp8"}}),
            "SetByParameter: parameters.quantization decides: fp8");
}

TEST(Parameters, SpellValuesAsTheReleaseDoes) {
  struct Case {
    std::string engine, version;
    Flags flags;
    std::string line;
  };
  const std::vector<Case> cases = {
      {"vllm", "0.24.0", {{"enable-chunked-prefill", "true"}}, "--enable-chunked-prefill"},
      {"vllm", "0.24.0", {{"enable-chunked-prefill", "false"}}, "--no-enable-chunked-prefill"},
      {"vllm", "0.33.0", {{"enable_chunked_prefill", "false"}}, "--disable-chunked-prefill"},
      {"vllm", "0.24.0", {{"no-enable-chunked-prefill", "true"}}, "--no-enable-chunked-prefill"},
      {"vllm", "0.33.0", {{"no-enable-chunked-prefill", "true"}}, "--disable-chunked-prefill"},
      {"vllm", "0.33.0", {{"disable-chunked-prefill", "false"}}, "--enable-chunked-prefill"},
      {"vllm", "0.24.0", {{"disable-log-stats", "false"}}, ""},
      {"sglang", "0.5.15", {{"enable-mixed-chunk", "true"}}, "--enable-mixed-chunk"},
      {"sglang", "0.5.15", {{"enable-mixed-chunk", "false"}}, ""},
      {"vllm", "0.24.0", {{"cudagraph-capture-sizes", "[1, 2, 4]"}}, "--cudagraph-capture-sizes 1 2 4"},
      {"vllm",
       "0.24.0",
       {{"compilation-config.mode", "3"}, {"compilation_config.backend", "eager"}},
       R"(--compilation-config {"backend":"eager","mode":3})"},
      {"vllm",
       "0.24.0",
       {{"compilation-config", R"({"mode": 3, "pass_config": {"b": 1.0}})"}},
       R"(--compilation-config {"mode":3,"pass_config":{"b":1}})"},
      {"vllm", "0.24.0", {{"max-model-len", "16k"}}, "--max-model-len 16k"},
      {"vllm", "0.24.0", {{"moe-backend", "Deep-GEMM"}}, "--moe-backend deep_gemm"},
      {"sglang", "0.5.15", {{"chunked-prefill-size", "-1"}}, "--chunked-prefill-size -1"},
      {"sglang", "0.5.15", {{"mem-frac", "0.90"}}, "--mem-fraction-static 0.9"},
      {"sglang", "0.5.6.post2", {{"tensor-parallel-size", "2"}}, "--tp-size 2"},
      {"sglang", "0.5.15", {{"tp", "2"}}, "--tp-size 2"},
      {"vllm", "0.24.0", {{"-tp", "2"}}, "--tensor-parallel-size 2"},
      {"vllm", "0.24.0", {{"generation-config", "-x"}}, "--generation-config=-x"},
      {"tensorrt-llm",
       "1.2.0",
       {{"tensor-parallel-size", "2"}, {"max-batch-size", "64"}},
       "--tp_size 2 --max_batch_size 64"},
      {"tensorrt-llm",
       "1.2.0",
       {{"kv_cache_config.free_gpu_memory_fraction", "0.85"}},
       "YAML: kv_cache_config: /   free_gpu_memory_fraction: 0.85"},
      {"tensorrt-llm",
       "1.2.0",
       {{"--kv_cache_free_gpu_memory_fraction", "0.85"}, {"kv-cache-dtype", "fp8"}},
       "YAML: kv_cache_config: /   dtype: fp8 /   free_gpu_memory_fraction: 0.85"},
      {"tensorrt-llm",
       "1.2.0",
       {{"cuda_graph_config", R"({"batch_sizes": [1, 2], "enable_padding": true})"}},
       "YAML: cuda_graph_config: /   batch_sizes: [1,2] /   enable_padding: true"},
      {"tensorrt-llm", "1.2.0", {{"disable_overlap_scheduler", "true"}}, "YAML: disable_overlap_scheduler: true"},
  };
  for (const Case& c : cases)
    EXPECT_EQ(Line(Plan(Request(c.engine, c.version), Preset("default"), c.flags)), c.line)
        << c.engine << " " << c.line;
}

TEST(Parameters, MeetTheMappingInsideMaps) {
  const LaunchPlan plan = Plan(Request("tensorrt-llm", "1.2.0"), Preset("kv-cache-fp8"),
                               {{"kv_cache_config", R"({"tokens_per_block": 64, "dtype": "auto"})"}});
  EXPECT_EQ(Line(plan), "YAML: kv_cache_config: /   dtype: auto /   tokens_per_block: 64");
  EXPECT_EQ(plan.overrides.size(), 1u);
  const LaunchPlan moe = Plan(Request("vllm", "0.24.0", Moe()), QuantConfig{"x", "fp8", "auto", "auto", "int8"},
                              {{"quantization-config.linear", "fp8_per_channel"}});
  EXPECT_EQ(
      Line(moe),
      R"(--quantization online --quantization-config {"linear":"fp8_per_channel","moe":"int8_per_channel_weight_only"})");
  ASSERT_EQ(moe.overrides.size(), 1u);
  EXPECT_EQ(moe.overrides[0].flag, "quantization-config.linear");
}

TEST(Parameters, AreRejectedBeforeAPodExists) {
  struct Case {
    std::string engine, version;
    Flags flags;
    std::string field, reason, message;
  };
  const std::vector<Case> cases = {
      {"vllm",
       "0.24.0",
       {{"max-num-sequences", "8"}},
       "parameters.max-num-sequences",
       "UnknownFlag",
       "vLLM 0.24.0 has no flag \"max-num-sequences\"; did you mean max-num-seqs?"},
      {"vllm",
       "0.24.0",
       {{"gpu-utilization", "0.9"}},
       "parameters.gpu-utilization",
       "UnknownFlag",
       "vLLM 0.24.0 has no flag \"gpu-utilization\"; did you mean gpu-memory-utilization?"},
      {"vllm",
       "0.24.0",
       {{"tp-size", "2"}},
       "parameters.tp-size",
       "UnknownFlag",
       "vLLM 0.24.0 has no flag \"tp-size\"; it is tensor-parallel-size in vLLM"},
      {"vllm",
       "0.16.0",
       {{"quantization-config", "{\"moe\": \"fp8\"}"}},
       "parameters.quantization-config",
       "UnknownFlag",
       "vLLM 0.16.0 has no flag \"quantization-config\"; it is confirmed from 0.23.0 on"},
      {"sglang",
       "0.5.23",
       {{"cuda-graph-max-bs", "8"}},
       "parameters.cuda-graph-max-bs",
       "UnknownFlag",
       "\"cuda-graph-max-bs\" is an ambiguous prefix of flags of SGLang 0.5.23: cuda-graph-max-bs-decode, "
       "cuda-graph-max-bs-prefill; it is cuda-graph-max-bs-decode since 0.5.14"},
      {"vllm",
       "0.24.0",
       {{"--port", "80"}},
       "parameters.--port",
       "ReservedFlag",
       "--port cannot be a parameter: the operator sets it itself"},
      {"vllm",
       "0.24.0",
       {{"nnodes", "2"}},
       "parameters.nnodes",
       "ReservedFlag",
       "--nnodes cannot be a parameter: an experiment is one server on one node"},
      {"vllm",
       "0.24.0",
       {{"max-model-len", "1.5K"}},
       "parameters.max-model-len",
       "InvalidFlagValue",
       "--max-model-len of vLLM 0.24.0 takes auto or an integer such as 8192 or 8k, not \"1.5K\""},
      {"sglang",
       "0.5.15",
       {{"disaggregation-mode", "prefill"}},
       "parameters.disaggregation-mode",
       "Disaggregated",
       "disaggregation-mode prefill is one side of disaggregated serving, which is not measured: an experiment is one "
       "server that does prefill and decode"},
      {"vllm",
       "0.24.0",
       {{"kv-cache-dtype", "fp16"}},
       "parameters.kv-cache-dtype",
       "InvalidFlagValue",
       "--kv-cache-dtype of vLLM 0.24.0 takes one of auto, bfloat16, float16, fp8, fp8_ds_mla, fp8_e4m3, fp8_e5m2, "
       "fp8_inc, fp8_per_token_head, int8_per_token_head, nvfp4, turboquant_3bit_nc, turboquant_4bit_nc, "
       "turboquant_k3v4_nc, turboquant_k8v4, not \"fp16\""},
      {"vllm",
       "0.24.0",
       {{"max-num-seqs", "many"}},
       "parameters.max-num-seqs",
       "InvalidFlagValue",
       "--max-num-seqs of vLLM 0.24.0 takes an integer, not \"many\""},
      {"vllm",
       "0.24.0",
       {{"gpu-memory-utilization", "1.5"}},
       "parameters.gpu-memory-utilization",
       "InvalidFlagValue",
       "--gpu-memory-utilization of vLLM 0.24.0 takes a number of at most 1, not \"1.5\""},
      {"vllm",
       "0.24.0",
       {{"enforce-eager", "1"}},
       "parameters.enforce-eager",
       "InvalidFlagValue",
       "--enforce-eager of vLLM 0.24.0 takes true or false, not \"1\""},
      {"vllm",
       "0.24.0",
       {{"max-num-seqs", "true"}},
       "parameters.max-num-seqs",
       "InvalidFlagValue",
       "--max-num-seqs of vLLM 0.24.0 takes a value, not \"true\""},
      {"vllm",
       "0.24.0",
       {{"max-num-seqs", "[1, 2]"}},
       "parameters.max-num-seqs",
       "InvalidFlagValue",
       "--max-num-seqs of vLLM 0.24.0 takes one value, not \"1,2\""},
      {"sglang",
       "0.5.15",
       {{"tp-size", "2"}, {"tensor_parallel_size", "4"}},
       "parameters.tp-size",
       "DuplicateParameter",
       "tensor_parallel_size and tp-size are the same flag of SGLang 0.5.15, --tp-size, and have different values"},
      {"tensorrt-llm",
       "1.2.0",
       {{"quant-algo", "FP8"}},
       "parameters.quant-algo",
       "UnknownFlag",
       "trtllm-serve has no --quant_algo; weights are quantized as the checkpoint says"},
      {"tensorrt-llm",
       "1.2.0",
       {{"moe_config.backend", "CUDA"}},
       "parameters.moe_config.backend",
       "InvalidFlagValue",
       "moe_config.backend of TensorRT-LLM 1.2.0 takes one of AUTO, CUTLASS, CUTEDSL, WIDEEP, TRTLLM, DEEPGEMM, "
       "VANILLA, "
       "TRITON, not \"CUDA\""},
  };
  for (const Case& c : cases) {
    const LaunchPlan plan = Plan(Request(c.engine, c.version), Preset("default"), c.flags);
    ASSERT_TRUE(plan.rejection) << c.message;
    EXPECT_EQ(plan.rejection->field, c.field);
    EXPECT_EQ(plan.rejection->reason, c.reason);
    EXPECT_EQ(plan.rejection->message, c.message);
  }
}

TEST(Parameters, AreRejectedAllAtOnce) {
  const LaunchPlan plan = Plan(Request("vllm", "0.24.0"), Preset("default"),
                               {{"num-scheduler-steps", "8"}, {"swap-space", "4"}, {"max-num-seqs", "many"}});
  ASSERT_TRUE(plan.rejection);
  EXPECT_EQ(plan.rejection->field, "parameters.max-num-seqs");
  EXPECT_EQ(plan.rejection->reason, "InvalidFlagValue");
  EXPECT_EQ(
      plan.rejection->message,
      "--max-num-seqs of vLLM 0.24.0 takes an integer, not \"many\". Also parameters.num-scheduler-steps: vLLM "
      "0.24.0 has no flag \"num-scheduler-steps\"; removed in 0.10.2. Also parameters.swap-space: vLLM 0.24.0 has "
      "no flag \"swap-space\"; removed in 0.18.0 without a successor");
}

TEST(Parameters, AreListsOfTextsThatMayBeJson) {
  const auto line = [](const std::string& engine, const std::string& version, const Flags& flags) {
    return Line(Plan(Request(engine, version), Preset("default"), flags));
  };
  const std::string adapter = R"({"base_model_name":"m","name":"sql","path":"/l"})";
  EXPECT_EQ(line("vllm", "0.24.0", {{"lora-modules", R"({"name": "sql", "path": "/l", "base_model_name": "m"})"}}),
            "--lora-modules " + adapter);
  EXPECT_EQ(line("vllm", "0.24.0", {{"lora-modules", R"([{"name": "a", "path": "/a"}, "b=/b"])"}}),
            R"(--lora-modules {"name":"a","path":"/a"} b=/b)");
  EXPECT_EQ(line("vllm", "0.24.0", {{"lora-modules", "sql=/loras/sql"}}), "--lora-modules sql=/loras/sql");
  EXPECT_EQ(line("sglang", "0.5.15", {{"lora-paths", R"({"lora_name": "a", "lora_path": "/a"})"}}),
            R"(--lora-paths {"lora_name":"a","lora_path":"/a"})");
}

TEST(Gpu, IsCheckedWhereItIsKnownAndDemandedWhereNot) {
  LaunchRequest request = Request("sglang", "0.5.15");
  request.gpu = ComputeCapability{7, 5};
  LaunchPlan plan = Plan(request, Preset("dynamic-fp8"));
  ASSERT_TRUE(plan.rejection);
  EXPECT_EQ(plan.rejection->reason, "CapabilityTooLow");
  EXPECT_EQ(plan.rejection->message, "quantization fp8 requires compute capability 8.0, the GPU has 7.5");
  request.gpu = std::nullopt;
  plan = Plan(request, Preset("dynamic-fp8"));
  EXPECT_FALSE(plan.rejection);
  EXPECT_EQ(plan.min_capability, (ComputeCapability{8, 0}));
  request.gpu = ComputeCapability{8, 6};
  EXPECT_TRUE(Warns(Plan(request, Preset("dynamic-fp8")), "WeightOnly"));
}

// The least that the final arguments need goes into the pod's node affinity.
TEST(Gpu, IsDemandedByTheFinalArguments) {
  struct Case {
    std::string engine, version;
    checkpoint::ModelFacts model;
    QuantConfig quant;
    Flags flags;
    std::string needed;
  };
  const QuantConfig fp8{"x", "fp8", "auto", "auto", "auto"};
  const QuantConfig plain;
  const std::vector<Case> cases = {
      {"vllm", "0.13.0", Dense(), fp8, {}, "8.0"},
      {"vllm", "0.14.0", Dense(), fp8, {}, "7.5"},
      {"vllm", "0.24.0", Dense(), fp8, {{"quantization", "-"}}, ""},
      {"vllm", "0.24.0", Dense(), plain, {{"dtype", "bfloat16"}}, "8.0"},
      {"vllm", "0.26.0", Dense(), plain, {{"kv-cache-dtype", "nvfp4"}}, "10.0"},
      {"vllm", "0.24.0", Dense(), plain, {{"kv-cache-dtype", "fp8_per_token_head"}}, "8.9"},
      {"vllm", "0.18.1", Moe(), QuantConfig{"x", "auto", "auto", "auto", "int8"}, {}, "8.0"},
      {"vllm", "0.24.0", Quantized(Moe(), "mxfp4", "mxfp4"), plain, {}, "8.0"},
      {"vllm", "0.24.0", Quantized(Dense(), "fp_quant", "nvfp4"), plain, {}, "10.0"},
      {"sglang", "0.5.15", Dense(), fp8, {}, "8.0"},
      {"sglang", "0.5.15", Dense(), QuantConfig{"x", "int8", "auto", "auto", "auto"}, {}, "7.5"},
      {"sglang", "0.5.18", Dense(), plain, {{"quantization", "mxfp8"}}, "10.0"},
      {"sglang", "0.5.18", Dense(), plain, {{"kv-cache-dtype", "mxfp8"}}, "10.0"},
      {"sglang", "0.5.15", Latent(Dense()), plain, {{"attention-backend", "trtllm_mla"}}, "10.0"},
      {"sglang", "0.5.15", Quantized(Dense(), "modelopt", "fp8"), plain, {}, "8.9"},
      {"sglang", "0.5.15", Quantized(Moe(), "w4afp8", "w4a8"), plain, {}, "9.0"},
      {"tensorrt-llm", "1.2.0", Dense(), plain, {}, "8.0"},
      {"tensorrt-llm", "1.2.0", Quantized(Dense(), "fp8", "fp8"), plain, {}, "8.9"},
      {"tensorrt-llm", "1.2.0", Quantized(Dense(), "modelopt", "nvfp4"), plain, {}, "10.0"},
  };
  for (const Case& c : cases) {
    LaunchRequest request = Request(c.engine, c.version, c.model);
    request.gpu = std::nullopt;
    const LaunchPlan plan = Plan(request, c.quant, c.flags);
    EXPECT_FALSE(plan.rejection) << c.engine << " " << Line(plan) << plan.rejection->message;
    EXPECT_EQ(plan.min_capability ? plan.min_capability->ToString() : "", c.needed) << c.engine << " " << Line(plan);
  }
}

TEST(Gpu, OfAmdHasNoComputeCapability) {
  LaunchRequest request = Request("vllm", "0.24.0");
  request.gpu = std::nullopt;
  request.amd_architecture = "gfx942";
  const LaunchPlan plan = Plan(request, Preset("dynamic-fp8"));
  EXPECT_FALSE(plan.rejection);
  EXPECT_EQ(plan.min_capability, std::nullopt);
  EXPECT_TRUE(Warns(plan, "RulesAreForNvidia"));
  EXPECT_TRUE(Warns(plan, "CapabilityNotChecked"));
  EXPECT_FALSE(Warns(plan, "AttentionBackendChanges"));
}

TEST(Gpu, DoesNotDemandMoreThanTheDefaultNeeds) {
  LaunchRequest request = Request("vllm", "0.24.0");
  request.gpu = std::nullopt;
  EXPECT_EQ(Plan(request, Preset("default")).min_capability, std::nullopt);
}

TEST(ParallelSizes, BecomeFlagsAndGpus) {
  struct Case {
    std::string engine;
    ParallelSizes sizes;
    Flags flags;
    std::vector<std::string> extra;
    std::string line;
    int gpus;
  };
  const std::vector<Case> cases = {
      {"vllm", {1, 1, 1, 1}, {}, {}, "", 1},
      {"vllm", {2, 2, 2, {}}, {}, {}, "--tensor-parallel-size 2 --pipeline-parallel-size 2 --data-parallel-size 2", 8},
      {"vllm", {2, {}, 4, 8}, {}, {}, "--tensor-parallel-size 2 --data-parallel-size 4 --enable-expert-parallel", 8},
      {"vllm",
       {2, {}, {}, 4},
       {},
       {},
       "--tensor-parallel-size 2 --enable-expert-parallel REJECT ExpertParallelSizeFollows",
       2},
      {"vllm", {2, {}, {}, {}}, {{"tp", "4"}}, {}, "--tensor-parallel-size 4", 4},
      {"vllm", {2, {}, {}, {}}, {}, {"-tp=8"}, "--tensor-parallel-size 2 -tp=8", 8},
      {"vllm", {{}, {}, {}, {}}, {}, {"--tensor_parallel_size", "4", "--foo"}, "--tensor_parallel_size 4 --foo", 4},
      {"sglang", {2, {}, 2, {}}, {}, {}, "--tp-size 2 --dp-size 2", 4},
      {"sglang",
       {2, {}, 2, {}},
       {{"enable-dp-attention", "true"}},
       {},
       "--tp-size 2 --dp-size 2 --enable-dp-attention",
       2},
      {"sglang", {4, {}, {}, 2}, {}, {}, "--tp-size 4 --ep-size 2", 4},
      {"sglang", {2, {}, {}, 4}, {}, {}, "--tp-size 2 --ep-size 4 REJECT ExpertParallelSizeDoesNotDivide", 2},
      {"sglang",
       {1, {}, 2, {}},
       {{"enable-dp-attention", "true"}},
       {},
       "--dp-size 2 --enable-dp-attention REJECT DataParallelDoesNotDivide",
       1},
      {"tensorrt-llm", {2, 2, {}, {}}, {{"cp_size", "2"}}, {}, "--tp_size 2 --pp_size 2 --cp_size 2", 8},
      {"tensorrt-llm", {{}, {}, 2, {}}, {}, {}, "REJECT ParallelismNotSupported", 1},
      {"vllm", {3, {}, {}, {}}, {}, {}, "--tensor-parallel-size 3 REJECT TensorParallelDoesNotDivide", 3},
      {"vllm", {16, {}, {}, {}}, {}, {}, "--tensor-parallel-size 16", 16},
      {"vllm", {{}, 64, {}, {}}, {}, {}, "--pipeline-parallel-size 64 REJECT PipelineLongerThanModel", 64},
      {"vllm", {0, {}, {}, {}}, {}, {}, "REJECT InvalidParallelSize", 1},
  };
  const std::map<std::string, std::string> versions = {
      {"vllm", "0.24.0"}, {"sglang", "0.5.15"}, {"tensorrt-llm", "1.2.0"}};
  for (const Case& c : cases) {
    LaunchRequest request = Request(c.engine, versions.at(c.engine), Moe());
    request.parallel = c.sizes;
    request.extra_args = c.extra;
    const LaunchPlan plan = Plan(request, Preset("default"), c.flags);
    EXPECT_EQ(Line(plan), c.line);
    EXPECT_EQ(plan.gpus, c.gpus) << c.line;
  }
}

TEST(ParallelSizes, ReplicateFewKvHeadsButDoNotTearThem) {
  checkpoint::ModelFacts model = Dense();
  model.attention_heads = 48;
  model.kv_heads = 6;
  model.intermediate_size = 14400;  // of 12 GPUs, too
  model = Cached(model);
  LaunchRequest request = Request("vllm", "0.24.0", model);
  request.parallel.tensor = 4;
  LaunchPlan plan = Plan(request, Preset("default"));
  ASSERT_TRUE(plan.rejection);
  EXPECT_EQ(plan.rejection->field, "parallelConfig.tensorParallel");
  EXPECT_EQ(plan.rejection->message, "6 KV heads can be neither split nor replicated evenly over 4 GPUs");
  request.parallel.tensor = 12;
  EXPECT_FALSE(Plan(request, Preset("default")).rejection);
  // Latent attention keeps one cache for all heads.
  request.parallel.tensor = 4;
  request.model = Latent(model);
  EXPECT_FALSE(Plan(request, Preset("default")).rejection);
}

TEST(ParallelSizes, SplitTheMlpAndTheExpertsEvenly) {
  checkpoint::ModelFacts dense = Dense();
  dense.intermediate_size = 11008;  // 2^8 x 43
  checkpoint::ModelFacts moe = Moe();
  moe.moe_intermediate_size = 768;  // 2^8 x 3
  moe.intermediate_size = 11009;    // of layers that the model may not have
  checkpoint::ModelFacts many = dense;
  many.attention_heads = 3 * 512;
  many.kv_heads = 512;
  many = Cached(many);
  struct Case {
    std::string engine, version;
    checkpoint::ModelFacts model;
    ParallelSizes sizes;
    Flags flags;
    std::string rejected;
  };
  const std::vector<Case> cases = {
      {"vllm", "0.24.0", dense, {8, {}, {}, {}}, {}, ""},
      {"vllm", "0.24.0", many, {512, {}, {}, {}}, {}, "an MLP of 11008 cannot be split evenly over 512 GPUs"},
      {"sglang", "0.5.15", many, {512, {}, {}, {}}, {}, "an MLP of 11008 cannot be split evenly over 512 GPUs"},
      {"tensorrt-llm", "1.2.0", many, {512, {}, {}, {}}, {}, "an MLP of 11008 cannot be split evenly over 512 GPUs"},
      // vLLM splits experts over all GPUs of a stage, unless whole experts are shared out.
      {"vllm", "0.24.0", moe, {2, {}, 3, {}}, {}, ""},
      {"vllm", "0.24.0", moe, {2, {}, 5, {}}, {}, "an expert of 768 cannot be split evenly over 10 GPUs"},
      {"vllm", "0.24.0", moe, {2, {}, 5, {}}, {{"enable-expert-parallel", "true"}}, ""},
      {"sglang", "0.5.15", moe, {2, {}, 5, {}}, {}, ""},
      // Data-parallel attention leaves fewer GPUs to split the heads.
      {"sglang", "0.5.15", moe, {64, {}, 2, {}}, {{"enable-dp-attention", "true"}}, ""},
      {"sglang", "0.5.15", moe, {64, {}, {}, {}}, {}, "32 attention heads cannot be split evenly over 64 GPUs"},
      {"sglang", "0.5.23", moe, {64, {}, {}, {}}, {{"attn-dp-size", "2"}}, ""},
  };
  for (const Case& c : cases) {
    LaunchRequest request = Request(c.engine, c.version, c.model);
    request.parallel = c.sizes;
    const LaunchPlan plan = Plan(request, Preset("default"), c.flags);
    EXPECT_EQ(plan.rejection ? plan.rejection->message : "", c.rejected) << c.engine << " " << Line(plan);
  }
}

TEST(Memory, HasToHoldTheWeights) {
  LaunchRequest request = Request("vllm", "0.24.0");
  request.model.weight_bytes = 141'000'000'000;
  request.gpu_memory_bytes = 80'000'000'000;
  const LaunchPlan plan = Plan(request, Preset("default"));
  ASSERT_TRUE(plan.rejection);
  EXPECT_EQ(plan.rejection->reason, "ModelDoesNotFit");
  EXPECT_EQ(plan.rejection->message,
            "each GPU must hold at least 141.0 GB of weights + 0.2 GB of activations = 141.2 GB; it has 80.0 GB x 0.92 "
            "(gpu-memory-utilization) = 73.6 GB");
  // Two GPUs hold them, so may quantized ones, and so may a GPU that leaves some in the host's memory.
  EXPECT_FALSE(Plan(request, Preset("default"), {{"tp", "2"}}).rejection);
  EXPECT_FALSE(Plan(request, Preset("dynamic-fp8")).rejection);
  EXPECT_FALSE(Plan(request, Preset("default"), {{"cpu-offload-gb", "80"}}).rejection);
  request.gpu_memory_bytes = 24'000'000'000;
  EXPECT_EQ(Plan(request, Preset("dynamic-fp8")).rejection->message,
            "each GPU must hold at least 70.5 GB of weights + 0.2 GB of activations = 70.7 GB; it has 24.0 GB x 0.92 "
            "(gpu-memory-utilization) = 22.1 GB");
}

TEST(ExtraArguments, MayNotTouchWhatTheOperatorSets) {
  LaunchRequest request = Request("vllm", "0.24.0");
  request.extra_args = {"--host=0.0.0.0"};
  const LaunchPlan plan = Plan(request, Preset("default"));
  ASSERT_TRUE(plan.rejection);
  EXPECT_EQ(plan.rejection->field, "runtimes[].args");
  EXPECT_EQ(plan.rejection->reason, "ReservedFlag");
}

TEST(ExtraArguments, AreSaidToReplaceTunedOnes) {
  LaunchRequest request = Request("vllm", "0.24.0");
  request.extra_args = {"--kv-cache-dtype", "auto"};
  EXPECT_TRUE(Warns(Plan(request, Preset("kv-cache-fp8")), "ArgumentsOverride"));
}

TEST(ExtraArguments, ThatTheReleaseDoesNotHaveAreWarnedOf) {
  LaunchRequest request = Request("vllm", "0.24.0");
  request.extra_args = {"--disable-log-requests", "--no-such-flag", "-1"};
  const LaunchPlan unknown = Plan(request, Preset("default"));
  EXPECT_FALSE(unknown.rejection);
  EXPECT_TRUE(std::ranges::any_of(unknown.warnings, [](const Warning& warning) {
    return warning.reason == "UnknownArgument" &&
           warning.message ==
               "vLLM 0.24.0 has no flag --disable-log-requests; requests are only logged with "
               "enable-log-requests";
  }));
  // The beginning of one flag is that flag.
  request.extra_args = {"--enable-expert", "--trust-remote"};
  EXPECT_FALSE(Warns(Plan(request, Preset("default")), "UnknownArgument"));
}

TEST(ExtraArguments, CountWhereRulesCompareFlags) {
  LaunchRequest request = Request("vllm", "0.24.0");
  const Flags tools = {{"enable-auto-tool-choice", "true"}};
  EXPECT_EQ(Line(Plan(request, Preset("default"), tools)), "--enable-auto-tool-choice REJECT NeedsToolCallParser");
  request.extra_args = {"--tool-call-parser", "hermes"};
  EXPECT_EQ(Line(Plan(request, Preset("default"), tools)), "--enable-auto-tool-choice --tool-call-parser hermes");
  // They come last, so they decide.
  request.extra_args = {"--max-num-batched-tokens=64"};
  const LaunchPlan plan =
      Plan(request, Preset("default"), {{"max-num-batched-tokens", "512"}, {"max-num-seqs", "128"}});
  ASSERT_TRUE(plan.rejection);
  EXPECT_EQ(plan.rejection->message, "max-num-batched-tokens (64) must be at least max-num-seqs (128)");
  request.extra_args = {"--max-num-batched-tokens=64", "--max-num-seqs=128"};
  EXPECT_EQ(Plan(request, Preset("default")).rejection->field, "runtimes[].args");
}

TEST(StartCommand, PutsThePlanBehindTheEnginesOwnCommand) {
  StartContext context;
  context.model = "org/model";
  context.revision = "abc";
  context.port = "$(AUTOTUNE_PORT)";
  context.options_file = "/autotune/options.yaml";
  const auto command = [&](const std::string& engine, const std::string& version) {
    const LaunchPlan plan = Plan(Request(engine, version), Preset("kv-cache-fp8"));
    return StartCommand(*Rules().Traits(engine, *Version::Parse(version)), context, plan);
  };
  EXPECT_EQ(Joined(command("vllm", "0.24.0")),
            "vllm serve org/model --host 0.0.0.0 --port $(AUTOTUNE_PORT) --revision abc --kv-cache-dtype fp8");
  EXPECT_EQ(
      Joined(command("sglang", "0.5.15")),
      "python3 -m sglang.launch_server --model-path org/model --host 0.0.0.0 --port $(AUTOTUNE_PORT) --revision abc "
      "--kv-cache-dtype fp8_e4m3");
  EXPECT_EQ(Joined(command("tensorrt-llm", "1.2.0")),
            "trtllm-serve org/model --host 0.0.0.0 --port $(AUTOTUNE_PORT) --revision abc --extra_llm_api_options "
            "/autotune/options.yaml");
}

TEST(StartCommand, NeverLosesARevision) {
  // trtllm-serve has --revision since 1.2.0; older releases would load the newest revision.
  LaunchRequest request = Request("tensorrt-llm", "1.1.0");
  request.revision = "abc";
  const LaunchPlan plan = Plan(request, Preset("default"));
  ASSERT_TRUE(plan.rejection);
  EXPECT_EQ(plan.rejection->field, "model.revision");
  EXPECT_EQ(plan.rejection->reason, "RevisionNotSupported");
  EXPECT_EQ(
      plan.rejection->message,
      "TensorRT-LLM 1.1.0 cannot load a specific revision of a model; it would load the default branch instead of abc");
  EXPECT_TRUE(Rules().Traits("tensorrt-llm", *Version::Parse("1.1.0"))->revision_args.empty());
  for (const auto& [engine, version] : std::vector<std::pair<std::string, std::string>>{
           {"vllm", "0.11.2"}, {"vllm", "0.33.0"}, {"sglang", "0.5.6.post2"}, {"tensorrt-llm", "1.2.0"}}) {
    request.release = *Rules().Resolve(engine, "", version);
    EXPECT_FALSE(Plan(request, Preset("default")).rejection) << engine << version;
  }
}

TEST(PlanLaunch, RejectsAnEngineWithoutRules) {
  LaunchRequest request;
  request.release.engine = "llama.cpp";
  const LaunchPlan plan = PlanLaunch(Rules(), request);
  ASSERT_TRUE(plan.rejection);
  EXPECT_EQ(plan.rejection->reason, "UnknownEngine");
}

TEST(ApartFromCache, IsEqualWhereOnlyTheCacheDiffers) {
  for (const char* engine : {"vllm", "sglang", "tensorrt-llm"}) {
    SCOPED_TRACE(engine);
    const std::string version = Rules().Resolve(engine, "", "")->version.ToString();
    const LaunchPlan plain = Plan(Request(engine, version), Preset("default"));
    const LaunchPlan cache = Plan(Request(engine, version), Preset("kv-cache-fp8"));
    EXPECT_NE(Line(plain), Line(cache));
    EXPECT_EQ(plain.apart_from_cache, cache.apart_from_cache);
  }
  const LaunchRequest request = Request("vllm", "0.24.0");
  const std::string plain = Plan(request, Preset("default")).apart_from_cache;
  EXPECT_EQ(Plan(request, Preset("default"), {{"calculate-kv-scales", "true"}}).apart_from_cache, plain);
  EXPECT_NE(Plan(request, Preset("default"), {{"max-num-seqs", "64"}}).apart_from_cache, plain);
  EXPECT_NE(Plan(request, Preset("dynamic-fp8")).apart_from_cache, plain);
}

// config/compilation.py: extra="forbid" from 0.13.0 on.
TEST(Parameters, MembersThatAFlagsParserRefuses) {
  const auto line = [](const char* release, const std::string& flag, const std::string& value) {
    const LaunchPlan plan = Plan(Request("vllm", release, Dense()), Preset("default"), {{flag, value}});
    return plan.rejection ? "REJECT " + plan.rejection->message : Line(plan);
  };
  const std::string old = R"({"level":3,"cudagraph_mode":"PIECEWISE"})";
  EXPECT_THAT(line("0.24.0", "compilation-config", old), HasSubstr("has no member level"));
  EXPECT_THAT(line("0.14.1", "compilation-config", old), Not(HasSubstr("REJECT")));
  EXPECT_THAT(line("0.13.0", "compilation-config", R"({"compilation_mode":"default"})"), HasSubstr("compilation_mode"));
  EXPECT_THAT(line("0.12.0", "compilation-config", R"({"compilation_mode":"default"})"), Not(HasSubstr("REJECT")));
  EXPECT_THAT(line("0.24.0", "compilation-config", R"({"cudagraph_mod":"NONE"})"),
              HasSubstr("did you mean cudagraph_mode?"));
  EXPECT_THAT(line("0.24.0", "compilation-config.cudagraph-mode", "NONE"), Not(HasSubstr("REJECT")));
  EXPECT_THAT(line("0.24.0", "compilation-config.pass_config.fuse_norm_quant", "true"), Not(HasSubstr("REJECT")));
  EXPECT_THAT(line("0.24.0", "compilation-config.level", "3"), HasSubstr("has no member level"));
}

}  // namespace
}  // namespace autotune::quant
