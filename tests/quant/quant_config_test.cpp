#include "quant/quant_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace autotune::quant {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> Names(const std::vector<QuantConfig>& configs) {
  std::vector<std::string> names;
  for (const QuantConfig& config : configs) names.push_back(config.name);
  return names;
}

std::string ErrorOf(const QuantSpec& spec) {
  const base::Result<std::vector<QuantConfig>> configs = ExpandPresets(spec);
  return configs.ok() ? "accepted" : configs.error().message;
}

TEST(QuantConfig, HasFivePresetsWithDefaultFirst) {
  std::vector<std::string> names;
  for (const QuantConfig& preset : Presets()) names.push_back(preset.name);
  EXPECT_THAT(names, ElementsAre("default", "kv-cache-fp8", "dynamic-fp8", "bf16-stable", "aggressive-moe"));
  EXPECT_EQ(Summary(*FindPreset("aggressive-moe")), "GEMM: bfloat16, KV cache: fp8, attention: fp8, MoE: w4afp8");
  EXPECT_EQ(FindPreset("fast"), nullptr);
}

TEST(QuantConfig, StartsEveryListOfValuesWithAuto) {
  for (const Field field : kFields) EXPECT_EQ(AllowedValues(field).front(), "auto") << FieldName(field);
}

TEST(Expand, TakesTheDefaultPresetWhenNothingIsAsked) {
  const auto configs = ExpandPresets({});
  ASSERT_TRUE(configs.ok());
  EXPECT_THAT(*configs, ElementsAre(Presets().front()));
}

TEST(Expand, LetsFieldsOverrideThePreset) {
  QuantSpec spec;
  spec.preset = "dynamic-fp8";
  spec.fields.values = {{Field::kKvCache, "fp8_e5m2"}, {Field::kGemm, "fp8"}};
  const auto configs = ExpandPresets(spec);
  ASSERT_TRUE(configs.ok());
  EXPECT_EQ(configs->front().name, "dynamic-fp8.kvcache-fp8_e5m2");
  EXPECT_EQ(Summary(configs->front()), "GEMM: fp8, KV cache: fp8_e5m2, attention: fp8, MoE: fp8");
}

TEST(Expand, NamesFieldsAlone) {
  QuantSpec spec;
  spec.fields.values = {{Field::kGemm, "fp8"}, {Field::kMoe, "int8"}};
  EXPECT_THAT(Names(*ExpandPresets(spec)), ElementsAre("gemm-fp8.moe-int8"));
  spec.fields.values = {{Field::kGemm, "auto"}};
  EXPECT_THAT(Names(*ExpandPresets(spec)), ElementsAre("default"));
}

TEST(Expand, ListsPresetsBeforeCustomConfigurations) {
  QuantSpec spec;
  spec.presets = {"kv-cache-fp8", "default"};
  spec.custom = {{"mine", {{{Field::kGemm, "fp8"}}}}};
  EXPECT_THAT(Names(*ExpandPresets(spec)), ElementsAre("kv-cache-fp8", "default", "mine"));
}

TEST(Expand, SweepsTheProductWithTheLastFieldFastest) {
  QuantSpec spec;
  spec.sweep = {{Field::kGemm, {"auto", "fp8"}}, {Field::kKvCache, {"auto", "fp8"}}};
  EXPECT_THAT(Names(*ExpandPresets(spec)), ElementsAre("default", "kvcache-fp8", "gemm-fp8", "gemm-fp8.kvcache-fp8"));
}

TEST(Expand, NamesFieldValueAndWhatIsAllowed) {
  QuantSpec spec;
  spec.fields.values = {{Field::kGemm, "fp9"}};
  EXPECT_EQ(ErrorOf(spec),
            "spec.quantConfig.gemmDtype: \"fp9\" is not one of auto, float16, bfloat16, float32, fp8, int8");
  spec = {};
  spec.custom = {{"a", {{{Field::kKvCache, "float16"}}}}};
  EXPECT_EQ(ErrorOf(spec),
            "spec.quantConfig.custom[0].kvcacheDtype: \"float16\" is not one of auto, fp16, bfloat16, fp8, fp8_e5m2, "
            "fp8_e4m3, int8, int4");
  spec = {};
  spec.sweep = {{Field::kMoe, {"auto", "nvfp4"}}};
  EXPECT_EQ(ErrorOf(spec),
            "spec.quantConfig.sweep.moeDtype[1]: \"nvfp4\" is not one of auto, float16, bfloat16, fp8, w4afp8, mxfp4, "
            "int8");
  spec = {};
  spec.presets = {"default", "turbo"};
  EXPECT_EQ(ErrorOf(spec),
            "spec.quantConfig.presets[1]: \"turbo\" is not one of default, kv-cache-fp8, dynamic-fp8, bf16-stable, "
            "aggressive-moe");
}

TEST(Expand, RefusesNamesThatAreNotUnique) {
  QuantSpec spec;
  spec.presets = {"default", "default"};
  EXPECT_EQ(ErrorOf(spec), "spec.quantConfig.presets[1]: \"default\" is listed twice");
  spec = {};
  spec.custom = {{"a", {}}, {"a", {}}};
  EXPECT_EQ(ErrorOf(spec), "spec.quantConfig.custom[1].name: \"a\" is used twice");
  spec.custom = {{"dynamic-fp8", {}}};
  EXPECT_EQ(ErrorOf(spec), "spec.quantConfig.custom[0].name: \"dynamic-fp8\" is the name of a preset");
  spec.custom = {{"", {}}};
  EXPECT_EQ(ErrorOf(spec), "spec.quantConfig.custom[0].name: must not be empty");
}

TEST(Expand, RefusesStylesThatDoNotGoTogether) {
  QuantSpec spec;
  spec.preset = "default";
  spec.sweep = {{Field::kGemm, {"fp8"}}};
  EXPECT_EQ(
      ErrorOf(spec),
      "spec.quantConfig: preset, sweep exclude each other; use preset and fields, or presets and custom, or sweep");
  spec = {};
  spec.sweep = {{Field::kGemm, {}}};
  EXPECT_EQ(ErrorOf(spec), "spec.quantConfig.sweep.gemmDtype: must list at least one value");
}

}  // namespace
}  // namespace autotune::quant
