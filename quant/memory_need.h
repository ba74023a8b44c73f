// Minimum memory need of one GPU, so that models that cannot fit are never started. Internal to quant/.
//
// Pure. Every part is a lower bound: kernels, CUDA graphs, fragmentation and the engine's reserve are not included. A
// model that needs more than the memory cannot fit; one that needs less may still not fit.
#pragma once

#include <cstdint>
#include <string_view>

#include "checkpoint/model_facts.h"

namespace autotune::quant {

struct MemoryInput {
  int tensor = 1, pipeline = 1, data = 1;
  int attention_parts = 1;         // GPUs that split the attention heads: `tensor`, fewer with data-parallel attention
  int context_parts = 1;           // GPUs that split one sequence's KV cache
  bool experts_over_data = false;  // experts are also split over `data` instead of copied
  int dtype_bytes = 2;             // of the compute dtype
  int quantized_bits = 0;          // bits per weight with online quantization of all weights; 0 = as in the checkpoint
  double kv_element_bytes = 2;     // below 1 for 4-bit caches
  int index_bits = 0;              // maximum bits of an element of an index cache; 0 = the model's own
  std::int64_t kv_tokens = 0;      // tokens that the cache must hold; 0 = no requirement
  std::int64_t batch_tokens = 0;   // tokens computed at once
};

// Bytes of the stored weights: from the files, else the minimum for the model's dimensions. 0 = neither is
// known.
double LeastWeightBytes(const checkpoint::ModelFacts& model);

// Bytes on one GPU.
struct MemoryNeed {
  double weights = 0;
  double kv_cache = 0;
  double activations = 0;
  [[nodiscard]] double total() const { return weights + kv_cache + activations; }
};

MemoryNeed LeastMemory(const checkpoint::ModelFacts& model, const MemoryInput& input);

// Bytes of one KV cache element, by the engines' dtype names: 1 for fp8 and int8, 0.5 for 4 bits, 0.375 for unknown
// names, `otherwise` for "auto" and the 16-bit names.
double KvElementBytes(std::string_view dtype, double otherwise);

}  // namespace autotune::quant
