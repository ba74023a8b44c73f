#include "checkpoint/model_facts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "checkpoint/checkpoint.h"
#include "checkpoint/python_json.h"
#include "checkpoint/quantization.h"
#include "checkpoint/weight_files.h"

namespace autotune::checkpoint {
namespace {

using nlohmann::json;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

ModelFacts Read(const std::string& config, const std::string& hf_quant_config = "") {
  const json parsed = json::parse(config);
  const json quant = hf_quant_config.empty() ? json() : json::parse(hf_quant_config);
  CheckpointParts parts;
  parts.config = &parsed;
  if (!hf_quant_config.empty()) parts.hf_quant_config = &quant;
  const base::Result<ModelFacts> facts = FactsOf(parts);
  EXPECT_TRUE(facts.ok()) << config;
  return facts.ok() ? *facts : ModelFacts{};
}

ModelFacts WithQuantization(const std::string& quantization) {
  return Read(R"({"dtype": "bfloat16", "num_experts": 8, "quantization_config": )" + quantization + "}");
}

TEST(ModelFacts, ReadsADenseModel) {
  const ModelFacts facts = Read(R"({
    "architectures": ["LlamaForCausalLM"], "torch_dtype": "float16", "num_hidden_layers": 16, "hidden_size": 2048,
    "intermediate_size": 8192, "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 128256,
    "max_position_embeddings": 131072})");
  EXPECT_EQ(facts.architecture, "LlamaForCausalLM");
  EXPECT_EQ(facts.dtype, "float16");
  EXPECT_EQ(facts.family, "none");
  EXPECT_FALSE(facts.quantized());
  EXPECT_EQ(facts.layers, 16);
  EXPECT_EQ(facts.kv_heads, 8);
  EXPECT_EQ(facts.head_dim, 64);
  EXPECT_EQ(facts.experts, 0);
  EXPECT_THAT(facts.notes, IsEmpty());
}

TEST(ModelFacts, CountsThePositionsThatScalingAdds) {
  const auto positions = [](const std::string& scaling, const std::string& type = "llama") {
    return Read(R"({"model_type": ")" + type + R"(", "max_position_embeddings": 32768, )" + scaling + "}").max_position;
  };
  EXPECT_EQ(positions(R"("rope_scaling": null)"), 32768);
  EXPECT_EQ(positions(R"("rope_scaling": {"type": "linear", "factor": 4.0})"), 131072);
  EXPECT_EQ(positions(R"("rope_parameters": {"rope_type": "dynamic", "factor": 2})"), 65536);
  // Several keys: the least one counts.
  EXPECT_EQ(positions(R"("seq_length": 2048)"), 2048);
  EXPECT_EQ(positions(R"("seq_length": 65536, "model_max_length": 40960)"), 32768);
  const char* yarn = R"({"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768})";
  EXPECT_EQ(positions(R"("rope_scaling": )" + std::string(yarn)), 131072);
  EXPECT_EQ(positions(R"("rope_parameters": {"full_attention": )" + std::string(yarn) + "}"), 131072) << "of each kind";
  EXPECT_EQ(positions(R"("rope_scaling": {"type": "yarn", "factor": 8, "original_max_position_embeddings": 4096})"),
            32768)
      << "they are declared already";
  EXPECT_EQ(
      positions(R"("rope_scaling": {"rope_type": "llama3", "factor": 8.0, "original_max_position_embeddings": 8192})"),
      32768);
  EXPECT_EQ(positions(R"("rope_scaling": {"type": "linear", "factor": 8.0})", "gemma3_text"), 32768);
  EXPECT_EQ(positions(R"("rope_scaling": {"type": "linear", "factor": 1e300})"), 32768) << "no number of positions";
  EXPECT_EQ(positions(R"("rope_scaling": {"type": "linear", "factor": "4"})"), 32768);
}

TEST(ModelFacts, ReadsALatentAttentionMoe) {
  const ModelFacts facts = Read(R"({
    "architectures": ["DeepseekV3ForCausalLM"], "torch_dtype": "bfloat16", "num_hidden_layers": 61, "hidden_size": 7168,
    "num_attention_heads": 128, "num_key_value_heads": 128, "n_routed_experts": 256, "num_experts_per_tok": 8,
    "moe_intermediate_size": 2048, "kv_lora_rank": 512, "qk_rope_head_dim": 64,
    "quantization_config": {"quant_method": "fp8", "fmt": "e4m3", "activation_scheme": "dynamic",
                            "weight_block_size": [128, 128]}})");
  EXPECT_EQ(facts.experts, 256);
  EXPECT_EQ(facts.experts_per_token, 8);
  EXPECT_EQ(facts.caches, (std::vector<KvCacheGroup>{{61, 0, 576, 0}}));
  EXPECT_EQ(facts.quantization, "fp8");
  EXPECT_EQ(facts.family, "fp8");
}

