// Declarations of quantization by kind: torchao, AutoRound, Quark, compressed-tensors, ModelOpt, foreign formats.

#include "checkpoint/quantization.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <tuple>
#include <vector>

#include "checkpoint/checkpoint.h"

namespace autotune::checkpoint {
namespace {

using nlohmann::json;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kDense =
    R"({"model_type":"llama","dtype":"bfloat16","num_hidden_layers":2,"hidden_size":64,"num_attention_heads":4})";
constexpr const char* kMoe =
    R"({"model_type":"qwen3_moe","dtype":"bfloat16","num_hidden_layers":2,"hidden_size":64,"num_attention_heads":4,"head_dim":16,
        "num_key_value_heads":2,"num_experts":8,"num_experts_per_tok":2,"moe_intermediate_size":32,"decoder_sparse_step":1,
        "mlp_only_layers":[]})";

ModelFacts Read(const char* base, const std::string& quantization) {
  json config = json::parse(base);
  if (!quantization.empty()) config["quantization_config"] = json::parse(quantization);
  const auto facts = FactsOfConfig(config);
  EXPECT_TRUE(facts.ok()) << quantization;
  return facts ? *facts : ModelFacts();
}

std::string Torchao(const std::string& type, const std::string& data = "{}") {
  return R"({"quant_method":"torchao","quant_type":{"default":{"_type":")" + type + R"(","_data":)" + data +
         R"(,"_version":1}}})";
}

// Engines compare whole names of linear layers, or parts of names, and none reads patterns.
TEST(Quantization, OfFp8SaysHowTheListOfUnquantizedModulesIsWritten) {
  const auto kinds = [](const std::string& names, const std::string& more = "") {
    const std::string base = R"({"model_type":"llama","num_hidden_layers":2)" + more + "}";
    std::string said;
    for (const std::string& scheme :
         Read(base.c_str(), R"({"quant_method":"fp8","modules_to_not_convert":[)" + names + "]}").schemes) {
      if (scheme.starts_with("ignored ")) said += scheme.substr(8, scheme.find(' ', 8) - 8) + " ";
    }
    return said;
  };
  const std::string tower = R"(,"vision_config":{"hidden_size":64})";
  EXPECT_EQ(
      kinds(R"("lm_head","model.embed_tokens","model.layers.0.mlp.gate","model.layers.0.input_layernorm","mtp.fc")"),
      "");
  EXPECT_EQ(kinds(R"("model.layers.0.self_attn.o_proj","model.layers.1.mlp.down_proj")"), "");
  EXPECT_EQ(kinds(R"("self_attn")"), "parts ");
  EXPECT_EQ(kinds(R"("linear_attn.in_proj_qkv")"), "parts ");
  EXPECT_EQ(kinds(R"("model.layers.0.mlp")"), "parts ");
  EXPECT_EQ(kinds(R"("model.layers.0.")"), "parts ");
  EXPECT_EQ(kinds(R"("model.layers.0.mlp.experts")"), "") << "engines compare experts by their group";
  EXPECT_EQ(kinds(R"("re:.*self_attn.*")"), "patterns ");
  EXPECT_EQ(kinds(R"("model.vision_tower","model.multi_modal_projector")"), "") << "the model has none";
  EXPECT_EQ(kinds(R"("model.vision_tower")", tower), "parts ");
  EXPECT_EQ(kinds(R"("model.visual.blocks.0.attn.qkv","model.visual.merger.linear_fc1")", tower), "");
  EXPECT_EQ(kinds(R"("model.layers.0.self_attn.q_proj")"), "fused-part ");
  EXPECT_EQ(
      kinds(R"("model.layers.0.self_attn.q_proj","model.layers.0.self_attn.k_proj","model.layers.0.self_attn.v_proj")"),
      "");
  EXPECT_EQ(kinds(R"("model.layers.0.mlp.up_proj")"), "fused-part ");
  EXPECT_EQ(kinds(R"("model.layers.0.self_attn.qkv_proj","model.layers.0.mlp.gate_up_proj")"), "fused-name ");
  EXPECT_EQ(kinds(R"("model.layers.0.self_attn.q_proj")", R"(,"kv_lora_rank":64)"), "") << "not one matrix";
}

TEST(Quantization, ProjectionsLeftOutOfAGroupAreNamedForEveryMethodThatComparesNames) {
  const auto schemes = [](const std::string& method, const std::string& key, const std::string& names) {
    json quantization = json::parse(
        R"({"bits":4,"group_size":128,"quant_algo":"FP8","format":"float-quantized","config_groups":{"group_0":
            {"targets":["Linear"],"weights":{"num_bits":8,"type":"float","strategy":"channel"}}},
            "global_quant_config":{"weight":{"dtype":"fp8_e4m3"}}})");
    quantization["quant_method"] = method;
    quantization[key] = json::parse("[" + names + "]");
    const auto facts = Read(R"({"model_type":"llama","num_hidden_layers":2})", quantization.dump());
    return std::ranges::count(facts.schemes, "ignored fused-part - -");
  };
  for (const auto& [method, key] : {std::pair{"compressed-tensors", "ignore"},
                                    {"modelopt", "ignore"},
                                    {"quark", "exclude"},
                                    {"awq", "modules_to_not_convert"}}) {
    EXPECT_EQ(schemes(method, key, R"("lm_head","model.layers.0.self_attn.q_proj")"), 1) << method;
    EXPECT_EQ(schemes(method, key, R"("lm_head","model.layers.0.mlp.down_proj")"), 0) << method;
  }
  EXPECT_EQ(schemes("compressed-tensors", "ignore", R"("model.layers.0.self_attn.q_proj","re:.*self_attn.[kv]_proj")"),
            0)
      << "the pattern may name the others";
}

TEST(Quantization, OfModelOptInConfigJsonAloneIsSaidOfAWholeCheckpoint) {
  const json config =
      json::parse(R"({"model_type":"llama","quantization_config":{"quant_method":"modelopt","quant_algo":"FP8"}})");
  const json own = json::parse(R"({"quantization":{"quant_algo":"FP8"}})");
  const auto said = [&](bool whole, bool file) {
    CheckpointParts parts;
    parts.config = &config;
    parts.whole = whole;
    if (file) parts.hf_quant_config = &own;
    return std::ranges::count(FactsOf(parts)->schemes, "inline quantization_config - -") == 1;
  };
  EXPECT_TRUE(said(true, false));
  EXPECT_FALSE(said(true, true));
  EXPECT_FALSE(said(false, false)) << "another file may say it too";
}

TEST(Quantization, OfQuarkSaysThatRoutedExpertsAreNamedOneByOne) {
  const auto kinds = [](const char* base, const std::string& names) {
    std::string found;
    for (
        const std::string& scheme :
        Read(
            base,
            R"({"quant_method":"quark","export":{},"global_quant_config":{"weight":{"dtype":"fp4","group_size":32}},"exclude":[)" +
                names + "]}")
            .schemes) {
      if (scheme.starts_with("ignored ")) found += scheme.substr(8, scheme.find(' ', 8) - 7);
    }
    return found;
  };
  EXPECT_EQ(kinds(kMoe, R"("model.layers.1.mlp.experts.0.down_proj")"), "each-expert ");
  EXPECT_EQ(kinds(kMoe, R"("model.layers.1.mlp.experts.0.down_proj","model.layers.1.mlp.experts")"), "");
  EXPECT_EQ(kinds(kMoe, R"("mtp.layers.0.mlp.experts.0.down_proj")"), "draft-experts ");
  EXPECT_EQ(kinds(kMoe, R"("model.layers.1000.mlp.experts.0.down_proj")"), "draft-experts ");
  EXPECT_EQ(kinds(kMoe, R"("model.layers.1.mlp.shared_experts.down_proj","model.layers.1.mlp.experts.gate")"), "");
  EXPECT_EQ(kinds(kMoe, R"("model.layers.99999999999999999999.mlp.experts.0.down_proj","",".experts",".experts.")"),
            "each-expert ");
  EXPECT_EQ(kinds(kDense, R"("model.layers.1.mlp.experts.0.down_proj")"), "");
}

