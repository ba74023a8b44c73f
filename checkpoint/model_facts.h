// Properties of a model, from its own files: sizes, layers, caches and the format of each part.
//
// Pure values, thread-safe. Every size is optional: nullopt means that the files do not contain it, and a rule that
// requires it must report that. No value is derived from a name or assumed. docs/quantization.md, "Detection".
#pragma once

#include <algorithm>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace autotune::checkpoint {

// A size from the files; nullopt = not known. Test has_value() before comparing with < or <=, because nullopt is less
// than every number.
using Size = std::optional<std::int64_t>;

// Layers whose KV caches have the same shape. Layers without a cache are in no group: Mamba, linear attention, removed
// attention, or a cache shared with an earlier layer.
struct KvCacheGroup {
  std::int64_t layers = 0;
  std::int64_t kv_heads = 0;  // 0 = MLA: every GPU of a tensor-parallel group holds the whole entry
  std::int64_t elements = 0;  // number of elements of an entry in one layer: keys and values of all KV heads
  std::int64_t window = 0;    // maximum number of tokens; 0 = the whole context
  std::int64_t tokens = 1;    // number of tokens that share one entry
  std::int64_t bits = 0;      // minimum size of an element; 0 = given by the type of the KV cache
  bool operator==(const KvCacheGroup&) const = default;
};

// Block of weights that share one scale: rows (output) x columns (input). A group along the input has one row.
struct WeightBlock {
  std::int64_t rows = 1, columns = 1;
  [[nodiscard]] std::string ToString() const;  // "128x128"
  bool operator==(const WeightBlock&) const = default;
};

struct ModelFacts {
  std::string architecture;  // "LlamaForCausalLM"; "" = not known
  std::string model_type;    // of the language model: "llama"; "" = not known
  std::string config_type;   // model_type at the top level of config.json: "mllama"; "" = not known
  // Class of the language model of a multimodal model (text_config.architectures in config.json); "" = not given.
  std::string language_class;
  std::string class_version;   // version, if several models have the same class (MiniCPMV: "2.6"); "" = not given
  bool one_file = false;       // the model is a single file (.gguf), not a directory
  bool native_only = false;    // has Mistral's params.json, and no config.json
  bool native_config = false;  // has both config.json and Mistral's params.json, which an engine may read instead
  bool pooling = false;        // embedding model: returns a vector and generates no text
  bool remote_code = false;    // auto_map names Python code in the checkpoint for the configuration or the model
  // auto_map of tokenizer_config.json names Python code in the checkpoint for the tokenizer.
  bool remote_tokenizer = false;
  std::string dtype;  // of the unquantized weights: bfloat16, float16, float32; "" = not known
  // Only for a draft model in the format of the library speculators: name of the target model, method ("eagle3") and
  // number of tokens per proposal. "" = no such draft model. All other facts are those of the draft model.
  std::string verifier, draft_method;
  std::optional<std::int64_t> draft_tokens;
  // Commit of the revision on the hub, 40 hexadecimal digits. "" = the model is a directory, or the hub does not report
  // the commit.
  std::string commit;

  // ---- Quantization ----
  // Name of the method in the files: "none", "awq", "gptq", "fp8", "compressed-tensors", "modelopt", "mlx", ...
  std::string quantization = "none";
  // Only for ModelOpt: true if config.json contains the quantization, false if only hf_quant_config.json does.
  bool method_in_config = false;
  // Normalised method of the part that decides how the checkpoint is loaded: none, fp8, fp8-w8a16, int8-w8a8,
  // int8-w8a16, int4-wna16, int3-wna16, int2-wna16, nvfp4, mxfp4, mxfp8, w4a8, gguf, bnb, mixed, other, foreign (no
  // supported engine loads it).
  std::string family = "none";
  // Formats of the parts, with the same names; "" = not known, "none" = unquantized, in `dtype`.
  std::string linear_format = "none";  // linear layers outside of experts
  std::string expert_format = "none";  // routed experts; "none" in dense models
  // Format of the inputs of quantized layers: "none" = unquantized, fp8, int8, nvfp4, mxfp4, mxfp8; "" = not known.
  std::string activations = "none";
  // KV-cache quantization that the checkpoint declares: "none", "fp8", "nvfp4", "int8", ... Some engines ignore it.
  std::string kv_cache = "none";
  // Form of this declaration, which decides whether an engine reads it: "scheme" (kv_cache_scheme is an object), "text"
  // (kv_cache_scheme is a string), "algorithm" (kv_cache_quant_algo next to quant_algo), "nested" (kv_cache_quant_algo
  // inside "quantization", as in hf_quant_config.json), "beside" (only hf_quant_config.json has it, although there is a
  // quantization_config in config.json); "" = in the form of another method, or no declaration.
  std::string kv_form;
  std::optional<WeightBlock> weight_block;
  bool plain_shared_experts = false;  // the shared experts are unquantized, even if other linear layers are quantized
  // Modules that stay unquantized. The number of the layer is "*" if all layers have the module; otherwise the first
  // layer is named, and the number of the others. At most 12.
  std::vector<std::string> ignored_modules;
  std::int64_t ignored_left_out = 0;  // number of entries above these 12
  // IgnoredPartsOf() of the complete list. Decisions depend on this, because `ignored_modules` may be cut.
  std::vector<std::string> ignored_parts;
  // Scheme of each part, in a common form for all methods, at most 8: the part ("linear", "experts", "kv",
  // "attention"), weights ("int4-group128-asym", "fp8-channel"; for ModelOpt its algorithm), inputs ("none",
  // "fp8-token-dynamic") and packing ("pack-quantized"). "-" = not declared. docs/engine-rules.md, "Schemes".
  std::vector<std::string> schemes;
  // Kinds of tensors in the weight files that belong to a quantization: "linear.weight_packed", "head.input_scale:F32".
  // Empty = none, or not known. weight_tensors.h.
  std::vector<std::string> tensors;
  // Types of the tensors in a GGUF file with their number, the most frequent first: "Q4_K 241". Of several files, those
  // in the first. At most 12. Empty = no GGUF file, or not known.
  std::vector<std::string> gguf_types;

