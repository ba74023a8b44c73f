#include "quant/memory_need.h"

#include <algorithm>

namespace autotune::quant {
namespace {

double WeightBytes(const ModelFacts& model, const MemoryInput& input) {
  const auto stored = static_cast<double>(model.weight_bytes);
  if (model.quantized()) return stored;
  const int stored_bytes = model.dtype == "float32" ? 4 : 2;
  const double loaded = stored * input.dtype_bytes / stored_bytes;
  if (input.quantized_bits == 0) return loaded;
  // Embeddings are looked up, not multiplied: they stay as they are. Counted once, as if tied to the output layer.
  const double embeddings = std::min(
      loaded, static_cast<double>(model.vocab_size) * static_cast<double>(model.hidden_size) * input.dtype_bytes);
  return embeddings + (loaded - embeddings) * input.quantized_bits / (8.0 * input.dtype_bytes);
}

// From above, so that what is copied to every replica is bounded from below: all layers have experts, in 16 bits.
double ExpertBytes(const ModelFacts& model, double weights) {
  if (model.experts == 0) return 0;
  const double one = 3.0 * static_cast<double>(model.hidden_size) * static_cast<double>(model.moe_intermediate_size);
  if (one == 0 || model.layers == 0) return weights;
  return std::min(weights, 2.0 * one * static_cast<double>(model.experts) * static_cast<double>(model.layers));
}

}  // namespace

MemoryNeed LeastMemory(const ModelFacts& model, const MemoryInput& input) {
  MemoryNeed need;
  const double split = static_cast<double>(input.tensor) * input.pipeline;
  const double weights = WeightBytes(model, input);
  const double experts = ExpertBytes(model, weights);
  need.weights = (weights - experts) / split + experts / (split * (input.experts_over_data ? input.data : 1));

  // Latent attention keeps one cache that every GPU holds; KV heads that are fewer than GPUs are replicated.
  const double heads = std::max(1.0, static_cast<double>(model.kv_heads) / input.attention_parts);
  const double elements = model.kv_latent_size > 0 ? static_cast<double>(model.kv_latent_size)
                          : model.kv_heads > 0     ? 2.0 * heads * static_cast<double>(model.head_dim)
                                                   : 0;
  need.kv_cache = elements * input.kv_element_bytes * static_cast<double>(model.full_attention_layers) /
                  input.pipeline * static_cast<double>(input.kv_tokens) / input.context_parts;

  // The residual stream and a layer's input beside the two halves of a gated MLP, in 16 bits.
  const double width =
      2.0 * static_cast<double>(model.hidden_size) + 2.0 * static_cast<double>(model.intermediate_size) / input.tensor;
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