TEST(Quantization, OfLatentAttentionSaysThatItIsPacked) {
  const auto said = [](const std::string& targets, const std::string& ignored, const char* more,
                       const std::string& format = "pack-quantized") {
    json base = json::parse(kDense);
    if (*more != '\0') base.update(json::parse(more));
    const ModelFacts facts =
        Read(base.dump().c_str(),
             R"({"quant_method":"compressed-tensors","format":")" + format + R"(","config_groups":{"g":{"targets":[)" +
                 targets + R"(],"weights":{"num_bits":4,"type":"int","group_size":32}}},"ignore":[)" + ignored + "]}");
    return std::ranges::count(facts.schemes, "packed attention int -") == 1;
  };
  const char* latent = R"({"kv_lora_rank":64})";
  EXPECT_TRUE(said(R"("Linear")", R"("lm_head")", latent));
  EXPECT_TRUE(said("", "", latent));
  EXPECT_TRUE(said(R"("re:.*self_attn.*")", "", latent));
  EXPECT_FALSE(said(R"("re:.*mlp.*")", "", latent));
  EXPECT_FALSE(said(R"("Linear")", R"("re:.*self_attn.*")", latent));
  EXPECT_FALSE(said(R"("Linear")", "", ""));
  EXPECT_FALSE(said(R"("Linear")", "", latent, "naive-quantized"));
}

TEST(Quantization, OfAutoRoundNamesTheBlocksOfAMultimodalModel) {
  const auto said = [](const std::string& blocks) {
    return std::ranges::count(
        Read(kDense,
             R"({"quant_method":"auto-round","bits":4,"group_size":128,"block_name_to_quantize":)" + blocks + "}")
            .schemes,
        "blocks model.language_model.layers - -");
  };
  EXPECT_EQ(said(R"("model.language_model.layers")"), 1);
  EXPECT_EQ(said(R"("model.language_model.layers,model.visual.blocks")"), 1);
  EXPECT_EQ(said(R"(["model.language_model.layers"])"), 1);
  EXPECT_EQ(said(R"("model.layers")"), 0);
  EXPECT_EQ(said("null"), 0);
  EXPECT_EQ(said("7"), 0);
}

TEST(Quantization, KnowsThatAllOfAttentionStaysUnquantized) {
  const auto plain = [](const std::string& names) {
    return Read(kDense, R"({"quant_method":"modelopt","quant_algo":"NVFP4","exclude_modules":[)" + names + "]}")
        .ignores("allAttention");
  };
  EXPECT_TRUE(plain(R"("model.layers.0.self_attn*","model.layers.1.self_attn*","lm_head")"));
  EXPECT_FALSE(plain(R"("model.layers.0.self_attn*","lm_head")"));
  EXPECT_FALSE(plain(R"("lm_head")"));
}

// A vendor's own format, whose config.json has no other word about it.
TEST(Quantization, OfAQuantizedDtypeAloneIsNotKnown) {
  for (const char* dtype : {"fp8", "float8_e4m3fn", "int4"}) {
    json config = json::parse(kDense);
    config["dtype"] = dtype;
    const auto facts = FactsOfConfig(config);
    ASSERT_TRUE(facts.ok());
    EXPECT_EQ(facts->family, "foreign") << dtype;
    EXPECT_EQ(facts->quantization, "unknown") << dtype;
    EXPECT_THAT(facts->notes, testing::Contains(testing::HasSubstr("no quantization_config says how"))) << dtype;
  }
  for (const char* dtype : {"bfloat16", "float16", "float32", "auto"}) {
    json config = json::parse(kDense);
    config["dtype"] = dtype;
    EXPECT_EQ(FactsOfConfig(config)->family, "none") << dtype;
  }
}

// Kernels for many formats, with several spellings of each key.
TEST(Quantization, OfHummingIsInItsTypes) {
  struct Row {
    const char* config;
    const char* family;
    const char* block;
  };
  const Row rows[] = {
      {R"({"quant_method":"humming","dtype":"uint4","group_size":128})", "int4-wna16", "1x128"},
      {R"({"quant_method":"humming","b_dtype":"int3","weight_scale_group_size":64})", "int3-wna16", "1x64"},
      {R"({"quant_method":"humming","weight_dtype":"float8e4m3","a_dtype":"float8e4m3","group_size":128,"group_size_n":128})",
       "fp8", "128x128"},
      {R"({"quant_method":"humming","dtype":"float4e2m1","group_size":32})", "mxfp4", "1x32"},
      {R"({"quant_method":"humming","dtype":"uint8"})", "int8-w8a16", ""},
      {R"({"quant_method":"humming","dtype":"uint5","group_size":128})", "other", "1x128"},
      {R"({"quant_method":"humming"})", "other", ""},
  };
  for (const Row& row : rows) {
    const ModelFacts facts = Read(kDense, row.config);
    EXPECT_EQ(facts.quantization, "humming") << row.config;
    EXPECT_EQ(facts.family, row.family) << row.config;
    EXPECT_EQ(facts.weight_block ? facts.weight_block->ToString() : "", row.block) << row.config;
  }
}

// The experts' own type is what their scheme says.
TEST(Quantization, OfExpertDtypeIsInTheSchemeOfExperts) {
  const ModelFacts facts =
      Read(kMoe, R"({"quant_method":"fp8","weight_block_size":[32,32],"activation_scheme":"dynamic",
                                          "expert_dtype":"fp4"})");
  EXPECT_EQ(facts.expert_format, "mxfp4");
  EXPECT_THAT(facts.schemes, ElementsAre("experts fp4 - -", "linear fp8-block32x32 fp8-dynamic -"));
}

// Modules of some layers are not called those of all.
TEST(Quantization, IgnoredModulesOfSomeLayersKeepTheirNumbers) {
  const ModelFacts facts = Read(kDense, R"({"quant_method":"fp8","modules_to_not_convert":["lm_head",
      "model.layers.0.self_attn","model.layers.0.mlp.up_proj","model.layers.1.mlp.up_proj"]})");
  EXPECT_THAT(facts.ignored_modules, ElementsAre("lm_head", "model.layers.*.mlp.up_proj", "model.layers.0.self_attn"));
  EXPECT_EQ(facts.ignored_left_out, 0);
}

TEST(Quantization, SaysHowManyIgnoredModulesAreLeftOutOfTheList) {
  std::string modules;
  for (int i = 0; i < 15; ++i)
    modules += (i == 0 ? "\"" : ",\"") + std::string("part") + static_cast<char>('a' + i) + "\"";
  const ModelFacts facts = Read(kDense, R"({"quant_method":"fp8","modules_to_not_convert":[)" + modules + "]}");
  EXPECT_EQ(facts.ignored_modules.size(), 12U);
  EXPECT_EQ(facts.ignored_left_out, 3);
  EXPECT_EQ(ToJson(facts)["ignoredModulesLeftOut"], 3);
  EXPECT_EQ(ModelFactsFromJson(ToJson(facts))->ignored_left_out, 3);
}

