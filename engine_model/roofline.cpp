#include "engine_model/roofline.h"

#include <algorithm>
#include <cmath>

namespace autotune::engine_model {
namespace {

constexpr double kVllmReservedGib = 1.1;    // observed: activations, CUDA graphs
constexpr double kSglangContextGib = 0.72;  // observed: 78.47 GiB available before the weights are loaded

// Activations are narrowed in kernels of their own.
bool NarrowsActivations(const MatrixFormat& format, const GpuSpec& gpu) {
  return (format.arithmetic == Arithmetic::kFp8 && gpu.fp8_flops > 0) ||
         (format.arithmetic == Arithmetic::kInt8 && gpu.int8_ops > 0);
}

}  // namespace

Roofline::Matrices Roofline::Precision(double parameters, const MatrixFormat& format, bool experts) const {
  const GpuSpec& gpu = deployment_.gpu;
  const RooflineConstants& c = constants_;
  const bool untuned = experts && deployment_.engine == EngineKind::kVllm;
  const double bf16 = gpu.bf16_flops * (untuned   ? c.untuned_bf16_expert_compute_share
                                        : experts ? c.bf16_expert_compute_share
                                                  : c.bf16_compute_share);
  const double narrow = untuned   ? c.untuned_fp8_expert_compute_share
                        : experts ? c.fp8_expert_compute_share
                                  : c.fp8_compute_share;
  const bool wide = format.bytes_per_parameter >= 2;
  Matrices out{
      parameters, format.bytes_per_parameter, bf16,
      gpu.memory_bandwidth * (untuned && wide ? c.untuned_bf16_expert_bandwidth_share : c.weight_bandwidth_share)};
  const auto rate = [&](double flops) {
    if (flops > 0) out.flops_per_second = flops * narrow;
  };
  switch (format.arithmetic) {
    case Arithmetic::kFp32:
      out.flops_per_second = bf16 / 2;  // TF32
      break;
    case Arithmetic::kBf16:
      break;
    case Arithmetic::kFp8:
      rate(gpu.fp8_flops);
      break;
    case Arithmetic::kInt8:
      rate(gpu.int8_ops);
      break;
    case Arithmetic::kFp4:
      rate(gpu.fp4_flops);
      break;
  }
  return out;
}

Roofline::Roofline(const Deployment& deployment, const RooflineConstants& constants)
    : deployment_(deployment), constants_(constants) {
  const ModelShape& model = deployment_.model;
  const GpuSpec& gpu = deployment_.gpu;
  const bool vllm = deployment_.engine == EngineKind::kVllm;
  dense_ = Precision(model.AttentionParameters() + model.DenseMlpParameters() + model.SharedExpertParameters() +
                         model.RouterParameters(),
                     deployment_.dense, false);
  experts_ = Precision(model.RoutedExpertParameters(), deployment_.experts, true);
  const bool narrow_activations = NarrowsActivations(deployment_.dense, gpu);
  layer_seconds_ = !model.is_moe() ? constants_.dense_layer_seconds
                   : vllm          ? constants_.compiled_moe_layer_seconds
                                   : constants_.moe_layer_seconds;
  if (narrow_activations && !vllm) layer_seconds_ += constants_.quantize_layer_seconds;
  eager_layer_seconds_ = constants_.eager_layer_seconds;
  if (narrow_activations) eager_layer_seconds_ += constants_.eager_quantize_layer_seconds;
  if (deployment_.tensor_parallel > 1) eager_layer_seconds_ += 2 * constants_.eager_all_reduce_seconds;
  const double unquantized = deployment_.float32 ? 4 : 2;
  head_bytes_ = model.HeadParameters() * unquantized;  // never quantized
  weight_bytes_per_gpu_ =
      (dense_.parameters * dense_.bytes_per_parameter + experts_.parameters * experts_.bytes_per_parameter +
       head_bytes_ + model.EmbeddingParameters() * unquantized) /
      (deployment_.tensor_parallel * deployment_.pipeline_parallel);

  // A latent is one entry that every GPU needs; KV heads are divided as far as there are enough of them.
  const double divided =
      model.is_mla() ? 1 : std::min<double>(deployment_.tensor_parallel, std::max(1, model.kv_heads));
  kv_copies_ = deployment_.tensor_parallel / divided;
  const double longest = static_cast<double>(deployment_.max_model_len.value_or(8192));
  kv_bytes_per_token_ = model.KvElements(longest) / longest * deployment_.cache_bytes_per_element * kv_copies_;
  double kv_share = 1;
  switch (deployment_.attention) {
    case AttentionKernel::kFlashAttention:
      break;
    case AttentionKernel::kFlashInfer:
      kv_share = constants_.flash_infer_kv_share;
      break;
    case AttentionKernel::kTriton:
      kv_share = constants_.triton_kv_share;
      break;
  }
  const bool narrow_kv = deployment_.cache_bytes_per_element < 2;
  if (narrow_kv) layer_seconds_ += constants_.fp8_kv_layer_seconds;
  kv_bandwidth_ =
      gpu.memory_bandwidth * kv_share * (narrow_kv ? constants_.fp8_kv_bandwidth_share : constants_.kv_bandwidth_share);
  attention_flops_ = gpu.bf16_flops * constants_.attention_compute_share;
  token_emit_seconds_ =
      deployment_.engine == EngineKind::kSglang ? constants_.sglang_token_emit_seconds : constants_.token_emit_seconds;
}

double Roofline::StepSeconds(const StepLoad& load) const {
  const ModelShape& model = deployment_.model;
  const Speculation& speculation = deployment_.speculation;
  const double replicas = deployment_.data_parallel;
  const double split = deployment_.tensor_parallel;
  const double tokens =
      (load.prefill_tokens + load.decode_sequences * (1.0 + std::max(0, speculation.draft_tokens))) / replicas;
  if (tokens <= 0) return 0;

  const auto matrices = [&](const Matrices& m, double active, double touched) {
    const double compute = 2 * m.parameters * active * tokens / m.flops_per_second;
    const double memory = m.parameters * touched * m.bytes_per_parameter / m.weight_bandwidth;
    return std::max(compute, memory);
  };
  double seconds = matrices(dense_, 1, 1);
  if (model.is_moe()) {
    const double active = static_cast<double>(model.experts_per_token) / model.experts;
    // Experts that at least one token chose, if choices are uniform.
    const double touched = 1 - std::pow(1 - active, tokens);
    seconds += matrices(experts_, active, touched);
  }
  seconds += head_bytes_ / dense_.weight_bandwidth;

  // Attention. Layers with a window see at most that much of the mean context.
  const double full = model.attention_layers() - model.window_layers;
  const auto attended = [&](double context, double mean) {
    const double windowed = mean > model.window && mean > 0 ? context * model.window / mean : context;
    return full * context + model.window_layers * windowed;
  };
  if (load.prefill_tokens > 0) {
    const double width =
        model.is_mla() ? (model.nope_head_dim + model.rope_head_dim + model.v_head_dim) / 2.0 : model.head_dim;
    seconds += 4.0 * model.heads * width * attended(load.prefill_context, load.prefill_context / load.prefill_tokens) /
               replicas / attention_flops_;
  }
  if (load.decode_sequences > 0) {
    const double layers_context = attended(load.decode_context, load.decode_context / load.decode_sequences) / replicas;
    // Every GPU reads its own part, and a copy of what is not divided; a latent is attended to in its own width.
    const double bytes =
        layers_context * model.KvElementsPerTokenAndLayer() * deployment_.cache_bytes_per_element * kv_copies_;
    const double width =
        model.is_mla() ? (2.0 * model.kv_lora_rank + model.rope_head_dim) / 2 : static_cast<double>(model.head_dim);
    seconds += std::max(bytes / kv_bandwidth_, 4.0 * model.heads * width * layers_context / attention_flops_);
    seconds += model.layers * load.decode_sequences / replicas * constants_.sequence_layer_seconds;
    seconds += 2 * model.linear_layers * model.linear_state_bytes_per_layer * load.decode_sequences / replicas /
               dense_.weight_bandwidth;
  }
  seconds /= split;
  if (split > 1) {
    const double bytes = tokens * model.hidden * 2.0 * 2.0 * (split - 1) / split;
    seconds += model.layers * 2 *
               (constants_.all_reduce_seconds + bytes / (deployment_.gpu.link_bandwidth * constants_.link_share));
  }
  seconds += model.layers * layer_seconds_;
  if (speculation.draft_tokens > 0) seconds *= 1 + speculation.draft_tokens * speculation.draft_cost;
  return deployment_.eager ? std::max(seconds, model.layers * eager_layer_seconds_) : seconds;
}

MemoryPlan PlanMemory(const Deployment& deployment) {
  const Roofline roofline(deployment);
  MemoryPlan plan;
  plan.weights_gib = roofline.WeightBytesPerGpu() / kGib;
  const double total = deployment.gpu.memory_bytes / kGib;
  plan.weights_fit = plan.weights_gib < total - 0.5;
  switch (deployment.engine) {
    case EngineKind::kVllm:
      plan.kv_gib = deployment.cache_bytes ? *deployment.cache_bytes / kGib
                                           : total * deployment.memory_fraction - plan.weights_gib - kVllmReservedGib;
      break;
    case EngineKind::kSglang:
      plan.kv_gib = (total - kSglangContextGib) * deployment.memory_fraction - plan.weights_gib;
      break;
    case EngineKind::kTensorRtLlm:
      plan.kv_gib = (total - plan.weights_gib - kVllmReservedGib) * deployment.memory_fraction;
      break;
  }
  // A replica's cache is spread over its GPUs.
  const double bytes = plan.kv_gib * kGib * deployment.tensor_parallel * deployment.pipeline_parallel;
  const double per_token = roofline.KvBytesPerToken();
  // A model without attention keeps no cache: as many tokens as anyone could ask for.
  const double tokens = per_token > 0 ? std::max(0.0, bytes / per_token) : 1e9;
  constexpr std::int64_t kBlock = 16;
  plan.kv_tokens = static_cast<std::int64_t>(tokens) / kBlock * kBlock * deployment.data_parallel;
  if (deployment.cache_tokens) plan.kv_tokens = std::min(plan.kv_tokens, *deployment.cache_tokens);
  return plan;
}

}  // namespace autotune::engine_model
