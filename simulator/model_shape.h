// Dimensions of a model: from its files if the path is a directory (checkpoint/), else from given facts, else guessed
// from the name in the hub id.
//
// Nothing is downloaded. The name contains the size ("...-8B-...", "30B-A3B"); the other dimensions are those of a
// known model of that size (docs/simulated-engine.md lists them). Pure but for reading the directory.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/result.h"
#include "checkpoint/model_facts.h"

namespace autotune::simulator {

struct ModelShape {
  std::string architecture = "LlamaForCausalLM";
  int layers = 0;
  int hidden = 0;
  int heads = 0;
  int kv_heads = 0;
  int head_dim = 0;
  int vocabulary = 0;
  int experts = 0;            // 0: dense
  int experts_per_token = 0;  // of those
  int max_positions = 0;
  // Parameters, each counted once: attention and dense MLPs; all experts; the output matrix (read in every step); the
  // input embedding (stored, hardly read; 0 when tied to the output matrix).
  double dense_parameters = 0;
  double expert_parameters = 0;
  double head_parameters = 0;
  double embedding_parameters = 0;
  std::string dtype = "bfloat16";
  std::string checkpoint_quantization;  // quant_method, "" = none
  double checkpoint_bits = 16;          // of the quantized weights
  bool checkpoint_fp8_kv = false;       // the checkpoint asks for an fp8 KV cache
  // As in checkpoint::ModelFacts, for a quantized checkpoint; "" = guessed from the name.
  std::string linear_format, expert_format, activations;
  bool latent_attention = false;  // one compressed entry per token instead of keys and values
  bool from_config = false;       // false: guessed from the name

  [[nodiscard]] bool is_moe() const { return experts > 0; }
  [[nodiscard]] double parameters() const {
    return dense_parameters + expert_parameters + head_parameters + embedding_parameters;
  }
  // KV elements that one token adds over all layers, while it is within every window.
  double cached_elements = -1;  // negative: ordinary attention in every layer
  [[nodiscard]] double kv_elements_per_token() const {
    return cached_elements >= 0 ? cached_elements : 2.0 * layers * kv_heads * head_dim;
  }
};

// `config` is config.json, `quant_config` is hf_quant_config.json or null. kInvalid names the missing field.
base::Result<ModelShape> ShapeFromConfig(const nlohmann::json& config, const nlohmann::json& quant_config);
ModelShape ShapeFromName(std::string_view name);

// Facts of models by hub id, in the form of status.model.
using KnownModels = std::map<std::string, checkpoint::ModelFacts>;

// `text`: a JSON object of such facts; "" = none. kInvalid names the error.
base::Result<KnownModels> KnownModelsFromText(const std::string& text);

// A path that starts with "/" or "." is a directory. kNotFound: it has no config.json; the message is the line with
// which the engines end (that of transformers).
base::Result<ModelShape> LoadModelShape(const std::string& id_or_path, const KnownModels& known);

}  // namespace autotune::simulator
