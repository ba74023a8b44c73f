#include "checkpoint/weight_tensors.h"

#include <gmock/gmock.h>

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

namespace autotune::checkpoint {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> KindsOf(std::initializer_list<std::pair<const char*, const char*>> tensors) {
  TensorKinds kinds;
  for (const auto& [name, type] : tensors) kinds.Add(name, type);
  return kinds.List();
}

// Gemma 4's router has scales of its own, whatever is quantized.
TEST(TensorKinds, TellTheScalesOfAQuantizedRouterFromThoseOfTheRouter) {
  EXPECT_THAT(KindsOf({{"model.language_model.layers.0.router.scale", "BF16"},
                       {"model.language_model.layers.0.router.per_expert_scale", "BF16"},
                       {"model.language_model.layers.0.router.proj.weight", "BF16"},
                       {"model.language_model.layers.0.input_layernorm.weight", "BF16"},
                       {"model.language_model.layers.0.layer_scalar", "BF16"}}),
              ElementsAre("linear.weight:BF16"));
  EXPECT_THAT(KindsOf({{"model.layers.0.router.scale", "BF16"},
                       {"model.layers.0.router.proj.weight", "F8_E4M3"},
                       {"model.layers.0.router.proj.weight_scale", "BF16"}}),
              ElementsAre("router.weight:F8_E4M3", "router.weight_scale:BF16"));
  EXPECT_THAT(
      KindsOf({{"model.layers.0.mlp.gate.qweight", ""}, {"model.layers.0.mlp.experts.3.gate_proj.qweight", ""}}),
      ElementsAre("experts.qweight", "router.qweight"));
  EXPECT_THAT(KindsOf({{"model.layers.0.mlp.gate.weight", ""}, {"model.layers.0.mlp.shared_expert_gate.weight", ""}}),
              ElementsAre("linear.weight"));
}

TEST(TensorKinds, TellWhereTheScalesOfTheKvCacheAre) {
  EXPECT_THAT(
      KindsOf({{"model.layers.0.self_attn.k_proj.k_scale", "F32"}, {"model.layers.0.self_attn.v_proj.v_scale", "F32"}}),
      ElementsAre("attention.k_proj.k_scale:F32", "attention.v_proj.v_scale:F32"));
  EXPECT_THAT(KindsOf({{"model.layers.0.self_attn.k_scale", "F32"}, {"model.layers.0.self_attn.attn.v_scale", ""}}),
              ElementsAre("attention.k_scale:F32", "attention.v_scale"));
}

}  // namespace
}  // namespace autotune::checkpoint