// What drafts, sees or embeds says nothing about the layers of the language model.
TEST(Quantization, OfOtherModulesIsNotThatOfTheLayers) {
  const ModelFacts modelopt =
      Read(kMoe, R"({"quant_method":"modelopt","quant_algo":"MIXED_PRECISION","quantized_layers":{
      "model.language_model.layers.0.mlp.experts":{"quant_algo":"NVFP4"},
      "model.language_model.layers.1.mlp.experts":{"quant_algo":"NVFP4"},
      "model.language_model.layers.1.ple.ple_embedding.ngram_embedding":{"quant_algo":"FP8"},
      "mtp.layers.0.mlp.experts":{"quant_algo":"FP8_PB_WO"}}})");
  EXPECT_EQ(modelopt.linear_format, "none");
  EXPECT_EQ(modelopt.expert_format, "nvfp4");
  EXPECT_EQ(modelopt.family, "nvfp4");
  EXPECT_THAT(modelopt.schemes, ElementsAre("experts nvfp4 - mixed"));
  const ModelFacts autoround = Read(kDense, R"({"quant_method":"auto-round","bits":4,"group_size":128,"sym":true,
      "extra_config":{"mtp.layers.0.mlp.up_proj":{"bits":8},"model.visual.blocks.0.attn.qkv":{"bits":8}}})");
  EXPECT_EQ(autoround.linear_format, "int4-wna16");
  const ModelFacts gptq = Read(kDense, R"({"quant_method":"gptq","bits":4,"group_size":128,"sym":true,
      "dynamic":{"+:.*mtp.*":{"bits":8}}})");
  EXPECT_EQ(gptq.linear_format, "int4-wna16");
}

// compressed-tensors compares whole names: that of a parent leaves no layer in it alone.
TEST(Quantization, AParentsNameExcludesNothingInCompressedTensors) {
  const std::string groups = R"({"quant_method":"compressed-tensors","format":"pack-quantized","config_groups":{
      "a":{"targets":["Linear"],"weights":{"num_bits":4,"type":"int","strategy":"group","group_size":128}},
      "b":{"targets":["re:.*mtp\\..*proj$"],"weights":{"num_bits":4,"type":"int","strategy":"group","group_size":32}}},
      "ignore":[)";
  const ModelFacts facts = Read(kDense, groups + R"("lm_head","model.layers.0.linear_attn",
      "model.layers.0.linear_attn.in_proj_a","model.layers.1.self_attn","visual.merger.mlp.0","model.layers.3"]})");
  EXPECT_THAT(facts.ignored_modules,
              ElementsAre("lm_head", "model.layers.0.linear_attn.in_proj_a", "visual.merger.mlp.0"));
  EXPECT_THAT(facts.schemes,
              ElementsAre("linear int4-group128 none pack-quantized", "mtp int4-group32 none pack-quantized"));
  // A regular expression finds what is below it, and experts are one layer.
  const ModelFacts whole = Read(kMoe, groups + R"("re:.*self_attn.*","model.layers.0.mlp.experts",
      "model.layers.0.mlp.shared_expert","model.layers.0.mlp.shared_expert_gate"]})");
  EXPECT_THAT(whole.ignored_modules,
              ElementsAre("model.layers.0.mlp.experts", "model.layers.0.mlp.shared_expert_gate", "re:.*self_attn.*"));
  // Other methods take it as the beginning of a name.
  EXPECT_THAT(
      Read(kDense, R"({"quant_method":"fp8","modules_to_not_convert":["model.layers.0.self_attn"]})").ignored_modules,
      ElementsAre("model.layers.0.self_attn"));
}

TEST(Quantization, TheGateOfASharedExpertIsNotTheExpert) {
  const char* const shared = R"({"model_type":"qwen3_next","dtype":"bfloat16","num_hidden_layers":2,"hidden_size":64,
      "num_attention_heads":4,"head_dim":16,"num_key_value_heads":2,"num_experts":8,"num_experts_per_tok":2,
      "moe_intermediate_size":32,"shared_expert_intermediate_size":32,"decoder_sparse_step":1,"mlp_only_layers":[]})";
  struct Row {
    std::string ignored;
    bool plain;
  };
  for (const Row& row : std::vector<Row>{
           {R"("model.layers.0.mlp.shared_expert_gate","model.layers.1.mlp.shared_expert_gate")", false},
           {R"("re:.*shared_expert_gate$")", false},
           {R"("model.layers.0.mlp.shared_expert","model.layers.1.mlp.shared_expert")", true},
           {R"("re:.*shared_expert\\..*")", true},
           {R"("re:.*share_expert.*")", true},
           {R"("re:.*shared_experts\\.(gate|up|down)_proj")", true},
           {R"("re:.*shared_mlp.*")", true},
           {R"("re:.*shared_expert\\.gate_proj","re:.*shared_expert\\.up_proj")", false},
           {R"("re:.*shared_expert\\.gate_up_proj","re:.*shared_expert\\.down_proj")", true},
           // One layer of two.
           {R"("model.layers.0.mlp.shared_expert.*")", false},
       }) {
    const ModelFacts facts =
        Read(shared,
             R"({"quant_method":"fp8","weight_block_size":[128,128],"modules_to_not_convert":[)" + row.ignored + "]}");
    EXPECT_EQ(facts.plain_shared_experts, row.plain) << row.ignored;
    EXPECT_EQ(facts.linear_format, "fp8") << row.ignored;
  }
}

// A plan asks which parts stay unquantized, and the list is cut.
TEST(Quantization, IgnoredPartsAreThoseOfTheWholeList) {
  std::string modules;
  for (char c = 'a'; c < 'p'; ++c) modules += std::string("\"") + "a_part_" + c + "\",";
  const std::string config = R"({"quant_method":"fp8","modules_to_not_convert":[)" + modules;
  const ModelFacts facts = Read(kDense, config + R"("model.layers.0.self_attn.q_proj","visual.blocks.0.mlp"]})");
  EXPECT_EQ(facts.ignored_modules.size(), 12U);
  EXPECT_THAT(facts.ignored_parts, ElementsAre("attention", "firstLayer", "vision"));
  nlohmann::json said = ToJson(facts);
  EXPECT_EQ(*ModelFactsFromJson(said), facts);
  // From an operator that did not write the parts.
  said.erase("ignoredParts");
  EXPECT_THAT(ModelFactsFromJson(said)->ignored_parts,
              ElementsAre("attention", "firstLayer", "mlp", "mlpOutput", "vision", "linearGates"));
  const ModelFacts whole =
      Read(kDense, R"({"quant_method":"fp8","modules_to_not_convert":["model.layers.3.mlp.down_proj"]})");
  EXPECT_THAT(whole.ignored_parts, ElementsAre("mlp", "mlpOutput"));
  EXPECT_EQ(*ModelFactsFromJson(ToJson(whole)), whole);
}