// Which layers have an index of their own, as vLLM and SGLang decide it.
TEST(ModelFacts, CountsTheIndexCachesOfSparseAttention) {
  const std::string base =
      R"({"model_type":"deepseek_v32","dtype":"bfloat16","num_hidden_layers":8,"hidden_size":64,"num_attention_heads":4,
          "kv_lora_rank":512,"qk_rope_head_dim":64,"qk_nope_head_dim":128)";
  const std::string index = R"(,"index_topk":2048,"index_head_dim":128)";
  struct Row {
    std::string keys;
    std::vector<KvCacheGroup> indexes;
  };
  const Row rows[] = {
      {"", {}},
      {index, {{8, 0, 128, 0, 1, 8}}},
      {index + R"(,"index_topk_freq":4)", {{3, 0, 128, 0, 1, 8}}},                             // 0, 1 and 5
      {index + R"(,"index_topk_freq":4,"index_skip_topk_offset":3)", {{4, 0, 128, 0, 1, 8}}},  // 0, 1, 2 and 6
      {index + R"(,"index_topk_pattern":"FSSSFSSS")", {{2, 0, 128, 0, 1, 8}}},
      {index + R"(,"cli_factor":2)", {{4, 0, 128, 0, 1, 8}}},
      {index + R"(,"indexer_types":["full","shared","shared","full","shared","shared","full","shared"])",
       {{3, 0, 128, 0, 1, 8}}},
      {index + R"(,"index_kpool":4,"index_kpool_compress":true)", {{8, 0, 128, 0, 4, 8}}},
      {index + R"(,"index_kpool":4,"index_kpool_compress":false)", {{8, 0, 128, 0, 1, 8}}},
  };
  for (const Row& row : rows) {
    const ModelFacts facts = Read(base + row.keys + "}");
    EXPECT_EQ(facts.index_caches, row.indexes) << row.keys;
    EXPECT_EQ(facts.caches, (std::vector<KvCacheGroup>{{8, 0, 576}})) << row.keys;
    const auto again = ModelFactsFromJson(ToJson(facts));
    ASSERT_TRUE(again.ok()) << row.keys;
    EXPECT_EQ(*again, facts) << row.keys;
  }
  // What is not understood is said, and not counted.
  for (const std::string& keys : {std::string(R"(,"index_topk":2048)"), index + R"(,"indexer_types":["own"])",
                                  std::string(R"(,"sparse_config":{"kernel_size":32})")}) {
    const ModelFacts facts = Read(base + keys + "}");
    EXPECT_THAT(facts.index_caches, IsEmpty()) << keys;
    EXPECT_THAT(facts.notes, Contains(testing::HasSubstr("beside the KV cache is not known"))) << keys;
  }
  EXPECT_FALSE(ModelFactsFromJson(json::parse(R"({"indexCacheGroups": [{"layers": 1, "kvHeads": 0}]})")).ok());
  EXPECT_FALSE(
      ModelFactsFromJson(json::parse(R"({"kvCacheGroups": [{"layers":1,"kvHeads":0,"elements":1,"tokens":0}]})")).ok());
}

// A class that nobody here knows, with a key of sparse attention: neither which layers have it nor what they keep.
TEST(ModelFacts, DoesNotTakeSparseAttentionInAnUnknownFormForFull) {
  const std::string base =
      R"({"model_type":"newcomer","dtype":"bfloat16","num_hidden_layers":4,"hidden_size":64,"num_attention_heads":4,
          "num_key_value_heads":2,"head_dim":16,"num_experts":8,"norm_topk_prob":true,"topk_group":1,
          "decoder_sparse_step":1,"moe_topk":2,"nextn_is_sparse":true)";
  const std::string pattern = R"(,"hybrid_layer_pattern":[0,1,1,0],"sliding_window":128)";
  for (const char* keys : {R"("enable_dsa":true)", R"("index_top_k":2048)", R"("sparse_attention_config":{"block":64})",
                           R"("moba_topk":4)", R"("use_nsa":true)", R"("nsa_block_size":64)", R"("block_topk":16)",
                           R"("use_block_sparse_attention":true)", R"("attn_topk":512)", R"("indexer_heads":4)"}) {
    for (const std::string& more : {std::string(), pattern}) {
      const ModelFacts facts = Read(base + more + "," + keys + "}");
      EXPECT_FALSE(facts.full_attention_layers) << keys;
      EXPECT_FALSE(facts.sliding_attention_layers) << keys;
      EXPECT_FALSE(facts.caches) << keys;
      EXPECT_EQ(facts.kv_heads, 2) << keys;
      EXPECT_THAT(facts.notes, Contains(HasSubstr("sparse attention in a form that is not known"))) << keys;
    }
  }
  for (const char* keys : {R"("enable_dsa":false,"index_top_k":2048)", R"("index_top_k":null)", R"("moba_topk":0)",
                           R"("sparse_attention_config":{})"}) {
    const ModelFacts facts = Read(base + pattern + "," + keys + "}");
    EXPECT_EQ(facts.full_attention_layers, 2) << keys;
    EXPECT_EQ(facts.sliding_attention_layers, 2) << keys;
  }
  // An engine's own class reads no such key.
  const ModelFacts llama = Read(
      R"({"model_type":"llama","architectures":["LlamaForCausalLM"],"num_hidden_layers":4,"hidden_size":64,
          "num_attention_heads":4,"num_key_value_heads":2,"enable_dsa":true})");
  EXPECT_EQ(llama.full_attention_layers, 4);
}

