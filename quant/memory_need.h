// Minimum memory need of one GPU, so that models that cannot fit are never started. Internal to quant/.
//
// Pure. Every part is a lower bound: kernels, graphs, fragmentation and the engine's reserve are not included. A need
// above the memory cannot fit; one below it may still not fit.
#pragma once

#include <cstdint>
#include <string_view>

#include "checkpoint/model_facts.h"

namespace autotune::quant {

struct MemoryInput {
  int tensor = 1, pipeline = 1, data = 1;
  int attention_parts = 1;         // GPUs that split the attention heads: `tensor`, less with data-parallel attention
  int context_parts = 1;           // GPUs that split one sequence's KV cache
  bool experts_over_data = false;  // experts are shared out over `data` as well instead of being copied
  int dtype_bytes = 2;             // of the dtype that is computed in
  int quantized_bits = 0;          // of a weight, when all of them are quantized while loading; 0 = as they are
  double kv_element_bytes = 2;     // below 1 for 4-bit caches
  int index_bits = 0;              // at most, of an element of an index cache; 0 = as the model has it
  std::int64_t kv_tokens = 0;      // that the cache must hold; 0 = no demand
  std::int64_t batch_tokens = 0;   // computed at once
};

// Bytes of the weights as they are stored: from the files, else the least that the model's dimensions need. 0 = neither
// is known.
double LeastWeightBytes(const checkpoint::ModelFacts& model);

// Bytes in one GPU.
struct MemoryNeed {
  double weights = 0;
  double kv_cache = 0;
  double activations = 0;
  [[nodiscard]] double total() const { return weights + kv_cache + activations; }
};

MemoryNeed LeastMemory(const checkpoint::ModelFacts& model, const MemoryInput& input);

// Of one element of a KV cache, by the engines' names for it: 1 for fp8 and int8, 0.5 for 4 bits, 0.375 for unknown
// names, `otherwise` for "auto" and the 16-bit names.
double KvElementBytes(std::string_view dtype, double otherwise);

}  // namespace autotune::quant