// GPTQ's list of what is quantized: all else is not.
TEST(Quantization, OfListedModulesLeavesOthersAlone) {
  struct Row {
    const char* base;
    std::string modules, family, linear, experts, scheme;
    std::vector<std::string> ignored;
  };
  const std::string all = R"(["self_attn.q_proj","self_attn.k_proj","self_attn.v_proj"],["self_attn.o_proj"],
                             ["mlp.up_proj","mlp.gate_proj"],["mlp.down_proj"])";
  const std::vector<Row> rows = {
      {kDense, "[" + all + "]", "int4-wna16", "int4-wna16", "none", "linear int4-group128 none -", {}},
      {kDense, "[]", "int4-wna16", "int4-wna16", "none", "linear int4-group128 none -", {}},
      {kDense,
       R"(["mlp.up_proj","mlp.gate_proj","mlp.down_proj"])",
       "int4-wna16",
       "int4-wna16",
       "none",
       "unlisted modules - -",
       {"self_attn"}},
      {kDense,
       R"([["self_attn.q_proj","self_attn.v_proj"],["mlp."]])",
       "int4-wna16",
       "int4-wna16",
       "none",
       "unlisted fused-part - -",
       {"self_attn.k_proj", "self_attn.o_proj"}},
      {kDense,
       R"([["self_attn.qkv_proj","self_attn.o_proj"],["mlp.gate_up_proj"]])",
       "int4-wna16",
       "int4-wna16",
       "none",
       "linear int4-group128 none -",
       {}},
      {kMoe,
       R"(["mlp.experts.0.up_proj","mlp.experts.0.gate_proj","mlp.experts.0.down_proj"])",
       "int4-wna16",
       "none",
       "int4-wna16",
       "unlisted modules - -",
       {"self_attn"}},
      {kMoe, R"(["self_attn."])", "int4-wna16", "int4-wna16", "none", "unlisted experts - -", {"mlp.experts"}},
      {kMoe, R"(["self_attn.","mlp."])", "int4-wna16", "int4-wna16", "int4-wna16", "experts int4-group128 none -", {}},
  };
  for (const Row& row : rows) {
    const ModelFacts facts = Read(row.base, R"({"quant_method":"gptq","bits":4,"group_size":128,"sym":true,
                                                "modules_in_block_to_quantize":)" +
                                                row.modules + "}");
    EXPECT_EQ(facts.family, row.family) << row.modules;
    EXPECT_EQ(facts.linear_format, row.linear) << row.modules;
    EXPECT_EQ(facts.expert_format, row.experts) << row.modules;
    ASSERT_FALSE(facts.schemes.empty()) << row.modules;
    EXPECT_EQ(facts.schemes.front(), row.scheme) << row.modules;
    EXPECT_EQ(facts.ignored_modules, row.ignored) << row.modules;
  }
}

// GPTQModel's rules: regular expressions, with the settings of the layers that they match.
TEST(Quantization, OfDynamicRulesIsThatOfEachLayer) {
  const auto read = [](const char* base, const std::string& rules) {
    return Read(base, R"({"quant_method":"gptq","bits":4,"group_size":128,"sym":true,"dynamic":)" + rules + "}");
  };
  // As public checkpoints of 2026 have them: only routed experts are quantized.
  const ModelFacts experts = read(kMoe, R"({"lm_head":{},"-:.*attn.*":{},"-:.*shared_expert.*":{},"-:.*mtp.*":{},
                                            "-:.*mlp\\.gate$":{},"-:.*visual.*":{}})");
  EXPECT_EQ(experts.linear_format, "none");
  EXPECT_EQ(experts.expert_format, "int4-wna16");
  EXPECT_THAT(experts.schemes, ElementsAre("experts int4-group128 none -"));
  // Some layers are not all.
  for (const char* rules :
       {R"({"-:model\\.layers\\.(0|1)\\..*self_attn.*":{}})", R"({"-:model\\.layers\\.0\\.self_attn.*":{}})",
        R"({"-:model\\.layers\\.[0-1]\\.self_attn":{}})"}) {
    EXPECT_EQ(read(kMoe, rules).linear_format, "int4-wna16") << rules;
  }
  EXPECT_EQ(read(kMoe, R"({"-:model\\.layers\\..*\\.self_attn.*":{}})").linear_format, "none");
  // Other settings of the same bits.
  EXPECT_THAT(read(kDense, R"({"+:.*down_proj":{"group_size":32,"sym":false}})").schemes,
              ElementsAre("linear int4-group128 none -", "linear int4-group32-asym none -"));
  EXPECT_THAT(read(kDense, R"({"+:.*\\.q_proj":{"bits":8}})").schemes,
              ElementsAre("dynamic projections - -", "linear int4-group128 none -", "linear int8-group128 none -"));
}

TEST(Quantization, IsReadFromAllKeysOfADenseModel) {
  struct Row {
    std::string quantization, family, activations;
  };
  const std::vector<Row> rows = {
      // torchao: the class says both weights and activations.
      {Torchao("Float8DynamicActivationInt4WeightConfig", R"({"int4_packing_format":"preshuffled"})"), "w4a8", "fp8"},
      {Torchao("Float8WeightOnlyConfig"), "fp8-w8a16", "none"},
      {Torchao("Float8DynamicActivationFloat8WeightConfig"), "fp8", "fp8"},
      {Torchao("Int8DynamicActivationInt8WeightConfig"), "int8-w8a8", "int8"},
      {Torchao("Int8DynamicActivationIntxWeightConfig", R"({"weight_dtype":{"_type":"torch.dtype","_data":"int4"}})"),
       "w4a8", "int8"},
      {Torchao("Int8DynamicActivationIntxWeightConfig", R"({"weight_dtype":{"_type":"torch.dtype","_data":"int2"}})"),
       "other", "int8"},
      {Torchao("Int8DynamicActivationIntxWeightConfig"), "other", ""},
      {Torchao("IntxWeightOnlyConfig", R"({"weight_dtype":"torch.int4"})"), "int4-wna16", "none"},
      {Torchao("Int8WeightOnlyConfig"), "int8-w8a16", "none"},
      {Torchao("Int4WeightOnlyConfig", R"({"group_size":128})"), "int4-wna16", "none"},
      {Torchao("NVFP4DynamicActivationNVFP4WeightConfig"), "nvfp4", "nvfp4"},
      {Torchao("MXDynamicActivationMXWeightConfig", R"({"weight_dtype":"torch.float8_e4m3fn"})"), "mxfp8", "mxfp8"},
      {Torchao("SomethingNewConfig"), "other", ""},
      {R"({"quant_method":"torchao","quant_type":"int4_weight_only","quant_type_kwargs":{"group_size":32}})",
       "int4-wna16", "none"},
      {R"({"quant_method":"torchao","quant_type":"int8_dynamic_activation_int8_weight"})", "int8-w8a8", "int8"},
      {R"({"quant_method":"torchao","quant_type":"float8dq-row"})", "fp8", "fp8"},
      {R"({"quant_method":"torchao"})", "other", ""},
      // AutoRound: bits mean nothing without the data type.
      {R"({"quant_method":"auto-round","bits":4,"act_bits":4,"data_type":"mx_fp","act_data_type":"mx_fp_rceil","group_size":32})",
       "mxfp4", "mxfp4"},
      {R"({"quant_method":"auto-round","bits":8,"act_bits":8,"data_type":"mx_fp","group_size":32})", "mxfp8", "mxfp8"},
      {R"({"quant_method":"auto-round","bits":4,"act_bits":4,"data_type":"nv_fp","group_size":16})", "nvfp4", "nvfp4"},
      {R"({"quant_method":"auto-round","bits":8,"act_bits":8,"data_type":"fp8_e4m3"})", "fp8", "fp8"},
      {R"({"quant_method":"auto-round","bits":8,"act_bits":8,"data_type":"int"})", "int8-w8a8", "int8"},
      {R"({"quant_method":"auto-round","bits":4,"data_type":"int","group_size":128,"sym":true})", "int4-wna16", "none"},
      {R"({"quant_method":"auto_round","bits":2})", "int2-wna16", "none"},
      {R"({"quant_method":"auto-round","bits":4,"extra_config":{"model.layers.0.mlp.down_proj":{"bits":8}}})", "mixed",
       "none"},
      {R"({"quant_method":"auto-round","bits":4,"extra_config":{"model.layers.0.mlp.down_proj":{"bits":16}}})",
       "int4-wna16", "none"},
      {R"({"quant_method":"auto-round","bits":4,"data_type":"new_fp"})", "other", ""},
      // Quark: what is stored is the narrowest of a tensor's steps.
      {R"({"quant_method":"quark","global_quant_config":{"weight":{"dtype":"fp8_e4m3"},"input_tensors":null}})",
       "fp8-w8a16", "none"},
      {R"({"quant_method":"quark","global_quant_config":{"weight":[{"dtype":"fp8_e4m3"},{"dtype":"int4","group_size":128}],"input_tensors":{"dtype":"fp8_e4m3"}}})",
       "w4a8", "fp8"},
      {R"({"quant_method":"quark","global_quant_config":{"weight":{"dtype":"int8"},"input_tensors":{"dtype":"int8"}}})",
       "int8-w8a8", "int8"},
      {R"({"quant_method":"quark","global_quant_config":{"weight":{"dtype":"fp6_e2m3"},"input_tensors":null}})",
       "other", "none"},
      {R"({"quant_method":"quark"})", "none", "none"},
      // compressed-tensors
      {R"({"quant_method":"compressed-tensors","config_groups":{"g":{"targets":["Linear"],"weights":{"num_bits":8,"type":"float"},"input_activations":null}}})",
       "fp8-w8a16", "none"},
      {R"({"quant_method":"compressed-tensors","config_groups":{"g":{"targets":["Linear"],"weights":{"num_bits":4,"type":"float","group_size":32},"input_activations":null}}})",
       "mxfp4", "none"},
      {R"({"quant_method":"compressed-tensors","config_groups":{"g":{"targets":["Linear"],"weights":{"num_bits":3,"type":"int"},"input_activations":null}}})",
       "int3-wna16", "none"},
      // GPTQ with rules of its own by module
      {R"({"quant_method":"gptq","bits":4,"group_size":128,"dynamic":{"+:.*down_proj":{"bits":8}}})", "mixed", "none"},
      {R"({"quant_method":"gptq","bits":4,"group_size":128,"dynamic":{"-:.*lm_head":{}}})", "int4-wna16", "none"},
      // Formats of other runtimes
      {R"({"bits":4,"group_size":64})", "foreign", ""},
      {R"({"bits":4,"group_size":64,"mode":"affine"})", "foreign", ""},
      {R"({"quant_method":"exl2","bits":4.0})", "foreign", ""},
      {R"({"bits":4,"group_size":128,"zero_point":true,"version":"gemm"})", "foreign", ""},
  };
  for (const Row& row : rows) {
    const ModelFacts facts = Read(kDense, row.quantization);
    EXPECT_EQ(facts.family, row.family) << row.quantization;
    EXPECT_EQ(facts.activations, row.activations) << row.quantization;
    EXPECT_EQ(facts.expert_format, row.family == "foreign" ? "" : "none") << row.quantization;
  }
}