TEST(ModelFacts, KnowsAMatrixOfQueriesKeysAndValues) {
  const std::string base =
      R"({"model_type":"mimo_v2","num_hidden_layers":2,"hidden_size":64,"num_attention_heads":8,"num_key_value_heads":4)";
  EXPECT_EQ(Read(base + R"(,"attention_projection_layout":"fused_qkv"})").qkv_parts, 4);
  EXPECT_EQ(Read(base + R"(,"attention_projection_layout":"split"})").qkv_parts, Size());
  EXPECT_EQ(Read(base + "}").qkv_parts, Size());
}

TEST(ModelFacts, LooksIntoTheLanguageModelOfAMultimodalOne) {
  const ModelFacts facts = Read(R"({
    "architectures": ["Mistral3ForConditionalGeneration"],
    "text_config": {"dtype": "bfloat16", "hidden_size": 5120, "num_attention_heads": 32, "num_key_value_heads": 8,
                    "head_dim": 128, "num_hidden_layers": 40,
                    "quantization_config": {"quant_method": "awq", "bits": 4}},
    "vision_config": {"hidden_size": 1024}})");
  EXPECT_EQ(facts.hidden_size, 5120);
  EXPECT_EQ(facts.head_dim, 128);
  EXPECT_EQ(facts.quantization, "awq");
}

