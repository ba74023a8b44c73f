// Dimensions of a model from its config.json, and derived numbers of parameters and KV cache elements.
//
// Counts, not bytes: the precision of weights and cache belongs to a candidate. Plain values, thread-safe.
#pragma once

#include <string>

namespace autotune::engine_model {

struct ModelShape {
  std::string architecture;  // "LlamaForCausalLM"
  int layers = 0;
  int hidden = 0;
  int heads = 0;
  int kv_heads = 0;
  int head_dim = 0;
  int intermediate = 0;  // of a dense MLP
  int mlp_matrices = 3;  // per MLP or expert: 3, or 2 without a gate
  int bare_layers = 0;   // layers with neither an MLP nor experts
  int vocabulary = 0;
  bool tied_embeddings = false;
  int max_positions = 0;  // 0 = not known

  // Mixture of experts; 0 = dense.
  int experts = 0;
  int experts_per_token = 0;
  int shared_intermediate = 0;  // width of all shared experts together, which every token uses
  int expert_intermediate = 0;  // of one expert
  int expert_hidden = 0;        // input width of the routed experts after a projection; 0 = `hidden`
  int dense_layers = 0;         // layers of an MoE model with a dense MLP instead of experts

  // Multi-head latent attention (DeepSeek); kv_lora_rank 0 = ordinary (grouped) attention.
  int q_lora_rank = 0;
  int kv_lora_rank = 0;
  int rope_head_dim = 0;
  int nope_head_dim = 0;
  int v_head_dim = 0;

  // Layers with attention to at most `window` tokens.
  int window = 0;
  int window_layers = 0;
  // Layers whose state does not grow with the context (Mamba, gated delta net): parameters of one layer's mixer, and
  // bytes of state per request in one layer.
  int linear_layers = 0;
  double linear_parameters_per_layer = 0;
  double linear_state_bytes_per_layer = 0;

  // Quantization applies to the experts only (gpt-oss, MXFP4): attention stays in 16 bits.
  bool expert_only_quantization = false;

  [[nodiscard]] bool is_moe() const { return experts > 0; }
  [[nodiscard]] bool is_mla() const { return kv_lora_rank > 0; }
  [[nodiscard]] int moe_layers() const { return is_moe() ? layers - dense_layers - bare_layers : 0; }
  // Layers with keys and values; window_layers of them have a window.
  [[nodiscard]] int attention_layers() const { return layers - linear_layers; }

  // Over all layers, each parameter once.
  [[nodiscard]] double AttentionParameters() const;     // including linear mixers
  [[nodiscard]] double DenseMlpParameters() const;      // of dense layers (every layer of a dense model)
  [[nodiscard]] double RoutedExpertParameters() const;  // all experts
  [[nodiscard]] double SharedExpertParameters() const;  // including the projections to expert_hidden and back
  [[nodiscard]] double RouterParameters() const;
  // The output matrix (read in every step) and the input embedding (stored; 0 if tied).
  [[nodiscard]] double HeadParameters() const { return static_cast<double>(vocabulary) * hidden; }
  [[nodiscard]] double EmbeddingParameters() const { return tied_embeddings ? 0 : HeadParameters(); }
  [[nodiscard]] double Parameters() const;

  // Cache elements per token in one attention layer, over all GPUs of a replica that split them.
  [[nodiscard]] double KvElementsPerTokenAndLayer() const;
  // Cache elements of one request with `tokens` tokens: all layers, with windows, without linear state.
  [[nodiscard]] double KvElements(double tokens) const;

  bool operator==(const ModelShape&) const = default;
};

}  // namespace autotune::engine_model
