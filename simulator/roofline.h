// How long one step of an engine takes and how many tokens its KV cache holds: a roofline of GPU, model and precision.
//
// Formulas, constants, their sources and the comparison with the recorded H100 figures: docs/simulated-engine.md.
// Immutable after construction, free to share.
#pragma once

#include <cstdint>
#include <string>

#include "simulator/engine_settings.h"

namespace autotune::simulator {

// What one step processes, over all data-parallel replicas.
struct StepLoad {
  int prefill_tokens = 0;
  double prefill_context = 0;  // sum over prefill tokens of the tokens each one attends to
  int decode_sequences = 0;
  double decode_context = 0;  // sum over decoding sequences of their context lengths
};

// Calibrated on the recorded runs of vLLM 0.24.0 with a Llama-8B on one H100: shares of the data sheet's rates that are
// reached, and the costs that no data sheet names.
struct RooflineConstants {
  double bf16_compute_share = 0.495;
  double fp8_compute_share = 0.456;
  double bf16_weight_bandwidth_share = 0.816;
  double fp8_weight_bandwidth_share = 0.565;
  double kv_bandwidth_share = 0.95;
  double attention_compute_share = 0.413;  // prefill attention, of the bf16 rate
  double step_overhead_seconds = 0.2e-3;
  double request_intake_seconds = 2.75e-3;  // front end, serial: a request with its prompt
  double token_emit_seconds = 71e-6;        // front end, serial: one token of one stream
  double dispatch_seconds = 9.4e-3;         // front end to scheduler
};

class Roofline {
 public:
  explicit Roofline(const EngineSettings& settings, const RooflineConstants& constants = {});

  [[nodiscard]] double StepSeconds(const StepLoad& load) const;

  // One engine front end (HTTP, tokenizer, detokenizer: one Python thread each way) handles requests and tokens one
  // after the other. At thousands of tokens per second this shapes latencies as much as the GPU does.
  [[nodiscard]] double RequestIntakeSeconds() const { return constants_.request_intake_seconds; }
  [[nodiscard]] double TokenEmitSeconds() const { return constants_.token_emit_seconds; }
  [[nodiscard]] double DispatchSeconds() const { return constants_.dispatch_seconds; }

  // Bytes of weights on one GPU.
  [[nodiscard]] double WeightBytesPerGpu() const;
  // Bytes that one token's keys and values take, over all GPUs of one replica.
  [[nodiscard]] double KvBytesPerToken() const { return kv_bytes_per_token_; }

 private:
  struct Matrices {
    double parameters = 0;
    double bytes_per_parameter = 2;
    double flops_per_second = 0;
    double weight_bandwidth = 0;
  };
  [[nodiscard]] Matrices Precision(double parameters, const std::string& method, bool experts) const;

  EngineSettings settings_;
  RooflineConstants constants_;
  Matrices dense_;
  Matrices experts_;
  double head_bytes_ = 0;
  double kv_bytes_per_token_ = 0;
  double kv_bandwidth_ = 0;
  double attention_flops_ = 0;
};

// What fits. All values are of one GPU but kv_tokens, which counts every replica.
struct MemoryPlan {
  double weights_gib = 0;
  double kv_gib = 0;  // left for the KV cache; negative when the weights alone are too much
  std::int64_t kv_tokens = 0;
  bool weights_fit = true;  // false: CUDA runs out of memory while loading
};
MemoryPlan PlanMemory(const EngineSettings& settings);

}  // namespace autotune::simulator
