#include "engine_model/shape_of.h"

#include <algorithm>
#include <cstdint>
#include <limits>

namespace autotune::engine_model {
namespace {

int Number(const checkpoint::Size& size) {
  return static_cast<int>(std::min<std::int64_t>(size.value_or(0), std::numeric_limits<int>::max()));
}

}  // namespace

std::optional<ModelShape> ShapeOf(const checkpoint::ModelFacts& facts) {
  const bool moe = facts.experts > 0;
  const bool latent = facts.latent_attention();
  const bool sizes = facts.layers && facts.hidden_size && facts.vocab_size && facts.attention_heads && facts.experts &&
                     facts.caches && !facts.caches->empty();
  const bool heads =
      latent ? facts.qk_rope_head_dim && facts.qk_nope_head_dim && facts.v_head_dim : facts.head_dim.has_value();
  const bool widths =
      moe ? facts.moe_intermediate_size && facts.experts_per_token : facts.intermediate_size.has_value();
  const bool dense_width = !(facts.dense_layers > 0) || facts.intermediate_size;
  if (!sizes || !heads || !widths || !dense_width) return std::nullopt;
  // Entries for several tokens: no model of its attention.
  const auto compressed = [](const checkpoint::KvCacheGroup& group) { return group.tokens > 1; };
  if (std::ranges::any_of(*facts.caches, compressed)) return std::nullopt;

  ModelShape shape;
  shape.architecture = facts.architecture;
  shape.layers = Number(facts.layers);
  shape.hidden = Number(facts.hidden_size);
  shape.heads = Number(facts.attention_heads);
  // Layers that differ in their heads: as many elements as they have on average.
  double elements = 0, layers = 0, windows = 0;
  for (const checkpoint::KvCacheGroup& group : *facts.caches) {
    elements += static_cast<double>(group.layers) * static_cast<double>(group.elements);
    layers += static_cast<double>(group.layers);
    if (group.window > 0) windows += static_cast<double>(group.layers);
  }
  shape.head_dim = latent ? Number(facts.qk_nope_head_dim) + Number(facts.qk_rope_head_dim) : Number(facts.head_dim);
  shape.kv_heads = facts.kv_heads
                       ? Number(facts.kv_heads)
                       : static_cast<int>(std::max(1.0, elements / layers / 2 / std::max(1, shape.head_dim)));
  shape.intermediate = Number(facts.intermediate_size);
  shape.mlp_matrices = static_cast<int>(facts.mlp_matrices.value_or(shape.mlp_matrices));
  shape.vocabulary = Number(facts.vocab_size);
  shape.tied_embeddings = facts.tied_embeddings.value_or(false);
  shape.max_positions = Number(facts.max_position);
  if (moe) {
    shape.experts = Number(facts.experts);
    shape.experts_per_token = Number(facts.experts_per_token);
    shape.expert_intermediate = Number(facts.moe_intermediate_size);
    shape.expert_hidden = Number(facts.moe_latent_size);
    shape.shared_intermediate = facts.shared_intermediate_size
                                    ? Number(facts.shared_intermediate_size)
                                    : Number(facts.shared_experts) * shape.expert_intermediate;
    if (facts.moe_layers) shape.dense_layers = std::max(0, shape.layers - Number(facts.moe_layers));
  }
  if (facts.moe_layers && facts.dense_layers) {
    const int both = Number(facts.moe_layers) + Number(facts.dense_layers) - shape.layers;
    shape.bare_layers = std::max(0, -both);
    if (moe) shape.dense_layers -= shape.bare_layers;
    // A dense MLP beside the experts of one layer is read as they are shared.
    if (moe && both == shape.layers) shape.shared_intermediate += shape.intermediate;
  }
  if (latent) {
    shape.q_lora_rank = Number(facts.q_lora_rank);
    shape.kv_lora_rank = Number(facts.kv_lora_rank);
    shape.rope_head_dim = Number(facts.qk_rope_head_dim);
    shape.nope_head_dim = Number(facts.qk_nope_head_dim);
    shape.v_head_dim = Number(facts.v_head_dim);
  }
  shape.window = Number(facts.sliding_window);
  shape.window_layers = static_cast<int>(windows);
  // Layers without a cache of their own keep a state of fixed size, share another layer's, or do not attend.
  shape.linear_layers = std::max(0, shape.layers - static_cast<int>(layers));
  if (shape.linear_layers > 0) {
    // Of a Mamba layer: the projection to its inputs and their gates, and the one back.
    const double mamba = 3.0 * shape.hidden * Number(facts.mamba_width) * Number(facts.mamba_layers);
    shape.linear_parameters_per_layer = mamba / shape.linear_layers;
  }
  shape.expert_only_quantization = moe && facts.quantized() && facts.linear_format == "none";
  return shape;
}

}  // namespace autotune::engine_model
