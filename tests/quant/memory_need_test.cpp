// What one GPU has to hold at least: the arithmetic, and what is refused because of it.

#include "quant/memory_need.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "checkpoint/checkpoint.h"
#include "tests/quant/plan_fixture.h"

namespace autotune::quant {
namespace {

constexpr double kGb = 1e9;

// Llama-3.1-8B: 16.06 GB in 16 bits.
checkpoint::ModelFacts Llama8b() {
  checkpoint::ModelFacts facts = Dense();
  facts.intermediate_size = 14336;
  facts.vocab_size = 128256;
  facts.max_position = 131072;
  facts.full_attention_layers = 32;
  facts.weight_bytes = 16'060'000'000;
  return Cached(facts);
}

// Llama-3.1-70B: 141.1 GB in 16 bits.
checkpoint::ModelFacts Llama70b() {
  checkpoint::ModelFacts facts = Llama8b();
  facts.layers = facts.full_attention_layers = facts.dense_layers = 80;
  facts.hidden_size = 8192;
  facts.intermediate_size = 28672;
  facts.attention_heads = 64;
  facts.weight_bytes = 141'100'000'000;
  return Cached(facts);
}

// Qwen3-30B-A3B: 61.1 GB, of which experts are 58.
checkpoint::ModelFacts Qwen30bMoe() {
  checkpoint::ModelFacts facts = Moe();
  facts.layers = facts.full_attention_layers = 48;
  facts.hidden_size = 2048;
  facts.attention_heads = 32;
  facts.kv_heads = 4;
  facts.experts = 128;
  facts.moe_intermediate_size = 768;
  facts.max_position = 40960;
  facts.weight_bytes = 61'100'000'000;
  facts.moe_layers = facts.layers;
  return Cached(facts);
}

// DeepSeek-V3, fp8: 688.6 GB.
checkpoint::ModelFacts DeepSeek() {
  checkpoint::ModelFacts facts = Quantized(Moe(), "fp8", "fp8");
  facts.layers = facts.full_attention_layers = 61;
  facts.hidden_size = 7168;
  facts.attention_heads = facts.kv_heads = 128;
  facts.experts = 256;
  facts.moe_intermediate_size = 2048;
  facts.max_position = 163840;
  facts.weight_bytes = 688'600'000'000;
  facts.moe_layers = 58;
  return Latent(facts);
}

TEST(LeastMemory, SplitsWeightsOverTensorAndPipelineAndCopiesThemToReplicas) {
  struct Case {
    checkpoint::ModelFacts model;
    int tensor, pipeline, data;
    bool experts_over_data;
    double weights;  // GB
  };
  const std::vector<Case> cases = {
      {Llama8b(), 1, 1, 1, true, 16.06},
      {Llama8b(), 2, 1, 1, true, 8.03},
      {Llama8b(), 2, 2, 1, true, 4.015},
      {Llama8b(), 1, 1, 8, true, 16.06},
      // 128 experts of 3 x 2048 x 768 in 48 layers are 57.98 GB; the other 3.12 GB are copied.
      {Qwen30bMoe(), 1, 1, 4, true, 3.12 + 57.98 / 4},
      {Qwen30bMoe(), 1, 1, 4, false, 61.1},
      {Qwen30bMoe(), 2, 1, 2, true, 1.56 + 57.98 / 4},
      {DeepSeek(), 8, 1, 1, true, 86.075},
  };
  for (const Case& c : cases) {
    MemoryInput input;
    input.tensor = c.tensor;
    input.pipeline = c.pipeline;
    input.data = c.data;
    input.experts_over_data = c.experts_over_data;
    EXPECT_NEAR(LeastMemory(c.model, input).weights / kGb, c.weights, 0.01) << c.tensor << c.pipeline << c.data;
  }
}

TEST(LeastMemory, WeighsWeightsAsTheyAreLoaded) {
  MemoryInput input;
  // Embeddings, 128256 x 4096 x 2 bytes, stay as they are.
  input.quantized_bits = 8;
  EXPECT_NEAR(LeastMemory(Llama8b(), input).weights / kGb, 1.051 + (16.06 - 1.051) / 2, 0.01);
  input.quantized_bits = 4;
  EXPECT_NEAR(LeastMemory(Llama8b(), input).weights / kGb, 1.051 + (16.06 - 1.051) / 4, 0.01);
  // A quantized checkpoint is what it is.
  EXPECT_NEAR(LeastMemory(DeepSeek(), input).weights / kGb, 688.6, 0.01);
  // float32 files are loaded in 16 bits, and 16-bit ones may be computed in float32.
  checkpoint::ModelFacts wide = Llama8b();
  wide.dtype = "float32";
  input.quantized_bits = 0;
  EXPECT_NEAR(LeastMemory(wide, input).weights / kGb, 8.03, 0.01);
  input.dtype_bytes = 4;
  EXPECT_NEAR(LeastMemory(Llama8b(), input).weights / kGb, 32.12, 0.01);
}

TEST(LeastWeightBytes, FollowFromDimensionsWhereTheFilesHaveNoSize) {
  for (const checkpoint::ModelFacts& known : {Llama8b(), Llama70b(), Qwen30bMoe()}) {
    checkpoint::ModelFacts model = known;
    model.weight_bytes.reset();
    const double least = LeastWeightBytes(model);
    EXPECT_LE(least, LeastWeightBytes(known)) << "a lower bound";
    EXPECT_GT(least, LeastWeightBytes(known) * 0.6);
  }
  checkpoint::ModelFacts model = Llama70b();
  model.weight_bytes.reset();
  const double plain = LeastWeightBytes(model);
  // The embedding stays in 16 bits.
  const double embedding = 2.0 * 128256 * 8192, rest = plain - embedding;
  EXPECT_DOUBLE_EQ(LeastWeightBytes(Quantized(model, "fp8", "fp8")), embedding + rest / 2);
  EXPECT_DOUBLE_EQ(LeastWeightBytes(Quantized(model, "awq", "int4-wna16")), embedding + rest / 4);
  EXPECT_DOUBLE_EQ(LeastWeightBytes(Quantized(model, "gptq", "int3-wna16")), embedding + rest * 3 / 16);
  EXPECT_DOUBLE_EQ(LeastWeightBytes(Quantized(model, "gptq", "int2-wna16")), embedding + rest / 8);
  EXPECT_DOUBLE_EQ(LeastWeightBytes(Quantized(model, "compressed-tensors", "fp8")), plain / 2) << "may be quantized";
  EXPECT_DOUBLE_EQ(LeastWeightBytes(Quantized(model, "modelopt", "nvfp4")), embedding + rest * 9 / 32)
      << "with a scale per 16 weights";
  checkpoint::ModelFacts attention = Quantized(model, "modelopt", "nvfp4");
  const double all = LeastWeightBytes(attention);
  attention.ignored_parts = {"attention", "allAttention"};
  // 80 layers: queries and outputs of 64 heads, keys and values of 8, of 128 each, in 16 bits in place of 4.5.
  EXPECT_DOUBLE_EQ(LeastWeightBytes(attention) - all, (2 - 9.0 / 16) * 80 * 8192 * (2 * 64 + 2 * 8) * 128);
  EXPECT_DOUBLE_EQ(LeastWeightBytes(Quantized(model, "gguf", "gguf")), 0) << "may use fewer bits";
  EXPECT_DOUBLE_EQ(LeastWeightBytes(checkpoint::ModelFacts()), 0) << "nothing is known";
}

TEST(LeastWeightBytes, CountSharedExpertsAndQueryHeadsByLayer) {
  checkpoint::ModelFacts model = Qwen30bMoe();
  model.weight_bytes.reset();
  model.mlp_matrices = 3;
  const double routed = LeastWeightBytes(model);
  model.shared_intermediate_size = 512;
  EXPECT_DOUBLE_EQ(LeastWeightBytes(model) - routed, 2.0 * 48 * 3 * 2048 * 512);
  model.shared_intermediate_size.reset();
  model.attention_heads.reset();
  model.query_heads_total = 32 * 48;
  EXPECT_DOUBLE_EQ(LeastWeightBytes(model), routed);
}

nlohmann::json Parsed(const std::filesystem::path& path) {
  std::ifstream stream(path);
  return nlohmann::json::parse(stream);
}

// Configurations of public repositories, and the billions of parameters that their cards name: the towers for images,
// and what predicts further tokens, are among them.
std::map<std::string, std::pair<nlohmann::json, double>> KnownSizes() {
  const std::filesystem::path tests = TESTDATA_DIR;
  std::map<std::string, std::pair<nlohmann::json, double>> known;
  const nlohmann::json sizes = Parsed(tests / "quant" / "known_sizes.json");
  for (const auto& [name, model] : sizes.items())
    known[name] = {model.at("config"), model.at("parameters").get<double>()};
  const std::map<std::string, double> cards = {{"baichuan-m1-14b", 14.5},
                                               {"bamba-9b", 9.78},
                                               {"chatglm3-6b", 6.24},
                                               {"dbrx", 131.6},
                                               {"deepseek-v3", 671.1},
                                               {"devstral-2-123b", 125},
                                               {"ernie-4.5-21b", 21.9},
                                               {"ernie-4.5-vl-28b", 29.4},
                                               {"exaone-4.5-33b", 33},
                                               {"falcon-40b", 41.8},
                                               {"falcon-7b", 7.22},
                                               {"gemma-4-26b-a4b", 26.5},
                                               {"gla-7b", 7.2},
                                               {"glm-4.7-flash", 31.2},
                                               {"gpt-oss-20b", 20.9},
                                               {"hunyuan-large", 389.0},
                                               {"jet-nemotron-2b", 1.96},
                                               {"k-exaone", 237},
                                               {"kimi-k2.5", 1029},
                                               {"kimi-k3", 2800},
                                               {"kimi-linear-48b", 49.1},
                                               {"lfm2-8b-a1b", 8.34},
                                               {"lfm2.5-vl-1.6b", 1.6},
                                               {"ling-lite-1.5", 16.8},
                                               {"llama-4-maverick", 402},
                                               {"longcat-flash-chat", 562},
                                               {"mimo-v2-flash", 309.8},
                                               {"minicpm-v-2", 3.43},
                                               {"minimax-text-01", 456},
                                               {"mistral-7b-v0.1", 7.24},
                                               {"molmo-7b-nf4", 8.02},
                                               {"nemotron-3-nano-nvfp4", 31.6},
                                               {"nemotron-3-ultra-bf16", 561},
                                               {"nemotron-super-49b", 49.9},
                                               {"openelm-270m", 0.2716},
                                               {"ouro-2.6b", 2.67},
                                               {"phi-4-mini-flash", 3.85},
                                               {"plamo-13b", 13.1},
                                               {"plamo-2-1b", 1.3},
                                               {"qwen-7b", 7.72},
                                               {"qwen3.5-122b-a10b", 125.1},
                                               {"qwen3.6-35b-a3b-nvfp4", 36.0},
                                               {"starcoder", 15.5},
                                               {"step-3.7-flash-fp8", 202},
                                               {"trinity-nano", 6.12},
                                               {"zamba2-7b", 7.36}};
  for (const auto& [name, billions] : cards)
    known[name] = {Parsed(tests / "checkpoint" / "public" / (name + ".json")).at("config"), billions};
  return known;
}

TEST(LeastWeightBytes, AreNeverAboveThePublishedSize) {
  const auto known = KnownSizes();
  EXPECT_GE(known.size(), 70u);
  int close = 0;
  for (const auto& [name, model] : known) {
    auto facts = checkpoint::FactsOfConfig(model.first);
    ASSERT_TRUE(facts.ok()) << name;
    facts->family = facts->linear_format = facts->expert_format = "none";
    facts->dtype = "bfloat16";
    const double billions = LeastWeightBytes(*facts) / 2e9;
    EXPECT_LE(billions, model.second) << name;
    close += billions > 0.8 * model.second ? 1 : 0;
  }
  EXPECT_GE(close, 40) << "a bound of nothing checks nothing";
}

TEST(Memory, RefusesWhatItsDimensionsSayIsTooLarge) {
  LaunchRequest request = Request("vllm", "0.24.0", Llama70b());
  request.model.weight_bytes.reset();
  request.gpu_memory_bytes = 48'000'000'000;
  const LaunchPlan plan = PlanLaunch(Rules(), request);
  ASSERT_TRUE(plan.rejection);
  EXPECT_EQ(plan.rejection->reason, "ModelDoesNotFit");
  EXPECT_NE(plan.rejection->message.find("GB of weights (from the model's dimensions)"), std::string::npos)
      << plan.rejection->message;
  request.parallel.tensor = 4;
  request.parameters = Values({{"max-model-len", "4096"}});
  EXPECT_FALSE(PlanLaunch(Rules(), request).rejection);
}

TEST(LeastMemory, CountsTheKvCacheOfOneSequence) {
  struct Case {
    checkpoint::ModelFacts model;
    int tensor, pipeline, context_parts;
    double element;
    std::int64_t tokens;
    double kv_cache;  // GB
  };
  const std::vector<Case> cases = {
      // 2 x 8 heads x 128 x 32 layers x 2 bytes = 131072 bytes a token
      {Llama8b(), 1, 1, 1, 2, 131072, 17.18},
      {Llama8b(), 1, 1, 1, 1, 131072, 8.59},
      {Llama8b(), 1, 1, 1, 0.5, 131072, 4.295},
      {Llama8b(), 2, 1, 1, 2, 131072, 8.59},
      {Llama8b(), 1, 2, 1, 2, 131072, 8.59},
      // 8 KV heads on 16 GPUs: each has one, replicated.
      {Llama8b(), 8, 1, 1, 2, 131072, 2.147},
      {Llama8b(), 16, 1, 1, 2, 131072, 2.147},
      {Llama8b(), 16, 1, 2, 2, 131072, 1.074},
      // 576 elements x 61 layers, the same on every GPU
      {DeepSeek(), 1, 1, 1, 2, 163840, 11.51},
      {DeepSeek(), 8, 1, 1, 2, 163840, 11.51},
      {Llama8b(), 1, 1, 1, 2, 0, 0},
  };
  for (const Case& c : cases) {
    MemoryInput input;
    input.tensor = input.attention_parts = c.tensor;
    input.pipeline = c.pipeline;
    input.context_parts = c.context_parts;
    input.kv_element_bytes = c.element;
    input.kv_tokens = c.tokens;
    EXPECT_NEAR(LeastMemory(c.model, input).kv_cache / kGb, c.kv_cache, 0.01) << c.tensor << " " << c.element;
  }
  checkpoint::ModelFacts windows = Llama8b();
  windows.caches.reset();  // not known: nothing is demanded
  MemoryInput input;
  input.kv_tokens = 131072;
  EXPECT_EQ(LeastMemory(windows, input).kv_cache, 0);
}

TEST(LeastMemory, CountsIndexCachesAndEntriesOfSeveralTokens) {
  MemoryInput input;
  input.tensor = input.attention_parts = 8;
  input.kv_tokens = 163840;
  input.kv_element_bytes = 1;
  // 61 x (576 + 128) bytes a token on every GPU.
  checkpoint::ModelFacts model = DeepSeek();
  model.index_caches = {{61, 0, 128, 0, 1, 8}};
  EXPECT_NEAR(LeastMemory(model, input).kv_cache / kGb, 7.036, 0.001);
  // The type of the KV cache does not decide on that of the index.
  input.kv_element_bytes = 2;
  EXPECT_NEAR(LeastMemory(model, input).kv_cache / kGb, 11.514 + 1.279, 0.002);
  input.index_bits = 4;
  EXPECT_NEAR(LeastMemory(model, input).kv_cache / kGb, 11.514 + 0.640, 0.002);
  // DeepSeek V4 Flash, a token in four and one in 128: (163840 x (21/4 + 20/128) + 43 x 128) x 512 bytes.
  model.caches = {{{43, 0, 512, 128, 1, 8}, {21, 0, 512, 0, 4, 8}, {20, 0, 512, 0, 128, 8}}};
  model.index_caches = {{21, 0, 128, 0, 4, 8}};
  input.index_bits = 0;
  EXPECT_NEAR(LeastMemory(model, input).kv_cache / kGb, 0.4563 + 0.1101, 0.001);
}

TEST(LeastMemory, KnowsTheSizesOfKvCaches) {
  EXPECT_EQ(KvElementBytes("auto", 2), 2);
  EXPECT_EQ(KvElementBytes("bf16", 1), 2);
  for (const char* name : {"fp8", "fp8_e4m3", "fp8_e5m2", "int8_per_token_head", "mxfp8"})
    EXPECT_EQ(KvElementBytes(name, 2), 1) << name;
  for (const char* name : {"int4_per_token_head", "nvfp4", "fp4_mx_block16"})
    EXPECT_EQ(KvElementBytes(name, 2), 0.5) << name;
  EXPECT_LT(KvElementBytes("turboquant_3bit_nc", 2), 0.5);
}

TEST(Memory, IsWeighedBeforeAPodExists) {
  struct Case {
    std::string engine, version;
    checkpoint::ModelFacts model;
    double gpu;  // GB
    ParallelSizes sizes;
    QuantConfig quant;
    Flags flags;
    bool fits;
  };
  const QuantConfig plain;
  const QuantConfig fp8{"x", "fp8", "fp8", "auto"};
  const QuantConfig kv{"x", "auto", "fp8", "auto"};
  const QuantConfig wide{"x", "float32", "auto", "auto", "auto"};
  const std::vector<Case> cases = {
      // 16.1 + 17.2 GB of cache for the model's whole context
      {"vllm", "0.24.0", Llama8b(), 24, {}, plain, {}, false},
      {"vllm", "0.24.0", Llama8b(), 24, {}, plain, {{"max-model-len", "8192"}}, true},
      {"vllm", "0.24.0", Llama8b(), 24, {}, plain, {{"max-model-len", "32k"}}, true},
      {"vllm", "0.24.0", Llama8b(), 24, {}, plain, {{"max-model-len", "auto"}}, true},
      {"vllm", "0.24.0", Llama8b(), 40, {}, plain, {}, true},
      {"vllm", "0.24.0", Llama8b(), 24, {}, kv, {}, false},
      {"vllm", "0.24.0", Llama8b(), 24, {}, fp8, {}, true},
      {"vllm", "0.24.0", Llama8b(), 24, {2, {}, {}, {}}, plain, {}, true},
      {"vllm", "0.24.0", Llama8b(), 24, {{}, {}, 8, {}}, plain, {}, false},
      {"vllm", "0.24.0", Llama8b(), 24, {}, plain, {{"cpu-offload-gb", "16"}}, true},
      {"vllm", "0.24.0", Llama8b(), 24, {}, plain, {{"cpu-offload-gb", "0"}}, false},
      {"vllm", "0.24.0", Llama8b(), 40, {}, wide, {}, false},
      // the share of the GPU counts: 16.1 GB of weights in half of 24
      {"vllm",
       "0.24.0",
       Llama8b(),
       24,
       {},
       plain,
       {{"max-model-len", "8192"}, {"gpu-memory-utilization", "0.5"}},
       false},
      // SGLang serves as much of the context as fits
      {"sglang", "0.5.15", Llama8b(), 24, {}, plain, {}, true},
      {"sglang", "0.5.15", Llama8b(), 16, {}, plain, {}, false},
      {"sglang", "0.5.15", Llama8b(), 24, {}, plain, {{"mem-fraction-static", "0.6"}}, false},
      {"sglang", "0.5.15", Llama8b(), 16, {}, QuantConfig{"x", "int8", "auto", "auto", "auto"}, {}, true},
      {"tensorrt-llm", "1.2.0", Llama8b(), 16, {}, plain, {}, false},
      {"tensorrt-llm", "1.2.0", Llama8b(), 24, {}, plain, {}, true},
      // 141 GB of weights
      {"vllm", "0.24.0", Llama70b(), 80, {}, plain, {}, false},
      {"vllm", "0.24.0", Llama70b(), 80, {{}, {}, 2, {}}, plain, {{"max-model-len", "4096"}}, false},
      {"vllm", "0.24.0", Llama70b(), 80, {2, {}, {}, {}}, plain, {{"max-model-len", "4096"}}, true},
      {"vllm", "0.24.0", Llama70b(), 80, {4, {}, {}, {}}, plain, {}, true},
      {"vllm", "0.24.0", Llama70b(), 80, {{}, 2, {}, {}}, plain, {{"max-model-len", "4096"}}, true},
      // experts are shared out over replicas by vLLM and copied by SGLang
      {"vllm", "0.24.0", Qwen30bMoe(), 40, {{}, {}, 4, {}}, plain, {}, true},
      {"sglang", "0.5.15", Qwen30bMoe(), 40, {{}, {}, 4, {}}, plain, {}, false},
      {"sglang", "0.5.15", Qwen30bMoe(), 40, {2, {}, {}, 2}, plain, {}, true},
      {"vllm", "0.24.0", DeepSeek(), 80, {8, {}, {}, {}}, plain, {}, false},
      {"vllm", "0.24.0", DeepSeek(), 141, {8, {}, {}, {}}, plain, {}, true},
  };
  for (const Case& c : cases) {
    LaunchRequest request = Request(c.engine, c.version, c.model);
    request.gpu_memory_bytes = static_cast<std::int64_t>(c.gpu * kGb);
    request.parallel = c.sizes;
    request.quant = c.quant;
    request.parameters = Values(c.flags);
    const LaunchPlan plan = PlanLaunch(Rules(), request);
    const bool fits = !plan.rejection;
    EXPECT_EQ(fits, c.fits) << c.engine << " " << c.gpu << " " << Line(plan) << "\n"
                            << (plan.rejection ? plan.rejection->message : "");
    if (plan.rejection) {
      EXPECT_EQ(plan.rejection->reason, "ModelDoesNotFit") << plan.rejection->message;
    }
  }
}

// config.json says bfloat16, the files hold float32: engines load what the configuration says.
TEST(Memory, OfFilesThatMayBeWiderThanTheConfigurationHalfIsABound) {
  LaunchRequest request = Request("sglang", "0.5.15", Llama8b());
  request.gpu_memory_bytes = 24'000'000'000;
  request.model.mlp_matrices = 3;
  request.model.weight_bytes = 32'120'000'000;
  EXPECT_FALSE(PlanLaunch(Rules(), request).rejection);
  // More than 24 GB, and no parameters twice as wide: the dimensions require 15.
  request.model.weight_bytes = 26'000'000'000;
  EXPECT_TRUE(PlanLaunch(Rules(), request).rejection);
  request.model.weight_bytes = 64'240'000'000;
  EXPECT_TRUE(PlanLaunch(Rules(), request).rejection);
}

// Qwen2.5-32B: 65.5 GB in 16 bits, about half of it in fp8; an L40S has 48 GB.
TEST(Memory, MustHoldTheUnquantizedWeightsWhereTheReleaseQuantizesAfterLoading) {
  struct Case {
    std::string engine, version, method;
    bool fits;
  };
  const std::vector<Case> cases = {
      {"vllm", "0.15.1", "fp8", false},        {"vllm", "0.16.0", "fp8", true},    {"vllm", "0.24.0", "fp8", true},
      {"sglang", "0.5.6.post2", "fp8", false}, {"sglang", "0.5.23", "fp8", false}, {"sglang", "0.5.23", "mxfp8", false},
  };
  for (const Case& c : cases) {
    LaunchRequest request = Request(c.engine, c.version, Llama70b());
    request.model.weight_bytes = 65'500'000'000;
    request.gpu_memory_bytes = 48'000'000'000;
    request.gpu = ComputeCapability{10, 0};
    request.parameters = Values({{"quantization", c.method}});
    if (c.engine == "vllm") request.parameters.insert(Values({{"max-model-len", "4096"}}).extract("max-model-len"));
    const LaunchPlan plan = PlanLaunch(Rules(), request);
    EXPECT_EQ(!plan.rejection, c.fits) << c.engine << " " << c.version << " " << c.method << " "
                                       << (plan.rejection ? plan.rejection->message : "");
    if (plan.rejection) {
      EXPECT_EQ(plan.rejection->reason, "ModelDoesNotFit") << plan.rejection->message;
    }
  }
  LaunchRequest request = Request("vllm", "0.15.1", Llama70b());
  request.model.weight_bytes = 65'500'000'000;
  request.gpu_memory_bytes = 48'000'000'000;
  request.parameters = Values({{"quantization", "fp8"}, {"max-model-len", "4096"}});
  const LaunchPlan plan = PlanLaunch(Rules(), request);
  ASSERT_TRUE(plan.rejection);
  EXPECT_EQ(plan.rejection->message,
            "each GPU must hold at least 65.5 GB of weights; it has 48.0 GB; vLLM 0.15.1 quantizes to fp8 when it has "
            "loaded all weights in bfloat16; from 0.16.0 on it quantizes them while loading");
  request.parallel.tensor = 2;
  EXPECT_FALSE(PlanLaunch(Rules(), request).rejection);
}

TEST(Memory, SharesOfCardsAreNotCountedAsCards) {
  LaunchRequest request = Request("vllm", "0.24.0", Llama8b());
  request.gpu_shared = true;
  EXPECT_FALSE(PlanLaunch(Rules(), request).rejection);
  request.parallel.tensor = 2;
  const LaunchPlan plan = PlanLaunch(Rules(), request);
  ASSERT_TRUE(plan.rejection);
  EXPECT_EQ(plan.rejection->reason, "GpuIsShared");
}

TEST(Memory, OfAMemoryThatTheCpuSharesOnlyTheWholeIsABound) {
  LaunchRequest request = Request("vllm", "0.24.0", Llama70b());
  request.gpu_memory_bytes = std::int64_t{128} << 30;
  request.gpu_memory_bound = true;
  const LaunchPlan plan = PlanLaunch(Rules(), request);
  ASSERT_TRUE(plan.rejection);
  const std::string& message = plan.rejection->message;
  EXPECT_NE(message.find("it has at most 137.4 GB"), std::string::npos) << message;
  EXPECT_NE(message.find(", which the CPU shares"), std::string::npos) << message;
}

TEST(Memory, ShowsItsArithmetic) {
  LaunchRequest request = Request("vllm", "0.24.0", Llama70b());
  request.gpu_memory_bytes = 80'000'000'000;
  request.parallel.tensor = 2;
  const LaunchPlan plan = PlanLaunch(Rules(), request);
  ASSERT_TRUE(plan.rejection);
  EXPECT_EQ(plan.rejection->message,
            "each GPU must hold at least 70.6 GB of weights + 21.5 GB of KV cache for one sequence of 131072 tokens + "
            "0.2 GB of activations = 92.2 GB (weights of 141.1 GB on 2 GPUs); it has 80.0 GB x 0.92 "
            "(gpu-memory-utilization) = 73.6 GB");
}

}  // namespace
}  // namespace autotune::quant