TEST(ModelFacts, NormalisesEveryQuantizationMethod) {
  struct Case {
    std::string quantization, method, family, kv_cache;
  };
  const std::vector<Case> cases = {
      {R"({"quant_method": "awq", "bits": 4, "group_size": 128, "zero_point": true, "version": "gemm"})", "awq",
       "int4-wna16", "none"},
      {R"({"quant_method": "gptq", "bits": 4, "group_size": 128, "desc_act": false})", "gptq", "int4-wna16", "none"},
      {R"({"quant_method": "gptq", "bits": 8})", "gptq", "int8-w8a16", "none"},
      {R"({"quant_method": "bitsandbytes", "load_in_4bit": true, "bnb_4bit_quant_type": "nf4"})", "bitsandbytes", "bnb",
       "none"},
      {R"({"load_in_8bit": true})", "bitsandbytes", "bnb", "none"},
      {R"({"quant_method": "gguf"})", "gguf", "gguf", "none"},
      {R"({"quant_method": "fp8", "activation_scheme": "static"})", "fp8", "fp8", "none"},
      {R"({"quant_method": "fbgemm_fp8", "activation_scale_ub": 1200.0})", "fbgemm_fp8", "fp8", "none"},
      {R"({"quant_method": "mxfp4", "modules_to_not_convert": ["lm_head"]})", "mxfp4", "mxfp4", "none"},
      {R"({"quant_method": "compressed-tensors", "format": "float-quantized", "config_groups": {"group_0": {
            "weights": {"num_bits": 8, "type": "float", "strategy": "channel"},
            "input_activations": {"num_bits": 8, "type": "float", "strategy": "token", "dynamic": true}}},
          "kv_cache_scheme": null})",
       "compressed-tensors", "fp8", "none"},
      {R"({"quant_method": "compressed-tensors", "config_groups": {"group_0": {
            "weights": {"num_bits": 8, "type": "float"}, "input_activations": {"num_bits": 8, "type": "float"}}},
          "kv_cache_scheme": {"num_bits": 8, "type": "float", "strategy": "tensor"}})",
       "compressed-tensors", "fp8", "fp8"},
      {R"({"quant_method": "compressed-tensors", "config_groups": {"group_0": {
            "weights": {"num_bits": 8, "type": "int"}, "input_activations": {"num_bits": 8, "type": "int"}}}})",
       "compressed-tensors", "int8-w8a8", "none"},
      {R"({"quant_method": "compressed-tensors", "format": "pack-quantized", "config_groups": {"group_0": {
            "weights": {"num_bits": 4, "type": "int", "group_size": 128}, "input_activations": null}}})",
       "compressed-tensors", "int4-wna16", "none"},
      {R"({"quant_method": "compressed-tensors", "config_groups": {"group_0": {
            "weights": {"num_bits": 4, "type": "float", "strategy": "tensor_group", "group_size": 16},
            "input_activations": {"num_bits": 4, "type": "float", "group_size": 16}}}})",
       "compressed-tensors", "nvfp4", "none"},
      {R"({"quant_method": "compressed-tensors", "config_groups": {"group_0": {
            "weights": {"num_bits": 4, "type": "int"}, "input_activations": {"num_bits": 8, "type": "float"}}}})",
       "compressed-tensors", "w4a8", "none"},
      {R"({"quant_method": "compressed-tensors", "config_groups": {
            "group_0": {"weights": {"num_bits": 8, "type": "float"}, "input_activations": {"num_bits": 8}},
            "group_1": {"weights": {"num_bits": 4, "type": "int"}, "input_activations": null}}})",
       "compressed-tensors", "mixed", "none"},
      {R"({"quant_method": "compressed-tensors", "format": "int-quantized"})", "compressed-tensors", "int8-w8a8",
       "none"},
      {R"({"quant_method": "modelopt", "quant_algo": "FP8", "kv_cache_scheme": {"num_bits": 8, "type": "float"}})",
       "modelopt", "fp8", "fp8"},
      {R"({"quant_method": "modelopt", "quantization": {"quant_algo": "NVFP4", "kv_cache_quant_algo": "FP8"}})",
       "modelopt", "nvfp4", "fp8"},
      {R"({"quant_method": "modelopt", "quant_algo": "MIXED_PRECISION"})", "modelopt", "mixed", "none"},
      {R"({"quant_method": "w4afp8"})", "w4afp8", "w4a8", "none"},
      {R"({"quant_method": "quark", "global_quant_config": {"weight": {"dtype": "fp8_e4m3"},
            "input_tensors": {"dtype": "fp8_e4m3"}}, "kv_cache_quant_config": {"*k_proj": {"dtype": "fp8_e4m3"}}})",
       "quark", "fp8", "fp8"},
      {R"({"quant_method": "quark", "global_quant_config": {"weight": {"dtype": "fp4", "group_size": 32}}})", "quark",
       "mxfp4", "none"},
      {R"({"quant_method": "torchao", "quant_type": {"default": {"_type": "Float8DynamicActivationFloat8WeightConfig"}}})",
       "torchao", "fp8", "none"},
      {R"({"quant_method": "torchao", "quant_type": {"default": {"_type": "Int4WeightOnlyConfig", "_data": {}}}})",
       "torchao", "int4-wna16", "none"},
      {R"({"quant_method": "fp_quant", "forward_dtype": "mxfp4"})", "fp_quant", "mxfp4", "none"},
      {R"({"quant_method": "auto-round", "bits": 4})", "auto-round", "int4-wna16", "none"},
      {R"({"quant_method": "hqq"})", "hqq", "other", "none"},
      {R"({"quant_method": "brand-new"})", "brand-new", "other", "none"},
      {R"({"bits": 4})", "unknown", "foreign", "none"},
      {R"({"bits": 4, "group_size": 64})", "mlx", "foreign", "none"},
      {R"({})", "none", "none", "none"},
  };
  for (const Case& c : cases) {
    const ModelFacts facts = WithQuantization(c.quantization);
    EXPECT_EQ(facts.quantization, c.method) << c.quantization;
    EXPECT_EQ(facts.family, c.family) << c.quantization;
    EXPECT_EQ(facts.kv_cache, c.kv_cache) << c.quantization;
  }
}

TEST(ModelFacts, ReadsModelOptsOwnFile) {
  struct Case {
    std::string quantization, family, kv_cache;
  };
  const std::vector<Case> cases = {
      {R"({"quant_algo": "FP8", "kv_cache_quant_algo": "FP8", "exclude_modules": ["lm_head"]})", "fp8", "fp8"},
      {R"({"quant_algo": "NVFP4", "kv_cache_quant_algo": null, "group_size": 16})", "nvfp4", "none"},
      {R"({"quant_algo": "W4A8_AWQ"})", "w4a8", "none"},
      {R"({"quant_algo": "MIXED_PRECISION", "quantized_layers": {"model.layers.0.mlp": {"quant_algo": "FP8"}}})", "fp8",
       "none"},
      {R"({"quant_algo": "MIXED_PRECISION"})", "mixed", "none"},
      {R"({"quant_algo": "MIXED_PRECISION", "quantized_layers": {"model.layers.0.mlp.experts": {"quant_algo": "W4A8_AWQ"}}})",
       "w4a8", "none"},
      {R"({"quant_algo": null, "kv_cache_quant_algo": "FP8"})", "none", "fp8"},
  };
  for (const Case& c : cases) {
    const ModelFacts facts = Read(R"({"dtype": "bfloat16"})", R"({"quantization": )" + c.quantization + "}");
    EXPECT_EQ(facts.family, c.family) << c.quantization;
    EXPECT_EQ(facts.kv_cache, c.kv_cache) << c.quantization;
    EXPECT_EQ(facts.quantization, c.family == "none" ? "none" : "modelopt") << c.quantization;
  }
}

