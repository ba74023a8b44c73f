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

// A size that the files hold; nullopt = not known. Comparing it with a number is false for "not known" only with > and
// >=: test has_value() before < and <=.
using Size = std::optional<std::int64_t>;

// Layers whose KV caches have one shape. Layers without a cache (Mamba, linear attention, an attention that was
// removed, a cache shared with an earlier layer) are in no group.
struct KvCacheGroup {
  std::int64_t layers = 0;
  std::int64_t kv_heads = 0;  // 0 = MLA: one entry that every GPU of a tensor-parallel group holds
  std::int64_t elements = 0;  // of an entry in one layer: keys and values of all KV heads
  std::int64_t window = 0;    // tokens kept at most; 0 = the whole context
  std::int64_t tokens = 1;    // that share one entry
  std::int64_t bits = 0;      // of an element, at least; 0 = the type of the KV cache decides
  bool operator==(const KvCacheGroup&) const = default;
};

// The weights that share one scale: 128 rows (output) x 128 columns (input). Groups along the input have one row.
struct WeightBlock {
  std::int64_t rows = 1, columns = 1;
  [[nodiscard]] std::string ToString() const;  // "128x128"
  bool operator==(const WeightBlock&) const = default;
};

struct ModelFacts {
  std::string architecture;  // "LlamaForCausalLM"; "" = not known
  std::string model_type;    // of the language model: "llama"; "" = not known
  std::string config_type;   // of the whole, as config.json names it: "mllama"; "" = not known
  // Class that a multimodal config.json names for its language model (text_config.architectures); "" = none is named.
  std::string language_class;
  std::string class_version;  // of a class that has several models under one name (MiniCPMV: "2.6"); "" = none is named
  bool one_file = false;      // the model is this one file (.gguf), not a directory with files
  bool native_only = false;   // there is Mistral's params.json, and no config.json
  bool native_config = false;  // Mistral's params.json lies beside config.json: an engine may read that one
  bool pooling = false;        // the files make one vector of a text: for embeddings, no generator
  bool remote_code = false;    // the checkpoint names code of its own that reads or runs it (auto_map)
  // tokenizer_config.json names code of the checkpoint's own for the tokenizer (auto_map).
  bool remote_tokenizer = false;
  std::string dtype;  // of the unquantized weights: bfloat16, float16, float32; "" = not known
  // A draft in the format of the library speculators: the model that it drafts for, as its files name it, the method
  // ("eagle3") and the tokens that it proposes at a time. "" = no such draft. All other facts are the draft's own.
  std::string verifier, draft_method;
  std::optional<std::int64_t> draft_tokens;
  // Commit that the revision points to on the hub: 40 hexadecimal digits. "" = a directory, or a hub that does not
  // report it.
  std::string commit;

  // ---- Quantization ----
  // The method as the files name it: "none", "awq", "gptq", "fp8", "compressed-tensors", "modelopt", "mlx", ...
  std::string quantization = "none";
  bool method_in_config =
      false;  // of ModelOpt: config.json's quantization_config names it, not hf_quant_config.json alone
  // The method normalised, of the part that decides how the checkpoint is loaded: none, fp8, fp8-w8a16, int8-w8a8,
  // int8-w8a16, int4-wna16, int3-wna16, int2-wna16, nvfp4, mxfp4, mxfp8, w4a8, gguf, bnb, mixed, other, foreign (no
  // engine here loads it).
  std::string family = "none";
  // The same names for a part; "" = not known, "none" = in `dtype`.
  std::string linear_format = "none";  // linear layers outside of experts
  std::string expert_format = "none";  // routed experts; "none" in dense models
  // Of the inputs of quantized layers: "none" = as they are, fp8, int8, nvfp4, mxfp4, mxfp8; "" = not known.
  std::string activations = "none";
  // KV-cache quantization that the checkpoint declares: "none", "fp8", "nvfp4", "int8", ... Not every engine follows
  // it.
  std::string kv_cache = "none";
  // Where and how, which decides whether an engine sees it: "scheme" (kv_cache_scheme as an object), "text"
  // (kv_cache_scheme as a text), "algorithm" (kv_cache_quant_algo next to quant_algo), "nested" (kv_cache_quant_algo
  // inside "quantization", as in hf_quant_config.json), "beside" (only in hf_quant_config.json, and config.json has a
  // quantization_config without it); "" = in the words of another method, or no declaration.
  std::string kv_form;
  std::optional<WeightBlock> weight_block;
  bool plain_shared_experts = false;  // the shared experts stay unquantized, whatever the other linear layers do
  // Modules that stay unquantized: "*" for the numbers of all layers, else the first and how many more. At most 12.
  std::vector<std::string> ignored_modules;
  std::int64_t ignored_left_out = 0;  // further kinds of such modules, which are not in the list
  // IgnoredPartsOf() of all of them: decisions read this and not the list, which may be cut.
  std::vector<std::string> ignored_parts;
  // How the method stores each kind of layer, in words of one form for all methods: the part ("linear", "experts",
  // "kv", "attention"), weights ("int4-group128-asym", "fp8-channel"; ModelOpt's: its algorithm), inputs ("none",
  // "fp8-token-dynamic"; "-" = not said) and the packing ("pack-quantized"; "-" = not said). At most 8.
  // docs/engine-rules.md, "Schemes".
  std::vector<std::string> schemes;
  // Kinds of tensors in the weight files: "linear.weight_packed", "head.input_scale:F32". Empty = not known, or none
  // that belongs to a quantization. weight_tensors.h.
  std::vector<std::string> tensors;
  // Types of the tensors in a GGUF file with their number, the most frequent first: "Q4_K 241". Of the first file of
  // several. Empty = no GGUF file, or not known. At most 12.
  std::vector<std::string> gguf_types;

