// Closed-form roofline: expected latency, throughput and capacity of a configuration, computed in microseconds.
//
// For ranking only: measured values differ by tens of percent, by engine and precision; the search learns the
// difference. Models a closed loop with `load` requests in flight over the whole deployment. Mixed lengths, shared
// prefixes and details of chunked prefill require the scheduler simulation. Pure; immutable, thread-safe.
#pragma once

#include "engine_model/gpu_spec.h"
#include "engine_model/model_shape.h"

namespace autotune::engine_model {

enum class WeightFormat { kBf16, kFp8, kInt8, kInt4, kFp4 };

// Input of the closed form. 0 = the engine's default, or not known.
struct CandidateShape {
  WeightFormat weights = WeightFormat::kBf16;
  double cache_bytes_per_element = 0;  // 0: 2 with bf16 weights, else 1
  int gpus = 1;                        // of all replicas
  int tensor_parallel = 1;
  int pipeline_parallel = 1;
  int data_parallel = 1;    // of attention inside one engine; for a dense model, whole replicas
  int expert_parallel = 1;  // divides the experts like tensor parallelism
  int max_num_seqs = 0;     // per data-parallel rank
  int max_batched_tokens = 0;
  int draft_tokens = 0;  // > 0: speculative decoding
  bool eager = false;    // no CUDA graphs
  double memory_fraction = 0.9;
};

struct Workload {
  double input_tokens = 0;
  double output_tokens = 0;
  // All requests have equal lengths and start together, so their prefills queue.
  bool in_step = false;
};

// Constants of the model, each with its source in closed_form.cpp.
struct ClosedFormConstants {
  double compute_share = 0.7;
  double bandwidth_share = 0.8;
  double link_share = 0.7;
  double prefill_attention_share = 0.7;  // relative to compute_share
  double all_reduce_seconds = 8e-6;
  double eager_all_reduce_factor = 6;
  double kernel_seconds = 3e-6;
  double kernels_per_layer = 10;
  double eager_kernel_factor = 4;
  double moe_layer_seconds = 30e-6;
  double pipeline_hop_seconds = 10e-6;
  double queue_slope = 0.1;          // share of TTFT per request in flight, with staggered arrivals
  double queue_slope_in_step = 0.5;  // the same if all start at once
  double front_end_seconds = 40e-3;
  double tokens_per_draft_step = 2.0;  // accepted tokens, including the model's own
  double reserved_bytes = 3e9;         // context, graphs, communication
  int default_batched_tokens = 8192;
};

struct LatencyPrediction {
  double ttft_seconds = 0;
  double tpot_seconds = 0;
  double running = 0;                   // requests that decode concurrently, over the whole deployment
  double output_tokens_per_second = 0;  // of the whole deployment
};

class ClosedForm {
 public:
  ClosedForm(const ModelShape& model, const GpuSpec& gpu, const CandidateShape& candidate, const Workload& workload,
             const ClosedFormConstants& constants = {});

  // REQUIRES: load >= 1.
  [[nodiscard]] LatencyPrediction Predict(double load) const;

  // Number of this workload's requests that fit into the KV cache, over the whole deployment; below 1: none fits.
  [[nodiscard]] double CacheSequences() const { return cache_sequences_; }
  // Number of them that run concurrently, given the limit on sequences.
  [[nodiscard]] double MaxRunning() const { return max_running_; }
  [[nodiscard]] double WeightBytesPerGpu() const { return weight_bytes_per_gpu_; }

 private:
  struct Matrices {  // parameters of equal precision and division
    double parameters = 0;
    double bytes = 2;
    double flops = 0;
    double divided_by = 1;
  };
  // Time of one step: `decoding` requests with `context` tokens each, and a prefill of `prefill` tokens that attend to
  // `prefill_context` tokens each, on `prefilling_ranks` data-parallel ranks. For a dense model one replica; for an MoE
  // model all ranks together.
  [[nodiscard]] double StepSeconds(double decoding, double context, double prefill, double prefill_context,
                                   double prefilling_ranks) const;

  ModelShape model_;
  GpuSpec gpu_;
  CandidateShape candidate_;
  Workload workload_;
  ClosedFormConstants constants_;
  Matrices attention_;
  Matrices mlp_;      // dense and shared
  Matrices experts_;  // routed
  double fixed_seconds_ = 0;
  double cache_bytes_ = 2;
  double cache_sequences_ = 0;
  double max_running_ = 0;
  double weight_bytes_per_gpu_ = 0;
};

}  // namespace autotune::engine_model
