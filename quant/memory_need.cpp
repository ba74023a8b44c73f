#include "quant/memory_need.h"

#include <algorithm>
#include <vector>

namespace autotune::quant {
namespace {

double Known(const checkpoint::Size& size) { return static_cast<double>(size.value_or(0)); }

// Of a stored parameter in this format, at least; 0 where the method may use fewer.
double LeastBytes(const checkpoint::ModelFacts& model, const std::string& format) {
  // Of sparse weights fewer are stored than the dimensions say.
  const bool sparse =
      std::ranges::any_of(model.schemes, [](const auto& scheme) { return scheme.starts_with("sparse "); });
  if (sparse) return 0;
  if (format == "none") return model.dtype == "float32" ? 4 : 2;
  // Scales of groups of 16 (nvfp4) and 32 weights are of one byte, in every checkpoint of these formats.
  if (format == "nvfp4") return 0.5 + 1.0 / 16;
  if (format == "mxfp4") return 0.5 + 1.0 / 32;
  if (format == "mxfp8") return 1 + 1.0 / 32;
  if (format.starts_with("fp8") || format.starts_with("int8")) return 1;
  if (format.starts_with("int3")) return 3.0 / 8;
  if (format.starts_with("int2")) return 2.0 / 8;
  const bool four_bits = format.starts_with("int4") || format == "w4a8";
  return four_bits ? 0.5 : 0;
}

// Methods that quantize linear layers alone.
bool EmbeddingIsPlain(const checkpoint::ModelFacts& model) {
  const std::string& method = model.quantization;
  const bool linear_alone =
      method == "fp8" || method == "awq" || method == "gptq" || method == "modelopt" || method == "mxfp4";
  return linear_alone && std::ranges::none_of(model.tensors, [](const std::string& tensor) {
           return tensor.starts_with("embedding.") && !tensor.starts_with("embedding.weight");
         });
}

// Parameters of one routed expert.
double ExpertParameters(const checkpoint::ModelFacts& model, double matrices) {
  return matrices * Known(model.moe_latent_size ? model.moe_latent_size : model.hidden_size) *
         Known(model.moe_intermediate_size);
}

// Of the matrices that every such model has: one embedding, queries and outputs, keys and values, the MLPs, the
// experts, routed and shared; an MLP has two matrices where it is not known to have a gate. Latent and linear
// attention, Mamba, norms and towers for images are left out.
double LeastStoredBytes(const checkpoint::ModelFacts& model) {
  constexpr double kWithoutGate = 2;
  const double matrices = static_cast<double>(model.mlp_matrices.value_or(static_cast<std::int64_t>(kWithoutGate)));
  const double hidden = Known(model.hidden_size), layers = Known(model.layers);
  double linear = 0, plain = 0;
  if (!model.latent_attention() && model.caches) {
    double attention = 0, cached = 0, all_layers = 0;
    for (const checkpoint::KvCacheGroup& group : *model.caches) all_layers += static_cast<double>(group.layers);
    // Where layers differ, what one has on average: the sum over the layers is the same.
    const double heads = model.attention_heads ? Known(model.attention_heads)
                         : all_layers > 0      ? Known(model.query_heads_total) / all_layers
                                               : 0;
    for (const checkpoint::KvCacheGroup& group : *model.caches) {
      if (group.bits != 0) continue;  // its projections have other shapes
      const double outputs = Known(model.v_head_dim ? model.v_head_dim : model.head_dim);
      // Kinds of layers may have heads of their own sizes; keys and values of a head are as wide as its queries.
      const auto stored = static_cast<double>(group.elements);
      const double own = group.kv_heads > 0 ? stored / static_cast<double>(group.kv_heads) : 0;
      // Some models compute values from the projection of the keys.
      const bool same_values = !model.kv_heads;
      cached += static_cast<double>(group.layers);
      attention += static_cast<double>(group.layers) * hidden *
                   (stored / (same_values ? 2 : 1) + heads * std::max(Known(model.head_dim) + outputs, own));
    }
    // A model that passes its layers several times has a cache for each pass, and its weights once.
    if (cached > layers) attention *= layers / cached;
    (model.ignores("allAttention") ? plain : linear) += attention;
  }
  linear += Known(model.dense_layers) * matrices * hidden * Known(model.intermediate_size);
  const double moe_layers = Known(model.moe_layers);
  linear += moe_layers * 2 * hidden * Known(model.moe_latent_size);
  const double experts = moe_layers * Known(model.experts) * ExpertParameters(model, matrices);
  const double shared_width = model.shared_intermediate_size
                                  ? Known(model.shared_intermediate_size)
                                  : Known(model.shared_experts) * Known(model.moe_intermediate_size);
  const double shared = moe_layers * matrices * hidden * shared_width;

  const double of_linear = LeastBytes(model, model.linear_format);
  const double of_experts = LeastBytes(model, model.expert_format);
  const double of_embedding = EmbeddingIsPlain(model) ? LeastBytes(model, "none")
                              : model.experts == 0    ? of_linear
                                                      : std::min(of_linear, of_experts);
  return Known(model.vocab_size) * hidden * of_embedding + linear * of_linear + plain * LeastBytes(model, "none") +
         experts * of_experts + shared * std::min(of_linear, of_experts);
}

double WeightBytes(const checkpoint::ModelFacts& model, const MemoryInput& input) {
  const double stored = LeastWeightBytes(model);
  if (model.quantized()) return stored;
  // Files may hold float32 under a config.json that says bfloat16, which is what engines load them as: where they have
  // about twice what the dimensions require, they may. Far more is something that the dimensions do not tell.
  constexpr double kNearlyTwice = 1.9, kFarMore = 2.6;
  const double ratio = stored / std::max(LeastStoredBytes(model), 1.0);
  const bool may_be_wider = model.weight_bytes && ratio >= kNearlyTwice && ratio <= kFarMore;
  const int stored_bytes = model.dtype == "float32" || may_be_wider ? 4 : 2;
  const double loaded = stored * input.dtype_bytes / stored_bytes;
  if (input.quantized_bits == 0) return loaded;
  // Embeddings are looked up, not multiplied: they stay as they are. Counted once, as if tied to the output layer.
  const double embeddings = std::min(loaded, Known(model.vocab_size) * Known(model.hidden_size) * input.dtype_bytes);
  return embeddings + (loaded - embeddings) * input.quantized_bits / (8.0 * input.dtype_bytes);
}

// From above, so that what is copied to every replica is bounded from below: in 16 bits, and all weights where the
// experts' sizes are not known.
double ExpertBytes(const checkpoint::ModelFacts& model, double weights) {
  if (model.experts == 0) return 0;
  constexpr double kWithGate = 3;
  const double one = ExpertParameters(model, model.mlp_matrices ? Known(model.mlp_matrices) : kWithGate);
  const double layers = Known(model.moe_layers ? model.moe_layers : model.layers);
  if (one == 0 || layers == 0 || !model.experts) return weights;
  return std::min(weights, 2.0 * one * Known(model.experts) * layers);
}

// Bytes that one sequence needs in one GPU of a tensor-parallel group, all layers.
double CacheBytes(const std::vector<checkpoint::KvCacheGroup>& groups, const MemoryInput& input, int most_bits) {
  const auto tokens = static_cast<double>(input.kv_tokens);
  const int parts = input.attention_parts;
  double bytes = 0;
  for (const checkpoint::KvCacheGroup& group : groups) {
    const double kept = (group.window > 0 ? std::min(tokens, static_cast<double>(group.window)) : tokens) /
                        static_cast<double>(group.tokens);
    const auto heads = static_cast<double>(group.kv_heads);
    // MLA keeps one cache that every GPU holds; KV heads that are fewer than GPUs are replicated.
    const double share = group.kv_heads == 0 ? 1 : std::max(1.0, heads / parts) / heads;
    const double bits =
        most_bits > 0 ? std::min<double>(most_bits, static_cast<double>(group.bits)) : static_cast<double>(group.bits);
    const double element = bits > 0 ? bits / 8 : input.kv_element_bytes;
    bytes += static_cast<double>(group.layers) * static_cast<double>(group.elements) * share * kept * element;
  }
  return bytes;
}

}  // namespace

double LeastWeightBytes(const checkpoint::ModelFacts& model) {
  if (!model.weight_bytes) return LeastStoredBytes(model);
  return Known(model.weight_bytes) - Known(model.draft_bytes);
}

MemoryNeed LeastMemory(const checkpoint::ModelFacts& model, const MemoryInput& input) {
  MemoryNeed need;
  const double split = static_cast<double>(input.tensor) * input.pipeline;
  const double weights = WeightBytes(model, input);
  const double experts = ExpertBytes(model, weights);
  need.weights = (weights - experts) / split + experts / (split * (input.experts_over_data ? input.data : 1));

  if (model.caches) need.kv_cache = CacheBytes(*model.caches, input, 0);
  need.kv_cache += CacheBytes(model.index_caches, input, input.index_bits);
  need.kv_cache /= static_cast<double>(input.pipeline) * input.context_parts;

  // The residual stream and a layer's input beside the two halves of a gated MLP, in 16 bits.
  // Beside experts, intermediate_size may be that of layers that this model does not have.
  const bool dense_mlp = model.experts == 0 || model.dense_layers > 0;
  const double width_of_mlp = dense_mlp ? Known(model.intermediate_size) : 0;
  const double width = 2.0 * Known(model.hidden_size) + 2.0 * width_of_mlp / input.tensor;
  need.activations = 2.0 * width * static_cast<double>(input.batch_tokens);
  return need;
}

double KvElementBytes(std::string_view dtype, double otherwise) {
  if (dtype == "auto" || dtype == "none" || dtype.empty()) return otherwise;
  if (dtype == "bfloat16" || dtype == "bf16" || dtype == "float16") return 2;
  if (dtype.starts_with("fp8") || dtype.starts_with("int8") || dtype == "mxfp8") return 1;
  if (dtype.starts_with("int4") || dtype.starts_with("fp4") || dtype.starts_with("nvfp4")) return 0.5;
  return 0.375;
}

}  // namespace autotune::quant