TEST(Quantization, OfExpertsBesideFp8HasItsOwnListOfWhatIsLeft) {
  constexpr const char* kExperts = R"({"architectures":["XForCausalLM"],"num_hidden_layers":3,"n_routed_experts":4,
      "moe_intermediate_size":2048,"intermediate_size":8192,"moe_layer_freq":[0,1,1],"torch_dtype":"bfloat16"})";
  // ModelOpt leaves attention and the dense layer as it found them: in fp8.
  const ModelFacts facts = Read(
      kExperts, R"({"quant_method":"fp8","activation_scheme":"dynamic","weight_block_size":[128,128],"group_size":16,
          "quant_algo":"MIXED_PRECISION","moe_quant_algo":"NVFP4","ignore":["*.self_attn.*","model.layers.0.mlp.*","lm_head"],
          "ignored_layers":["model.layers.0.self_attn.o_proj","model.layers.1.self_attn.o_proj","model.layers.2.self_attn.o_proj"]})");
  EXPECT_EQ(facts.linear_format, "fp8");
  EXPECT_EQ(facts.expert_format, "nvfp4");
  EXPECT_EQ(facts.family, "mixed");
  EXPECT_EQ(facts.activations, "");
  EXPECT_THAT(facts.ignored_modules, ElementsAre("model.layers.*.self_attn.o_proj"));
  EXPECT_THAT(facts.schemes, ElementsAre("experts nvfp4-group16 - -", "linear fp8-block128x128 fp8-dynamic -"));
  // Experts on that list are left.
  EXPECT_EQ(
      Read(kExperts, R"({"quant_method":"fp8","moe_quant_algo":"NVFP4","ignore":["*.mlp.experts*"]})").expert_format,
      "none");
}

TEST(Quantization, OfOneDenseLayerIsNotNamedAsThatOfAllLayers) {
  const ModelFacts facts =
      Read(R"({"architectures":["XForCausalLM"],"num_hidden_layers":3,"n_routed_experts":4,"moe_intermediate_size":2048,
               "intermediate_size":8192,"moe_layer_freq":[0,1,1],"torch_dtype":"bfloat16"})",
           R"({"quant_method":"modelopt","quant_algo":"NVFP4","ignore":["model.layers.0.mlp.*"]})");
  EXPECT_THAT(facts.ignored_modules, ElementsAre("model.layers.0.mlp.*"));
}

TEST(Quantization, TellsThePartsOfAModelWithExperts) {
  struct Row {
    std::string quantization, family, linear, experts;
  };
  const std::vector<Row> rows = {
      {R"({"quant_method":"mxfp4","modules_to_not_convert":["model.layers.*.self_attn","lm_head"]})", "mxfp4", "none",
       "mxfp4"},
      {R"({"quant_method":"w4afp8"})", "w4a8", "fp8", "w4a8"},
      {R"({"quant_method":"fp8","weight_block_size":[128,128],"expert_dtype":"fp4"})", "mixed", "fp8", "mxfp4"},
      {R"({"quant_method":"fp8","moe_quant_algo":"NVFP4"})", "mixed", "fp8", "nvfp4"},
      {R"({"quant_method":"fp8","quantized_layers":{"layers.0.ffn.experts":{"quant_algo":"NVFP4"}},"expert_dtype":"fp4"})",
       "mixed", "fp8", "nvfp4"},
      // Everything but the experts is left alone, in three spellings.
      {R"({"quant_method":"compressed-tensors","config_groups":{"g":{"targets":["Linear"],"weights":{"num_bits":4,"type":"int","group_size":32}}},
           "ignore":["lm_head","re:.*self_attn.*","re:.*shared_experts.*","re:.*mlp\\.(gate|up|gate_up|down)_proj.*"]})",
       "int4-wna16", "none", "int4-wna16"},
      {R"({"quant_method":"modelopt","quant_algo":"NVFP4","ignore":["model.layers.0.self_attn*","model.layers.1.self_attn*","lm_head"]})",
       "nvfp4", "none", "nvfp4"},
      {R"({"quant_method":"modelopt","quant_algo":"NVFP4","ignore":["model.layers.0*","model.layers.1.self_attn.q_proj","model.layers.1.self_attn.k_proj",
           "model.layers.1.self_attn.v_proj","model.layers.1.self_attn.o_proj"]})",
       "nvfp4", "none", "nvfp4"},
      // One layer left alone is no part left alone.
      {R"({"quant_method":"modelopt","quant_algo":"NVFP4","ignore":["model.layers.0.self_attn*"]})", "nvfp4", "nvfp4",
       "nvfp4"},
      // Groups for parts
      {R"({"quant_method":"compressed-tensors","config_groups":{
           "attention":{"targets":["re:.*self_attn.*"],"weights":{"num_bits":8,"type":"float"},"input_activations":{"num_bits":8,"type":"float"}},
           "experts":{"targets":["re:.*experts.*"],"weights":{"num_bits":4,"type":"int","group_size":128}}}})",
       "mixed", "fp8", "int4-wna16"},
      {R"({"quant_method":"compressed-tensors","config_groups":{
           "all":{"targets":["Linear"],"weights":{"num_bits":8,"type":"float"},"input_activations":{"num_bits":8,"type":"float"}},
           "experts":{"targets":["re:.*experts.*"],"weights":{"num_bits":4,"type":"float","group_size":16},"input_activations":{"num_bits":4,"type":"float","group_size":16}}}})",
       "mixed", "fp8", "nvfp4"},
      {R"({"quant_method":"modelopt","quant_algo":"MIXED_PRECISION","quantized_layers":{
           "model.layers.0.self_attn.q_proj":{"quant_algo":"FP8"},"model.layers.0.mlp.experts.0.up_proj":{"quant_algo":"W4A16_NVFP4"}}})",
       "mixed", "fp8", "nvfp4"},
      {R"({"quant_method":"modelopt","quant_algo":"MIXED_PRECISION","quantized_layers":{
           "model.layers.0.self_attn.q_proj":{"quant_algo":"FP8"},"model.layers.0.mlp.experts.0.up_proj":{"quant_algo":"W4A8_AWQ"}}})",
       "w4a8", "fp8", "w4a8"},
      {R"({"quant_method":"quark","global_quant_config":{"weight":{"dtype":"fp8_e4m3"},"input_tensors":{"dtype":"fp8_e4m3"}},
           "layer_quant_config":{"*experts*":{"weight":{"dtype":"fp4","group_size":32},"input_tensors":{"dtype":"fp4","group_size":32}}}})",
       "mixed", "fp8", "mxfp4"},
      {R"({"quant_method":"torchao","quant_type":{"default":{"_type":"ModuleFqnToConfig","_data":{"module_fqn_to_config":{
           "_default":{"_type":"Int4WeightOnlyConfig","_data":{}},"re:.*experts.*":{"_type":"Float8WeightOnlyConfig","_data":{}},"lm_head":null}}}}})",
       "mixed", "int4-wna16", "fp8-w8a16"},
  };
  for (const Row& row : rows) {
    const ModelFacts facts = Read(kMoe, row.quantization);
    EXPECT_EQ(facts.family, row.family) << row.quantization;
    EXPECT_EQ(facts.linear_format, row.linear) << row.quantization;
    EXPECT_EQ(facts.expert_format, row.experts) << row.quantization;
  }
}

