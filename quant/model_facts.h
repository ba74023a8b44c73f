// What the quantization model has to know about a checkpoint, read from its own files, never guessed from its name.
//
// Pure. Source of the rules: the engines' own loaders, as described in docs/engines.md ("Detecting a quantized
// checkpoint"). Sizes are 0 where the files do not say.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/result.h"

namespace autotune::quant {

struct ModelFacts {
  std::string architecture;        // "LlamaForCausalLM"
  std::string dtype = "bfloat16";  // of the unquantized weights: bfloat16, float16, float32
  // The checkpoint's own quantization method as its files name it: "none", "awq", "gptq", "fp8", "compressed-tensors",
  // "modelopt", "mxfp4", "gguf", ...
  std::string quantization = "none";
  // The method normalised: none, fp8, int8-w8a8, int4-wna16, nvfp4, mxfp4, mxfp8, w4a8, gguf, bnb, mixed, other.
  std::string family = "none";
  // KV-cache quantization that the checkpoint declares: "none" or "fp8" or "nvfp4" ...
  std::string kv_cache = "none";
  std::int64_t layers = 0;
  std::int64_t hidden_size = 0;
  std::int64_t intermediate_size = 0;
  std::int64_t attention_heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t experts = 0;  // 0 = dense
  std::int64_t experts_per_token = 0;
  std::int64_t moe_intermediate_size = 0;
  std::int64_t vocab_size = 0;
  std::int64_t max_position = 0;
  std::int64_t weight_bytes = 0;  // of the weight files, 0 = not known
  // Layers whose KV cache grows with the whole context: fewer than `layers` in models that mix in sliding windows or
  // linear attention; 0 = not known.
  std::int64_t full_attention_layers = 0;
  // Block of weights that shares one scale in an fp8 checkpoint: "128x128"; "none" elsewhere.
  std::string weight_block = "none";
  // Elements that multi-head latent attention (DeepSeek) caches per token and layer; 0 = ordinary attention.
  std::int64_t kv_latent_size = 0;
  // Things a user should know: conflicting declarations, a name that promises what no file declares. At most 8.
  std::vector<std::string> notes;

  [[nodiscard]] bool quantized() const { return family != "none"; }
  bool operator==(const ModelFacts&) const = default;
};

// The files of a checkpoint, each null when absent. `config` is config.json and must be an object.
struct CheckpointFiles {
  const nlohmann::json* config = nullptr;
  const nlohmann::json* hf_quant_config = nullptr;  // ModelOpt
  bool has_gguf_file = false;
  std::int64_t weight_bytes = 0;
  // Hub id or path. Only for notes: a name never decides how the weights are read.
  std::string name;
};

// Reads config.json (top level, text_config, compression_config) and hf_quant_config.json. kInvalid with the key's path
// when the config is not usable.
base::Result<ModelFacts> ReadModelFacts(const CheckpointFiles& files);

// spec.model.quantization: the user's word overrides the detected method. kInvalid for an unknown method, with the
// known ones listed.
base::Status OverrideQuantization(ModelFacts& facts, const std::string& method);

nlohmann::json ToJson(const ModelFacts& facts);
base::Result<ModelFacts> ModelFactsFromJson(const nlohmann::json& value);

}  // namespace autotune::quant
