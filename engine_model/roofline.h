// Time of one step of an engine and size of its KV cache: a roofline of GPU, model and precision.
//
// Formulas, constants, sources and the comparison with recorded H100 values: docs/simulated-engine.md.
// Immutable after construction, thread-safe.
#pragma once

#include <cstdint>

#include "engine_model/deployment.h"

namespace autotune::engine_model {

// Work of one step, over all data-parallel replicas.
struct StepLoad {
  int prefill_tokens = 0;
  double prefill_context = 0;  // sum over prefill tokens of the tokens that each attends to
  int decode_sequences = 0;
  double decode_context = 0;  // sum over decoding sequences of their context lengths
};

// Reached shares of the data sheet's rates, and costs without a data sheet value. From step times in SGLang's logs of
// tasks tuned on one H100 (tests/engines/runs/2026-11-25-h100; table in docs/simulated-engine.md), unless noted
// otherwise. The front end's constants are fitted to the tasks' latencies.
struct RooflineConstants {
  double bf16_compute_share = 0.635;
  double fp8_compute_share = 0.463;
  // Experts: many small matrices in one Triton kernel. SGLang has tile sizes tuned for the shape; vLLM logs that it has
  // none.
  double bf16_expert_compute_share = 0.36;
  double fp8_expert_compute_share = 0.235;
  double untuned_bf16_expert_compute_share = 0.245;
  double untuned_fp8_expert_compute_share = 0.115;
  double weight_bandwidth_share = 0.85;
  double untuned_bf16_expert_bandwidth_share = 0.68;
  double kv_bandwidth_share = 0.90;
  double fp8_kv_bandwidth_share = 0.585;  // half the bytes, but not half the time
  double attention_compute_share = 0.4;   // of the bf16 rate
  double link_share = 2.0 / 3;            // assumed, like all_reduce_seconds (two per layer)
  double all_reduce_seconds = 10e-6;
  double flash_infer_kv_share = 0.90;  // assumed: relative to FlashAttention 3's KV bandwidth
  double triton_kv_share = 0.75;       // assumed
  // Small kernels between the matrices, per step.
  double dense_layer_seconds = 33e-6;
  double moe_layer_seconds = 53e-6;
  double compiled_moe_layer_seconds = 20e-6;  // vLLM: torch.compile fuses some of them
  double quantize_layer_seconds = 15e-6;      // separate kernels for activations to fp8: SGLang
  double fp8_kv_layer_seconds = 5e-6;
  double sequence_layer_seconds = 0.27e-6;  // per decoding sequence, in addition to the bytes of its cache
  // Without CUDA graphs the CPU launches each kernel, and the GPU waits for it (run vllm-tensor-parallel).
  double eager_layer_seconds = 0.51e-3;
  double eager_quantize_layer_seconds = 0.155e-3;
  double eager_all_reduce_seconds = 0.19e-3;
  double request_intake_seconds = 0.8e-3;    // front end, serial: per request with its prompt
  double token_emit_seconds = 22e-6;         // front end, serial: per token of a stream
  double sglang_token_emit_seconds = 40e-6;  // its detokenizer is a separate process
  double dispatch_seconds = 8.5e-3;          // from the front end to the scheduler
};

class Roofline {
 public:
  explicit Roofline(const Deployment& deployment, const RooflineConstants& constants = {});

  [[nodiscard]] double StepSeconds(const StepLoad& load) const;

  // An engine's front end (HTTP, tokenizer, detokenizer: one Python thread per direction) handles requests and tokens
  // sequentially. At thousands of tokens/s it affects latencies as much as the GPU does.
  [[nodiscard]] double RequestIntakeSeconds() const { return constants_.request_intake_seconds; }
  [[nodiscard]] double TokenEmitSeconds() const { return token_emit_seconds_; }
  [[nodiscard]] double DispatchSeconds() const { return constants_.dispatch_seconds; }

  // Bytes of weights on one GPU.
  [[nodiscard]] double WeightBytesPerGpu() const { return weight_bytes_per_gpu_; }
  // Bytes of one token's keys and values over all GPUs of a replica; copies count several times. Layers with a window
  // are averaged over a request of the maximum length.
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
  double kv_copies_ = 1;  // number of GPUs in a replica with the same keys and values
  double kv_bandwidth_ = 0;
  double layer_seconds_ = 0;        // small kernels of one layer
  double eager_layer_seconds_ = 0;  // minimum time of one layer without CUDA graphs
  double attention_flops_ = 0;
  double token_emit_seconds_ = 0;
};

// Memory of one GPU; kv_tokens is the total of all replicas.
struct MemoryPlan {
  double weights_gib = 0;
  double kv_gib = 0;  // remaining for the KV cache; negative if the weights alone do not fit
  std::int64_t kv_tokens = 0;
  bool weights_fit = true;  // false: CUDA runs out of memory during loading
};
MemoryPlan PlanMemory(const Deployment& deployment);

}  // namespace autotune::engine_model