  // ---- Sizes ----
  Size layers;  // blocks of the language model
  Size hidden_size;
  Size intermediate_size;  // of a dense MLP
  Size mlp_matrices;       // number of matrices in an MLP or an expert: 3 with a gate, 2 without
  Size mamba_width;        // width of the inputs of a Mamba layer's state
  Size mamba_heads;        // of a Mamba 2 layer; nullopt for other Mamba layers
  Size mamba_groups;       // number of groups of heads in a Mamba 2 layer; a group shares B and C
  Size attention_heads;    // query heads, of every attention layer; unset where layers differ
  // Where layers differ in their query heads: what divides each of these numbers, and their sum over all layers.
  Size query_heads_divisor, query_heads_total;
  Size kv_heads;    // of an attention layer; nullopt if layers differ (see `caches`)
  Size head_dim;    // of queries and keys
  Size v_head_dim;  // of values, if it differs from head_dim
  // Value heads of a gated delta net (Qwen3-Next, Qwen3.5). Engines compute the two gates of each as one matrix.
  Size linear_value_heads;
  Size qkv_parts;  // number of parts in which the file stores the fused matrix of queries, keys and values (MiMo-V2)
  Size vocab_size;
  Size max_position;  // maximum context in tokens, with RoPE scaling
  std::optional<bool> tied_embeddings;
  Size weight_bytes;  // of the set of weight files that is loaded
  // Part of weight_bytes: layers for multi-token prediction (MTP), which engines load only for speculative decoding.
  // nullopt = none, or not known.
  Size draft_bytes;
  // Of the layers of the vision tower.
  Size vision_hidden_size, vision_intermediate_size;

  // ---- Experts ----
  Size experts;  // number of routed experts; 0 = dense
  Size experts_per_token;
  Size shared_experts;
  Size moe_intermediate_size;
  Size moe_latent_size;           // width to which the inputs of routed experts are projected, if they are
  Size shared_intermediate_size;  // total of all shared experts
  Size moe_layers;                // layers with routed experts
  Size dense_layers;              // layers with a dense MLP

  // ---- Multi-head latent attention (DeepSeek) ----
  Size q_lora_rank;
  Size kv_lora_rank;
  Size qk_rope_head_dim;
  Size qk_nope_head_dim;
  Size index_top_k;  // DeepSeek's sparse attention: number of tokens that a query attends to

  // ---- Kinds of layers ----
  Size full_attention_layers;     // their cache holds the whole context
  Size sliding_attention_layers;  // their cache holds sliding_window tokens
  Size linear_attention_layers;   // their state has a fixed size: gated delta net, lightning attention, RWKV, ...
  Size mamba_layers;
  Size sliding_window;  // tokens
  // nullopt = not known. Empty = no layer has a KV cache.
  std::optional<std::vector<KvCacheGroup>> caches;
  // Keys that sparse attention selects tokens by, stored in addition to `caches`. Empty = none, or not known (`notes`
  // then has an entry).
  std::vector<KvCacheGroup> index_caches;

  // Remarks for people, at most 8: conflicting declarations, a size in an unknown form.
  std::vector<std::string> notes;

  [[nodiscard]] bool quantized() const { return family != "none"; }
  [[nodiscard]] bool ignores(std::string_view part) const {
    return std::ranges::find(ignored_parts, part) != ignored_parts.end();
  }
  [[nodiscard]] bool latent_attention() const { return kv_lora_rank > 0; }
  [[nodiscard]] bool sparse_attention() const { return latent_attention() && index_top_k > 0; }
  bool operator==(const ModelFacts&) const = default;
};

// The parts to which at least one of the modules belongs: "attention", "mlp", "mlpOutput" (the last matrix of an MLP),
// "firstLayer", "vision" (the vision tower), "linearGates" (in_proj_a and in_proj_b of linear attention). Routers,
// norms and audio towers belong to none.
std::vector<std::string> IgnoredPartsOf(const std::vector<std::string>& modules);

// Adds a note, shortened if it is long; no effect if there are already 8.
void AddNote(ModelFacts& facts, std::string note);

// True for 40 lower-case hexadecimal digits. Other texts are never put on a command line.
bool IsCommit(std::string_view text);

// To and from the JSON of status.model. Unknown values are absent.
nlohmann::json ToJson(const ModelFacts& facts);
base::Result<ModelFacts> ModelFactsFromJson(const nlohmann::json& value);

}  // namespace autotune::checkpoint
