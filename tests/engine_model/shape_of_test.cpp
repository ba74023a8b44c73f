#include "engine_model/shape_of.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "checkpoint/checkpoint.h"

namespace autotune::engine_model {
namespace {

using nlohmann::json;

checkpoint::ModelFacts Facts(const std::string& name) {
  std::ifstream stream(std::string(TESTDATA_DIR) + "/checkpoint/public/" + name + ".json");
  return *checkpoint::FactsOfConfig(json::parse(stream).at("config"));
}

TEST(ShapeOf, CountsThePublishedParameters) {
  const auto deepseek = ShapeOf(Facts("deepseek-v3"));
  ASSERT_TRUE(deepseek);
  EXPECT_EQ(deepseek->dense_layers, 3);
  EXPECT_DOUBLE_EQ(deepseek->RoutedExpertParameters(), 58.0 * 256 * 3 * 7168 * 2048);
  const auto mistral = ShapeOf(Facts("mistral-7b-v0.1"));
  ASSERT_TRUE(mistral);
  EXPECT_EQ(mistral->window_layers, 32);
  EXPECT_DOUBLE_EQ(mistral->DenseMlpParameters(), 32.0 * 3 * 4096 * 14336);
  const auto gpt_oss = ShapeOf(Facts("gpt-oss-20b"));
  ASSERT_TRUE(gpt_oss);
  EXPECT_TRUE(gpt_oss->expert_only_quantization);
  EXPECT_EQ(gpt_oss->window_layers, 12);
}

// Mamba, experts and attention are layers of their own here; experts have no gate, and in the larger model inputs of a
// width of their own. The cards: 31.6 and 550 billion parameters.
TEST(ShapeOf, CountsExpertsWithoutAGateAndOfAnotherWidth) {
  const auto nano = ShapeOf(Facts("nemotron-3.5-lightning-nvfp4"));
  ASSERT_TRUE(nano);
  EXPECT_EQ(nano->moe_layers(), 23);
  EXPECT_DOUBLE_EQ(nano->RoutedExpertParameters(), 23.0 * 128 * 2 * 2688 * 1856);
  EXPECT_DOUBLE_EQ(nano->SharedExpertParameters(), 23.0 * 2 * 2688 * 3712);
  EXPECT_DOUBLE_EQ(nano->DenseMlpParameters(), 0);
  EXPECT_NEAR(nano->Parameters(), 31.6e9, 0.4e9);
  const auto ultra = ShapeOf(Facts("nemotron-3-ultra-bf16"));
  ASSERT_TRUE(ultra);
  EXPECT_DOUBLE_EQ(ultra->RoutedExpertParameters(), 48.0 * 512 * 2 * 2048 * 5120);
  EXPECT_DOUBLE_EQ(ultra->SharedExpertParameters(), 48.0 * (2.0 * 8192 * 10240 + 2.0 * 8192 * 2048));
  EXPECT_NEAR(ultra->Parameters(), 550e9, 12e9);
}

TEST(ShapeOf, CountsADenseMlpBesideTheExperts) {
  const auto gemma = ShapeOf(Facts("gemma-4-26b-a4b"));
  ASSERT_TRUE(gemma);
  EXPECT_EQ(gemma->moe_layers(), gemma->layers);
  EXPECT_EQ(gemma->shared_intermediate, gemma->intermediate);
}

TEST(ShapeOf, IsNothingWhereASizeIsNotKnown) {
  EXPECT_FALSE(ShapeOf(Facts("llava-vicuna")));
  EXPECT_FALSE(ShapeOf(Facts("deepseek-v4-flash"))) << "its caches are not understood";
  checkpoint::ModelFacts facts = Facts("mistral-7b-v0.1");
  facts.intermediate_size.reset();
  EXPECT_FALSE(ShapeOf(facts));
}

}  // namespace
}  // namespace autotune::engine_model