TEST(Quantization, NamesTheSchemesOfAMethod) {
  struct Row {
    const char* base;
    std::string quantization;
    std::vector<std::string> schemes;
  };
  const std::string weights =
      R"("weights":{"num_bits":4,"type":"int","strategy":"group","group_size":128,"symmetric":false})";
  const std::vector<Row> rows = {
      {kDense,
       R"({"quant_method":"compressed-tensors","format":"pack-quantized","config_groups":{"g":{"targets":["Linear"],)" +
           weights + "}}}",
       {"linear int4-group128-asym none pack-quantized"}},
      {kMoe,
       R"({"quant_method":"compressed-tensors","format":"float-quantized","config_groups":{"g":{"targets":["Linear"],
           "weights":{"num_bits":8,"type":"float","strategy":"block","block_structure":[128,128]},
           "input_activations":{"num_bits":8,"type":"float","strategy":"group","group_size":128,"dynamic":true}}}})",
       {"experts fp8-block128x128 fp8-group128-dynamic float-quantized",
        "linear fp8-block128x128 fp8-group128-dynamic float-quantized"}},
      {kMoe,
       R"({"quant_method":"quark","exclude":["*self_attn*","lm_head"],"global_quant_config":{
           "weight":[{"dtype":"fp8_e4m3","qscheme":"per_tensor"},{"dtype":"int4","qscheme":"per_channel","symmetric":true}],
           "input_tensors":{"dtype":"fp8_e4m3","qscheme":"per_tensor","is_dynamic":true}}})",
       {"ignored glob - -", "experts fp8-tensor+int4-channel fp8-tensor-dynamic -"}},
      {kMoe,
       R"({"quant_method":"quark","exclude":["lm_head"],"layer_quant_config":{"*mlp.experts*":{
           "weight":{"dtype":"fp4","qscheme":"per_group","group_size":32}}}})",
       {"unlisted none - -", "experts fp4-group32 none -"}},
      {kDense, R"({"quant_method":"modelopt","quant_algo":"W4A8_AWQ","group_size":128})", {"linear w4a8_awq - -"}},
      {kDense,
       R"({"quant_method":"modelopt","quant_algo":"MIXED_PRECISION","config_groups":{"group_0":{"targets":["q_proj"]}}})",
       {"linear mixed_precision - empty"}},
      {kMoe,
       R"({"quant_method":"modelopt","quant_algo":"MIXED_PRECISION","quantized_layers":{
           "model.layers.0.self_attn.q_proj":{"quant_algo":"UNQUANTIZED"},"model.layers.0.mlp.experts":{"quant_algo":"NVFP4"}}})",
       {"experts nvfp4 - mixed"}},
      {kDense,
       R"({"quant_method":"modelopt","quant_algo":"MIXED_PRECISION","quantized_layers":{
           "model.layers.0.self_attn.q_proj":{"quant_algo":"FP8"},"model.layers.0.mlp.down_proj":{"quant_algo":"NVFP4"}}})",
       {"linear fp8 - mixed", "linear nvfp4 - mixed"}},
      {kDense,
       R"({"quant_method":"gptq","bits":3,"group_size":128,"sym":false,"desc_act":true,"checkpoint_format":"gptq_v2"})",
       {"linear int3-group128-asym-actorder none gptq_v2"}},
      {kDense,
       R"({"quant_method":"awq","bits":4,"group_size":64,"version":"gemv"})",
       {"linear int4-group64-asym none gemv"}},
      {kDense,
       R"({"quant_method":"auto-round","bits":4,"group_size":128,"sym":true,"packing_format":"auto_round:auto_gptq"})",
       {"linear int4-group128 none auto_round:auto_gptq"}},
      {kDense, R"({"quant_method":"bitsandbytes","load_in_8bit":true})", {"linear int8 - -"}},
      {kDense, R"({"quant_method":"fp8","activation_scheme":"static"})", {"linear fp8-tensor fp8-static -"}},
      {kDense, Torchao("Int8WeightOnlyConfig"), {"linear int8weightonlyconfig - -"}},
      {kDense, "", {}},
  };
  for (const Row& row : rows) EXPECT_EQ(Read(row.base, row.quantization).schemes, row.schemes) << row.quantization;
}

TEST(Quantization, SaysWhichListsOfAwqNameRoutedExperts) {
  const std::string one_dense =
      R"({"architectures":["DeepseekV3ForCausalLM"],"model_type":"deepseek_v3","num_hidden_layers":4,
    "hidden_size":64,"num_attention_heads":4,"n_routed_experts":8,"num_experts_per_tok":2,"moe_intermediate_size":32,
    "intermediate_size":128,"first_k_dense_replace":1,"n_shared_experts":1})";
  const std::vector<std::tuple<std::string, std::string, bool>> rows = {
      {one_dense, R"(["model.layers.0."])", false},
      {one_dense, R"(["model.layers.0.","model.layers.3."])", true},
      {one_dense, R"(["model.layers.0","model.layers.3.mlp"])", true},
      // Layer 4 only predicts further tokens.
      {one_dense, R"(["model.layers.0.","model.layers.4."])", false},
      {one_dense, R"(["model.layers.0.self_attn","model.layers.3.self_attn"])", false},
      {one_dense, R"(["mlp.gate.","mlp.shared_experts","lm_head"])", false},
      {one_dense, R"(["model.layers.3.mlp.experts"])", true},
      {one_dense, R"(["mlp"])", true},
      {one_dense, R"([""])", false},
      {one_dense, R"(["layers.","..."])", false},
      {kDense, R"(["model.layers.0.","mlp"])", false},
  };
  for (const auto& [base, list, expected] : rows) {
    const ModelFacts facts =
        Read(base.c_str(), R"({"quant_method":"awq","bits":4,"group_size":128,"modules_to_not_convert":)" + list + "}");
    const bool said = std::ranges::find(facts.schemes, "ignored experts - -") != facts.schemes.end();
    EXPECT_EQ(said, expected) << list;
  }
}