// Exports with the groups of compressed-tensors, and without a quant_method: the file of ModelOpt says whose they are.
TEST(ModelFacts, AFileOfModelOptNamesTheMethodOfABlockWithoutOne) {
  const std::string groups =
      R"("config_groups": {"group_0": {"weights": {"num_bits": 8, "type": "float", "dynamic": false},
      "input_activations": {"num_bits": 8, "type": "float", "dynamic": false}}}, "ignore": ["lm_head"])";
  const std::string file = R"({"producer": {"name": "modelopt"},
      "quantization": {"quant_algo": "FP8", "kv_cache_quant_algo": "FP8", "exclude_modules": ["lm_head"]}})";
  const auto config = [](const std::string& block) {
    return R"({"model_type": "m", "dtype": "bfloat16", "quantization_config": {)" + block + "}}";
  };
  const std::string algorithm = R"("quant_algo": "FP8", "kv_cache_scheme": "FP8", "producer": {"name": "modelopt"}, )";
  for (const auto& [block, quant] :
       {std::pair{groups, file}, std::pair{algorithm + groups, file}, std::pair{algorithm + groups, std::string()}}) {
    const ModelFacts facts = Read(config(block), quant);
    EXPECT_EQ(facts.quantization, "modelopt") << block;
    EXPECT_EQ(facts.family, "fp8");
    EXPECT_EQ(facts.kv_cache, "fp8");
    EXPECT_THAT(facts.schemes, ElementsAre("nameless quantization_config - -", "linear fp8 - -"));
    EXPECT_THAT(facts.notes, Each(Not(HasSubstr("the latter is used"))));
  }
  EXPECT_EQ(Read(config(groups), "").quantization, "compressed-tensors");
  // What names its method keeps it.
  EXPECT_EQ(Read(config(R"("quant_method": "compressed-tensors", )" + groups), file).quantization,
            "compressed-tensors");
}

TEST(ModelFacts, SaysWhereAKvCacheIsDeclared) {
  const std::string file = R"({"producer": {"name": "modelopt"},
                               "quantization": {"quant_algo": "FP8", "kv_cache_quant_algo": "FP8"}})";
  const auto form = [&](const std::string& in_config) {
    const std::string config =
        in_config.empty() ? "" : R"(, "quantization_config": {"quant_algo": "FP8", )" + in_config + "}";
    const ModelFacts facts = Read(R"({"dtype": "bfloat16")" + config + "}", file);
    EXPECT_EQ(facts.kv_cache, "fp8") << in_config;
    return facts.kv_form;
  };
  EXPECT_EQ(form(""), "nested");
  EXPECT_EQ(form(R"("quant_method": "modelopt")"), "beside");
  EXPECT_EQ(form(R"("quant_method": "modelopt", "kv_cache_scheme": "FP8")"), "text");
  EXPECT_EQ(form(R"("producer": {"name": "modelopt"}, "kv_cache_scheme": "FP8")"), "text");
}

TEST(ModelFacts, AModelThatLooksBothWaysKeepsNoCache) {
  const std::string sizes =
      R"("architectures": ["Gemma3TextModel"], "model_type": "gemma3_text", "num_hidden_layers": 2,
      "hidden_size": 768, "num_attention_heads": 3, "num_key_value_heads": 1, "head_dim": 256, "sliding_window": 512,
      "layer_types": ["sliding_attention", "full_attention"])";
  const ModelFacts embedding = Read("{" + sizes + R"(, "use_bidirectional_attention": true})");
  ASSERT_TRUE(embedding.caches);
  EXPECT_THAT(*embedding.caches, IsEmpty());
  for (const char* causal :
       {"", R"(, "use_bidirectional_attention": false)", R"(, "use_bidirectional_attention": "vision")"}) {
    const ModelFacts facts = Read("{" + sizes + causal + "}");
    ASSERT_TRUE(facts.caches);
    EXPECT_EQ(facts.caches->size(), 2) << causal;
  }
}

TEST(ModelFacts, ReadsTheHeadsAndGroupsOfMamba2) {
  const std::string sizes =
      R"("num_hidden_layers": 2, "hidden_size": 1024, "num_attention_heads": 8, "num_key_value_heads": 2,)";
  const ModelFacts falcon =
      Read("{" + sizes + R"("model_type": "falcon_h1", "mamba_n_heads": 24, "mamba_n_groups": 1})");
  EXPECT_EQ(falcon.mamba_heads, 24);
  EXPECT_EQ(falcon.mamba_groups, 1);
  const ModelFacts nemotron = Read("{" + sizes + R"("model_type": "nemotron_h", "hybrid_override_pattern": "M*",
      "mamba_num_heads": 128, "n_groups": 8})");
  EXPECT_EQ(nemotron.mamba_heads, 128);
  EXPECT_EQ(nemotron.mamba_groups, 8);
  EXPECT_FALSE(Read("{" + sizes + R"("model_type": "llama", "n_groups": 8})").mamba_groups);
}

