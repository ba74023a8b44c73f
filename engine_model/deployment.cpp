#include "engine_model/deployment.h"

#include <algorithm>
#include <cmath>

namespace autotune::engine_model {

MatrixFormat FormatOf(WeightFormat format) {
  // Scales included: 16 elements share one byte in NVFP4, 128 a 16-bit scale and a 4-bit zero in INT4.
  switch (format) {
    case WeightFormat::kBf16:
      return {2, Arithmetic::kBf16};
    case WeightFormat::kFp8:
      return {1, Arithmetic::kFp8};
    case WeightFormat::kInt8:
      return {1, Arithmetic::kInt8};
    case WeightFormat::kInt4:
      return {0.5195, Arithmetic::kBf16};
    case WeightFormat::kFp4:
      return {0.5625, Arithmetic::kFp4};
  }
  return {};
}

double Speculation::TokensPerStep() const {
  if (draft_tokens <= 0) return 1;
  if (acceptance >= 1) return draft_tokens + 1;
  return (1 - std::pow(acceptance, draft_tokens + 1)) / (1 - acceptance);
}

Deployment DeploymentOf(EngineKind engine, const ModelShape& model, const GpuSpec& gpu,
                        const CandidateShape& candidate) {
  Deployment out;
  out.engine = engine;
  out.model = model;
  out.gpu = gpu;
  out.dense = out.experts = FormatOf(candidate.weights);
  if (candidate.weights == WeightFormat::kFp4) {
    // Attention keeps more bits in the checkpoints that exist (closed_form.h's CandidateShape says which).
    if (model.expert_only_quantization) {
      out.dense = FormatOf(WeightFormat::kBf16);
    } else if (model.is_mla()) {
      out.dense = FormatOf(WeightFormat::kFp8);
    }
  }
  out.cache_bytes_per_element = candidate.cache_bytes_per_element > 0      ? candidate.cache_bytes_per_element
                                : candidate.weights == WeightFormat::kBf16 ? 2
                                                                           : 1;
  out.eager = candidate.eager;
  out.tensor_parallel = std::max(1, candidate.tensor_parallel);
  out.pipeline_parallel = std::max(1, candidate.pipeline_parallel);
  out.data_parallel = std::max(1, candidate.data_parallel);
  out.memory_fraction = candidate.memory_fraction;
  if (candidate.draft_tokens > 0) out.speculation.draft_tokens = candidate.draft_tokens;
  const double gib = gpu.memory_bytes / kGib;
  switch (engine) {
    case EngineKind::kVllm:
      out.max_sequences = gib >= 70 ? 1024 : 256;
      out.token_budget = gib >= 160 ? 16384 : gib >= 70 ? 8192 : 2048;
      break;
    case EngineKind::kSglang:
      out.max_sequences = 4096;
      out.token_budget = gib >= 160 ? 16384 : gib >= 60 ? 8192 : gib >= 30 ? 4096 : 2048;
      out.mixed_steps = false;
      out.block_tokens = 1;
      break;
    case EngineKind::kTensorRtLlm:
      out.max_sequences = 2048;
      out.token_budget = 8192;
      out.chunked_prefill = false;
      out.block_tokens = 32;
      break;
  }
  if (candidate.max_num_seqs > 0) out.max_sequences = candidate.max_num_seqs;
  if (candidate.max_batched_tokens > 0) out.token_budget = candidate.max_batched_tokens;
  return out;
}

}  // namespace autotune::engine_model
