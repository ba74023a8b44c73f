#include "engine_model/model_shape.h"

#include <algorithm>

namespace autotune::engine_model {

double ModelShape::AttentionParameters() const {
  const double d = hidden;
  double per_layer = 0;
  if (is_mla()) {
    // Query (through its low rank where there is one), latent with its rotary key, its two expansions, output.
    const double query_width = static_cast<double>(heads) * (nope_head_dim + rope_head_dim);
    const double query = q_lora_rank > 0 ? d * q_lora_rank + q_lora_rank * query_width : d * query_width;
    per_layer = query + d * (kv_lora_rank + rope_head_dim) +
                static_cast<double>(kv_lora_rank) * heads * (nope_head_dim + v_head_dim) +
                static_cast<double>(heads) * v_head_dim * d;
  } else {
    per_layer = d * (heads + 2.0 * kv_heads) * head_dim + static_cast<double>(heads) * head_dim * d;
  }
  return attention_layers() * per_layer + linear_layers * linear_parameters_per_layer;
}

double ModelShape::DenseMlpParameters() const {
  return static_cast<double>(is_moe() ? dense_layers : layers - bare_layers) * mlp_matrices * hidden * intermediate;
}

double ModelShape::RoutedExpertParameters() const {
  const double width = expert_hidden > 0 ? expert_hidden : hidden;
  return static_cast<double>(moe_layers()) * experts * mlp_matrices * width * expert_intermediate;
}

double ModelShape::SharedExpertParameters() const {
  const double projections = 2.0 * hidden * expert_hidden;
  return moe_layers() * (static_cast<double>(mlp_matrices) * hidden * shared_intermediate + projections);
}

double ModelShape::RouterParameters() const { return static_cast<double>(moe_layers()) * experts * hidden; }

double ModelShape::Parameters() const {
  return AttentionParameters() + DenseMlpParameters() + RoutedExpertParameters() + SharedExpertParameters() +
         RouterParameters() + HeadParameters() + EmbeddingParameters();
}

double ModelShape::KvElementsPerTokenAndLayer() const {
  return is_mla() ? kv_lora_rank + rope_head_dim : 2.0 * kv_heads * head_dim;
}

double ModelShape::KvElements(double tokens) const {
  const double full = attention_layers() - window_layers;
  return KvElementsPerTokenAndLayer() * (full * tokens + window_layers * std::min<double>(tokens, window));
}

}  // namespace autotune::engine_model