TEST(ModelFacts, ReadsAQuantizedOutputLayer) {
  const ModelFacts facts = WithQuantization(R"({"quant_method": "modelopt", "quant_algo": "MIXED_PRECISION",
      "quantized_layers": {"lm_head": {"quant_algo": "W4A16_NVFP4"}, "model.layers.0.mlp.up_proj": {"quant_algo": "FP8"}}})");
  EXPECT_THAT(facts.schemes, ElementsAre("head w4a16_nvfp4 - mixed", "linear fp8 - mixed"));
  EXPECT_EQ(facts.linear_format, "fp8");
}

TEST(ModelFacts, ReadsWhetherAnMlpHasAGate) {
  const auto matrices = [](const std::string& type, const std::string& rest) {
    return Read(R"({"model_type": ")" + type + "\", " + rest + "}").mlp_matrices;
  };
  EXPECT_EQ(matrices("nemotron_h", R"("mlp_hidden_act": "relu2")"), 2);
  EXPECT_EQ(matrices("qwen3_moe", R"("hidden_act": "silu")"), 3);
  EXPECT_EQ(matrices("new_model", R"("hidden_act": "silu")"), 3);
  EXPECT_EQ(matrices("new_model", R"("hidden_act": "relu2")"), std::nullopt) << "BitNet has a gate beside it";
  EXPECT_EQ(matrices("falcon", R"("hidden_size": 4544)"), 2);
}

TEST(ModelFacts, NotesDeclarationsThatContradictEachOther) {
  const ModelFacts facts = Read(R"({"model_type": "m", "dtype": "bfloat16",
                                    "quantization_config": {"quant_method": "awq", "bits": 4}})",
                                R"({"quantization": {"quant_algo": "FP8"}})");
  EXPECT_EQ(facts.quantization, "awq");
  EXPECT_THAT(facts.notes,
              ElementsAre("hf_quant_config.json says fp8, config.json: quantization_config says int4-wna16; "
                          "the latter is used"));
}

TEST(ModelFacts, NeverDecidesByTheName) {
  const json config = {{"model_type", "m"}, {"dtype", "bfloat16"}};
  CheckpointParts files;
  files.config = &config;
  files.name = "someone/Llama-8B-AWQ";
  const ModelFacts facts = *FactsOf(files);
  EXPECT_FALSE(facts.quantized());
  EXPECT_THAT(facts.notes, ElementsAre("the name \"someone/Llama-8B-AWQ\" suggests awq, but no file declares a "
                                       "quantization; the weights are taken as unquantized"));
  files.only_gguf = true;
  EXPECT_EQ(FactsOf(files)->family, "gguf");
}

TEST(ModelFacts, MessagesNameTheFileAndTheKey) {
  const auto config = [](const char* quantization) {
    return json{{"model_type", "llama"}, {"quantization_config", json::parse(quantization)}};
  };
  EXPECT_THAT(
      FactsOfConfig(config(R"({"quant_method": "compressed-tensors", "config_groups": "x"})"))->notes,
      Contains("config.json: quantization_config.config_groups is not an object; the format of all weights is not "
               "known"));
  EXPECT_THAT(
      FactsOfConfig(config(R"({"quant_method": "fp8", "weight_block_size": "big"})"))->notes,
      Contains("config.json: quantization_config.weight_block_size is not a pair of numbers; the block is not known"));
  EXPECT_THAT(FactsOfConfig(config(R"({"quant_method": "modelopt", "quant_algo": "FP7"})"))->notes,
              Contains("config.json: quantization_config: quant_algo \"FP7\" is not one that this version knows"));
  EXPECT_THAT(FactsOfConfig(config("[1]"), "spec.model.facts").error().message,
              "spec.model.facts: quantization_config: must be an object");
  const json params = {{"n_layers", "many"}, {"n_heads", 32}, {"n_kv_heads", -1}, {"moe", {{"num_experts", "x"}}}};
  CheckpointParts parts;
  parts.params = &params;
  EXPECT_THAT(FactsOf(parts)->notes,
              ElementsAre("params.json: n_layers is not one number; treated as not known",
                          "params.json: n_kv_heads is not a size; values that depend on it are not known",
                          "params.json: moe.num_experts is not one number; treated as not known"));
  EXPECT_THAT(ParseObject("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 826\n", "config.json")
                  .error()
                  .message,
              "config.json: is a git-lfs pointer, not the file itself: the repository was cloned without git-lfs");
  EXPECT_EQ(ReadWeightIndex(R"({"weight_map": {"a": 5}})", "model.safetensors.index.json").error().message,
            "model.safetensors.index.json: weight_map.a: must be the name of a file");
}

