// Defaults of absent keys by model class, where the transformers library defines them.
//
// Pure, thread-safe. Only classes whose definition was read are listed (transformers' configuration_*.py and the
// engines' model files); for any other an absent size is not known.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace autotune::checkpoint {

struct ModelClass {
  std::string_view name;  // model_type without "_", "-" and "."
  // Without a number of KV heads every attention head has its own.
  bool kv_heads_follow = false;
  // Without head_dim: the hidden size divided by the heads; or this number; neither = not known.
  bool head_dim_follows = false;
  std::optional<std::int64_t> head_dim = std::nullopt;
  // A Qwen 1 MLP, and a Molmo's, is half as wide as its intermediate_size says.
  std::int64_t mlp_divisor = 1;
  // intermediate_size is the width of the experts where no other key gives it.
  bool experts_have_mlp_width = false;
  // Every layer has experts where no key says which.
  bool experts_everywhere = false;
};

// By model_type, or by the architecture ("Qwen3MoeForCausalLM") where the type is absent. Null for an unlisted class.
const ModelClass* FindModelClass(std::string_view model_type, std::string_view architecture);

// Matrices of an MLP or an expert, of a model class and its activation: 3 with a gate, 2 without; unset = not known.
std::optional<std::int64_t> MlpMatrices(std::string_view class_name, std::string_view activation);

// How often an MLP is as wide as the model where no key says its width: 4 in the classes of GPT-2's kind. Unset = the
// class does not say it.
std::optional<std::int64_t> MlpWidthFactor(std::string_view class_name);

// "qwen3_moe" and "Qwen3MoeForCausalLM" -> "qwen3moe".
std::string ClassName(std::string_view model_type, std::string_view architecture);

}  // namespace autotune::checkpoint
