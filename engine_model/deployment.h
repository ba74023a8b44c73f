// Performance-relevant settings of a started engine: model, GPU, precision, parallelism and the limits of its
// scheduler.
//
// All values are final: the caller resolves flags and defaults. Plain values, thread-safe.
#pragma once

#include <cstdint>
#include <optional>

#include "engine_model/closed_form.h"
#include "engine_model/gpu_spec.h"
#include "engine_model/model_shape.h"

namespace autotune::engine_model {

inline constexpr double kGib = 1024.0 * 1024.0 * 1024.0;

// Determines constants and batching behaviour.
enum class EngineKind { kVllm, kSglang, kTensorRtLlm };

// Arithmetic of a group of matrices. GPUs without such units compute in 16 bits.
enum class Arithmetic { kFp32, kBf16, kFp8, kInt8, kFp4 };

// Storage and arithmetic of a group of matrices.
struct MatrixFormat {
  double bytes_per_parameter = 2;
  Arithmetic arithmetic = Arithmetic::kBf16;
  bool operator==(const MatrixFormat&) const = default;
};
MatrixFormat FormatOf(WeightFormat format);

enum class AttentionKernel { kFlashAttention, kFlashInfer, kTriton };

// Speculative decoding: `draft_tokens` are proposed per step. Each is accepted with probability `acceptance` if the
// previous one was. The model's own token always comes with them.
struct Speculation {
  int draft_tokens = 0;  // 0 = none
  double acceptance = 0.5;
  // Time of the draft model per token, as a share of the verifying step. 0: drafts are looked up (n-gram).
  double draft_cost = 0.04;

  // Mean tokens per step and sequence, including the model's own: at least 1.
  [[nodiscard]] double TokensPerStep() const;
  bool operator==(const Speculation&) const = default;
};

struct Deployment {
  EngineKind engine = EngineKind::kVllm;
  ModelShape model;
  GpuSpec gpu;

  MatrixFormat dense;    // attention, dense MLPs, shared experts
  MatrixFormat experts;  // routed experts
  bool float32 = false;  // embedding and output matrix have 32 bits instead of 16
  double cache_bytes_per_element = 2;
  AttentionKernel attention = AttentionKernel::kFlashAttention;
  bool eager = false;  // no CUDA graphs

  int tensor_parallel = 1;
  int pipeline_parallel = 1;
  int data_parallel = 1;  // whole replicas behind one front end

  // Share of GPU memory, as the engine defines it (PlanMemory).
  double memory_fraction = 0.9;
  std::optional<double> cache_bytes;          // per GPU, replaces memory_fraction
  std::optional<std::int64_t> cache_tokens;   // upper limit
  std::optional<std::int64_t> max_model_len;  // maximum length of a request in tokens

  // Limits of the scheduler of each replica.
  int max_sequences = 256;
  int token_budget = 8192;      // tokens of one step
  bool mixed_steps = true;      // prefill and decode in one step
  bool chunked_prefill = true;  // a prompt may take several steps
  bool prefix_caching = true;
  int block_tokens = 16;  // tokens per block of the KV cache
  Speculation speculation;

  [[nodiscard]] int gpus() const { return tensor_parallel * pipeline_parallel * data_parallel; }
  bool operator==(const Deployment&) const = default;
};

// Converts a closed-form candidate; values of 0 become the defaults of `engine`.
Deployment DeploymentOf(EngineKind engine, const ModelShape& model, const GpuSpec& gpu,
                        const CandidateShape& candidate);

}  // namespace autotune::engine_model
