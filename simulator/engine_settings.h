// Resolved settings of an engine start after its command line was parsed: they decide whether it starts, how much fits,
// and how fast it is. Automatic choices of the engine are resolved here.
//
// Pure values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine_model/deployment.h"
#include "simulator/argparse.h"
#include "simulator/gpu.h"
#include "simulator/injected_failure.h"
#include "simulator/model_shape.h"
#include "simulator/recorded_parser.h"

namespace autotune::simulator {

struct EngineSettings {
  EngineRelease release;
  Gpu gpu;
  std::optional<int> visible_gpus;  // nullopt: not given; as many as requested
  std::string model;                // as given
  std::string served_name;
  ModelShape shape;

  std::string host;
  int port = 0;

  std::string dtype;         // "bfloat16", "float16", "float32": data type of weights and activations
  std::string quantization;  // the flag, "" = not given
  bool has_quantization_config = false;
  std::string online_linear;  // --quantization-config's members, "" = not given
  std::string online_moe;
  std::string kv_cache_dtype;     // the flag, "auto" when not given
  std::string attention_backend;  // the flag, "" = automatic
  std::string moe_backend;        // vLLM --moe-backend, SGLang --moe-runner-backend, "" = automatic
  std::string torchao_config;
  std::vector<std::string> quantization_methods;  // vLLM's registry of this release
  bool options_set_quantization = false;          // TensorRT-LLM: the options file has quant_config

  int tensor_parallel = 1;
  int pipeline_parallel = 1;
  int data_parallel = 1;

  std::int64_t max_model_len = 0;  // resolved; 0 only before resolution
  bool max_model_len_given = false;
  double memory_fraction = 0;                   // as the engine defines it, see PlanMemory
  std::optional<std::int64_t> kv_cache_bytes;   // vLLM --kv-cache-memory-bytes
  std::optional<std::int64_t> kv_cache_tokens;  // SGLang --max-total-tokens
  int max_sequences = 0;
  int token_budget = 0;     // prefill (and decode) tokens of one step
  bool mixed_steps = true;  // false: prefill steps and decode steps alternate (SGLang's default)
  bool chunked_prefill = true;
  bool prefix_caching = true;
  int block_tokens = 16;  // of the KV cache
  engine_model::Speculation speculation;
  std::optional<int> max_queued;                      // SGLang --max-queued-requests: further ones are rejected
  int stream_interval = 1;                            // tokens of one event
  bool eager = false;                                 // no CUDA graphs
  bool own_warmup = false;                            // SGLang generates once before it reports ready
  bool metrics = true;                                // Prometheus metrics are served
  bool iteration_statistics = false;                  // TensorRT-LLM: /metrics, as JSON
  InjectedFailure scenario = InjectedFailure::kNone;  // a failure on demand
  std::string default_text;                           // the arguments that were given, for the log

  // The effective quantization: the flag, else the checkpoint's; "" = none.
  [[nodiscard]] std::string EffectiveQuantization() const;
  // The effective type of the KV cache: "fp8" if "auto" follows such a checkpoint.
  [[nodiscard]] std::string EffectiveKvCache() const;
  // The effective backend: the given one, or the engine's choice for this GPU and KV cache dtype.
  [[nodiscard]] std::string EffectiveAttentionBackend() const;
  [[nodiscard]] int gpus() const { return tensor_parallel * pipeline_parallel * data_parallel; }
};

struct SettingsInput {
  const RecordedParser* parser = nullptr;  // nullptr for TensorRT-LLM
  EngineRelease release;
  Gpu gpu;
  std::optional<int> visible_gpus;
  KnownModels models{};
};

// Missing values become the engine's defaults. kInvalid: the model or an options file cannot be read; the message is
// the line with which the engine would end ("OSError: ...").
base::Result<EngineSettings> ResolveSettings(const SettingsInput& input, const ParsedArguments& arguments);

}  // namespace autotune::simulator
