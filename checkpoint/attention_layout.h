// Layers with a KV cache, the shape of the cache and its window, from the many forms of configurations.
//
// Pure, thread-safe. Internal to checkpoint/. Sources: transformers' configuration classes and the engines' model
// files.
#pragma once

#include <nlohmann/json.hpp>

#include "checkpoint/model_facts.h"

namespace autotune::checkpoint {

// Fills in heads, kinds of layers and `caches` of `facts`, whose layers and hidden_size have been read. `language` is
// the language model's object, `config` the whole configuration (the same one where nothing is nested).
void ReadAttention(const nlohmann::json& language, const nlohmann::json& config, ModelFacts& facts);

}  // namespace autotune::checkpoint
