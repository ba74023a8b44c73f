// Defaults of absent keys by model class, where the transformers library defines them.
//
// Pure, thread-safe. Only classes whose definition was read are listed (transformers' configuration_*.py and the
// engines' model files); for other classes an absent size is not known.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace autotune::checkpoint {

struct ModelClass {
  std::string_view name;  // model_type without "_", "-" and "."
  // Without a number of KV heads, each attention head has its own.
  bool kv_heads_follow = false;
  // Without head_dim: hidden size divided by heads, or this number; neither = not known.
  bool head_dim_follows = false;
  std::optional<std::int64_t> head_dim = std::nullopt;
  // MLPs of Qwen 1 and Molmo are half as wide as intermediate_size.
  std::int64_t mlp_divisor = 1;
  // intermediate_size is the width of the experts if no other key gives it.
  bool experts_have_mlp_width = false;
  // Every layer has experts if no key says which.
  bool experts_everywhere = false;
};

// By model_type, or by architecture ("Qwen3MoeForCausalLM") if the type is absent. Null for a class that is not listed.
const ModelClass* FindModelClass(std::string_view model_type, std::string_view architecture);

// Matrices per MLP or expert, for a model class and its activation: 3 with a gate, 2 without; nullopt = not known.
std::optional<std::int64_t> MlpMatrices(std::string_view class_name, std::string_view activation);

// MLP width as a multiple of the hidden size if no key gives it: 4 for classes like GPT-2. nullopt = the class does not
// define it.
std::optional<std::int64_t> MlpWidthFactor(std::string_view class_name);

// "qwen3_moe" and "Qwen3MoeForCausalLM" -> "qwen3moe".
std::string ClassName(std::string_view model_type, std::string_view architecture);

}  // namespace autotune::checkpoint
