// Time of one step of an engine and size of its KV cache: a roofline of GPU, model and precision.
//
// Formulas, constants, their sources and the comparison with the recorded H100 figures: docs/simulated-engine.md.
// Immutable after construction, thread-safe.
#pragma once

#include <cstdint>

#include "engine_model/deployment.h"

namespace autotune::engine_model {

// Work of one step, over all data-parallel replicas.
struct StepLoad {
  int prefill_tokens = 0;
  double prefill_context = 0;  // sum over prefill tokens of the tokens each one attends to
  int decode_sequences = 0;
  double decode_context = 0;  // sum over decoding sequences of their context lengths
};

// Shares of the data sheet's rates that are reached, and the costs that no data sheet names. Read off the step times in
// SGLang's logs of the tasks tuned on one H100 (tests/engines/runs/2026-11-25-h100, docs/simulated-engine.md has the
// table), unless noted otherwise; the front end's constants are fitted to the tasks' latencies.
struct RooflineConstants {
  double bf16_compute_share = 0.635;
  double fp8_compute_share = 0.463;
  // Experts: many small matrices in one Triton kernel, with tile sizes tuned for the shape in SGLang; vLLM logs that it
  // has none.
  double bf16_expert_compute_share = 0.36;
  double fp8_expert_compute_share = 0.235;
  double untuned_bf16_expert_compute_share = 0.245;
  double untuned_fp8_expert_compute_share = 0.115;
  double weight_bandwidth_share = 0.85;
  double untuned_bf16_expert_bandwidth_share = 0.68;
  double kv_bandwidth_share = 0.90;
  double fp8_kv_bandwidth_share = 0.585;  // half the bytes, but not half the time
  double attention_compute_share = 0.4;   // of the bf16 rate
  double link_share = 2.0 / 3;            // assumed, as is the latency of an all-reduce: two in every layer
  double all_reduce_seconds = 10e-6;
  double flash_infer_kv_share = 0.90;  // assumed: of FlashAttention 3's KV bandwidth
  double triton_kv_share = 0.75;       // assumed
  // Small kernels between the matrices, in every step.
  double dense_layer_seconds = 33e-6;
  double moe_layer_seconds = 53e-6;
  double compiled_moe_layer_seconds = 20e-6;  // vLLM: torch.compile joins some
  double quantize_layer_seconds = 15e-6;      // activations to fp8 in kernels of their own: SGLang
  double fp8_kv_layer_seconds = 5e-6;
  double sequence_layer_seconds = 0.27e-6;  // each decoding sequence, beside the bytes of its cache
  // Without CUDA graphs the CPU launches each kernel and the GPU waits for it (vllm-tensor-parallel).
  double eager_layer_seconds = 0.51e-3;
  double eager_quantize_layer_seconds = 0.155e-3;
  double eager_all_reduce_seconds = 0.19e-3;
  double request_intake_seconds = 0.8e-3;    // front end, serial: a request with its prompt
  double token_emit_seconds = 22e-6;         // front end, serial: one token of one stream
  double sglang_token_emit_seconds = 40e-6;  // its detokenizer is a process of its own
  double dispatch_seconds = 8.5e-3;          // front end to scheduler
};

class Roofline {
 public:
  explicit Roofline(const Deployment& deployment, const RooflineConstants& constants = {});

  [[nodiscard]] double StepSeconds(const StepLoad& load) const;

  // One engine front end (HTTP, tokenizer, detokenizer: one Python thread each way) handles requests and tokens one
  // after the other. At thousands of tokens per second this shapes latencies as much as the GPU does.
  [[nodiscard]] double RequestIntakeSeconds() const { return constants_.request_intake_seconds; }
  [[nodiscard]] double TokenEmitSeconds() const { return token_emit_seconds_; }
  [[nodiscard]] double DispatchSeconds() const { return constants_.dispatch_seconds; }

  // Bytes of weights on one GPU.
  [[nodiscard]] double WeightBytesPerGpu() const { return weight_bytes_per_gpu_; }
  // Bytes that one token's keys and values take, over all GPUs of one replica: what each holds a copy of counts as
  // often. Layers with a window count for a request of the longest length.
  [[nodiscard]] double KvBytesPerToken() const { return kv_bytes_per_token_; }

 private:
  struct Matrices {
    double parameters = 0;
    double bytes_per_parameter = 2;
    double flops_per_second = 0;
    double weight_bandwidth = 0;
  };
  [[nodiscard]] Matrices Precision(double parameters, const MatrixFormat& format, bool experts) const;

  Deployment deployment_;
  RooflineConstants constants_;
  Matrices dense_;
  Matrices experts_;
  double head_bytes_ = 0;
  double weight_bytes_per_gpu_ = 0;
  double kv_bytes_per_token_ = 0;
  double kv_copies_ = 1;  // GPUs of a replica that hold the same keys and values
  double kv_bandwidth_ = 0;
  double layer_seconds_ = 0;        // small kernels of one layer
  double eager_layer_seconds_ = 0;  // least time of one layer without CUDA graphs
  double attention_flops_ = 0;
  double token_emit_seconds_ = 0;
};

// Memory of one GPU; only kv_tokens counts all replicas.
struct MemoryPlan {
  double weights_gib = 0;
  double kv_gib = 0;  // left for the KV cache; negative when the weights alone are too much
  std::int64_t kv_tokens = 0;
  bool weights_fit = true;  // false: CUDA runs out of memory while loading
};
MemoryPlan PlanMemory(const Deployment& deployment);

}  // namespace autotune::engine_model