TEST(Quantization, SaysThatOnlyTheClassOfTheConfigurationKnowsItsPlace) {
  const std::string quantization = R"({"quant_method":"awq","bits":4,"group_size":128,"version":"gemm"})";
  const auto schemes = [&](const std::string& key, const std::string& top) {
    json config = {{"architectures", {"InternVLChatModel"}}, {"model_type", "internvl_chat"}};
    config[key] = {{"architectures", {"Qwen2ForCausalLM"}}, {"model_type", "qwen2"}};
    config[key]["quantization_config"] = json::parse(quantization);
    if (!top.empty()) config["quantization_config"] = json::parse(top);
    return FactsOfConfig(config, "config.json")->schemes;
  };
  const std::string linear = "linear int4-group128-asym none gemm";
  EXPECT_THAT(schemes("llm_config", ""), ElementsAre("declared llm_config int4-group128-asym -", linear));
  EXPECT_THAT(schemes("llm_config", quantization), ElementsAre(linear));
  EXPECT_THAT(schemes("text_config", ""), ElementsAre(linear));
}

TEST(Quantization, KnowsTheBlocksThatShareAScale) {
  const std::vector<std::pair<std::string, std::optional<WeightBlock>>> rows = {
      {R"({"quant_method":"fp8","weight_block_size":[128,128]})", WeightBlock{128, 128}},
      {R"({"quant_method":"fp8"})", std::nullopt},
      {R"({"quant_method":"fp8","weight_block_size":[0,128]})", std::nullopt},
      {R"({"quant_method":"compressed-tensors","config_groups":{"g":{"targets":["Linear"],
           "weights":{"num_bits":8,"type":"float","strategy":"block","block_structure":"128x64"},"input_activations":{"num_bits":8,"type":"float"}}}})",
       WeightBlock{128, 64}},
      {R"({"quant_method":"awq","bits":4,"group_size":128})", WeightBlock{1, 128}},
      {R"({"quant_method":"gptq","bits":4,"group_size":-1})", std::nullopt},
      {R"({"quant_method":"modelopt","quant_algo":"FP8_BLOCK_SCALES"})", WeightBlock{128, 128}},
  };
  for (const auto& [quantization, block] : rows)
    EXPECT_EQ(Read(kDense, quantization).weight_block, block) << quantization;
}

TEST(Quantization, ReadsDeclaredKvCaches) {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {R"({"quant_method":"quark","global_quant_config":{"weight":{"dtype":"fp8_e4m3"}},"kv_cache_quant_config":{"*k_proj":{"output_tensors":{"dtype":"fp8_e4m3"}}}})",
       "fp8"},
      {R"({"quant_method":"quark","global_quant_config":{"weight":{"dtype":"fp8_e4m3"}},"kv_cache_quant_config":{"*k_proj":{"output_tensors":{"dtype":"int8"}}}})",
       "int8"},
      {R"({"quant_method":"quark","global_quant_config":{"weight":{"dtype":"fp8_e4m3"}},"kv_cache_quant_config":{"*k_proj":{}}})",
       "unknown"},
      {R"({"quant_method":"modelopt","quant_algo":"NVFP4","kv_cache_quant_algo":"NVFP4"})", "nvfp4"},
      {R"({"quant_method":"compressed-tensors","config_groups":{},"kv_cache_scheme":{"type":"float"}})", "unknown"},
      {R"({"quant_method":"compressed-tensors","config_groups":{},"kv_cache_scheme":null})", "none"},
  };
  for (const auto& [quantization, kv_cache] : rows)
    EXPECT_EQ(Read(kDense, quantization).kv_cache, kv_cache) << quantization;
}

TEST(Quantization, SaysHowAKvCacheIsDeclared) {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {R"("quant_algo":"FP8","kv_cache_scheme":{"num_bits":8,"type":"float","dynamic":false})", "scheme"},
      {R"("quant_algo":"FP8","kv_cache_scheme":"FP8")", "text"},
      {R"("quant_algo":"FP8","kv_cache_quant_algo":"FP8")", "algorithm"},
      {R"("quant_algo":"FP8","kv_cache_scheme":"FP8","kv_cache_quant_algo":"FP8")", "text"},
      {R"("quantization":{"quant_algo":"FP8","kv_cache_quant_algo":"FP8"})", "nested"},
      {R"("quant_algo":"FP8","kv_cache_quant_algo":null)", ""},
      {R"("quant_algo":"FP8","kv_cache_scheme":{})", ""},
  };
  for (const auto& [said, form] : rows)
    EXPECT_EQ(Read(kDense, R"({"quant_method":"modelopt",)" + said + "}").kv_form, form) << said;
}

TEST(Quantization, NamesAModelOptKvCacheWithoutStaticScales) {
  const auto schemes = [](const std::string& kv) {
    return Read(kDense, R"({"quant_method":"modelopt","quant_algo":"FP8",)" + kv + "}").schemes;
  };
  const std::string fp8 = R"("kv_cache_scheme":{"num_bits":8,"type":"float")";
  EXPECT_THAT(schemes(R"("kv_cache_quant_algo":"FP8")"), Not(Contains(HasSubstr("kv "))));
  EXPECT_THAT(schemes(fp8 + R"(,"dynamic":false})"), Not(Contains(HasSubstr("kv "))));
  EXPECT_THAT(schemes(fp8 + R"(,"dynamic":true})"), Contains("kv fp8-tensor-dynamic - -"));
  EXPECT_THAT(schemes(fp8 + "}"), Contains("kv fp8-tensor-dynamic - -"));
}

TEST(Quantization, NamesKvCachesAndAttentionThatAreNotTheUsualOnes) {
  const auto schemes = [](const std::string& rest) {
    return Read(kDense, R"({"quant_method":"compressed-tensors","format":"float-quantized",)" + rest + "}").schemes;
  };
  const std::string linear =
      R"("config_groups":{"group_0":{"targets":["Linear"],"weights":{"num_bits":8,"type":"float","strategy":"channel"},
         "input_activations":{"num_bits":8,"type":"float","strategy":"token","dynamic":true}}})";
  const std::string scheme = "linear fp8-channel fp8-token-dynamic float-quantized";
  const std::string kv =
      R"(,"kv_cache_scheme":{"num_bits":8,"type":"float","dynamic":false,"symmetric":true,"strategy":)";
  EXPECT_THAT(schemes(linear), ElementsAre(scheme));
  EXPECT_THAT(schemes(linear + kv + R"("tensor"})"), ElementsAre(scheme));
  EXPECT_THAT(schemes(linear + kv + R"("attn_head"})"), ElementsAre("kv fp8-attn_head - -", scheme));
  EXPECT_THAT(
      schemes(linear + R"(,"kv_cache_scheme":{"num_bits":8,"type":"int","symmetric":true,"strategy":"tensor"})"),
      ElementsAre("kv int8-tensor - -", scheme));
  EXPECT_THAT(schemes(linear + R"(,"sparsity_config":{},"transform_config":{})"), ElementsAre(scheme));
  EXPECT_THAT(
      schemes(linear +
              R"(,"sparsity_config":{"format":"sparse-24-bitmask","sparsity_structure":"2:4","targets":["Linear"]},
                  "transform_config":{"config_groups":{"u":{"type":"hadamard"}}})"),
      ElementsAre("sparse 2:4 - sparse-24-bitmask", "transform - - -", scheme));
  const std::string attention =
      R"("weights":null,"input_activations":{"num_bits":8,"type":"float","strategy":"attn_head","symmetric":true}}})";
  const ModelFacts alone = Read(
      kDense,
      R"({"quant_method":"compressed-tensors","format":"dense","config_groups":{"group_0":{"targets":["LlamaAttention"],)" +
          attention + "}");
  EXPECT_THAT(alone.schemes, ElementsAre("attention none fp8-attn_head class"));
  EXPECT_EQ(alone.linear_format, "none");
  EXPECT_EQ(alone.family, "other");
}

