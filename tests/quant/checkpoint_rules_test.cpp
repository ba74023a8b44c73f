// What a checkpoint's format and shape forbid, by kind: blocks that share a scale, formats of other runtimes, declared
// KV caches, sizes that the files do not say.

#include <gmock/gmock.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/quant/plan_fixture.h"

namespace autotune::quant {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Qwen3-235B-A22B-FP8.
checkpoint::ModelFacts BlockScaledExperts() {
  checkpoint::ModelFacts facts = Quantized(Moe(), "fp8", "fp8");
  facts.attention_heads = 64;
  facts.kv_heads = 4;
  facts.experts = 128;
  facts.moe_intermediate_size = 1536;
  facts.intermediate_size = 12288;
  facts.weight_block = {128, 128};
  return Cached(facts);
}

// Qwen2.5-72B-Instruct-GPTQ as it was before its MLP was padded.
checkpoint::ModelFacts GroupScaledDense() {
  checkpoint::ModelFacts facts = Quantized(Dense(), "gptq", "int4-wna16");
  facts.attention_heads = 64;
  facts.intermediate_size = 29568;
  facts.weight_block = {1, 128};
  return Cached(facts);
}

std::string Refusal(const std::string& engine, const std::string& version, const checkpoint::ModelFacts& model,
                    int tensor, const Flags& flags = {}) {
  LaunchRequest request = Request(engine, version, model);
  request.parallel.tensor = tensor;
  const LaunchPlan plan = Plan(request, Preset("default"), flags);
  return plan.rejection ? plan.rejection->reason + ": " + plan.rejection->message : "";
}

TEST(CheckpointRules, ADimensionPerGpuIsAMultipleOfTheBlockThatSharesAScale) {
  const std::string torn =
      "TensorParallelDoesNotDivide: an expert of 1536 over 8 GPUs is 192 on each, which is not a multiple of the 128 "
      "weights that share a scale (128x128)";
  EXPECT_EQ(Refusal("vllm", "0.24.0", BlockScaledExperts(), 4), "");
  EXPECT_EQ(Refusal("vllm", "0.24.0", BlockScaledExperts(), 8), torn);
  EXPECT_EQ(Refusal("sglang", "0.5.15", BlockScaledExperts(), 8), torn);
  EXPECT_EQ(Refusal("tensorrt-llm", "1.2.0", BlockScaledExperts(), 8), torn);
  // Whole experts on every GPU.
  EXPECT_EQ(Refusal("vllm", "0.24.0", BlockScaledExperts(), 8, {{"enable-expert-parallel", "true"}}), "");
  EXPECT_EQ(Refusal("sglang", "0.5.15", BlockScaledExperts(), 8, {{"ep-size", "8"}}), "");
  // The same experts without blocks.
  checkpoint::ModelFacts whole = BlockScaledExperts();
  whole.weight_block.reset();
  EXPECT_EQ(Refusal("vllm", "0.24.0", whole, 8), "");
  // Experts in a 4-bit float beside linear layers in blocks.
  checkpoint::ModelFacts groups = BlockScaledExperts();
  groups.family = "mixed";
  groups.expert_format = "nvfp4";
  EXPECT_EQ(Refusal("sglang", "0.5.15", groups, 8), "");
  // Keys of half a block, shared experts of half a block.
  checkpoint::ModelFacts narrow = BlockScaledExperts();
  narrow.head_dim = 64;
  EXPECT_THAT(Refusal("vllm", "0.13.0", narrow, 4), HasSubstr("keys of 64 on each of 4 GPUs"));
  // Queries, keys and values are one layer of several parts.
  EXPECT_EQ(Refusal("vllm", "0.14.0", narrow, 4), "");
  EXPECT_THAT(Refusal("sglang", "0.5.15", narrow, 4), HasSubstr("keys of 64 on each of 4 GPUs"));
  narrow.architecture = "MiMoV2FlashForCausalLM";
  EXPECT_EQ(Refusal("sglang", "0.5.15", narrow, 4), "");
  checkpoint::ModelFacts shared = BlockScaledExperts();
  shared.shared_experts = 1;
  EXPECT_THAT(Refusal("vllm", "0.24.0", shared, 8, {{"enable-expert-parallel", "true"}}),
              HasSubstr("the shared experts' MLP of 1536"));
  shared.plain_shared_experts = true;
  EXPECT_EQ(Refusal("vllm", "0.24.0", shared, 8, {{"enable-expert-parallel", "true"}}), "");
  // Tokens are split instead of the shared experts.
  shared.plain_shared_experts = false;
  shared.architecture = "DeepseekV3ForCausalLM";
  EXPECT_THAT(Refusal("vllm", "0.24.0", shared, 8, {{"enable-expert-parallel", "true"}}), HasSubstr("shared experts"));
  const Flags replicas = {{"enable-expert-parallel", "true"}, {"data-parallel-size", "2"}};
  EXPECT_EQ(Refusal("vllm", "0.24.0", shared, 8, replicas), "");
  shared.architecture = "Glm4MoeForCausalLM";
  EXPECT_THAT(Refusal("vllm", "0.24.0", shared, 8, replicas), HasSubstr("shared experts"));
  // Groups along the input tear a dense MLP's last matrix.
  EXPECT_EQ(Refusal("vllm", "0.24.0", GroupScaledDense(), 1), "");
  EXPECT_THAT(Refusal("vllm", "0.24.0", GroupScaledDense(), 2),
              HasSubstr("14784 on each, which is not a multiple of the 128"));
}

// Qwen3-Next-80B-A3B-Instruct-FP8: a shared expert of 512, and its gate on the list of what is not quantized.
TEST(CheckpointRules, SharedExpertsAreSplitUnlessTheEngineFusesOrCopiesThem) {
  checkpoint::ModelFacts model = BlockScaledExperts();
  model.architecture = "Qwen3NextForCausalLM";
  model.kv_heads = 2;
  model.experts = 512;
  model.dense_layers = 0;
  model.moe_intermediate_size = 512;
  model.shared_intermediate_size = 512;
  const std::string split = "the shared experts' MLP of 512 over 8 GPUs is 64 on each";
  const Flags whole = {{"enable-expert-parallel", "true"}}, parallel = {{"ep-size", "8"}};
  EXPECT_EQ(Refusal("vllm", "0.24.0", model, 4, whole), "");
  EXPECT_THAT(Refusal("vllm", "0.24.0", model, 8, whole), HasSubstr(split));
  EXPECT_THAT(Refusal("sglang", "0.5.13", model, 8, parallel), HasSubstr(split));
  EXPECT_EQ(Refusal("sglang", "0.5.14", model, 8, parallel), "");
  EXPECT_THAT(Refusal("sglang", "0.5.14", model, 8, {{"ep-size", "8"}, {"disable-shared-experts-fusion", "true"}}),
              HasSubstr(split));
  EXPECT_EQ(Refusal("sglang", "0.5.13", model, 8, {{"ep-size", "8"}, {"moe-a2a-backend", "deepep"}}), "");
  // One that is wider than a routed one is computed by itself.
  model.shared_intermediate_size = 1536;
  EXPECT_THAT(Refusal("sglang", "0.5.14", model, 8, parallel), HasSubstr("the shared experts' MLP of 1536"));
}

TEST(CheckpointRules, NewerReleasesMakeTheScalesOfExpertsFinerDownToThirtyTwo) {
  // Qwen3.8-Flash-Next-FP8: 160 over four GPUs has blocks of 32, 80 over eight would have blocks of 16.
  checkpoint::ModelFacts experts = BlockScaledExperts();
  experts.moe_intermediate_size = 640;
  experts.hidden_size = 2560;
  experts.intermediate_size.reset();
  experts.dense_layers = 0;
  EXPECT_THAT(Refusal("vllm", "0.28.0", experts, 4), HasSubstr("an expert of 640 over 4 GPUs is 160"));
  EXPECT_EQ(Refusal("vllm", "0.29.0", experts, 4), "");
  EXPECT_THAT(Refusal("vllm", "0.29.0", experts, 8), HasSubstr("an expert of 640 over 8 GPUs is 80"));
  EXPECT_EQ(Refusal("vllm", "0.33.0", experts, 4), "");
  experts.quantization = "compressed-tensors";
  EXPECT_THAT(Refusal("vllm", "0.33.0", experts, 4), HasSubstr("an expert of 640 over 4 GPUs is 160"));
}

TEST(CheckpointRules, ExpertsOfThreeBitsHaveNoKernelButDenseLayersHave) {
  for (const auto& [engine, release] : {std::pair("vllm", "0.24.0"), std::pair("sglang", "0.5.15")}) {
    EXPECT_THAT(Refusal(engine, release, Quantized(Moe(), "auto-round", "int3-wna16"), 1),
                HasSubstr("runs experts of 4 and 8 bits, not int3-wna16"));
    EXPECT_EQ(Refusal(engine, release, Quantized(Moe(), "auto-round", "int4-wna16"), 1), "");
  }
  EXPECT_EQ(Refusal("vllm", "0.24.0", Quantized(Dense(), "gptq", "int3-wna16"), 1), "");
}

TEST(CheckpointRules, AModelThatGeneratesNoTextIsPrunedByEveryEngine) {
  for (const auto& [engine, release] :
       {std::pair("vllm", "0.24.0"), std::pair("sglang", "0.5.15"), std::pair("tensorrt-llm", "1.2.0")}) {
    checkpoint::ModelFacts reranker = Dense();
    reranker.architecture = "XLMRobertaForSequenceClassification";
    EXPECT_THAT(Refusal(engine, release, reranker, 1),
                HasSubstr("CheckpointNotSupported: XLMRobertaForSequenceClassification generates no text"));
    checkpoint::ModelFacts encoder = Dense();
    encoder.architecture = "BertModel";
    encoder.model_type = "bert";
    EXPECT_THAT(Refusal(engine, release, encoder, 1), HasSubstr("BertModel generates no text"));
    checkpoint::ModelFacts whisper = Dense();
    whisper.architecture = "WhisperForConditionalGeneration";
    EXPECT_THAT(Refusal(engine, release, whisper, 1), HasSubstr("transcribes speech"));
    EXPECT_EQ(Refusal(engine, release, Dense(), 1), "");
  }
}

TEST(CheckpointRules, AClassWithAListOfLanguageModelsLoadsNoOther) {
  checkpoint::ModelFacts model = Dense();
  model.architecture = "InternVLChatModel";
  model.config_type = "internvl_chat";
  model.model_type = "llama";
  model.language_class = "LlamaForCausalLM";
  for (const char* version : {"0.5.6.post2", "0.5.15", "0.5.23"}) {
    EXPECT_THAT(Refusal("sglang", version, model, 1),
                HasSubstr("the language model in InternVLChatModel is LlamaForCausalLM: SGLang's class has "))
        << version;
  }
  EXPECT_EQ(Refusal("sglang", "0.5.15", model, 1, {{"json-model-override-args", R"({"a":1})"}}), "");
  model.remote_code = true;
  EXPECT_EQ(Refusal("vllm", "0.24.0", model, 1, {{"trust-remote-code", "true"}}), "") << "it takes any class it has";
  model.language_class = "InternLM2ForCausalLM";
  EXPECT_EQ(Refusal("sglang", "0.5.15", model, 1), "");
  model.language_class = "";
  EXPECT_EQ(Refusal("sglang", "0.5.15", model, 1), "") << "none is named";
  model.architecture = "InternS1ForConditionalGeneration";
  model.config_type = "interns1";
  model.language_class = "GptOssForCausalLM";
  EXPECT_THAT(Refusal("sglang", "0.5.15", model, 1), HasSubstr("Qwen3ForCausalLM and Qwen3MoeForCausalLM only"));
}

// The list of unquantized modules of an fp8 checkpoint, as each engine compares it.
TEST(CheckpointRules, NamesThatAreNoWholeNamesLeaveNothingUnquantizedInVllm) {
  checkpoint::ModelFacts model = Quantized(Dense(), "fp8", "fp8");
  const auto warns = [&](const char* engine, const char* version, const std::string& scheme) {
    model.schemes = {scheme};
    return Warns(Plan(Request(engine, version, model), Preset("default")), "SchemeNotCertain");
  };
  EXPECT_TRUE(warns("vllm", "0.24.0", "ignored parts - -"));
  EXPECT_FALSE(warns("sglang", "0.5.15", "ignored parts - -")) << "a part of a name is enough";
  EXPECT_TRUE(warns("tensorrt-llm", "1.2.0", "ignored parts - -"));
  for (const auto& [engine, version] : {std::pair("vllm", "0.24.0"), std::pair("sglang", "0.5.15")}) {
    EXPECT_TRUE(warns(engine, version, "ignored patterns - -")) << engine;
    EXPECT_TRUE(warns(engine, version, "ignored fused-part - -")) << engine;
    EXPECT_FALSE(warns(engine, version, "linear fp8-tensor fp8-dynamic -")) << engine;
  }
  EXPECT_TRUE(warns("vllm", "0.18.1", "ignored fused-name - -"));
  EXPECT_FALSE(warns("vllm", "0.24.0", "ignored fused-name - -"));
  EXPECT_TRUE(warns("sglang", "0.5.15", "ignored fused-name - -"));
  model.native_config = true;
  EXPECT_FALSE(warns("vllm", "0.24.0", "ignored parts - -")) << "it reads params.json";
}

TEST(CheckpointRules, TensorRtLlmReadsFp8InBlocks) {
  checkpoint::ModelFacts model = Quantized(Dense(), "fp8", "fp8");
  const auto refusal = [&](const char* version, const std::string& scheme) {
    model.schemes = {scheme};
    return Refusal("tensorrt-llm", version, model, 1);
  };
  for (const char* version : {"1.0.0", "1.2.0", "1.3.0rc25"})
    EXPECT_THAT(refusal(version, "linear fp8-tensor fp8-dynamic -"), HasSubstr("has no weight_block_size")) << version;
  EXPECT_THAT(refusal("1.3.0rc20", "linear fp8-tensor fp8-static -"), HasSubstr("has no weight_block_size"));
  EXPECT_EQ(refusal("1.3.0rc22", "linear fp8-tensor fp8-static -"), "");
  EXPECT_EQ(refusal("1.0.0", "linear fp8-block128x128 fp8-dynamic -"), "");
}

TEST(CheckpointRules, SglangFindsTheBlocksOfAutoRoundByItsOwnNames) {
  checkpoint::ModelFacts model = Quantized(Dense(), "auto-round", "int4-wna16");
  model.schemes = {"blocks model.language_model.layers - -", "linear int4-group128 none auto_round:auto_gptq"};
  model.architecture = "Qwen2_5_VLForConditionalGeneration";
  EXPECT_THAT(Refusal("sglang", "0.5.15", model, 1), HasSubstr("names them model.layers"));
  EXPECT_EQ(Refusal("vllm", "0.24.0", model, 1), "");
  model.architecture = "Qwen3VLForConditionalGeneration";
  EXPECT_FALSE(Warns(Plan(Request("sglang", "0.5.15", model), Preset("default")), "SchemeNotCertain"));
  model.architecture = "Gemma3ForConditionalGeneration";
  EXPECT_TRUE(Warns(Plan(Request("sglang", "0.5.15", model), Preset("default")), "SchemeNotCertain"));
}

TEST(CheckpointRules, QuarkNamesOfSingleExpertsAreReadByLaterReleases) {
  checkpoint::ModelFacts model = Quantized(Moe(), "quark", "mxfp4");
  model.schemes = {"ignored each-expert - -"};
  EXPECT_THAT(Refusal("vllm", "0.24.0", model, 1), HasSubstr("one by one"));
  EXPECT_THAT(Refusal("sglang", "0.5.18", model, 1), HasSubstr("one by one"));
  EXPECT_EQ(Refusal("vllm", "0.26.0", model, 1), "");
  EXPECT_EQ(Refusal("sglang", "0.5.23", model, 1), "");
  model.schemes = {"ignored draft-experts - -"};
  const Flags drafts = {{"speculative-config", R"({"method":"mtp","num_speculative_tokens":1})"}};
  EXPECT_FALSE(Warns(Plan(Request("vllm", "0.24.0", model), Preset("default")), "SchemeNotCertain"));
  EXPECT_TRUE(Warns(Plan(Request("vllm", "0.24.0", model), Preset("default"), drafts), "SchemeNotCertain"));
  EXPECT_FALSE(Warns(Plan(Request("vllm", "0.26.0", model), Preset("default"), drafts), "SchemeNotCertain"));
}

TEST(CheckpointRules, SglangNeedsTheWeightOfLatentAttention) {
  checkpoint::ModelFacts model = Quantized(Latent(Moe()), "compressed-tensors", "int4-wna16");
  model.architecture = "DeepseekV3ForCausalLM";
  model.schemes = {"packed attention int -", "linear int4-group32 none pack-quantized"};
  EXPECT_THAT(Refusal("sglang", "0.5.15", model, 1), HasSubstr("no attribute 'weight'"));
  EXPECT_EQ(Refusal("vllm", "0.24.0", model, 1), "");
  model.schemes = {"experts int4-group32 none pack-quantized"};
  EXPECT_EQ(Refusal("sglang", "0.5.15", model, 1), "");
  model = Quantized(Latent(Moe()), "gptq", "int4-wna16");
  model.dtype = "float16";
  model.architecture = "DeepseekV3ForCausalLM";
  EXPECT_THAT(Refusal("sglang", "0.5.15", model, 1), HasSubstr("packed form of AWQ only"));
  model.ignored_modules = {"re:.*self_attn.*"};
  EXPECT_EQ(Refusal("sglang", "0.5.15", model, 1), "");
  model = Quantized(Latent(Moe()), "awq", "int4-wna16");
  model.architecture = "DeepseekV3ForCausalLM";
  EXPECT_EQ(Refusal("sglang", "0.5.15", model, 1), "");
  EXPECT_THAT(Refusal("sglang", "0.5.8", model, 1), HasSubstr("weight_packed"));
}

TEST(CheckpointRules, SomeReleasesOfVllmNeedTheWeightOfLatentAttention) {
  checkpoint::ModelFacts model = Quantized(Latent(Moe()), "awq", "int4-wna16");
  const auto warns = [&](const char* version) {
    return Warns(Plan(Request("vllm", version, model), Preset("default")), "SchemeNotCertain");
  };
  for (const char* scheme : {"linear int4-group128 none gemm", "packed attention int -"}) {
    model.schemes = {scheme};
    if (*scheme == 'p') model.quantization = "compressed-tensors";
    EXPECT_TRUE(warns("0.17.0")) << scheme;
    EXPECT_FALSE(warns("0.18.1")) << scheme;
    EXPECT_TRUE(warns("0.24.0")) << scheme;
    EXPECT_FALSE(warns("0.28.0")) << scheme;
  }
  model.schemes = {"packed attention fp -"};
  EXPECT_FALSE(warns("0.24.0"));
  model = Quantized(Moe(), "awq", "int4-wna16");
  EXPECT_FALSE(warns("0.24.0"));
}

TEST(CheckpointRules, VllmComputesGemmaInFloat32BeforeAmpere) {
  checkpoint::ModelFacts model = Dense();
  model.architecture = "Gemma3ForCausalLM";
  LaunchRequest request = Request("vllm", "0.24.0", model);
  request.gpu = ComputeCapability{7, 5};
  const auto kv = [&] { return Plan(request, Preset("default")).verdicts.at(1).message; };
  EXPECT_THAT(kv(), HasSubstr("float32"));
  EXPECT_FALSE(Plan(request, Preset("default")).rejection);
  request.model = Quantized(model, "awq", "int4-wna16");
  const LaunchPlan plan = Plan(request, Preset("default"));
  ASSERT_TRUE(plan.rejection);
  EXPECT_EQ(plan.rejection->reason, "DtypeNotForModel");
  request.gpu = ComputeCapability{8, 0};
  EXPECT_THAT(kv(), HasSubstr("bfloat16"));
  request.model.dtype = "float16";
  EXPECT_THAT(kv(), HasSubstr("bfloat16"));
}

TEST(CheckpointRules, SglangHasSomeVersionsOfMiniCpm) {
  checkpoint::ModelFacts model = Dense();
  model.architecture = "MiniCPMV";
  const auto refused = [&](const char* release, const char* version) {
    model.class_version = version;
    return !Refusal("sglang", release, model, 1).empty();
  };
  EXPECT_FALSE(refused("0.5.15", ""));
  EXPECT_FALSE(refused("0.5.15", "2.6"));
  EXPECT_FALSE(refused("0.5.15", "4.5"));
  EXPECT_TRUE(refused("0.5.8", "4.5"));
  EXPECT_TRUE(refused("0.5.15", "2.5"));
  EXPECT_EQ(Refusal("vllm", "0.24.0", model, 1), "");
  model.architecture = "MiniCPMO";
  model.class_version = "4.5";
  EXPECT_TRUE(Warns(Plan(Request("sglang", "0.5.15", model), Preset("default")), "ArchitectureNotSupported"));
}

TEST(CheckpointRules, TensorRtLlmReadsModelOptFromItsOwnFileAtFirst) {
  checkpoint::ModelFacts model = Quantized(Dense(), "modelopt", "fp8");
  model.schemes = {"inline quantization_config - -", "linear fp8 - -"};
  EXPECT_THAT(Refusal("tensorrt-llm", "1.2.0", model, 1), HasSubstr("reads it from hf_quant_config.json"));
  EXPECT_EQ(Refusal("tensorrt-llm", "1.3.0rc20", model, 1), "");
  EXPECT_EQ(Refusal("vllm", "0.24.0", model, 1), "");
  EXPECT_EQ(Refusal("sglang", "0.5.15", model, 1), "");
}

TEST(CheckpointRules, WhereNoReleaseWasReadOwnCodeIsWarnedOf) {
  checkpoint::ModelFacts model = Dense();
  model.remote_code = true;
  const auto warns = [&](const char* type, const Flags& flags = {}) {
    model.config_type = type;
    return Warns(Plan(Request("tensorrt-llm", "1.2.0", model), Preset("default"), flags), "RemoteCodeNotTrusted");
  };
  EXPECT_TRUE(warns("nemotron-nas"));
  EXPECT_FALSE(warns("nemotron-nas", {{"trust_remote_code", "true"}}));
  EXPECT_FALSE(warns("phi3")) << "the library has it";
  model.remote_code = false;
  EXPECT_FALSE(warns("nemotron-nas"));
}

TEST(CheckpointRules, ADraftIsNotServedWithoutItsModel) {
  for (const auto& [engine, release] :
       {std::pair("vllm", "0.33.0"), std::pair("sglang", "0.5.23"), std::pair("tensorrt-llm", "1.2.0")}) {
    for (const char* name : {"Eagle3DeepseekV2ForCausalLM", "LlamaForCausalLMEagle3", "EagleLlamaForCausalLM",
                             "Eagle3Qwen2_5vlForCausalLM", "Qwen3NextMTP", "DeepSeekMTPModel", "DFlashDraftModel",
                             "Eagle3DraftModel", "Eagle3Speculator", "DeepseekV3ForCausalLMNextN"}) {
      checkpoint::ModelFacts draft = Dense();
      draft.architecture = name;
      EXPECT_THAT(Refusal(engine, release, draft, 1), HasSubstr("is a draft for speculative decoding")) << name;
    }
  }
  checkpoint::ModelFacts chat = Dense();
  chat.architecture = "Eagle2_5_VLForConditionalGeneration";
  EXPECT_THAT(Refusal("vllm", "0.33.0", chat, 1), Not(HasSubstr("draft")));
}

// RedHatAI's and others' drafts name the model that they were trained for.
TEST(CheckpointRules, VllmStartsTheModelThatADraftOfSpeculatorsNames) {
  checkpoint::ModelFacts draft;
  draft.architecture = "Eagle3DraftModel";
  draft.verifier = "google/gemma-4-31B-it";
  draft.draft_method = "eagle3";
  draft.draft_tokens = 3;
  LaunchRequest request = Request("vllm", "0.20.0", draft);
  const LaunchPlan plan = Plan(request, Preset("default"), {});
  EXPECT_FALSE(plan.rejection.has_value());
  EXPECT_TRUE(Warns(plan, "VerifierNotChecked"));
  EXPECT_TRUE(Warns(plan, "SpeculationOnRandomText"));
  request.prompts = Prompts::kRecorded;
  EXPECT_FALSE(Warns(Plan(request, Preset("default"), {}), "SpeculationOnRandomText"));
  EXPECT_FALSE(Warns(plan, "ArchitectureNotCertain"));
  request.revision = "v2";
  EXPECT_EQ(Plan(request, Preset("default"), {}).rejection->reason, "RevisionNotSupported");
  for (const auto& [engine, release] : {std::pair("sglang", "0.5.15"), std::pair("tensorrt-llm", "1.2.0")})
    EXPECT_THAT(Refusal(engine, release, draft, 1),
                HasSubstr("it is not served without its model, google/gemma-4-31B-it"));
  draft.draft_method = "peagle";
  EXPECT_THAT(Refusal("vllm", "0.20.2", draft, 1), HasSubstr("vLLM 0.20.2 does not know drafts of the method peagle"));
  EXPECT_EQ(Refusal("vllm", "0.24.0", draft, 1), "");
  draft.draft_method = "mlp_speculator";
  EXPECT_THAT(Refusal("vllm", "0.33.0", draft, 1), HasSubstr("is a draft for speculative decoding"));
}

// A class of the checkpoint's own is what auto_map registers it for, whatever its name ends in.
TEST(CheckpointRules, AModelOfOwnCodeIsNotJudgedByItsName) {
  checkpoint::ModelFacts own = Dense();
  own.architecture = "InfiMMZephyrModel";
  own.config_type = "infimm-zephyr";
  own.remote_code = true;
  EXPECT_THAT(Refusal("vllm", "0.33.0", own, 1), HasSubstr("RemoteCodeNotTrusted"));
  own.pooling = true;
  EXPECT_THAT(Refusal("vllm", "0.33.0", own, 1), HasSubstr("made for embeddings"));
}

// fp8 rows of its own kind, whatever the model computes in.
TEST(CheckpointRules, TheKvCacheOfDeepSeekV4IsInFp8) {
  checkpoint::ModelFacts model = Latent(Moe());
  model.architecture = "DeepseekV4ForCausalLM";
  const auto line = [&](const char* version, const char* gpu, const Flags& flags = {}) {
    LaunchRequest request = Request("vllm", version, model);
    request.gpu = ComputeCapability::Parse(gpu);
    return Line(Plan(request, Preset("default"), flags));
  };
  EXPECT_THAT(line("0.24.0", "9.0"), HasSubstr("--kv-cache-dtype fp8"));
  EXPECT_THAT(line("0.29.0", "12.0"), HasSubstr("--kv-cache-dtype fp8"));
  EXPECT_THAT(line("0.30.0", "9.0"), Not(HasSubstr("--kv-cache-dtype")));
  EXPECT_THAT(line("0.24.0", "9.0", {{"kv-cache-dtype", "auto"}}), HasSubstr("REJECT KvDtypeNotSupported"));
  EXPECT_THAT(line("0.33.0", "9.0", {{"kv-cache-dtype", "bfloat16"}}), HasSubstr("REJECT KvDtypeNotSupported"));
  const Flags blackwell = {{"kv-cache-dtype", "bfloat16"}, {"attention-backend", "FLASHINFER_MLA_SPARSE_DSV4"}};
  EXPECT_THAT(line("0.33.0", "10.0", blackwell), Not(HasSubstr("REJECT")));
}

// The model's own code takes the scales of the output projection by the name that vLLM's fp8 method gives them.
TEST(CheckpointRules, DeepSeekV4OfCompressedTensorsRequiresANewerVllm) {
  checkpoint::ModelFacts model = Latent(Moe());
  model.architecture = "DeepseekV4ForCausalLM";
  model.quantization = "compressed-tensors";
  for (const char* release : {"0.20.0", "0.24.0", "0.26.0"})
    EXPECT_THAT(Refusal("vllm", release, model, 1), HasSubstr("wo_a.weight_scale_inv")) << release;
  EXPECT_EQ(Refusal("vllm", "0.27.0", model, 1), "");
  model.quantization = "fp8";
  EXPECT_EQ(Refusal("vllm", "0.26.0", model, 1), "");
}

std::string OnGpu(const char* engine, const char* version, const checkpoint::ModelFacts& model, const char* gpu,
                  const Flags& flags = {}) {
  LaunchRequest request = Request(engine, version, model);
  request.gpu = ComputeCapability::Parse(gpu);
  return Line(Plan(request, Preset("default"), flags));
}

// Exllama's kernel, the only one there before 0.14.0, takes symmetric weights.
TEST(CheckpointRules, AsymmetricWeightsOnTuringRequireANewerVllm) {
  checkpoint::ModelFacts model = Quantized(Dense(), "compressed-tensors", "int4-wna16");
  model.schemes = {"linear int4-group128-asym none pack-quantized"};
  for (const char* release : {"0.12.0", "0.13.0"})
    EXPECT_THAT(OnGpu("vllm", release, model, "7.5"), HasSubstr("REJECT ModelNotOnThisGpu")) << release;
  EXPECT_THAT(OnGpu("vllm", "0.14.0", model, "7.5"), Not(HasSubstr("ModelNotOnThisGpu")));
  EXPECT_THAT(OnGpu("vllm", "0.12.0", model, "8.0"), Not(HasSubstr("ModelNotOnThisGpu")));
  model.schemes = {"linear int4-group128 none pack-quantized"};
  EXPECT_THAT(OnGpu("vllm", "0.12.0", model, "7.5"), Not(HasSubstr("ModelNotOnThisGpu")));
}

TEST(CheckpointRules, AGgufFilesArchitectureMustBeKnownToTransformers) {
  checkpoint::ModelFacts model = Dense();
  model.quantization = "gguf";
  // Without a file, or from config.json, there is another name.
  for (const char* known : {"llama", "qwen3moe", "gpt-oss", "gemma3", "", "Qwen3VLForConditionalGeneration"}) {
    model.architecture = known;
    EXPECT_EQ(Refusal("vllm", "0.23.0", model, 1), "") << known;
    EXPECT_EQ(Refusal("sglang", "0.5.23", model, 1), "") << known;
  }
  for (const char* unknown : {"qwen3vl", "deepseek2", "glm4moe"}) {
    model.architecture = unknown;
    EXPECT_THAT(Refusal("vllm", "0.23.0", model, 1), HasSubstr("CheckpointNotSupported: vLLM reads a GGUF")) << unknown;
    EXPECT_THAT(Refusal("sglang", "0.5.23", model, 1), HasSubstr("CheckpointNotSupported: SGLang reads")) << unknown;
    EXPECT_EQ(Refusal("vllm", "0.23.0", model, 1, {{"hf-config-path", "org/model"}}), "") << unknown;
  }
}

TEST(CheckpointRules, GptqExpertsComputeInHalfPrecisionOnSglang) {
  checkpoint::ModelFacts model = Quantized(Moe(), "gptq", "int4-wna16");
  model.dtype = "bfloat16";
  EXPECT_THAT(Refusal("sglang", "0.5.15", model, 1), HasSubstr("set parameters.dtype to float16"));
  EXPECT_EQ(Refusal("sglang", "0.5.15", model, 1, {{"dtype", "float16"}}), "");
  EXPECT_EQ(Refusal("vllm", "0.24.0", model, 1), "");
  model = Quantized(Dense(), "gptq", "int4-wna16");
  model.dtype = "bfloat16";
  EXPECT_EQ(Refusal("sglang", "0.5.15", model, 1), "");
}

TEST(CheckpointRules, AwqByNameComputesInHalfPrecision) {
  checkpoint::ModelFacts model = Quantized(Dense(), "awq", "int4-wna16");
  model.dtype = "bfloat16";
  const Flags named = {{"quantization", "awq"}};
  EXPECT_THAT(Refusal("vllm", "0.11.2", model, 1, named), HasSubstr("computes in float16 only"));
  EXPECT_EQ(Refusal("vllm", "0.11.2", model, 1, {{"quantization", "awq"}, {"dtype", "float16"}}), "");
  EXPECT_EQ(Refusal("vllm", "0.11.2", model, 1), "");
  EXPECT_EQ(Refusal("vllm", "0.24.0", model, 1, named), "");
}

TEST(CheckpointRules, BackendsOfDatacenterBlackwellAreNotForTheOthers) {
  const auto line = [](const char* gpu, const Flags& flags) {
    return OnGpu("sglang", "0.5.15", Latent(Moe()), gpu, flags);
  };
  EXPECT_THAT(line("12.0", {{"attention-backend", "trtllm_mla"}}), HasSubstr("REJECT BackendNotOnThisGpu"));
  EXPECT_THAT(line("10.0", {{"attention-backend", "trtllm_mla"}}), Not(HasSubstr("BackendNotOnThisGpu")));
}

// DeepSeek-V4-Pro: 24 blocks of 128.
TEST(CheckpointRules, BlocksOfDeepSeekV4sSharedExpertsAreRoundedUp) {
  checkpoint::ModelFacts model = BlockScaledExperts();
  model.architecture = "DeepseekV4ForCausalLM";
  model.kv_heads = 64;
  model.attention_heads = 128;
  model.experts = 384;
  model.intermediate_size = 18432;
  model.moe_intermediate_size = 3072;
  model.shared_experts = 1;
  const Flags experts = {{"enable-expert-parallel", "true"}};
  EXPECT_THAT(Refusal("vllm", "0.23.0", model, 16, experts), HasSubstr("the shared experts' MLP of 3072 over 16 GPUs"));
  EXPECT_THAT(Refusal("vllm", "0.24.0", model, 16, experts), Not(HasSubstr("shared experts")));
}

TEST(CheckpointRules, AttentionOfGemma4InTensorRtLlmDependsOnTheGpu) {
  checkpoint::ModelFacts model = Dense();
  model.architecture = "Gemma4ForConditionalGeneration";
  const auto line = [&](const char* version, const char* gpu) {
    LaunchRequest request = Request("tensorrt-llm", version, model);
    request.gpu = ComputeCapability::Parse(gpu);
    return Line(Plan(request, Preset("default")));
  };
  for (const char* gpu : {"8.9", "9.0", "12.0"}) {
    EXPECT_THAT(line("1.3.0rc22", gpu), HasSubstr("REJECT ModelNotOnThisGpu")) << gpu;
    EXPECT_THAT(line("1.3.0rc24", gpu), Not(HasSubstr("REJECT"))) << gpu;
  }
  for (const char* gpu : {"10.0", "10.3"}) EXPECT_THAT(line("1.3.0rc20", gpu), Not(HasSubstr("REJECT"))) << gpu;
}

TEST(CheckpointRules, Nvfp4OfCompressedTensorsNeedsBlackwellOnSglang) {
  LaunchRequest request = Request("sglang", "0.5.15", Quantized(Dense(), "compressed-tensors", "nvfp4"));
  request.gpu = ComputeCapability::Parse("9.0");
  EXPECT_EQ(Plan(request, Preset("default"), {}).rejection.value().reason, "CapabilityTooLow");
  request.gpu = ComputeCapability::Parse("10.0");
  EXPECT_FALSE(Plan(request, Preset("default"), {}).rejection);
}

TEST(CheckpointRules, AForeignFormatIsPrunedByEveryEngine) {
  for (const char* method : {"mlx", "exl2", "unknown"}) {
    const checkpoint::ModelFacts model = Quantized(Dense(), method, "foreign");
    for (const auto& [engine, version] : std::vector<std::pair<std::string, std::string>>{
             {"vllm", "0.24.0"}, {"sglang", "0.5.15"}, {"tensorrt-llm", "1.2.0"}}) {
      EXPECT_THAT(
          Refusal(engine, version, model, 1),
          HasSubstr(std::string("CheckpointNotSupported: the checkpoint's weights are in the format ") + method))
          << engine;
    }
  }
}

TEST(CheckpointRules, AnAutomaticKvCacheFollowsOnlyWhatTheEngineReads) {
  struct Row {
    std::string method, engine, version, kv;
  };
  const std::vector<Row> rows = {
      {"modelopt", "vllm", "0.24.0", "the KV cache is fp8, as the checkpoint declares"},
      {"compressed-tensors", "vllm", "0.24.0", "the KV cache is fp8, as the checkpoint declares"},
      {"modelopt", "vllm", "0.13.0", "the KV cache is stored in bfloat16"},
      {"modelopt", "vllm", "0.14.0", "the KV cache is fp8, as the checkpoint declares"},
      {"compressed-tensors", "vllm", "0.14.1", "the KV cache is stored in bfloat16"},
      {"compressed-tensors", "vllm", "0.15.0", "the KV cache is fp8, as the checkpoint declares"},
      {"quark", "vllm", "0.24.0", "the KV cache is stored in bfloat16"},
      {"modelopt", "sglang", "0.5.15", "the KV cache is fp8, as the checkpoint declares"},
      {"compressed-tensors", "sglang", "0.5.15", "the KV cache is stored in bfloat16"},
      {"compressed-tensors", "sglang", "0.5.19", "the KV cache is fp8, as the checkpoint declares"},
  };
  for (const Row& row : rows) {
    checkpoint::ModelFacts model = Quantized(Dense(), row.method, "fp8");
    model.kv_cache = "fp8";
    const LaunchPlan plan = Plan(Request(row.engine, row.version, model), Preset("default"));
    EXPECT_FALSE(plan.rejection);
    EXPECT_EQ(plan.verdicts[1].message, row.kv) << row.method << " " << row.engine;
    EXPECT_EQ(Warns(plan, "DeclaredKvNotFollowed"), row.kv == "the KV cache is stored in bfloat16") << row.method;
    EXPECT_FALSE(Warns(Plan(Request(row.engine, row.version, model), Preset("kv-cache-fp8")), "DeclaredKvNotFollowed"));
  }
}

// modelopt_quant.py of SGLang and torch_utils.py of vLLM, by release and by the class of the weights' format.
TEST(CheckpointRules, WhetherADeclaredKvCacheIsFollowedDependsOnItsForm) {
  struct Row {
    std::string engine, version, weights, form;
    bool followed;
  };
  const std::vector<Row> rows = {
      {"sglang", "0.5.15", "fp8", "scheme", true},     {"sglang", "0.5.15", "fp8", "nested", true},
      {"sglang", "0.5.15", "fp8", "text", false},      {"sglang", "0.5.15", "nvfp4", "text", true},
      {"sglang", "0.5.15", "fp8", "algorithm", true},  {"sglang", "0.5.14", "fp8", "algorithm", false},
      {"sglang", "0.5.8", "nvfp4", "algorithm", true}, {"sglang", "0.5.9", "nvfp4", "algorithm", false},
      {"sglang", "0.5.23", "fp8", "beside", false},    {"vllm", "0.24.0", "fp8", "text", true},
      {"vllm", "0.24.0", "fp8", "algorithm", true},    {"vllm", "0.24.0", "fp8", "beside", false},
      {"vllm", "0.24.0", "nvfp4", "nested", true},
  };
  for (const Row& row : rows) {
    checkpoint::ModelFacts model = Quantized(Dense(), "modelopt", row.weights);
    model.kv_cache = "fp8";
    model.kv_form = row.form;
    LaunchRequest request = Request(row.engine, row.version, model);
    request.gpu = ComputeCapability{10, 0};
    const LaunchPlan plan = Plan(request, Preset("default"));
    EXPECT_EQ(Warns(plan, "DeclaredKvNotFollowed"), !row.followed)
        << row.engine << " " << row.version << " " << row.weights << " " << row.form;
  }
  checkpoint::ModelFacts text = Quantized(Dense(), "modelopt", "fp8");
  text.kv_cache = "fp8";
  text.kv_form = "text";
  EXPECT_THAT(Refusal("sglang", "0.5.8", text, 1), HasSubstr("SchemeNotSupported"));
  EXPECT_EQ(Refusal("sglang", "0.5.9", text, 1), "");
}

TEST(CheckpointRules, ADeclaredKvCacheWithScalesPerHeadIsFollowedWhereItIsRead) {
  checkpoint::ModelFacts model = Quantized(Dense(), "compressed-tensors", "fp8");
  model.kv_cache = "fp8";
  model.schemes = {"kv fp8-attn_head - -"};
  EXPECT_TRUE(Warns(Plan(Request("sglang", "0.5.19", model), Preset("default")), "DeclaredKvNotFollowed"));
  EXPECT_FALSE(Warns(Plan(Request("vllm", "0.24.0", model), Preset("default")), "DeclaredKvNotFollowed"));
}

// What is declared and what the flag says are the same cache: whatever rejects the one rejects the other.
TEST(CheckpointRules, ADeclaredKvCacheMeetsTheRulesOfTheFlag) {
  struct Row {
    const char *engine, *version, *declared, *flag;
    bool latent;
    const char* capability;
    Flags others;
    bool rejected;
  };
  const std::vector<Row> rows = {
      {"vllm", "0.24.0", "fp8", "fp8", false, "8.6", {}, false},
      {"vllm", "0.24.0", "fp8", "fp8", false, "8.6", {{"attention-backend", "TRITON_ATTN"}}, true},
      {"vllm", "0.24.0", "fp8", "fp8", false, "8.9", {{"attention-backend", "TRITON_ATTN"}}, false},
      {"vllm", "0.24.0", "fp8", "fp8", false, "8.6", {{"attention-backend", "FLASH_ATTN"}}, true},
      {"vllm", "0.24.0", "fp8", "fp8", true, "8.6", {}, true},
      {"vllm", "0.17.0", "fp8", "fp8", true, "8.9", {}, true},
      {"vllm", "0.24.0", "fp8", "fp8", true, "9.0", {{"attention-backend", "FLASH_ATTN_MLA"}}, true},
      {"vllm", "0.24.0", "nvfp4", "nvfp4", false, "9.0", {}, true},
      {"vllm", "0.24.0", "nvfp4", "nvfp4", false, "10.0", {{"attention-backend", "FLASH_ATTN"}}, true},
      {"sglang", "0.5.15", "fp8", "fp8_e4m3", false, "10.0", {{"attention-backend", "fa4"}}, true},
      {"tensorrt-llm", "1.2.1", "nvfp4", "nvfp4", false, "9.0", {}, true},
  };
  for (const Row& row : rows) {
    const std::string what = std::string(row.engine) + " " + row.version + " " + row.declared + " " + row.capability;
    const bool vllm = std::string(row.engine) == "vllm";
    checkpoint::ModelFacts model =
        Quantized(row.latent ? Latent(Dense()) : Dense(), vllm ? "modelopt_fp4" : "modelopt", vllm ? "nvfp4" : "fp8");
    const auto plan = [&](const checkpoint::ModelFacts& facts, Flags flags) {
      LaunchRequest request = Request(row.engine, row.version, facts);
      request.gpu = ComputeCapability::Parse(row.capability);
      return Plan(request, Preset("default"), flags);
    };
    Flags written = row.others;
    written[std::string(row.engine) == "tensorrt-llm" ? "kv_cache_config.dtype" : "kv-cache-dtype"] = row.flag;
    const LaunchPlan by_flag = plan(model, written);
    model.kv_cache = row.declared;
    const LaunchPlan declared = plan(model, row.others);
    ASSERT_EQ(declared.rejection.has_value(), row.rejected) << what;
    ASSERT_EQ(by_flag.rejection.has_value(), row.rejected) << what;
    if (!row.rejected) continue;
    EXPECT_EQ(declared.rejection->reason, by_flag.rejection->reason) << what;
    EXPECT_NE(declared.rejection->message.find("; the checkpoint declares this KV cache"), std::string::npos) << what;
    EXPECT_EQ(by_flag.rejection->message.find("checkpoint declares"), std::string::npos) << what;
    EXPECT_EQ(declared.rejection->field, row.others.empty() ? "model" : "parameters.attention-backend") << what;
  }
}

// No flag names the backend: the class of the model does.
TEST(CheckpointRules, ABackendThatTheModelForcesMeetsItsRules) {
  for (const char* architecture : {"Gemma4ForConditionalGeneration", "Gemma4ForCausalLM", "GptOssForCausalLM"}) {
    checkpoint::ModelFacts model = Dense();
    model.architecture = architecture;
    const auto plan = [&](const char* capability, const Flags& flags) {
      LaunchRequest request = Request("vllm", "0.24.0", model);
      request.gpu = ComputeCapability::Parse(capability);
      return Plan(request, Preset("default"), flags);
    };
    const LaunchPlan below = plan("8.6", {{"kv-cache-dtype", "fp8"}});
    ASSERT_TRUE(below.rejection) << architecture;
    EXPECT_EQ(below.rejection->reason, "BackendNotForKvCache");
    EXPECT_EQ(below.rejection->field, "parameters.kv-cache-dtype");
    EXPECT_NE(below.rejection->message.find("TRITON_ATTN has an fp8 KV cache from compute capability 8.9 on"),
              std::string::npos);
    EXPECT_FALSE(plan("8.6", {}).rejection) << architecture;
    EXPECT_FALSE(plan("8.9", {{"kv-cache-dtype", "fp8"}}).rejection) << architecture;
    EXPECT_TRUE(plan("8.6", {{"block-size", "24"}}).rejection) << architecture;
  }
}

TEST(CheckpointRules, ADeclaredKvCacheGoesBeforeTheFlagInSomeReleases) {
  checkpoint::ModelFacts model = Quantized(Dense(), "compressed-tensors", "fp8");
  model.kv_cache = "fp8";
  const auto refusal = [&](const char* version) {
    const LaunchPlan plan = Plan(Request("vllm", version, model), Preset("default"), {{"kv-cache-dtype", "bfloat16"}});
    return plan.rejection ? plan.rejection->reason : "";
  };
  EXPECT_EQ(refusal("0.18.1"), "KvDtypeNotCheckpoints");
  EXPECT_EQ(refusal("0.22.0"), "");
}

TEST(CheckpointRules, WhatIsNotKnownIsSaidAndNotGuessed) {
  checkpoint::ModelFacts model = Dense();
  model.attention_heads.reset();
  model.kv_heads.reset();
  model.caches.reset();
  LaunchRequest request = Request("vllm", "0.24.0", model);
  EXPECT_FALSE(Warns(Plan(request, Preset("default")), "ModelSizeNotKnown")) << "one GPU needs no heads to split";
  request.parallel.tensor = 64;
  const LaunchPlan plan = Plan(request, Preset("default"));
  EXPECT_FALSE(plan.rejection);
  std::vector<std::string> messages;
  for (const Warning& warning : plan.warnings) {
    if (warning.reason == "ModelSizeNotKnown") messages.push_back(warning.message);
  }
  EXPECT_THAT(messages,
              ::testing::UnorderedElementsAre(
                  "the number of attention heads is not known: whether they can be split over 64 GPUs was not checked",
                  "the number of KV heads is not known: whether they can be split over 64 GPUs was not checked"));
  // Experts that may be there are neither taken as missing nor as divisible.
  model = Dense();
  model.experts.reset();
  request = Request("sglang", "0.5.15", model);
  request.parallel.tensor = 2;
  const LaunchPlan experts = Plan(request, Preset("default"), {{"ep-size", "2"}});
  EXPECT_FALSE(experts.rejection);
  EXPECT_TRUE(Warns(experts, "ModelSizeNotKnown"));
}

// MiMo-V2.5-Pro: queries, keys and values as one matrix in eight parts.
TEST(CheckpointRules, AMatrixThatIsStoredInPartsIsLoadedByAsManyGpus) {
  checkpoint::ModelFacts model = Quantized(Moe(), "fp8", "fp8");
  model.architecture = "MiMoV2ForCausalLM";
  model.attention_heads = 128;
  model.kv_heads = model.qkv_parts = 8;
  model.moe_intermediate_size = 2048;
  model = Cached(model);
  struct Case {
    std::string engine, version;
    int tensor;
    Flags flags;
    bool runs;
  };
  const Flags attention = {{"dp-size", "2"}, {"enable-dp-attention", "true"}};
  const std::vector<Case> cases = {
      {"sglang", "0.5.15", 8, {}, true},         {"sglang", "0.5.15", 4, {}, false},
      {"sglang", "0.5.15", 16, {}, false},       {"sglang", "0.5.15", 16, attention, true},
      {"sglang", "0.5.15", 8, attention, false}, {"sglang", "0.5.20", 4, {}, true},
      {"sglang", "0.5.20", 16, {}, false},       {"sglang", "0.5.20", 16, attention, true},
      {"vllm", "0.23.0", 8, {}, true},           {"vllm", "0.23.0", 4, {}, false},
      {"vllm", "0.24.0", 4, {}, true},           {"vllm", "0.24.0", 16, {}, false},
      {"vllm", "0.31.0", 16, {}, true},
  };
  for (const Case& c : cases) {
    const std::string refusal = Refusal(c.engine, c.version, model, c.tensor, c.flags);
    if (c.runs) {
      EXPECT_EQ(refusal, "") << c.engine << " " << c.version << " " << c.tensor;
    } else {
      EXPECT_THAT(refusal,
                  HasSubstr("TensorParallelDoesNotDivide: the checkpoint stores queries, keys and values split "
                            "over 8 GPUs"))
          << c.engine << " " << c.version << " " << c.tensor;
    }
  }
  // Three matrices: no such rule.
  model.qkv_parts.reset();
  EXPECT_EQ(Refusal("sglang", "0.5.15", model, 4), "");
}

// MiMo-V2.5: four parts, and layers with a window of eight KV heads.
TEST(CheckpointRules, PartsThatAreFewerThanTheKvHeadsOfAWindowAreLoadedOnlyByReleasesThatKnowIt) {
  checkpoint::ModelFacts model = Quantized(Moe(), "fp8", "fp8");
  model.architecture = "MiMoV2ForCausalLM";
  model.attention_heads = 64;
  model.kv_heads = model.qkv_parts = 4;
  model.moe_intermediate_size = 2048;
  model.caches = {{9, 4, 1280, 0}, {39, 8, 2560, 128}};
  EXPECT_EQ(Refusal("vllm", "0.23.0", model, 4), "");
  for (const char* release : {"0.24.0", "0.27.0", "0.30.0"}) {
    for (const int tensor : {1, 2, 4, 8}) {
      EXPECT_THAT(
          Refusal("vllm", release, model, tensor),
          HasSubstr("CheckpointNotSupported: the checkpoint stores queries, keys and values in 4 parts, and its "
                    "layers with a window have 8 KV heads"))
          << release << " " << tensor;
    }
  }
  EXPECT_EQ(Refusal("vllm", "0.31.0", model, 2), "");
  EXPECT_EQ(Refusal("vllm", "0.31.0", model, 4), "");
}

std::string RefusalOn(const std::string& gpu, const std::string& engine, const std::string& version,
                      const checkpoint::ModelFacts& model, int tensor, const Flags& flags = {}) {
  LaunchRequest request = Request(engine, version, model);
  request.gpu = ComputeCapability::Parse(gpu);
  request.parallel.tensor = tensor;
  const LaunchPlan plan = Plan(request, Preset("default"), flags);
  return plan.rejection ? plan.rejection->field + ": " + plan.rejection->reason + ": " + plan.rejection->message : "";
}

// GLM-4.5-Air-FP8 without its experts: an MLP of 10944 is 2736 on each of four GPUs, 42 3/4 tiles of 64.
checkpoint::ModelFacts Narrow(const std::string& method, const std::string& family) {
  checkpoint::ModelFacts facts = Quantized(Dense(), method, family);
  facts.intermediate_size = 10944;
  facts.mlp_matrices = 3;
  facts.attention_heads = 96;
  return Cached(facts);
}

TEST(CheckpointRules, WidthsThatMarlinCannotComputeArePrunedWhereItIsTheOnlyKernel) {
  const checkpoint::ModelFacts fp8 = Narrow("compressed-tensors", "fp8");
  EXPECT_EQ(
      RefusalOn("8.0", "vllm", "0.23.0", fp8, 4),
      "parallelConfig.tensorParallel: WidthNotSupported: an MLP's first matrix has 5472 outputs and 4096 inputs on "
      "each of 4 GPUs: Marlin, the kernel for these weights on this GPU, requires multiples of 64 and 128, or 128 "
      "and 64");
  // 2736 x 2 outputs are no multiple of 64, 5472 x 2 are; its last matrix has 5472 inputs.
  EXPECT_THAT(RefusalOn("8.0", "vllm", "0.23.0", fp8, 2), HasSubstr("an MLP's last matrix has 4096 outputs and 5472"));
  EXPECT_EQ(RefusalOn("8.0", "vllm", "0.23.0", fp8, 1), "");
  EXPECT_EQ(RefusalOn("8.9", "vllm", "0.23.0", fp8, 4), "") << "native fp8";
  EXPECT_EQ(RefusalOn("8.0", "vllm", "0.24.0", fp8, 4), "") << "padded";
  EXPECT_THAT(RefusalOn("8.6", "sglang", "0.5.23", fp8, 4), HasSubstr("WidthNotSupported"));
  EXPECT_EQ(RefusalOn("9.0", "sglang", "0.5.23", fp8, 4), "");
  // NVFP4 runs on Marlin up to Hopper.
  const checkpoint::ModelFacts nvfp4 = Narrow("modelopt", "nvfp4");
  EXPECT_THAT(RefusalOn("9.0", "vllm", "0.23.0", nvfp4, 4), HasSubstr("WidthNotSupported"));
  EXPECT_EQ(RefusalOn("10.0", "vllm", "0.23.0", nvfp4, 4), "");
  EXPECT_EQ(RefusalOn("9.0", "vllm", "0.24.0", nvfp4, 4), "");
  EXPECT_THAT(RefusalOn("9.0", "sglang", "0.5.17", nvfp4, 4), HasSubstr("WidthNotSupported"));
  EXPECT_EQ(RefusalOn("9.0", "sglang", "0.5.18", nvfp4, 4), "");
  // Qwen3-VL passes the quantization on to its tower for images, whose MLP is as wide as SigLIP's.
  checkpoint::ModelFacts images = Quantized(Dense(), "fp8", "fp8");
  images.architecture = "Qwen3VLForConditionalGeneration";
  images.vision_hidden_size = 1152;
  images.vision_intermediate_size = 4304;
  EXPECT_THAT(RefusalOn("8.0", "vllm", "0.23.0", images, 1),
              HasSubstr("model: WidthNotSupported: a vision MLP's first matrix has 4304 outputs"));
  EXPECT_EQ(RefusalOn("8.0", "vllm", "0.24.0", images, 1), "");
  EXPECT_EQ(RefusalOn("9.0", "vllm", "0.23.0", images, 1), "");
  EXPECT_EQ(RefusalOn("8.0", "vllm", "0.23.0", images, 1, {{"language-model-only", "true"}}), "");
  images.ignored_parts = checkpoint::IgnoredPartsOf({"re:visual.*"});
  EXPECT_EQ(RefusalOn("8.0", "vllm", "0.23.0", images, 1), "") << "the tower is not quantized";
  // Weights quantized while loading are the same.
  checkpoint::ModelFacts plain = Narrow("none", "none");
  EXPECT_EQ(RefusalOn("8.0", "vllm", "0.23.0", plain, 4), "");
  EXPECT_THAT(RefusalOn("8.0", "vllm", "0.23.0", plain, 4, {{"quantization", "fp8"}}), HasSubstr("WidthNotSupported"));
  // Modules that stay unquantized, and those of which that is not known.
  checkpoint::ModelFacts ignored = fp8;
  ignored.ignored_parts = checkpoint::IgnoredPartsOf({"model.layers.*.mlp.down_proj"});
  EXPECT_EQ(RefusalOn("8.0", "vllm", "0.23.0", ignored, 4), "");
  ignored.ignored_parts = checkpoint::IgnoredPartsOf({"visual.blocks.0.mlp.fc1", "lm_head", "model.layers.*.mlp.gate"});
  EXPECT_THAT(RefusalOn("8.0", "vllm", "0.23.0", ignored, 4), HasSubstr("WidthNotSupported"));
}

// GLM-4.5V-FP8 (vllm-project/vllm#28363: MKN = [2048, 5472, 4096]): one dense layer of 10944 before those with experts.
TEST(CheckpointRules, TheFirstLayersOfAModelWithExpertsHaveAWidthOfTheirOwn) {
  checkpoint::ModelFacts model = Quantized(Moe(), "compressed-tensors", "fp8");
  model.attention_heads = 96;
  model.dense_layers = 1;
  model.intermediate_size = 10944;
  model.moe_intermediate_size = 1408;
  model.mlp_matrices = 3;
  model.ignored_parts = checkpoint::IgnoredPartsOf({"lm_head", "model.layers.1.mlp.gate and 44 more layers"});
  model = Cached(model);
  const Flags experts = {{"enable-expert-parallel", "true"}};
  EXPECT_THAT(RefusalOn("8.0", "vllm", "0.11.2", model, 4, experts),
              HasSubstr("an MLP's first matrix has 5472 outputs"));
  EXPECT_THAT(RefusalOn("8.0", "vllm", "0.11.2", model, 2, experts),
              HasSubstr("an MLP's last matrix has 4096 outputs and 5472 inputs on each of 2 GPUs"));
  EXPECT_EQ(RefusalOn("8.0", "vllm", "0.24.0", model, 4, experts), "");
  model.ignored_parts.emplace_back("firstLayer");
  EXPECT_EQ(RefusalOn("8.0", "vllm", "0.11.2", model, 4, experts), "");
}

TEST(CheckpointRules, PackedIntegersThatMarlinCannotComputeHaveOtherKernelsInSomeReleases) {
  checkpoint::ModelFacts gptq = Narrow("gptq", "int4-wna16");
  // 10944 inputs are 85.5 x 128: strict for vLLM's choice of a kernel, enough for Marlin itself.
  gptq.weight_block = {1, 32};
  EXPECT_THAT(RefusalOn("8.0", "vllm", "0.22.0", gptq, 1),
              HasSubstr("model: WidthNotSupported: an MLP's last matrix has 4096 outputs and 10944 inputs: Marlin"));
  EXPECT_EQ(RefusalOn("8.0", "vllm", "0.23.0", gptq, 1), "");
  EXPECT_EQ(RefusalOn("9.0", "vllm", "0.22.0", gptq, 1), "") << "Machete";
  checkpoint::ModelFacts bytes = gptq;
  bytes.linear_format = "int8-w8a16";
  EXPECT_THAT(RefusalOn("8.0", "vllm", "0.22.0", bytes, 1), HasSubstr("WidthNotSupported"));
  bytes.schemes = {"linear int8-channel none -"};
  EXPECT_EQ(RefusalOn("8.0", "vllm", "0.22.0", bytes, 1), "") << "AllSpark";
  gptq.dtype = "float16";
  EXPECT_EQ(RefusalOn("8.0", "vllm", "0.22.0", gptq, 1), "") << "ExLlama";
  EXPECT_EQ(RefusalOn("8.0", "sglang", "0.5.23", gptq, 1), "");
  gptq.weight_block = {1, 16};
  EXPECT_THAT(RefusalOn("8.0", "sglang", "0.5.23", gptq, 4), HasSubstr("WidthNotSupported"));
}

// AutoRound's tools write files that engines run on the kernels of GPTQ or of AWQ.
TEST(CheckpointRules, PackedIntegersOfAutoRoundHaveTheKernelsOfTheirPacking) {
  const auto packed = [](const std::string& weights, const std::string& packing) {
    checkpoint::ModelFacts facts = Narrow("auto-round", "int4-wna16");
    facts.weight_block = {1, 16};
    facts.schemes = {"linear " + weights + " none " + packing};
    return facts;
  };
  const checkpoint::ModelFacts gptq = packed("int4-group16", "auto_round:auto_gptq");
  const checkpoint::ModelFacts awq = packed("int4-group16-asym", "auto_round:auto_awq");
  for (const checkpoint::ModelFacts& facts : {gptq, awq}) {
    EXPECT_THAT(RefusalOn("8.0", "vllm", "0.20.0", facts, 4), HasSubstr("WidthNotSupported")) << facts.schemes[0];
    EXPECT_THAT(RefusalOn("8.0", "sglang", "0.5.15", facts, 4), HasSubstr("WidthNotSupported")) << facts.schemes[0];
    EXPECT_THAT(RefusalOn("9.0", "vllm", "0.20.0", facts, 4), HasSubstr("WidthNotSupported")) << facts.schemes[0];
    EXPECT_EQ(RefusalOn("8.0", "vllm", "0.27.1", facts, 4), "") << "padded";
  }
  // Without zero points in AWQ's packing, and with them in GPTQ's, Marlin has no such weights.
  EXPECT_EQ(RefusalOn("8.0", "sglang", "0.5.15", packed("int4-group16", "auto_round:auto_awq"), 4), "");
  EXPECT_EQ(RefusalOn("8.0", "sglang", "0.5.15", packed("int4-group16-asym", "auto_round:auto_gptq"), 4), "");
}

// AWQ falls back from Marlin to a kernel of its own, which has no outputs but in multiples of 64.
TEST(CheckpointRules, AwqFallsBackToAKernelOfItsOwn) {
  checkpoint::ModelFacts awq = Narrow("awq", "int4-wna16");
  awq.weight_block = {1, 16};
  EXPECT_THAT(RefusalOn("8.0", "vllm", "0.20.0", awq, 4),
              HasSubstr("an MLP's first matrix has 5472 outputs and 4096 inputs on each of 4 GPUs: AWQ's"));
  EXPECT_EQ(RefusalOn("8.0", "vllm", "0.20.0", awq, 2), "");
  EXPECT_EQ(RefusalOn("8.0", "vllm", "0.24.0", awq, 4), "");
  // intel/auto-round#1496: 64 gates of Qwen3.5-9B, groups of 128 without zero points.
  checkpoint::ModelFacts symmetric = Quantized(Dense(), "awq", "int4-wna16");
  symmetric.linear_value_heads = 32;
  symmetric.schemes = {"linear int4-group128 none gemm"};
  EXPECT_THAT(RefusalOn("8.0", "vllm", "0.17.0", symmetric, 1), HasSubstr("has 64 outputs and 4096 inputs: AWQ's"));
  symmetric.schemes = {"linear int4-group128-asym none gemm"};
  EXPECT_EQ(RefusalOn("8.0", "vllm", "0.17.0", symmetric, 1), "");
  // SGLang looks at the whole layer for that, and ends where the part of one GPU does not fit.
  EXPECT_EQ(RefusalOn("8.0", "sglang", "0.5.15", symmetric, 1), "");
  EXPECT_THAT(RefusalOn("8.0", "sglang", "0.5.15", symmetric, 2), HasSubstr("has 32 outputs"));
  symmetric.linear_value_heads = 48;
  EXPECT_EQ(RefusalOn("8.0", "sglang", "0.5.15", symmetric, 2), "");
}

// Qwen3.5-27B: 48 value heads have 96 gates. 397B: 64 have 128, which four GPUs split into 32 each
// (vllm-project/vllm#35924).
TEST(CheckpointRules, TheGatesOfLinearAttentionHaveAWidthOfTheirOwn) {
  checkpoint::ModelFacts model = Quantized(Dense(), "auto-round", "int4-wna16");
  model.hidden_size = 5120;
  model.intermediate_size = 17408;
  model.mlp_matrices = 3;
  model.linear_value_heads = 48;
  model.linear_attention_layers = 48;
  model = Cached(model);
  EXPECT_EQ(RefusalOn("8.0", "vllm", "0.20.0", model, 1),
            "model: WidthNotSupported: the matrix of linear attention's gates (in_proj_b and in_proj_a) has 96 outputs "
            "and 5120 inputs: Marlin, the kernel for these weights on this GPU, requires multiples of 64 and 128");
  EXPECT_THAT(RefusalOn("9.0", "vllm", "0.20.0", model, 1), HasSubstr("has 96 outputs"));
  EXPECT_THAT(RefusalOn("9.0", "vllm", "0.22.0", model, 2), HasSubstr("has 96 outputs"));
  EXPECT_EQ(RefusalOn("9.0", "vllm", "0.27.1", model, 1), "");
  EXPECT_THAT(RefusalOn("9.0", "sglang", "0.5.15", model, 1), HasSubstr("has 96 outputs"));
  EXPECT_THAT(RefusalOn("9.0", "sglang", "0.5.15", model, 2), HasSubstr("has 48 outputs"));
  model.linear_value_heads = 64;
  EXPECT_EQ(RefusalOn("9.0", "vllm", "0.20.0", model, 1), "");
  EXPECT_THAT(RefusalOn("9.0", "vllm", "0.20.0", model, 4), HasSubstr("has 32 outputs"));
  EXPECT_EQ(RefusalOn("9.0", "vllm", "0.22.0", model, 4), "") << "whole on each GPU";
  EXPECT_THAT(RefusalOn("9.0", "sglang", "0.5.15", model, 4), HasSubstr("has 32 outputs"));
  model.ignored_parts = {"linearGates"};
  EXPECT_EQ(RefusalOn("9.0", "vllm", "0.20.0", model, 4), "");
}

TEST(CheckpointRules, ExpertsOfMarlinHaveWidthsInMultiplesOf64) {
  checkpoint::ModelFacts experts = Quantized(Moe(), "fp8", "fp8");
  experts.mlp_matrices = 3;
  experts.moe_intermediate_size = 1408;
  EXPECT_EQ(RefusalOn("8.0", "vllm", "0.24.0", experts, 2), "");
  EXPECT_THAT(RefusalOn("8.0", "vllm", "0.24.0", experts, 4),
              HasSubstr("an expert's last matrix has 4096 outputs and 352 inputs"));
  EXPECT_EQ(RefusalOn("8.0", "vllm", "0.24.0", experts, 4, {{"enable-expert-parallel", "true"}}), "");
  EXPECT_EQ(RefusalOn("8.0", "vllm", "0.25.0", experts, 4), "");
}

TEST(CheckpointRules, WhatACheckpointWithoutADtypeComputesInIsTheEngines) {
  const auto takes_half = [](const char* engine, const char* release, const checkpoint::ModelFacts& model) {
    return !Plan(Request(engine, release, model), {"x", "auto", "fp16", "auto", "auto"}).rejection;
  };
  checkpoint::ModelFacts model = Dense();
  EXPECT_FALSE(takes_half("sglang", "0.5.15", model));
  model.dtype = "";
  EXPECT_TRUE(takes_half("sglang", "0.5.15", model));
  EXPECT_FALSE(takes_half("vllm", "0.24.0", model));
  model.architecture = "Gemma3ForCausalLM";
  EXPECT_FALSE(takes_half("sglang", "0.5.15", model));
  model.dtype = "float32";
  EXPECT_FALSE(takes_half("sglang", "0.5.15", model));
  model.architecture = "LlamaForCausalLM";
  EXPECT_TRUE(takes_half("sglang", "0.5.15", model));
  EXPECT_FALSE(takes_half("vllm", "0.24.0", model));
}

// MiniMax-M2: 1536 over 16 GPUs is 96 on each.
TEST(CheckpointRules, SglangsExpertsInNvfp4HaveWidthsInMultiplesOf64BelowBlackwell) {
  checkpoint::ModelFacts experts = Quantized(Moe(), "modelopt", "nvfp4");
  experts.mlp_matrices = 3;
  experts.moe_intermediate_size = 1536;
  EXPECT_THAT(
      RefusalOn("9.0", "sglang", "0.5.15", experts, 16),
      HasSubstr("WidthNotSupported: an expert's first matrix has 192 outputs and 4096 inputs on each of 16 GPUs"));
  EXPECT_EQ(RefusalOn("9.0", "sglang", "0.5.15", experts, 8), "");
  EXPECT_EQ(RefusalOn("10.0", "sglang", "0.5.15", experts, 16), "");
  experts.moe_intermediate_size = 192;
  EXPECT_EQ(RefusalOn("9.0", "sglang", "0.5.15", experts, 1), "") << "gate and up are one matrix of 384";
}

// Nemotron-3-Nano in NVFP4 (vllm-project/vllm#49949): 1856 over eight GPUs cuts a group of 16, whatever is padded
// later.
TEST(CheckpointRules, AScaleOfNvfp4IsNotCutBetweenGpus) {
  checkpoint::ModelFacts model = Quantized(Moe(), "modelopt", "nvfp4");
  model.moe_intermediate_size = 1856;
  for (const auto& [engine, release] : {std::pair("vllm", "0.33.0"), std::pair("sglang", "0.5.23")}) {
    for (const char* gpu : {"9.0", "10.0"}) {
      EXPECT_THAT(
          RefusalOn(gpu, engine, release, model, 8),
          HasSubstr("an expert of 1856 over 8 GPUs is 232 on each, which is not a multiple of the 16 weights of "
                    "NVFP4 that share a scale"));
      EXPECT_EQ(RefusalOn(gpu, engine, release, model, 4), "");
    }
  }
  EXPECT_EQ(RefusalOn("9.0", "vllm", "0.33.0", model, 8, {{"enable-expert-parallel", "true"}}), "");
}

TEST(CheckpointRules, ExpertsInFp8RequireAGpuWithFp8InSglang) {
  checkpoint::ModelFacts experts = Quantized(Moe(), "fp8", "fp8");
  EXPECT_THAT(RefusalOn("8.0", "sglang", "0.5.20", experts, 1), HasSubstr("QuantizationNotOnThisGpu"));
  EXPECT_EQ(RefusalOn("8.9", "sglang", "0.5.20", experts, 1), "");
  EXPECT_EQ(RefusalOn("8.0", "vllm", "0.24.0", experts, 1), "");
  EXPECT_EQ(RefusalOn("8.0", "sglang", "0.5.20", Quantized(Dense(), "fp8", "fp8"), 1), "");
  EXPECT_THAT(RefusalOn("8.6", "sglang", "0.5.15", Moe(), 1, {{"quantization", "fp8"}}),
              HasSubstr("QuantizationNotOnThisGpu"));
}

TEST(CheckpointRules, SparseAttentionHasNoBackendBelowHopper) {
  checkpoint::ModelFacts sparse = Latent(Moe());
  sparse.architecture = "DeepseekV32ForCausalLM";
  sparse.index_top_k = 2048;
  for (const char* kv : {"auto", "fp8", "bfloat16"}) {
    EXPECT_THAT(RefusalOn("8.0", "vllm", "0.24.0", sparse, 8, {{"kv-cache-dtype", kv}}),
                HasSubstr("BackendNotOnThisGpu: vLLM has backends for the sparse attention of DeepseekV32ForCausalLM"))
        << kv;
  }
  EXPECT_EQ(RefusalOn("9.0", "vllm", "0.24.0", sparse, 8, {{"kv-cache-dtype", "fp8"}}), "");
  EXPECT_THAT(RefusalOn("12.0", "vllm", "0.23.0", sparse, 8), HasSubstr("BackendNotOnThisGpu"));
  EXPECT_EQ(RefusalOn("12.0", "vllm", "0.24.0", sparse, 8), "");
  EXPECT_THAT(RefusalOn("8.9", "sglang", "0.5.20", sparse, 8), HasSubstr("BackendNotOnThisGpu"));
  EXPECT_EQ(RefusalOn("9.0", "sglang", "0.5.20", sparse, 8, {{"kv-cache-dtype", "fp8_e4m3"}}), "");
  EXPECT_THAT(RefusalOn("9.0", "sglang", "0.5.20", sparse, 8, {{"kv-cache-dtype", "fp8_e5m2"}}),
              HasSubstr("BackendNotForKvCache"));
}

TEST(CheckpointRules, LatentAttentionHasAnFp8KvCacheWhereItsBackendHas) {
  const checkpoint::ModelFacts latent = Latent(Moe());
  const Flags fp8 = {{"kv-cache-dtype", "fp8"}};
  EXPECT_THAT(RefusalOn("8.9", "vllm", "0.17.0", latent, 8, fp8), HasSubstr("BackendNotForKvCache: before 0.18.0"));
  EXPECT_EQ(RefusalOn("8.9", "vllm", "0.18.1", latent, 8, fp8), "");
  EXPECT_THAT(RefusalOn("8.0", "vllm", "0.24.0", latent, 8, fp8), HasSubstr("TRITON_MLA"));
  EXPECT_EQ(RefusalOn("9.0", "vllm", "0.14.1", latent, 8, fp8), "");
  EXPECT_EQ(RefusalOn("8.0", "vllm", "0.24.0", latent, 8), "");
}

// Backends for MLA are others: FlashAttention 3, FLASHINFER and trtllm_mha say nothing of them.
TEST(CheckpointRules, WhetherLatentAttentionComputesInFp8IsSaidOfItsOwnBackend) {
  const auto verdict = [](const std::string& engine, const std::string& version, const std::string& gpu, bool sparse) {
    checkpoint::ModelFacts model = Latent(Moe());
    if (sparse) model.index_top_k = 2048;
    LaunchRequest request = Request(engine, version, model);
    request.gpu = ComputeCapability::Parse(gpu);
    QuantConfig quant = Preset("default");
    quant.Set(Field::kKvCache, "fp8_e4m3");
    quant.Set(Field::kAttention, "fp8");
    return Plan(request, quant).verdicts[static_cast<std::size_t>(Field::kAttention)].message;
  };
  EXPECT_THAT(verdict("vllm", "0.24.0", "10.0", false), HasSubstr("in decode steps; what prefill computes"));
  EXPECT_THAT(verdict("vllm", "0.24.0", "9.0", false), HasSubstr("FLASHMLA quantizes its queries in decode steps"));
  EXPECT_THAT(verdict("vllm", "0.24.0", "12.0", false), HasSubstr("TRITON_MLA, which dequantizes"));
  EXPECT_THAT(verdict("vllm", "0.30.0", "9.0", true), HasSubstr("sparse attention dequantizes"));
  EXPECT_THAT(verdict("sglang", "0.5.15", "9.0", false), HasSubstr("with MLA an fp8 KV cache"));
}

TEST(CheckpointRules, SglangStoresTheCacheOfSparseAttentionInFp8OnBlackwell) {
  checkpoint::ModelFacts sparse = Latent(Moe());
  sparse.index_top_k = 2048;
  LaunchRequest request = Request("sglang", "0.5.20", sparse);
  request.gpu = ComputeCapability{10, 0};
  QuantConfig quant = Preset("default");
  EXPECT_THAT(Plan(request, quant).verdicts[static_cast<std::size_t>(Field::kKvCache)].message, HasSubstr("fp8 e4m3"));
  quant.Set(Field::kKvCache, "bfloat16");
  EXPECT_EQ(Line(Plan(request, quant)), "--kv-cache-dtype bf16");
  request.gpu = ComputeCapability{9, 0};
  EXPECT_EQ(Line(Plan(request, quant)), "");
}

// Its only backend there has one layout, and what is asked for becomes it.
TEST(CheckpointRules, VllmStoresTheCacheOfSparseAttentionInFp8OnCapability12) {
  checkpoint::ModelFacts sparse = Latent(Moe());
  sparse.architecture = "DeepseekV32ForCausalLM";
  sparse.index_top_k = 2048;
  for (const char* version : {"0.24.0", "0.33.0"}) {
    LaunchRequest request = Request("vllm", version, sparse);
    request.gpu = ComputeCapability{12, 0};
    QuantConfig quant = Preset("default");
    const LaunchPlan plan = Plan(request, quant);
    EXPECT_THAT(plan.verdicts[static_cast<std::size_t>(Field::kKvCache)].message, HasSubstr("in fp8 (fp8_ds_mla)"));
    EXPECT_EQ(plan.shape.kv_element_bytes, 1);
    for (const char* same : {"fp8", "fp8_e4m3"}) {
      quant.Set(Field::kKvCache, same);
      EXPECT_EQ(Line(Plan(request, quant)), "") << same;
      request.parameters = Values({{"kv-cache-dtype", same}});
      EXPECT_EQ(Plan(request, Preset("default")).distinct_args, plan.distinct_args) << same;
      request.parameters.clear();
    }
    quant.Set(Field::kKvCache, "bfloat16");
    ASSERT_TRUE(Plan(request, quant).rejection);
    EXPECT_EQ(Plan(request, quant).rejection->reason, "KvDtypeNotSupported");
    EXPECT_THAT(RefusalOn("12.0", "vllm", version, sparse, 1, {{"kv-cache-dtype", "fp8_e5m2"}}),
                HasSubstr("BackendNotForKvCache"));
    EXPECT_THAT(RefusalOn("12.0", "vllm", version, sparse, 1, {{"dtype", "float16"}}), HasSubstr("DtypeNotSupported"));
  }
}

TEST(CheckpointRules, VllmChoosesAnFp8CacheForSomeModelsOnBlackwell) {
  checkpoint::ModelFacts sparse = Latent(Moe());
  sparse.architecture = "GlmMoeDsaForCausalLM";
  sparse.index_top_k = 2048;
  const auto message = [&](const char* version, ComputeCapability gpu) {
    LaunchRequest request = Request("vllm", version, sparse);
    request.gpu = gpu;
    return Plan(request, Preset("default")).verdicts[static_cast<std::size_t>(Field::kKvCache)].message;
  };
  EXPECT_THAT(message("0.32.0", {10, 0}), HasSubstr("fp8 (e4m3)"));
  EXPECT_THAT(message("0.31.0", {10, 0}), HasSubstr("in bfloat16"));
  EXPECT_THAT(message("0.32.0", {9, 0}), HasSubstr("in bfloat16"));
  LaunchRequest request = Request("vllm", "0.32.0", sparse);
  request.gpu = ComputeCapability{10, 0};
  QuantConfig quant = Preset("default");
  quant.Set(Field::kKvCache, "bfloat16");
  EXPECT_EQ(Line(Plan(request, quant)), "--kv-cache-dtype bfloat16");
}

TEST(CheckpointRules, Vllm25EndsWithAnFp8CacheOfSparseAttentionOnHopper) {
  checkpoint::ModelFacts sparse = Latent(Moe());
  sparse.architecture = "GlmMoeDsaForCausalLM";
  sparse.index_top_k = 2048;
  const Flags fp8 = {{"kv-cache-dtype", "fp8"}};
  for (const char* version : {"0.25.0", "0.25.1"}) {
    EXPECT_THAT(RefusalOn("9.0", "vllm", version, sparse, 1, fp8), HasSubstr("BackendNotForKvCache: vLLM 0.25 ends"));
    EXPECT_EQ(RefusalOn("9.0", "vllm", version, sparse, 1), "");
    EXPECT_EQ(RefusalOn("9.0", "vllm", version, sparse, 1, {{"kv-cache-dtype", "fp8"}, {"enforce-eager", "true"}}), "");
    EXPECT_EQ(RefusalOn("10.0", "vllm", version, sparse, 1, fp8), "");
  }
  EXPECT_EQ(RefusalOn("9.0", "vllm", "0.24.0", sparse, 1, fp8), "");
  EXPECT_EQ(RefusalOn("9.0", "vllm", "0.26.0", sparse, 1, fp8), "");
  LaunchRequest request = Request("vllm", "0.24.0", sparse);
  request.gpu = ComputeCapability{9, 0};
  const Verdict verdict = Plan(request, Preset("kv-cache-fp8")).verdicts[static_cast<std::size_t>(Field::kKvCache)];
  EXPECT_THAT(verdict.message, HasSubstr("fp8_ds_mla"));
  EXPECT_EQ(verdict.source, "source") << "it was never observed";
}

// It chooses before it reads what the checkpoint declares.
TEST(CheckpointRules, SglangsSparseAttentionDoesNotFollowADeclaredKvCache) {
  checkpoint::ModelFacts sparse = Quantized(Latent(Moe()), "modelopt", "fp8");
  sparse.index_top_k = 2048;
  sparse.kv_cache = "fp8";
  sparse.kv_form = "nested";
  for (const char* version : {"0.5.6.post2", "0.5.15", "0.5.23"}) {
    LaunchRequest request = Request("sglang", version, sparse);
    request.gpu = ComputeCapability{9, 0};
    LaunchPlan plan = Plan(request, Preset("default"));
    EXPECT_THAT(plan.verdicts[static_cast<std::size_t>(Field::kKvCache)].message, HasSubstr("in bfloat16 on 9.0"));
    EXPECT_TRUE(Warns(plan, "DeclaredKvNotFollowed")) << version;
    EXPECT_EQ(Line(Plan(request, Preset("kv-cache-fp8"))), "--kv-cache-dtype fp8_e4m3");
    request.gpu = ComputeCapability{10, 0};
    plan = Plan(request, Preset("default"));
    EXPECT_THAT(plan.verdicts[static_cast<std::size_t>(Field::kKvCache)].message, HasSubstr("fp8 e4m3"));
    EXPECT_FALSE(Warns(plan, "DeclaredKvNotFollowed")) << "it is the same";
  }
}

TEST(CheckpointRules, VllmLoadsGraniteHybridsByLayoutAndInOneStage) {
  checkpoint::ModelFacts granite = Quantized(Moe(), "compressed-tensors", "fp8");
  granite.architecture = "GraniteMoeHybridForCausalLM";
  granite.tensors = {"experts.weight:F8_E4M3", "experts.weight_scale:BF16"};
  for (const char* version : {"0.24.0", "0.28.0"})
    EXPECT_THAT(Refusal("vllm", version, granite, 1),
                HasSubstr("TensorsNotExpected: the checkpoint has experts.weight"));
  for (const char* version : {"0.23.0", "0.29.0", "0.33.0"}) EXPECT_EQ(Refusal("vllm", version, granite, 1), "");
  granite.tensors = {"linear.weight:F8_E4M3", "linear.weight_scale:BF16"};
  EXPECT_EQ(Refusal("vllm", "0.28.0", granite, 1), "");
  EXPECT_THAT(Refusal("vllm", "0.28.0", granite, 1, {{"pipeline-parallel-size", "2"}}),
              HasSubstr("ParallelismNotSupported"));
}

TEST(CheckpointRules, NobodySaysHowAGpuComputesWeightsThatTheReleaseCannotLoadOnIt) {
  LaunchRequest request = Request("sglang", "0.5.15", Quantized(Dense(), "compressed-tensors", "nvfp4"));
  request.gpu = ComputeCapability{9, 0};
  LaunchPlan plan = Plan(request, Preset("default"));
  ASSERT_TRUE(plan.rejection);
  EXPECT_EQ(plan.rejection->reason, "CapabilityTooLow");
  EXPECT_FALSE(Warns(plan, "WeightOnly"));
  request.release.version = *Version::Parse("0.5.22");
  plan = Plan(request, Preset("default"));
  EXPECT_FALSE(plan.rejection);
  EXPECT_TRUE(Warns(plan, "WeightOnly"));
}

TEST(CheckpointRules, SglangKeepsGptqExpertsWholeOrFails) {
  checkpoint::ModelFacts model = Quantized(Moe(), "gptq", "int4-wna16");
  model.dtype = "float16";
  model.schemes = {"experts int4-group128 none gptq", "linear int4-group128 none gptq"};
  for (const char* version : {"0.5.6.post2", "0.5.15", "0.5.23"}) {
    EXPECT_EQ(Refusal("sglang", version, model, 1), "");
    EXPECT_THAT(Refusal("sglang", version, model, 2), HasSubstr("SGLang does not split the scales of GPTQ experts"));
    EXPECT_EQ(Refusal("sglang", version, model, 2, {{"ep-size", "2"}}), "");
    EXPECT_EQ(Refusal("sglang", version, model, 2, {{"quantization", "moe_wna16"}}), "");
  }
  EXPECT_EQ(Refusal("vllm", "0.24.0", model, 2), "");
  // The scales are in half precision in every release.
  model.dtype = "bfloat16";
  EXPECT_THAT(Refusal("sglang", "0.5.6.post2", model, 1), HasSubstr("GPTQ experts require float16"));
}

TEST(CheckpointRules, HeadsThatDifferBetweenLayersMustAllBeSplitEvenly) {
  checkpoint::ModelFacts model = Dense();
  model.attention_heads.reset();
  model.query_heads_divisor = 24;
  model.query_heads_total = 264;
  EXPECT_EQ(Refusal("vllm", "0.33.0", model, 8), "");
  EXPECT_THAT(Refusal("vllm", "0.33.0", model, 16), HasSubstr("TensorParallelDoesNotDivide: layers differ"));
  LaunchRequest request = Request("vllm", "0.33.0", model);
  request.parallel.tensor = 4;
  EXPECT_FALSE(Warns(Plan(request, Preset("default")), "ModelSizeNotKnown"));
}

TEST(CheckpointRules, MambaLayersAreSplitByTheirHeadsAndGroups) {
  checkpoint::ModelFacts model = Dense();
  model.mamba_heads = 24;
  model.mamba_groups = 1;
  const Flags online = {{"quantization", "fp8"}};
  EXPECT_EQ(Refusal("vllm", "0.15.1", model, 8), "");
  EXPECT_THAT(Refusal("vllm", "0.15.1", model, 8, online), HasSubstr("the Mamba layers have one group"));
  EXPECT_THAT(Refusal("vllm", "0.15.1", Quantized(model, "fp8", "fp8"), 8),
              HasSubstr("the Mamba layers have one group"));
  EXPECT_EQ(Refusal("vllm", "0.15.1", model, 1, online), "");
  EXPECT_EQ(Refusal("vllm", "0.16.0", model, 8, online), "");
  EXPECT_TRUE(Warns(Plan(Request("vllm", "0.24.0", model), Preset("default"),
                         {{"tensor-parallel-size", "8"}, {"quantization", "fp8"}}),
                    "ModelNotCertain"));
  EXPECT_FALSE(Warns(Plan(Request("vllm", "0.24.0", model), Preset("default"), online), "ModelNotCertain"));
  EXPECT_THAT(Refusal("sglang", "0.5.23", model, 8, online), HasSubstr("the Mamba layers have one group"));
  EXPECT_EQ(Refusal("sglang", "0.5.23", model, 8), "");
  model.mamba_groups = 8;
  EXPECT_EQ(Refusal("vllm", "0.15.1", model, 8, online), "");
  model.mamba_groups = 6;
  EXPECT_THAT(Refusal("vllm", "0.24.0", model, 4), HasSubstr("6 groups of a Mamba layer"));
  EXPECT_THAT(Refusal("sglang", "0.5.15", model, 4), HasSubstr("6 groups of a Mamba layer"));
  model.mamba_heads = 30;
  EXPECT_THAT(Refusal("vllm", "0.24.0", model, 4), HasSubstr("30 heads of a Mamba layer"));
}

TEST(CheckpointRules, HummingRunsTheWeightsOfOtherMethods) {
  const Flags humming = {{"quantization", "humming"}};
  EXPECT_EQ(Refusal("vllm", "0.28.0", Quantized(Dense(), "gptq", "int4-wna16"), 1, humming), "");
  EXPECT_EQ(Refusal("vllm", "0.28.0", Quantized(Dense(), "humming", "int3-wna16"), 1, {}), "");
  EXPECT_THAT(Refusal("vllm", "0.24.0", Quantized(Dense(), "torchao", "fp8"), 1, humming),
              HasSubstr("QuantizationConflict"));
  checkpoint::ModelFacts gpt_oss = Quantized(Moe(), "mxfp4", "mxfp4");
  gpt_oss.architecture = "GptOssForCausalLM";
  EXPECT_THAT(Refusal("vllm", "0.28.0", gpt_oss, 1, humming), HasSubstr("moe-backend humming"));
  LaunchRequest request = Request("vllm", "0.28.0", Dense());
  const LaunchPlan online = Plan(request, Preset("default"), humming);
  EXPECT_FALSE(online.rejection);
  EXPECT_TRUE(Warns(online, "QuantizationNotCertain"));
  EXPECT_EQ(Refusal("sglang", "0.5.20", Quantized(Dense(), "gptq", "int4-wna16"), 1, humming), "");
  const LaunchPlan nothing = Plan(Request("sglang", "0.5.20", Dense()), Preset("default"), humming);
  EXPECT_FALSE(nothing.rejection);
  EXPECT_TRUE(Warns(nothing, "QuantizationNotCertain"));
  EXPECT_THAT(Refusal("sglang", "0.5.20", gpt_oss, 1, humming), HasSubstr("QuantizationConflict"));
}

TEST(CheckpointRules, ATokenizerOfOwnCodeIsWarnedOf) {
  for (const auto& [engine, version, other, trust] :
       {std::tuple("vllm", "0.24.0", "tokenizer", "trust-remote-code"),
        std::tuple("sglang", "0.5.15", "tokenizer-path", "trust-remote-code"),
        std::tuple("tensorrt-llm", "1.2.0", "tokenizer", "trust_remote_code")}) {
    LaunchRequest request = Request(engine, version, Dense());
    EXPECT_FALSE(Warns(Plan(request, Preset("default")), "TokenizerCodeNotTrusted")) << engine;
    request.model.remote_tokenizer = true;
    EXPECT_TRUE(Warns(Plan(request, Preset("default")), "TokenizerCodeNotTrusted")) << engine;
    EXPECT_FALSE(Warns(Plan(request, Preset("default"), {{trust, "true"}}), "TokenizerCodeNotTrusted")) << engine;
    EXPECT_FALSE(Warns(Plan(request, Preset("default"), {{other, "/a"}}), "TokenizerCodeNotTrusted")) << engine;
  }
}

TEST(CheckpointRules, AnAmdGpuThatIsNotKnownIsSaidSo) {
  LaunchRequest request = Request("vllm", "0.24.0", Dense());
  request.gpu.reset();
  const auto told = [&](const char* architecture) {
    request.amd_architecture = architecture;
    for (const Warning& warning : Plan(request, Preset("default")).warnings) {
      if (warning.message.find("kernels require of it is not checked") != std::string::npos) return warning.message;
    }
    return std::string();
  };
  EXPECT_EQ(told("gfx942"), "");
  EXPECT_THAT(told("gfx1201"), HasSubstr("gfx1201 is not known"));
  EXPECT_THAT(told("gfx"), HasSubstr("the architecture of this AMD GPU is not known"));
}

TEST(CheckpointRules, EveryKindOfLayerCountsItsOwnKvHeads) {
  checkpoint::ModelFacts model = Dense();
  model.kv_heads.reset();
  model.caches = {{20, 8, 2048, 1024}, {4, 2, 1024, 0}};
  EXPECT_EQ(Refusal("vllm", "0.24.0", model, 8), "");
  model.caches = {{20, 8, 2048, 1024}, {4, 3, 1024, 0}};
  EXPECT_THAT(Refusal("vllm", "0.24.0", model, 4), HasSubstr("3 KV heads can be neither split nor replicated"));
}

// What a kernel requires depends on the parts that it computes, whatever the others are.
TEST(CheckpointRules, AskForTheFormatOfAPartAndNotOfTheWhole) {
  // DeepSeek V4: linear layers in fp8, experts in MXFP4.
  checkpoint::ModelFacts experts = Quantized(Moe(), "fp8", "mixed");
  experts.linear_format = "fp8";
  experts.expert_format = "mxfp4";
  // Qwen3.6-27B-NVFP4: attention in fp8, MLPs in NVFP4.
  checkpoint::ModelFacts layers = Quantized(Dense(), "modelopt", "mixed");
  layers.schemes = {"linear fp8 - mixed", "linear nvfp4 - mixed"};

  const auto plan = [](const std::string& engine, const std::string& version, const checkpoint::ModelFacts& model,
                       const std::string& gpu, const Flags& flags = {}) {
    LaunchRequest request = Request(engine, version, model);
    request.gpu = ComputeCapability::Parse(gpu);
    return Plan(request, Preset("default"), flags);
  };
  const auto reason = [](const LaunchPlan& made) { return made.rejection ? made.rejection->reason : ""; };

  const Flags mxfp4 = {{"moe-runner-backend", "flashinfer_mxfp4"}};
  EXPECT_EQ(reason(plan("sglang", "0.5.19", experts, "10.0", mxfp4)), "");
  EXPECT_EQ(reason(plan("sglang", "0.5.19", Quantized(Moe(), "fp8", "fp8"), "10.0", mxfp4)),
            "MoeBackendNotForQuantization");
  EXPECT_EQ(reason(plan("sglang", "0.5.19", experts, "10.0", {{"moe-runner-backend", "flashinfer_cutedsl"}})),
            "MoeBackendNotForQuantization");

  EXPECT_EQ(reason(plan("tensorrt-llm", "1.2.0", layers, "8.0")), "CapabilityTooLow");
  EXPECT_EQ(reason(plan("tensorrt-llm", "1.2.0", layers, "9.0")), "CapabilityTooLow") << "NVFP4";
  EXPECT_EQ(reason(plan("tensorrt-llm", "1.2.0", layers, "10.0")), "");
  EXPECT_EQ(plan("tensorrt-llm", "1.2.0", layers, "10.0").min_capability, ComputeCapability::Parse("10.0"));
  // Marlin's kernels for Hopper have to be asked for in some models.
  EXPECT_TRUE(Warns(plan("tensorrt-llm", "1.3.0rc22", layers, "9.0"), "QuantizationNotCertain"));
  EXPECT_EQ(reason(plan("tensorrt-llm", "1.3.0rc22", layers, "8.9")), "CapabilityTooLow");

  EXPECT_TRUE(Warns(plan("vllm", "0.31.0", layers, "9.0"), "WeightOnly"));
  EXPECT_FALSE(Warns(plan("vllm", "0.31.0", layers, "10.0"), "WeightOnly"));
}

// A preset that asks for the KV cache that the engine takes anyway is no other configuration.
TEST(CheckpointRules, AnFp8CacheThatTheEngineFollowsIsMeasuredOnce) {
  checkpoint::ModelFacts model = Quantized(Dense(), "modelopt", "fp8");
  model.kv_cache = "fp8";
  model.kv_form = "scheme";
  for (const auto& [engine, version] : std::vector<std::pair<std::string, std::string>>{
           {"vllm", "0.24.0"}, {"sglang", "0.5.19"}, {"tensorrt-llm", "1.2.0"}}) {
    const LaunchRequest request = Request(engine, version, model);
    const LaunchPlan followed = Plan(request, Preset("default")), asked = Plan(request, Preset("kv-cache-fp8"));
    EXPECT_EQ(followed.distinct_args, asked.distinct_args) << engine;
    EXPECT_EQ(followed.distinct_yaml, asked.distinct_yaml) << engine;
    checkpoint::ModelFacts other = model;
    other.kv_cache = "none";
    const LaunchRequest undeclared = Request(engine, version, other);
    const LaunchPlan plain = Plan(undeclared, Preset("default")), fp8 = Plan(undeclared, Preset("kv-cache-fp8"));
    EXPECT_TRUE(plain.distinct_args != fp8.distinct_args || plain.distinct_yaml != fp8.distinct_yaml) << engine;
  }
}

}  // namespace
}  // namespace autotune::quant
