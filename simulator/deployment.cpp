#include "simulator/deployment.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>

namespace autotune::simulator {
namespace {

using engine_model::Arithmetic;
using engine_model::MatrixFormat;

template <std::size_t N>
bool IsOneOf(std::string_view text, const std::array<std::string_view, N>& names) {
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

MatrixFormat FormatOfMethod(std::string_view method, bool experts, const EngineSettings& s) {
  if (method.empty() && s.dtype == "float32") return {4, Arithmetic::kFp32};
  // Below 8.9 the weights are fp8 and the arithmetic is not (Marlin): the engine model knows that the GPU has none.
  if (IsOneOf(method, kFp8Methods)) return {method == "w4afp8" && experts ? 0.53 : 1, Arithmetic::kFp8};
  if (IsOneOf(method, kInt8Methods)) return {1, Arithmetic::kInt8};
  // Recorded: changes nothing on a dense model.
  if (IsOneOf(method, kExpertsInt8Methods)) return {experts ? 1.0 : 2.0, Arithmetic::kBf16};
  if (IsOneOf(method, kFourBitMethods)) {
    // The checkpoint's experts are mxfp4, its other matrices are not.
    if (method.find("mxfp4") != std::string_view::npos && !experts) return {};
    return {0.55, method.find("fp4") != std::string_view::npos ? Arithmetic::kFp4 : Arithmetic::kBf16};
  }
  return {};
}

// Of weights as the files have them; nullopt = the method alone decides.
std::optional<MatrixFormat> FormatOfFiles(const std::string& format, const std::string& activations) {
  const auto arithmetic = [&](Arithmetic own) {
    if (activations == "none") return Arithmetic::kBf16;
    if (activations == "int8") return Arithmetic::kInt8;
    return activations.find("fp8") != std::string::npos ? Arithmetic::kFp8 : own;
  };
  if (format == "none") return MatrixFormat{};
  if (format == "fp8" || format == "mxfp8") return MatrixFormat{1, arithmetic(Arithmetic::kFp8)};
  if (format == "fp8-w8a16" || format == "int8-w8a16") return MatrixFormat{1, Arithmetic::kBf16};
  if (format == "int8-w8a8") return MatrixFormat{1, Arithmetic::kInt8};
  if (format == "int4-wna16" || format == "bnb" || format == "gguf") return MatrixFormat{0.55, Arithmetic::kBf16};
  if (format == "nvfp4") return MatrixFormat{0.55, arithmetic(Arithmetic::kFp4)};
  return std::nullopt;
}

double KvBytesPerElement(const EngineSettings& s) {
  const std::string dtype = s.EffectiveKvCache();
  const double model_bytes = s.dtype == "float32" ? 4 : 2;
  if (dtype == "auto" || dtype.empty()) return model_bytes;
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

engine_model::EngineKind KindOf(Engine engine) {
  switch (engine) {
    case Engine::kVllm:
      return engine_model::EngineKind::kVllm;
    case Engine::kSglang:
      return engine_model::EngineKind::kSglang;
    case Engine::kTensorRtLlm:
      return engine_model::EngineKind::kTensorRtLlm;
  }
  return engine_model::EngineKind::kVllm;
}

}  // namespace

engine_model::GpuSpec SpecOf(const Gpu& gpu) {
  engine_model::GpuSpec spec;
  spec.key = gpu.key;
  spec.product = gpu.product;
  spec.memory_bytes = gpu.memory_gib * engine_model::kGib;
  spec.memory_bandwidth = gpu.bandwidth_tb * 1e12;
  spec.bf16_flops = gpu.bf16_tflops * 1e12;
  spec.fp8_flops = gpu.fp8_tflops * 1e12;
  spec.int8_ops = gpu.int8_tops * 1e12;
  spec.fp4_flops = gpu.fp4_tflops * 1e12;
  spec.link_bandwidth = gpu.link_gb * 1.5e9;  // the table has what is usable of it
  spec.compute_capability = gpu.capability;
  return spec;
}

engine_model::ModelShape ShapeOf(const ModelShape& from) {
  engine_model::ModelShape shape;
  shape.architecture = from.architecture;
  shape.layers = from.layers;
  shape.hidden = from.hidden;
  shape.heads = from.heads;
  shape.kv_heads = from.kv_heads;
  shape.head_dim = from.head_dim;
  shape.vocabulary = from.vocabulary;
  shape.tied_embeddings = from.embedding_parameters == 0;
  shape.max_positions = from.max_positions;
  shape.experts = from.experts;
  shape.experts_per_token = from.experts_per_token;
  // The widths follow from the counts, which are kept by kind.
  const double per_width = 3.0 * from.layers * from.hidden;
  if (from.is_moe()) {
    shape.expert_intermediate = static_cast<int>(std::lround(from.expert_parameters / (per_width * from.experts)));
  } else {
    shape.intermediate =
        static_cast<int>(std::lround((from.dense_parameters - shape.AttentionParameters()) / per_width));
  }
  return shape;
}

engine_model::Deployment DeploymentOf(const EngineSettings& s) {
  engine_model::Deployment out;
  out.engine = KindOf(s.release.engine);
  out.model = ShapeOf(s.shape);
  out.gpu = SpecOf(s.gpu);
  std::string linear = s.EffectiveQuantization();
  std::string moe = linear;
  if (linear == "online") {
    linear = s.online_linear;
    moe = s.online_moe;
  } else if (s.has_quantization_config && !linear.empty()) {
    if (!s.online_linear.empty()) linear = s.online_linear;
    if (!s.online_moe.empty()) moe = s.online_moe;
  }
  out.dense = FormatOfMethod(linear, false, s);
  out.experts = FormatOfMethod(moe, true, s);
  if (!s.shape.checkpoint_quantization.empty()) {
    out.dense = FormatOfFiles(s.shape.linear_format, s.shape.activations).value_or(out.dense);
    out.experts = FormatOfFiles(s.shape.expert_format, s.shape.activations).value_or(out.experts);
  }
  out.float32 = s.dtype == "float32";
  out.cache_bytes_per_element = KvBytesPerElement(s);
  const std::string backend = s.EffectiveAttentionBackend();
  if (backend == "TRITON_ATTN" || backend == "triton") out.attention = engine_model::AttentionKernel::kTriton;
  if (backend == "FLASHINFER" || backend == "flashinfer") out.attention = engine_model::AttentionKernel::kFlashInfer;
  out.eager = s.eager;
  out.tensor_parallel = s.tensor_parallel;
  out.pipeline_parallel = s.pipeline_parallel;
  out.data_parallel = s.data_parallel;
  out.memory_fraction = s.memory_fraction;
  if (s.kv_cache_bytes) out.cache_bytes = static_cast<double>(*s.kv_cache_bytes);
  out.cache_tokens = s.kv_cache_tokens;
  if (s.max_model_len > 0) out.max_model_len = s.max_model_len;
  out.max_sequences = s.max_sequences;
  out.token_budget = s.token_budget;
  out.mixed_steps = s.mixed_steps;
  out.chunked_prefill = s.chunked_prefill;
  out.prefix_caching = s.prefix_caching;
  out.block_tokens = s.block_tokens;
  out.speculation = s.speculation;
  return out;
}

}  // namespace autotune::simulator