TEST(ModelFacts, NotesWhatItCannotRead) {
  EXPECT_EQ(Read("{}").dtype, "");
  EXPECT_THAT(
      FactsOfConfig(json::object())->notes,
      ElementsAre("config.json: architectures and model_type are missing; engines cannot tell which model it is",
                  "no file declares the dtype of the weights; bfloat16 is assumed"));
  EXPECT_EQ(Read(R"({"torch_dtype": "torch.float16"})").dtype, "float16");
  const ModelFacts facts =
      Read(R"({"model_type": "m", "dtype": "bfloat16", "vocab_size": "many", "num_attention_heads": 16})");
  EXPECT_THAT(facts.notes, ElementsAre("config.json: vocab_size is not one number; treated as not known"));
}

TEST(ModelFacts, RefusesFilesThatAreNotWhatTheyShouldBe) {
  const auto error = [](const std::string& config, const std::string& quant = "") {
    const json parsed = json::parse(config);
    const json hf = quant.empty() ? json() : json::parse(quant);
    CheckpointParts files;
    files.config = &parsed;
    if (!quant.empty()) files.hf_quant_config = &hf;
    const base::Result<ModelFacts> facts = FactsOf(files);
    return facts.ok() ? "accepted" : facts.error().message;
  };
  EXPECT_EQ(error("[]"), "config.json: must be an object");
  EXPECT_EQ(error(R"({"quantization_config": "awq"})"), "config.json: quantization_config: must be an object");
  EXPECT_EQ(error("{}", "[]"), "hf_quant_config.json: must be an object");
  EXPECT_EQ(error("{}", "{}"), "hf_quant_config.json: quantization: must be an object");
  EXPECT_EQ(FactsOf({}).error().message, "config.json: the checkpoint has none");
}

TEST(ModelFacts, LetTheUserOverrideTheMethod) {
  ModelFacts facts = Read(R"({"dtype": "bfloat16"})");
  ASSERT_TRUE(OverrideQuantization(facts, "AWQ").ok());
  EXPECT_EQ(facts.family, "int4-wna16");
  ASSERT_TRUE(OverrideQuantization(facts, "none").ok());
  EXPECT_FALSE(facts.quantized());
  const base::Status unknown = OverrideQuantization(facts, "magic");
  ASSERT_FALSE(unknown.ok());
  EXPECT_THAT(
      unknown.error().message,
      ::testing::StartsWith(
          "spec.model.quantization: \"magic\" is not one of none, aqlm, auto-round, auto_awq, auto_gptq, awq, "));
  // The detected details stay when the user names the detected method.
  facts = WithQuantization(R"({"quant_method": "compressed-tensors", "format": "int-quantized"})");
  ASSERT_TRUE(OverrideQuantization(facts, "compressed-tensors").ok());
  EXPECT_EQ(facts.family, "int8-w8a8");
}

TEST(ModelFacts, ComeBackFromTheirJson) {
  ModelFacts facts = Read(R"({"architectures": ["X"], "dtype": "float16", "num_hidden_layers": 2, "hidden_size": 8,
    "num_attention_heads": 4, "num_experts": 8, "kv_lora_rank": 5, "quantization_config": {"quant_method": "gptq"}})");
  facts.weight_bytes = 9007199254740993;
  facts.notes = {"a note"};
  facts.commit = std::string(40, 'f');
  const json value = ToJson(facts);
  EXPECT_EQ(value.at("weightBytes"), "9007199254740993");
  const base::Result<ModelFacts> again = ModelFactsFromJson(value);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(*again, facts);
  EXPECT_EQ(ModelFactsFromJson(json{{"layers", "x"}}).error().message,
            "model facts: layers: must be a non-negative integer");
}

TEST(ModelFacts, KnowsTheWidthOfAnMlpThatFollowsFromTheClass) {
  const auto width = [](const std::string& keys) { return Read("{" + keys + "}").intermediate_size; };
  EXPECT_EQ(width(R"("model_type": "mpt", "d_model": 4096, "expansion_ratio": 4)"), 16384);
  EXPECT_EQ(width(R"("model_type": "mpt", "d_model": 4096, "expansion_ratio": 2)"), 8192);
  EXPECT_EQ(width(R"("model_type": "mpt", "d_model": 4096)"), 16384);
  EXPECT_EQ(width(R"("model_type": "mpt", "d_model": 4096, "expansion_ratio": 2.5)"), std::nullopt) << "not understood";
  EXPECT_EQ(width(R"("model_type": "bloom", "hidden_size": 1024)"), 4096);
  EXPECT_EQ(width(R"("model_type": "gpt2", "n_embd": 768, "n_inner": null)"), 3072);
  EXPECT_EQ(width(R"("model_type": "gpt2", "n_embd": 768, "n_inner": 1024)"), 1024);
  EXPECT_EQ(width(R"("model_type": "falcon", "hidden_size": 4544)"), 18176);
  EXPECT_EQ(width(R"("model_type": "llama", "hidden_size": 4096)"), std::nullopt);
}

