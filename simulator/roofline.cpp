#include "simulator/roofline.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

namespace autotune::simulator {
namespace {

constexpr double kGib = 1024.0 * 1024.0 * 1024.0;

// Not recorded: assumptions, each marked so in the documentation.
constexpr double kAllReduceLatencySeconds = 10e-6;  // two of them in every layer
constexpr double kFlashInferKvShare = 0.90;         // of FlashAttention 3's KV bandwidth
constexpr double kTritonKvShare = 0.75;
constexpr double kVllmReservedGib = 1.1;    // observed: activations, CUDA graphs
constexpr double kSglangContextGib = 0.72;  // observed: 78.47 GiB available before the weights are loaded

template <std::size_t N>
bool OneOf(std::string_view text, const std::array<std::string_view, N>& names) {
  return std::find(names.begin(), names.end(), text) != names.end();
}

constexpr std::array<std::string_view, 13> kFp8Methods = {
    "fp8",          "fp8_per_tensor", "fp8_per_channel", "fp8_per_block",      "mxfp8",          "w8a8_fp8", "modelopt",
    "modelopt_fp8", "fbgemm_fp8",     "ptpc_fp8",        "compressed-tensors", "modelopt_mxfp8", "w4afp8"};
constexpr std::array<std::string_view, 3> kInt8Methods = {"w8a8_int8", "auto-round-int8", "int8"};
constexpr std::array<std::string_view, 3> kExpertsInt8Methods = {"experts_int8", "int8_per_channel_weight_only",
                                                                 "quant_int8"};
constexpr std::array<std::string_view, 18> kFourBitMethods = {
    "awq",         "awq_marlin",   "auto_awq",      "gptq",         "gptq_marlin",  "auto_gptq",
    "marlin",      "moe_wna16",    "mxfp4",         "modelopt_fp4", "nvfp4_online", "nvfp4_per_token",
    "petit_nvfp4", "bitsandbytes", "gpt_oss_mxfp4", "auto-round",   "inc",          "w4afp8_weights"};

double KvBytesPerElement(const EngineSettings& s) {
  const std::string& dtype = s.kv_cache_dtype;
  const double model_bytes = s.dtype == "float32" ? 4 : 2;
  if (dtype == "auto" || dtype.empty()) return s.shape.checkpoint_fp8_kv ? 1 : model_bytes;
  if (dtype == "bfloat16" || dtype == "float16" || dtype == "bf16") return 2;
  // One float32 scale per token and head beside the elements.
  const double scale = 4.0 / std::max(1, s.shape.head_dim);
  if (dtype == "int8_per_token_head" || dtype == "fp8_per_token_head") return 1 + scale;
  if (dtype == "int4_per_token_head") return 0.5 + scale;
  if (dtype.starts_with("nvfp4") || dtype.starts_with("fp4")) return 0.5625;
  if (dtype == "turboquant_k8v4") return 0.75;
  if (dtype.starts_with("turboquant")) return 0.5;
  return 1;  // fp8, fp8_e4m3, fp8_e5m2, mxfp8, ...
}

}  // namespace

Roofline::Matrices Roofline::Precision(double parameters, const std::string& method, bool experts) const {
  const Gpu& gpu = settings_.gpu;
  const RooflineConstants& c = constants_;
  const bool untuned = experts && settings_.release.engine == Engine::kVllm;
  const double bf16 = 1e12 * gpu.bf16_tflops *
                      (untuned   ? c.untuned_bf16_expert_compute_share
                       : experts ? c.bf16_expert_compute_share
                                 : c.bf16_compute_share);
  const double narrow = 1e12 * (untuned   ? c.untuned_fp8_expert_compute_share
                                : experts ? c.fp8_expert_compute_share
                                          : c.fp8_compute_share);
  const double bandwidth = gpu.bandwidth_tb * 1e12;
  Matrices out{parameters, 2, bf16,
               bandwidth * (untuned ? c.untuned_bf16_expert_bandwidth_share : c.weight_bandwidth_share)};
  if (method.empty() && settings_.dtype == "float32") {
    out.bytes_per_parameter = 4;
    out.flops_per_second = bf16 / 2;  // TF32
    return out;
  }
  const auto narrower = [&](double bytes) {
    out.bytes_per_parameter = bytes;
    out.weight_bandwidth = bandwidth * c.weight_bandwidth_share;
  };
  if (OneOf(method, kFp8Methods)) {
    narrower(method == "w4afp8" && experts ? 0.53 : 1);
    // Below 8.9 the weights are fp8 and the arithmetic is not (Marlin).
    if (gpu.fp8_tflops > 0) out.flops_per_second = gpu.fp8_tflops * narrow;
  } else if (OneOf(method, kInt8Methods)) {
    narrower(1);
    if (gpu.int8_tops > 0) out.flops_per_second = gpu.int8_tops * narrow;
  } else if (OneOf(method, kExpertsInt8Methods)) {
    if (experts) narrower(1);  // recorded: changes nothing on a dense model
  } else if (OneOf(method, kFourBitMethods)) {
    // The checkpoint's experts are mxfp4, its other matrices are not.
    if (method.find("mxfp4") == std::string_view::npos || experts) {
      narrower(0.55);
      if (gpu.capability >= 100 && method.find("fp4") != std::string_view::npos) {
        out.flops_per_second = gpu.fp8_tflops * 2 * narrow;
      }
    }
  }
  return out;
}

Roofline::Roofline(const EngineSettings& settings, const RooflineConstants& constants)
    : settings_(settings), constants_(constants) {
  const ModelShape& shape = settings_.shape;
  std::string linear = settings_.EffectiveQuantization();
  std::string moe = linear;
  if (linear == "online") {
    linear = settings_.online_linear;
    moe = settings_.online_moe;
  } else if (settings_.has_quantization_config && !linear.empty()) {
    if (!settings_.online_linear.empty()) linear = settings_.online_linear;
    if (!settings_.online_moe.empty()) moe = settings_.online_moe;
  }
  dense_ = Precision(shape.dense_parameters, linear, false);
  experts_ = Precision(shape.expert_parameters, moe, true);
  const bool vllm = settings_.release.engine == Engine::kVllm;
  const bool narrow_activations = (OneOf(linear, kFp8Methods) && settings_.gpu.fp8_tflops > 0) ||
                                  (OneOf(linear, kInt8Methods) && settings_.gpu.int8_tops > 0);
  layer_seconds_ = !shape.is_moe() ? constants_.dense_layer_seconds
                   : vllm          ? constants_.compiled_moe_layer_seconds
                                   : constants_.moe_layer_seconds;
  if (narrow_activations && !vllm) layer_seconds_ += constants_.quantize_layer_seconds;
  eager_layer_seconds_ = constants_.eager_layer_seconds;
  if (narrow_activations) eager_layer_seconds_ += constants_.eager_quantize_layer_seconds;
  if (settings_.tensor_parallel > 1) eager_layer_seconds_ += 2 * constants_.eager_all_reduce_seconds;
  head_bytes_ = shape.head_parameters * (settings_.dtype == "float32" ? 4 : 2);  // never quantized
  kv_bytes_per_token_ = shape.kv_elements_per_token() * KvBytesPerElement(settings_);
  const std::string backend = settings_.EffectiveAttentionBackend();
  const double kv_share = backend == "TRITON_ATTN" || backend == "triton"      ? kTritonKvShare
                          : backend == "FLASHINFER" || backend == "flashinfer" ? kFlashInferKvShare
                                                                               : 1.0;
  const bool narrow_kv = KvBytesPerElement(settings_) < 2;
  if (narrow_kv) layer_seconds_ += constants_.fp8_kv_layer_seconds;
  kv_bandwidth_ = settings_.gpu.bandwidth_tb * 1e12 * kv_share *
                  (narrow_kv ? constants_.fp8_kv_bandwidth_share : constants_.kv_bandwidth_share);
  attention_flops_ = settings_.gpu.bf16_tflops * 1e12 * constants_.attention_compute_share;
}

double Roofline::StepSeconds(const StepLoad& load) const {
  const ModelShape& shape = settings_.shape;
  const double replicas = settings_.data_parallel;
  const double split = settings_.tensor_parallel;
  const double tokens = (load.prefill_tokens + load.decode_sequences) / replicas;
  if (tokens <= 0) return 0;

  const auto matrices = [&](const Matrices& m, double active, double touched) {
    const double compute = 2 * m.parameters * active * tokens / m.flops_per_second;
    const double memory = m.parameters * touched * m.bytes_per_parameter / m.weight_bandwidth;
    return std::max(compute, memory);
  };
  double seconds = matrices(dense_, 1, 1);
  if (shape.is_moe()) {
    const double active = static_cast<double>(shape.experts_per_token) / shape.experts;
    // Experts that at least one token chose, if choices are uniform.
    const double touched = 1 - std::pow(1 - active, tokens);
    seconds += matrices(experts_, active, touched);
  }
  seconds += head_bytes_ / dense_.weight_bandwidth;
  seconds += 4.0 * shape.layers * shape.heads * shape.head_dim * load.prefill_context / replicas / attention_flops_;
  seconds += load.decode_context / replicas * kv_bytes_per_token_ / kv_bandwidth_;
  seconds += shape.layers * load.decode_sequences / replicas * constants_.sequence_layer_seconds;
  seconds /= split;
  if (split > 1) {
    const double bytes = tokens * shape.hidden * 2.0 * 2.0 * (split - 1) / split;
    seconds += shape.layers * 2 * (kAllReduceLatencySeconds + bytes / (settings_.gpu.link_gb * 1e9));
  }
  seconds += shape.layers * layer_seconds_;
  return settings_.eager ? std::max(seconds, shape.layers * eager_layer_seconds_) : seconds;
}

double Roofline::WeightBytesPerGpu() const {
  const double embedding = settings_.shape.embedding_parameters * (settings_.dtype == "float32" ? 4 : 2);
  const double bytes = dense_.parameters * dense_.bytes_per_parameter +
                       experts_.parameters * experts_.bytes_per_parameter + head_bytes_ + embedding;
  return bytes / (settings_.tensor_parallel * settings_.pipeline_parallel);
}

MemoryPlan PlanMemory(const EngineSettings& settings) {
  const Roofline roofline(settings);
  MemoryPlan plan;
  plan.weights_gib = roofline.WeightBytesPerGpu() / kGib;
  plan.weights_fit = plan.weights_gib < settings.gpu.memory_gib - 0.5;
  const double total = settings.gpu.memory_gib;
  switch (settings.release.engine) {
    case Engine::kVllm:
      plan.kv_gib = settings.kv_cache_bytes ? static_cast<double>(*settings.kv_cache_bytes) / kGib
                                            : total * settings.memory_fraction - plan.weights_gib - kVllmReservedGib;
      break;
    case Engine::kSglang:
      plan.kv_gib = (total - kSglangContextGib) * settings.memory_fraction - plan.weights_gib;
      break;
    case Engine::kTensorRtLlm:
      plan.kv_gib = (total - plan.weights_gib - kVllmReservedGib) * settings.memory_fraction;
      break;
  }
  // A replica's cache is spread over its GPUs.
  const double bytes = plan.kv_gib * kGib * settings.tensor_parallel * settings.pipeline_parallel;
  const double tokens = std::max(0.0, bytes / roofline.KvBytesPerToken());
  constexpr std::int64_t kBlock = 16;
  plan.kv_tokens = static_cast<std::int64_t>(tokens) / kBlock * kBlock * settings.data_parallel;
  if (settings.kv_cache_tokens) plan.kv_tokens = std::min(plan.kv_tokens, *settings.kv_cache_tokens);
  return plan;
}

}  // namespace autotune::simulator