TEST(Quantization, ReadsTheFilesOfOlderToolsWhereConfigSaysNothing) {
  const auto read = [](const std::string& file, const char* name, const std::string& quantization = "") {
    json config = json::parse(kDense);
    if (!quantization.empty()) config["quantization_config"] = json::parse(quantization);
    const json legacy = json::parse(file);
    CheckpointParts parts;
    parts.config = &config;
    parts.legacy = &legacy;
    parts.legacy_name = name;
    return FactsOf(parts).value();
  };
  const std::string gptq = R"({"bits":4,"group_size":128,"damp_percent":0.01,"desc_act":true,"sym":true})";
  const ModelFacts facts = read(gptq, "quantize_config.json");
  EXPECT_EQ(facts.quantization, "gptq");
  EXPECT_EQ(facts.family, "int4-wna16");
  EXPECT_THAT(facts.schemes, ElementsAre("declared quantize_config.json int4-group128-actorder -",
                                         "linear int4-group128-actorder none -"));
  EXPECT_THAT(facts.notes,
              ElementsAre("quantize_config.json declares gptq, config.json does not: engines read the file "
                          "only if they are told the method"));
  const ModelFacts awq =
      read(R"({"zero_point":true,"q_group_size":128,"w_bit":4,"version":"GEMM"})", "quant_config.json");
  EXPECT_EQ(awq.quantization, "awq");
  EXPECT_THAT(awq.schemes,
              ElementsAre("declared quant_config.json int4-group128-asym -", "linear int4-group128-asym none gemm"));
  EXPECT_EQ(read(R"({"tokens":1})", "quant_config.json").quantization, "none");
  EXPECT_EQ(read(gptq, "quantize_config.json", R"({"quant_method":"awq","bits":4})").quantization, "awq");
}

TEST(Quantization, IsReadFromKeysOfItsOwn) {
  const auto read = [](const char* key, const json& value) {
    json config = {{"architectures", {"LlamaForCausalLM"}}, {"model_type", "llama"}};
    config[key] = value;
    return *FactsOfConfig(config, "config.json");
  };
  // The first exports of AQLM and QuIP#, and ModelSlim's older ones.
  EXPECT_EQ(read("aqlm", {{"nbits_per_codebook", 16}}).quantization, "aqlm");
  EXPECT_EQ(read("aqlm", {{"nbits_per_codebook", 16}}).family, "other");
  EXPECT_EQ(read("quip_params", {{"codebook", "E8P12"}}).quantization, "quip");
  EXPECT_EQ(read("quantize", "w8a8_dynamic").quantization, "modelslim");
  EXPECT_EQ(read("quantize", "w8a8_dynamic").family, "foreign");
  EXPECT_EQ(read("quantize", false).quantization, "none");
  EXPECT_EQ(read("aqlm", json::object()).quantization, "none");
}

TEST(Quantization, OfWhatTrtllmBuildTakesAndMakesIsForeign) {
  const json checkpoint = {{"producer", {{"name", "modelopt"}}},
                           {"architecture", "Qwen3ForCausalLM"},
                           {"position_embedding_type", "rope_gpt_neox"},
                           {"quantization", {{"quant_algo", "FP8"}}}};
  const json engine = {
      {"version", "1.0"}, {"pretrained_config", checkpoint}, {"build_config", {{"max_batch_size", 8}}}};
  for (const json& config : {checkpoint, engine}) {
    EXPECT_EQ(FactsOfConfig(config, "config.json")->quantization, "trtllm-build") << config;
    EXPECT_EQ(FactsOfConfig(config, "config.json")->family, "foreign") << config;
  }
  json hugging_face = checkpoint;
  hugging_face["architectures"] = {"Qwen3ForCausalLM"};
  EXPECT_EQ(FactsOfConfig(hugging_face, "config.json")->family, "fp8");
}

TEST(Quantization, NamesAForeignFormatWhereverItIsDeclared) {
  json config = json::parse(kDense);
  config["quantization"] = {{"group_size", 64}, {"bits", 4}, {"mode", "affine"}};
  EXPECT_EQ(FactsOfConfig(config)->quantization, "mlx");
  config["quantization_config"] = config["quantization"];  // as mlx-lm writes it
  const auto facts = FactsOfConfig(config);
  EXPECT_EQ(facts->quantization, "mlx");
  EXPECT_EQ(facts->family, "foreign");
  EXPECT_THAT(facts->notes, ElementsAre());
}

// Qwen3.5: a norm that stays as it is says nothing about the layers beside it.
TEST(Quantization, GatesOfLinearAttentionAreQuantizedUnlessAListNamesThem) {
  const auto gates = [](const std::string& quantization) {
    json config = json::parse(R"({"architectures": ["Qwen3_5ForConditionalGeneration"], "text_config": {
      "model_type": "qwen3_5_text", "num_hidden_layers": 64, "hidden_size": 5120, "linear_num_value_heads": 48}})");
    config["quantization_config"] = json::parse(quantization);
    const auto facts = FactsOfConfig(config);
    EXPECT_EQ(facts->linear_value_heads, 48);
    EXPECT_EQ(*ModelFactsFromJson(ToJson(*facts)), *facts);
    return !facts->ignores("linearGates");
  };
  EXPECT_TRUE(gates(R"({"quant_method": "auto-round", "bits": 4, "group_size": 128, "sym": true, "extra_config": {
      "model.language_model.layers.0.linear_attn.norm": {"bits": 16},
      "model.language_model.layers.3.self_attn.k_norm": {"bits": 16}, "lm_head": {"bits": 16}}})"));
  EXPECT_FALSE(gates(R"({"quant_method": "auto-round", "bits": 4, "group_size": 128, "sym": true, "extra_config": {
      ".*in_proj_[ab]": {
    "bits" : 16}
}
})"));
  EXPECT_FALSE(
      gates(R"({"quant_method": "gptq", "bits": 4, "group_size": 128, "dynamic": {"-:.*linear_attn.*": {}}})"));
  EXPECT_FALSE(gates(R"({"quant_method": "gptq", "bits": 4, "group_size": 128,
      "modules_in_block_to_quantize": [["mlp.down_proj"], ["self_attn.o_proj"]]})"));
  const auto compressed = [&](const std::string& targets, const std::string& ignore) {
    return gates(R"({"quant_method": "compressed-tensors", "format": "pack-quantized", "ignore": )" + ignore +
                 R"(, "config_groups": {"group_0": {"targets": )" + targets +
                 R"(, "weights": {"num_bits": 4, "type": "int", "strategy": "group", "group_size": 128}}}})");
  };
  EXPECT_TRUE(compressed(R"(["Linear"])", R"(["lm_head"])"));
  EXPECT_FALSE(compressed(R"(["Linear"])", R"(["lm_head", "model.layers.0.linear_attn.in_proj_a"])"));
  EXPECT_FALSE(compressed(R"(["re:.*mlp.*", "re:.*self_attn.*"])", R"(["lm_head"])"));
}

TEST(Quantization, ListsIgnoredModulesShortly) {
  std::string ignore;
  for (int layer = 0; layer < 50; ++layer) ignore += ",\"model.layers." + std::to_string(layer) + ".mlp.gate\"";
  const ModelFacts facts = Read(kMoe, R"({"quant_method":"fp8","modules_to_not_convert":["lm_head")" + ignore + "]}");
  EXPECT_THAT(facts.ignored_modules, ElementsAre("lm_head", "model.layers.*.mlp.gate"));
}

}  // namespace
}  // namespace autotune::checkpoint