TEST(ModelFacts, ClassVersionIsTheOneThatAClassChoosesItsModelBy) {
  const auto version = [](const std::string& architecture, const std::string& value) {
    return Read(R"({"architectures": [")" + architecture + R"("], "version": )" + value + "}").class_version;
  };
  EXPECT_EQ(version("MiniCPMV", R"("4.5")"), "4.5");
  EXPECT_EQ(version("MiniCPMV", "4.0"), "4.0");
  EXPECT_EQ(version("MiniCPMV", "2.6"), "2.6");
  EXPECT_EQ(version("MiniCPMV", "null"), "");
  EXPECT_EQ(version("MiniCPMV", "[4]"), "");
  EXPECT_EQ(version("MiniCPMV", '"' + std::string(500, '4') + '"').size(), 20U);
  EXPECT_EQ(version("LlamaForCausalLM", R"("4.5")"), "");
}

TEST(ModelFacts, QueryHeadsThatDifferBetweenLayersHaveADivisorAndASum) {
  const ModelFacts facts = Read(R"({"model_type":"laguna","num_hidden_layers":4,"hidden_size":64,"head_dim":16,
    "num_attention_heads":48,"num_key_value_heads":8,"num_attention_heads_per_layer":[48,72,72,72]})");
  EXPECT_FALSE(facts.attention_heads);
  EXPECT_EQ(facts.query_heads_divisor, 24);
  EXPECT_EQ(facts.query_heads_total, 264);
  EXPECT_EQ(ModelFactsFromJson(ToJson(facts))->query_heads_total, 264);
  EXPECT_FALSE(Read(R"({"num_hidden_layers":4,"num_attention_heads_per_layer":[48,72]})").query_heads_divisor);
}

TEST(ModelFacts, CodeForTextOrImagesAloneIsNoCodeOfTheModel) {
  EXPECT_FALSE(Read(R"({"auto_map": {"AutoTokenizer": "t.T", "AutoProcessor": "p.P"}})").remote_code);
  EXPECT_FALSE(Read(R"({"auto_map": {}})").remote_code);
  EXPECT_TRUE(Read(R"({"auto_map": {"AutoConfig": "c.C"}})").remote_code);
  EXPECT_TRUE(Read(R"({"auto_map": {"AutoModelForCausalLM": "m.M", "AutoProcessor": "p.P"}})").remote_code);
}

// What auto_map registers a class for says whether it generates; its name does not.
TEST(ModelFacts, AClassOfOwnCodeGeneratesIfItIsRegisteredForThat) {
  EXPECT_FALSE(
      Read(R"({"architectures": ["InternVLChatModel"], "auto_map": {"AutoModel": "m.InternVLChatModel"}})").pooling);
  const auto pooling = [](const char* auto_map) {
    json config = json::parse(R"({"model_type":"own","architectures":["OwnModel"],"num_hidden_layers":2})");
    config["auto_map"] = json::parse(auto_map);
    return FactsOfConfig(config)->pooling;
  };
  EXPECT_FALSE(pooling(R"({"AutoConfig":"c.OwnConfig","AutoModelForCausalLM":"m.OwnModel"})"));
  EXPECT_FALSE(pooling(R"({"AutoModel":"m.OwnModel","AutoModelForCausalLM":"m.OwnModel"})"));
  EXPECT_TRUE(pooling(R"({"AutoConfig":"c.OwnConfig","AutoModel":"m.OwnModel"})"));
}

TEST(ModelFacts, ADraftOfSpeculatorsNamesItsModel) {
  json config = json::parse(R"({"architectures": ["Eagle3DraftModel"], "speculators_model_type": "eagle3",
    "speculators_config": {"algorithm": "eagle3", "proposal_methods": [{"speculative_tokens": 3}],
                           "verifier": {"name_or_path": "google/gemma-4-31B-it"}},
    "transformer_layer_config": {"num_hidden_layers": 1, "hidden_size": 5376}})");
  const auto facts = FactsOfConfig(config);
  EXPECT_EQ(facts->verifier, "google/gemma-4-31B-it");
  EXPECT_EQ(facts->draft_method, "eagle3");
  EXPECT_EQ(facts->draft_tokens, 3);
  EXPECT_EQ(facts->layers, std::nullopt);
  EXPECT_EQ(*ModelFactsFromJson(ToJson(*facts)), *facts);
  for (const char* odd : {"{}", "null", "[]", R"({"verifier": []})", R"({"verifier": {"name_or_path": 3}})"}) {
    config["speculators_config"] = json::parse(odd);
    EXPECT_EQ(FactsOfConfig(config)->verifier, "") << odd;
  }
}

TEST(ModelFacts, AConfigWithoutANameIsSaidToHaveNone) {
  const auto facts = FactsOfConfig(json::parse(R"({"dim":64,"n_layers":2,"dtype":"bfloat16"})"));
  ASSERT_TRUE(facts.ok());
  EXPECT_THAT(facts->notes, testing::Contains(testing::HasSubstr("architectures and model_type are missing")));
}

}  // namespace
}  // namespace autotune::checkpoint
