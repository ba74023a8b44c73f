#include "engine_model/closed_form.h"

#include <algorithm>
#include <cmath>

namespace autotune::engine_model {
namespace {

struct Precision {
  double bytes;
  double flops;
};

// Bytes with scales: 16 elements share one byte in NVFP4, 128 a 16-bit scale and a 4-bit zero in INT4.
Precision Of(WeightFormat format, const GpuSpec& gpu) {
  switch (format) {
    case WeightFormat::kBf16:
      return {2, gpu.bf16_flops};
    case WeightFormat::kFp8:
      return {1, gpu.fp8_flops > 0 ? gpu.fp8_flops : gpu.bf16_flops};
    case WeightFormat::kInt8:
      return {1, gpu.int8_ops > 0 ? gpu.int8_ops : gpu.bf16_flops};
    case WeightFormat::kInt4:
      return {0.5195, gpu.bf16_flops};
    case WeightFormat::kFp4:
      return {0.5625, gpu.fp4_flops > 0 ? gpu.fp4_flops : gpu.bf16_flops};
  }
  return {2, gpu.bf16_flops};
}

constexpr double kMxfp4Bytes = 0.53125;  // 32 elements share one byte

}  // namespace

ClosedForm::ClosedForm(const ModelShape& model, const GpuSpec& gpu, const CandidateShape& candidate,
                       const Workload& workload, const ClosedFormConstants& constants)
    : model_(model), gpu_(gpu), candidate_(candidate), workload_(workload), constants_(constants) {
  const double tensor = std::max(1, candidate.tensor_parallel);
  const double pipeline = std::max(1, candidate.pipeline_parallel);
  const double replicas = std::max(1, candidate.data_parallel);
  const double all = tensor * pipeline * (model.is_moe() ? replicas : 1);
  const Precision weights = Of(candidate.weights, gpu);
  Precision attention = weights;
  Precision experts = weights;
  if (candidate.weights == WeightFormat::kFp4) {
    if (model.expert_only_quantization) {
      attention = Of(WeightFormat::kBf16, gpu);
      experts = {kMxfp4Bytes, gpu.fp4_flops > 0 ? gpu.fp8_flops : gpu.bf16_flops};
    } else if (model.is_mla()) {
      attention = Of(WeightFormat::kFp8, gpu);
    }
  }
  attention_ = {model.AttentionParameters(), attention.bytes, attention.flops, tensor * pipeline};
  mlp_ = {model.DenseMlpParameters() + model.SharedExpertParameters(), model.is_moe() ? experts.bytes : weights.bytes,
          model.is_moe() ? experts.flops : weights.flops, all};
  experts_ = {model.RoutedExpertParameters(), experts.bytes, experts.flops, all};
  cache_bytes_ = candidate.cache_bytes_per_element > 0      ? candidate.cache_bytes_per_element
                 : candidate.weights == WeightFormat::kBf16 ? 2
                                                            : 1;
  const double kernels = constants.kernels_per_layer * (candidate.eager ? constants.eager_kernel_factor : 1);
  fixed_seconds_ = model.layers * kernels * constants.kernel_seconds + model.moe_layers() * constants.moe_layer_seconds;

  const auto per_gpu = [](const Matrices& m) { return m.parameters * m.bytes / m.divided_by; };
  const double head = 2 * (model.HeadParameters() + model.EmbeddingParameters()) / tensor;
  weight_bytes_per_gpu_ =
      per_gpu(attention_) + per_gpu(mlp_) + per_gpu(experts_) + 2 * model.RouterParameters() / pipeline + head;

  // Activations of the largest prefill: AIConfigurator's coefficients by tensor-parallel size (systems/, Apache-2.0).
  const double budget =
      candidate.max_batched_tokens > 0 ? candidate.max_batched_tokens : constants.default_batched_tokens;
  const double width = tensor >= 8 ? 5 : tensor >= 4 ? 5 : tensor >= 2 ? 6 : 10;
  const double activations = 2 * budget * model.hidden * width;
  const double free =
      candidate.memory_fraction * gpu.memory_bytes - weight_bytes_per_gpu_ - activations - constants.reserved_bytes;
  const double tokens = workload.input_tokens + workload.output_tokens;
  const double divided = model.is_mla() ? pipeline : pipeline * std::min<double>(tensor, std::max(1, model.kv_heads));
  const double request_bytes =
      (model.KvElements(tokens) * cache_bytes_ + model.linear_layers * model.linear_state_bytes_per_layer) / divided;
  cache_sequences_ = std::max(0.0, free) / std::max(1.0, request_bytes) * replicas;
  max_running_ = std::max(1.0, cache_sequences_);
  if (candidate.max_num_seqs > 0) max_running_ = std::min(max_running_, candidate.max_num_seqs * replicas);
}

double ClosedForm::StepSeconds(double decoding, double context, double prefill, double prefill_context,
                               double prefilling_ranks) const {
  const ClosedFormConstants& c = constants_;
  const double tensor = std::max(1, candidate_.tensor_parallel);
  const double pipeline = std::max(1, candidate_.pipeline_parallel);
  const double replicas = model_.is_moe() ? std::max(1, candidate_.data_parallel) : 1;
  // Attention is data parallel; what follows it is shared by all ranks of a mixture of experts, and the ranks wait for
  // the busiest.
  const double together = decoding + prefill;
  decoding /= replicas;
  prefill /= std::min(replicas, prefilling_ranks);
  const double tokens = decoding + prefill;
  const double bandwidth = gpu_.memory_bandwidth * c.bandwidth_share;

  const auto seconds = [&](double active, double touched_bytes, double flops, double n, double divided) {
    return std::max(2 * active * n / (divided * flops * c.compute_share), touched_bytes / (divided * bandwidth));
  };
  double total = seconds(attention_.parameters, attention_.parameters * attention_.bytes, attention_.flops, tokens,
                         attention_.divided_by);
  if (mlp_.parameters > 0) {
    total += seconds(mlp_.parameters, mlp_.parameters * mlp_.bytes, mlp_.flops, together, mlp_.divided_by);
  }
  if (model_.is_moe()) {
    const double share = static_cast<double>(model_.experts_per_token) / model_.experts;
    const double hit = 1 - std::pow(1 - share, together);
    total += seconds(experts_.parameters * share, experts_.parameters * hit * experts_.bytes, experts_.flops, together,
                     experts_.divided_by);
    total += 2 * model_.RouterParameters() / (pipeline * bandwidth);
  }
  const double head = model_.HeadParameters();
  total +=
      std::max(2 * head * decoding / (tensor * gpu_.bf16_flops * c.compute_share), 2 * head / (tensor * bandwidth));

  // Attention over the cache.
  const double full = model_.attention_layers() - model_.window_layers;
  const double windowed = std::min<double>(context, model_.window);
  const double token_layers = full * context + model_.window_layers * windowed;
  const double width =
      model_.is_mla() ? (2.0 * model_.kv_lora_rank + model_.rope_head_dim) / 2 : static_cast<double>(model_.head_dim);
  const double cache_divided = model_.is_mla() ? 1 : std::min<double>(tensor, std::max(1, model_.kv_heads));
  const double compute =
      4.0 * model_.heads * width * decoding * token_layers / (tensor * gpu_.bf16_flops * c.compute_share);
  const double bytes = model_.KvElementsPerTokenAndLayer() * cache_bytes_ * decoding * token_layers;
  total += std::max(compute, bytes / (cache_divided * bandwidth)) / pipeline;
  if (model_.linear_layers > 0) {
    total +=
        2 * model_.linear_layers * model_.linear_state_bytes_per_layer * decoding / (tensor * pipeline * bandwidth);
  }
  if (prefill > 0) {
    const double attended =
        full * prefill_context + model_.window_layers * std::min<double>(prefill_context, model_.window);
    const double head_dim =
        model_.is_mla() ? (model_.nope_head_dim + model_.rope_head_dim + model_.v_head_dim) / 2.0 : model_.head_dim;
    total += 4.0 * model_.heads * head_dim * prefill * attended /
             (tensor * pipeline * gpu_.bf16_flops * c.compute_share * c.prefill_attention_share);
  }
  if (tensor > 1 || (model_.is_moe() && replicas > 1)) {
    const double group = tensor > 1 ? tensor : replicas;
    const double latency = c.all_reduce_seconds * (candidate_.eager ? c.eager_all_reduce_factor : 1);
    total += 2.0 * model_.layers *
             (latency + 2 * (group - 1) / group * tokens * model_.hidden * 2 / (gpu_.link_bandwidth * c.link_share));
  }
  if (pipeline > 1) {
    total +=
        (pipeline - 1) * (c.pipeline_hop_seconds + tokens * model_.hidden * 2 / (gpu_.link_bandwidth * c.link_share));
  }
  return total + fixed_seconds_;
}

LatencyPrediction ClosedForm::Predict(double load) const {
  const ClosedFormConstants& c = constants_;
  // A dense model's replicas share nothing; the ranks of a mixture of experts work on one step together.
  const double replicas = model_.is_moe() ? 1 : std::max(1, candidate_.data_parallel);
  const double isl = std::max(1.0, workload_.input_tokens);
  const double osl = std::max(1.0, workload_.output_tokens);
  const double running = std::min(load, max_running_);
  const double each = std::max(1.0, running / replicas);  // of one rank
  const double budget = candidate_.max_batched_tokens > 0 ? candidate_.max_batched_tokens : c.default_batched_tokens;
  const double context = isl + osl / 2;

  // A step that drafts verifies all drafted tokens and keeps some.
  const bool drafts = candidate_.draft_tokens > 0;
  const double decoding = drafts ? each * (candidate_.draft_tokens + 1) : each;
  const double kept = drafts ? c.tokens_per_draft_step : 1;
  const double plain = StepSeconds(decoding, context, 0, 0, 1);
  const double arriving = each * isl / osl * kept;  // prefill tokens per step
  const double mixed_share = std::min(1.0, arriving / budget);
  const double mixed = StepSeconds(decoding, context, std::min(budget, isl * each), isl / 2, each);
  LatencyPrediction out;
  out.running = running;
  out.tpot_seconds = ((1 - mixed_share) * plain + mixed_share * mixed) / kept;

  const double chunks = std::ceil(isl / budget);
  const double prefill = chunks * StepSeconds(decoding, context, std::min(budget, isl), isl / 2, 1);
  const double slope = workload_.in_step ? c.queue_slope_in_step : c.queue_slope;
  out.ttft_seconds = prefill * (1 + slope * running) + 2 * plain + c.front_end_seconds;
  if (cache_sequences_ < 1) out.ttft_seconds /= std::max(cache_sequences_, 0.01);  // one request does not fit
  const double rate = running / (out.ttft_seconds + osl * out.tpot_seconds);
  if (load > running) out.ttft_seconds += (load - running) / rate;
  out.output_tokens_per_second = load * osl / (out.ttft_seconds + (osl - 1) * out.tpot_seconds);
  return out;
}

}  // namespace autotune::engine_model
