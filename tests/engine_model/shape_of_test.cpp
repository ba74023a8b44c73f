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

TEST(ShapeOf, IsNothingWhereASizeIsNotKnown) {
  EXPECT_FALSE(ShapeOf(Facts("llava-vicuna")));
  EXPECT_FALSE(ShapeOf(Facts("deepseek-v4-flash"))) << "its caches are not understood";
  checkpoint::ModelFacts facts = Facts("mistral-7b-v0.1");
  facts.intermediate_size.reset();
  EXPECT_FALSE(ShapeOf(facts));
}

}  // namespace
}  // namespace autotune::engine_model
