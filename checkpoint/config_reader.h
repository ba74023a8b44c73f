// A model's sizes and layers from config.json, and from what stands for it: Mistral's or Llama's params.json.
//
// Pure, thread-safe. Reads the language model of a multimodal configuration (text_config, llm_config, ...). A key that
// is absent, null or spelled in a way that is not known leaves its fact unset; a key that hints at another kind of
// layer, head or cache than the reader knows leaves what depends on it unset, with a note.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "checkpoint/model_facts.h"

namespace autotune::checkpoint {

// The part of config.json that describes the language model; null where that is the whole.
const nlohmann::json* LanguageConfig(const nlohmann::json& config);

// Where the language model is when it is in no file of this checkpoint: what the key that names another repository
// holds (Ultravox's text_model_id). "" = here.
std::string LanguageModelElsewhere(const nlohmann::json& config);

// Fills in everything but quantization and weight_bytes. `config` must be an object.
void ReadConfig(const nlohmann::json& config, ModelFacts& facts);
// What a params.json (Mistral, Llama) says, in the words of config.json.
nlohmann::json ConfigOfParams(const nlohmann::json& params);
// The keys of params.json that those words stand for, by word. For messages.
std::map<std::string, std::string, std::less<>> ParamsKeys();

}  // namespace autotune::checkpoint
