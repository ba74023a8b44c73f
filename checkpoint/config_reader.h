// Sizes and layers of a model from config.json, or from Mistral's or Llama's params.json.
//
// Pure, thread-safe. Reads the language model of a multimodal configuration (text_config, llm_config, ...). A key that
// is absent, null or has an unknown form leaves its fact unset. An unknown kind of layer, head or cache leaves the
// dependent facts unset, with a note.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "checkpoint/model_facts.h"

namespace autotune::checkpoint {

// The part of config.json that describes the language model; null if that is the whole file.
const nlohmann::json* LanguageConfig(const nlohmann::json& config);

// Repository of the language model if it is not in this checkpoint (Ultravox's text_model_id); "" = it is in this
// checkpoint.
std::string LanguageModelElsewhere(const nlohmann::json& config);

// Sets everything but quantization and weight_bytes. REQUIRES: `config` is an object.
void ReadConfig(const nlohmann::json& config, ModelFacts& facts);
// A params.json (Mistral, Llama) with the keys of config.json.
nlohmann::json ConfigOfParams(const nlohmann::json& params);
// Keys of params.json by key of config.json, for messages.
std::map<std::string, std::string, std::less<>> ParamsKeys();

}  // namespace autotune::checkpoint
