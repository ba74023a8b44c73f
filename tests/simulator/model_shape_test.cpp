#include "simulator/model_shape.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "checkpoint/checkpoint.h"
#include "simulator/deployment.h"
#include "simulator/engine_settings.h"

namespace autotune::simulator {
namespace {

using nlohmann::json;

TEST(ModelShape, IsGuessedFromTheName) {
  struct Case {
    const char* name;
    int layers;
    int experts;
    const char* quantization;
  };
  const Case cases[] = {
      {"meta-llama/Llama-3.2-1B-Instruct", 16, 0, ""},
      {"meta-llama/Llama-3.1-8B-Instruct", 32, 0, ""},
      {"meta-llama/Llama-3.3-70B-Instruct", 80, 0, ""},
      {"Qwen/Qwen2.5-0.5B", 24, 0, ""},
      {"Qwen/Qwen3-30B-A3B", 48, 128, ""},
      {"Qwen/Qwen3-235B-A22B-FP8", 94, 128, "fp8"},
      {"mistralai/Mixtral-8x7B-v0.1", 32, 8, ""},
      {"TheBloke/Llama-2-7B-AWQ", 32, 0, "awq"},
      {"openai/gpt-oss-20b", 24, 32, "mxfp4"},
      {"someone/no-size-at-all", 32, 0, ""},
  };
  for (const Case& each : cases) {
    const ModelShape shape = ShapeFromName(each.name);
    EXPECT_EQ(shape.layers, each.layers) << each.name;
    EXPECT_EQ(shape.experts, each.experts) << each.name;
    EXPECT_EQ(shape.checkpoint_quantization, each.quantization) << each.name;
  }
}

TEST(ModelShape, IsReadFromConfigJson) {
  const json config = {{"architectures", {"Qwen3MoeForCausalLM"}},
                       {"num_hidden_layers", 8},
                       {"hidden_size", 2048},
                       {"num_attention_heads", 32},
                       {"num_key_value_heads", 4},
                       {"head_dim", 128},
                       {"vocab_size", 32000},
                       {"num_experts", 32},
                       {"num_experts_per_tok", 8},
                       {"moe_intermediate_size", 768},
                       {"max_position_embeddings", 4096},
                       {"torch_dtype", "float16"}};
  const auto shape = ShapeFromConfig(config, json());
  ASSERT_TRUE(shape.ok());
  EXPECT_EQ(shape->experts, 32);
  EXPECT_EQ(shape->dtype, "float16");
  EXPECT_DOUBLE_EQ(shape->expert_parameters, 8.0 * 32 * 3 * 2048 * 768);
  EXPECT_DOUBLE_EQ(shape->kv_elements_per_token(), 2.0 * 8 * 4 * 128);
}

TEST(ModelShape, NamesTheFieldThatIsMissing) {
  const auto shape = ShapeFromConfig({{"num_hidden_layers", 2}}, json());
  ASSERT_FALSE(shape.ok());
  EXPECT_EQ(shape.error().message, "config.json: hidden_size is missing");
}

TEST(ModelShape, ReadsTheQuantizationOfACheckpoint) {
  const json base = {{"num_hidden_layers", 2}, {"hidden_size", 64}, {"num_attention_heads", 2}};
  json awq = base;
  awq["quantization_config"] = {{"quant_method", "awq"}, {"bits", 4}};
  EXPECT_EQ(ShapeFromConfig(awq, json())->checkpoint_quantization, "awq");
  const json modelopt = {{"quantization", {{"quant_algo", "FP8"}, {"kv_cache_quant_algo", "FP8"}}}};
  const auto shape = ShapeFromConfig(base, modelopt);
  EXPECT_EQ(shape->checkpoint_quantization, "modelopt");
  EXPECT_TRUE(shape->checkpoint_fp8_kv);
}

// Where the name says nothing.
TEST(ModelShape, OfKnownFactsIsThatOfTheirFiles) {
  const auto weights = [](int bits, const char* type) {
    return json{{"num_bits", bits}, {"type", type}, {"strategy", "tensor"}, {"dynamic", false}, {"symmetric", true}};
  };
  const auto compressed = [](const char* format, const json& stored, const json& inputs) {
    return json{{"quant_method", "compressed-tensors"},
                {"format", format},
                {"config_groups",
                 {{"group_0", {{"targets", {"Linear"}}, {"weights", stored}, {"input_activations", inputs}}}}}};
  };
  using engine_model::Arithmetic;
  const struct {
    json quantization;
    engine_model::MatrixFormat dense;
    double cache_bytes;
  } kCases[] = {
      {nullptr, {2, Arithmetic::kBf16}, 2},
      {{{"quant_method", "modelopt"},
        {"quant_algo", "NVFP4"},
        {"kv_cache_scheme", {{"num_bits", 8}, {"type", "float"}, {"dynamic", false}}}},
       {0.55, Arithmetic::kFp4},
       1},
      {{{"quant_method", "awq"}, {"bits", 4}, {"group_size", 128}}, {0.55, Arithmetic::kBf16}, 2},
      {{{"quant_method", "fp8"}, {"activation_scheme", "dynamic"}}, {1, Arithmetic::kFp8}, 2},
      {compressed("float-quantized", weights(8, "float"), weights(8, "float")), {1, Arithmetic::kFp8}, 2},
      {compressed("int-quantized", weights(8, "int"), weights(8, "int")), {1, Arithmetic::kInt8}, 2},
      {compressed("pack-quantized", weights(4, "int"), nullptr), {0.55, Arithmetic::kBf16}, 2},
  };
  const std::filesystem::path directory = ::testing::TempDir() + "known-facts-" + std::to_string(getpid());
  std::filesystem::create_directory(directory);
  for (const auto& row : kCases) {
    json config = {{"architectures", {"LlamaForCausalLM"}},
                   {"torch_dtype", "bfloat16"},
                   {"num_hidden_layers", 20},
                   {"hidden_size", 2048},
                   {"intermediate_size", 6000},
                   {"num_attention_heads", 16},
                   {"num_key_value_heads", 4},
                   {"vocab_size", 50000}};
    if (!row.quantization.is_null()) config["quantization_config"] = row.quantization;
    std::ofstream(directory / "config.json") << config;
    const auto facts = checkpoint::FactsOfConfig(config, "facts");
    ASSERT_TRUE(facts.ok()) << facts.error().message;
    const auto known = KnownModelsFromText(json{{"acme/compressed", checkpoint::ToJson(*facts)}}.dump());
    ASSERT_TRUE(known.ok()) << known.error().message;
    for (const std::string& model : {std::string("acme/compressed"), directory.string()}) {
      const auto shape = LoadModelShape(model, *known);
      ASSERT_TRUE(shape.ok()) << shape.error().message;
      EXPECT_TRUE(shape->from_config);
      EngineSettings settings;
      settings.shape = *shape;
      const engine_model::Deployment deployment = DeploymentOf(settings);
      EXPECT_EQ(deployment.model.layers, 20);
      EXPECT_EQ(deployment.model.intermediate, 6000);
      EXPECT_EQ(deployment.dense, row.dense) << model << " " << row.quantization;
      EXPECT_EQ(deployment.cache_bytes_per_element, row.cache_bytes) << model << " " << row.quantization;
    }
    EXPECT_FALSE(LoadModelShape("acme/other", *known)->from_config);
  }
  std::filesystem::remove_all(directory);
}

TEST(ModelShape, OfADirectoryWithoutConfigIsTheEnginesError) {
  const auto shape = LoadModelShape("/nonexistent/model", {});
  ASSERT_FALSE(shape.ok());
  EXPECT_TRUE(shape.error().message.starts_with(
      "OSError: /nonexistent/model does not appear to have a file named config.json"));
}

}  // namespace
}  // namespace autotune::simulator