  // ---- Sizes ----
  Size layers;  // blocks of the language model
  Size hidden_size;
  Size intermediate_size;  // of a dense MLP
  Size mlp_matrices;       // of an MLP and of an expert: 3 with a gate, 2 without
  Size mamba_width;        // of the inputs of a Mamba layer's state
  Size mamba_heads;        // of a Mamba 2 layer; unset for other Mamba layers
  Size mamba_groups;       // heads of a Mamba 2 layer share B and C in these groups
  Size attention_heads;    // query heads, of every attention layer
  Size kv_heads;           // of every attention layer; unset where layers differ (see `caches`)
  Size head_dim;           // of queries and keys
  Size v_head_dim;         // of values, where it is not head_dim
  // Of a gated delta net (Qwen3-Next, Qwen3.5): engines compute the two gates of each value head as one matrix.
  Size linear_value_heads;
  Size qkv_parts;  // the file stores queries, keys and values as one matrix, in this many parts (MiMo-V2)
  Size vocab_size;
  Size max_position;  // what its scaling of positions adds is counted
  std::optional<bool> tied_embeddings;
  Size weight_bytes;  // of the one set of weight files that is loaded
  // Of these, those of layers behind the last one, which predict further tokens (MTP): engines load them for
  // speculative decoding alone. Unset = none, or not known.
  Size draft_bytes;
  // Of the layers of the tower for images.
  Size vision_hidden_size, vision_intermediate_size;

  // ---- Experts ----
  Size experts;  // routed; 0 = dense
  Size experts_per_token;
  Size shared_experts;
  Size moe_intermediate_size;
  Size moe_latent_size;           // of the inputs of routed experts, where they are projected to a width of their own
  Size shared_intermediate_size;  // of all shared experts together
  Size moe_layers;                // layers with routed experts
  Size dense_layers;              // layers with a dense MLP

  // ---- Multi-head latent attention (DeepSeek) ----
  Size q_lora_rank;
  Size kv_lora_rank;
  Size qk_rope_head_dim;
  Size qk_nope_head_dim;
  Size index_top_k;  // of DeepSeek's sparse attention: the tokens that one query attends to

  // ---- Kinds of layers ----
  Size full_attention_layers;     // whose cache grows with the whole context
  Size sliding_attention_layers;  // whose cache is bounded by sliding_window
  Size linear_attention_layers;   // with a state of fixed size: gated delta net, lightning attention, RWKV, ...
  Size mamba_layers;
  Size sliding_window;  // tokens
  // Unset = not known. Empty = no layer has a KV cache.
  std::optional<std::vector<KvCacheGroup>> caches;
  // The keys by which sparse attention picks tokens, beside the KV cache of the same layers. Empty = none, or not known
  // (`notes` says so).
  std::vector<KvCacheGroup> index_caches;

  // Remarks for people: conflicting declarations, a size that is written in an unknown way. At most 8.
  std::vector<std::string> notes;

  [[nodiscard]] bool quantized() const { return family != "none"; }
  [[nodiscard]] bool ignores(std::string_view part) const {
    return std::ranges::find(ignored_parts, part) != ignored_parts.end();
  }
  [[nodiscard]] bool latent_attention() const { return kv_lora_rank > 0; }
  [[nodiscard]] bool sparse_attention() const { return latent_attention() && index_top_k > 0; }
  bool operator==(const ModelFacts&) const = default;
};

// The parts of the language model that some of these modules belong to, of "attention", "mlp", "mlpOutput" (the last
// matrix of an MLP), "firstLayer", "vision" (the tower for images) and "linearGates" (in_proj_a and in_proj_b of linear
// attention). Routers, norms and towers for sound count for none.
std::vector<std::string> IgnoredPartsOf(const std::vector<std::string>& modules);

// Adds a note unless there are enough; a long one is cut.
void AddNote(ModelFacts& facts, std::string note);

// 40 lower-case hexadecimal digits. Other texts are never put on a command line.
bool IsCommit(std::string_view text);

// The form of status.model. Unknown values are absent.
nlohmann::json ToJson(const ModelFacts& facts);
base::Result<ModelFacts> ModelFactsFromJson(const nlohmann::json& value);

}  // namespace autotune::checkpoint
