#include "simulator/roofline.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

namespace autotune::simulator {
namespace {

constexpr double kGib = 1024.0 * 1024.0 * 1024.0;

// Not recorded: assumptions, each marked so in the documentation.
constexpr double kEagerSecondsPerLayer = 0.25e-3;   // kernel launches bound a step without CUDA graphs
constexpr double kAllReduceLatencySeconds = 10e-6;  // two of them in every layer
constexpr double kFlashInferKvShare = 0.90;         // of FlashAttention 3's KV bandwidth
constexpr double kTritonKvShare = 0.75;
constexpr double kVllmReservedGib = 1.1;  // observed: activations, CUDA graphs

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
  const double bf16 = gpu.bf16_tflops * 1e12 * constants_.bf16_compute_share;
  Matrices out{parameters, 2, bf16, gpu.bandwidth_tb * 1e12 * constants_.bf16_weight_bandwidth_share};
  if (method.empty() && settings_.dtype == "float32") {
    out.bytes_per_parameter = 4;
    out.flops_per_second = bf16 / 2;  // TF32
    return out;
  }
  const double narrow_bandwidth = gpu.bandwidth_tb * 1e12 * constants_.fp8_weight_bandwidth_share;
  if (OneOf(method, kFp8Methods)) {
    out.bytes_per_parameter = method == "w4afp8" && experts ? 0.53 : 1;
    out.weight_bandwidth = narrow_bandwidth;
    // Below 8.9 the weights are fp8 and the arithmetic is not (Marlin).
    if (gpu.fp8_tflops > 0) out.flops_per_second = gpu.fp8_tflops * 1e12 * constants_.fp8_compute_share;
  } else if (OneOf(method, kInt8Methods)) {
    out.bytes_per_parameter = 1;
    out.weight_bandwidth = narrow_bandwidth;
    if (gpu.int8_tops > 0) out.flops_per_second = gpu.int8_tops * 1e12 * constants_.fp8_compute_share;
  } else if (OneOf(method, kExpertsInt8Methods)) {
    if (experts) {  // recorded: changes nothing on a dense model
      out.bytes_per_parameter = 1;
      out.weight_bandwidth = narrow_bandwidth;
    }
  } else if (OneOf(method, kFourBitMethods)) {
    // The checkpoint's experts are mxfp4, its other matrices are not.
    if (method.find("mxfp4") == std::string_view::npos || experts) {
      out.bytes_per_parameter = 0.55;
      out.weight_bandwidth = narrow_bandwidth;
      if (gpu.capability >= 100 && method.find("fp4") != std::string_view::npos) {
        out.flops_per_second = gpu.fp8_tflops * 2e12 * constants_.fp8_compute_share;
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
  head_bytes_ = shape.head_parameters * (settings_.dtype == "float32" ? 4 : 2);  // never quantized
  kv_bytes_per_token_ = shape.kv_elements_per_token() * KvBytesPerElement(settings_);
  const std::string backend = settings_.EffectiveAttentionBackend();
  const double kv_share = backend == "TRITON_ATTN" || backend == "triton"      ? kTritonKvShare
                          : backend == "FLASHINFER" || backend == "flashinfer" ? kFlashInferKvShare
                                                                               : 1.0;
  kv_bandwidth_ = settings_.gpu.bandwidth_tb * 1e12 * constants_.kv_bandwidth_share * kv_share;
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
  seconds /= split;
  if (split > 1) {
    const double bytes = tokens * shape.hidden * 2.0 * 2.0 * (split - 1) / split;
    seconds += shape.layers * 2 * (kAllReduceLatencySeconds + bytes / (settings_.gpu.link_gb * 1e9));
  }
  if (settings_.eager) seconds = std::max(seconds, shape.layers * kEagerSecondsPerLayer);
  return seconds + constants_.step_overhead_seconds;
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
      plan.kv_gib = total * settings.memory_fraction - plan.weights_gib;
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
