#include "bench/engine_sign.h"

#include <algorithm>

namespace autotune::bench {
namespace {

using S = EngineSign;

struct SignRule {
  std::string_view text;
  EngineSign sign = S::kServing;
  std::string_view and_then = "";  // behind `text` in the same line
  bool of_sglang = true;
  std::string_view tokens = "";  // the number behind it counts generated tokens per second
  bool counted = false;          // the number behind `and_then` is not 0
};

// A count, and not a request that was accepted: "Avg generation throughput: 31.4 tokens/s" (vLLM, every 10 s), "gen
// throughput (token/s): 120.00" (SGLang, every 40 steps).
constexpr SignRule kRules[] = {
    {"vLLM API server version", S::kNewProcess},
    {"server_args=ServerArgs(", S::kNewProcess},
    {"█ ▀▄▀ █  version ", S::kNewProcess},                    // vLLM's picture of its name
    {" exited with code ", S::kNewProcess, " (restarting)"},  // docker compose, of a service
    {"The server is fired up and ready to roll!", S::kBegins},
    {"Application startup complete.", S::kBegins, "", false},
    {"\"POST /", S::kServing, "\" 200"},
    {"\"POST /v1/", S::kServing, "\" 500", false},
    // SGLang's own first requests go to /generate, and of a multimodal model to /v1/chat/completions.
    {"\"POST /v1/completions", S::kServing, "\" 500"},
    // An error of one request: only what serves has requests.
    {"ailed for request ", S::kServing},
    {"rror for request ", S::kServing},
    {"xception for request ", S::kServing},
    {"ailed for req", S::kServing, "rid="},
    {" worker error for room ", S::kServing},
    {"rror processing request ", S::kServing},
    {"Avg prompt throughput: ", S::kServing, "", true, "Avg generation throughput: "},
    {"Decode batch", S::kServing, "#running-req", true, "gen throughput (token/s): "},
    // SGLang's own first request is prefilled alone, before it is ready: a batch beside others, or with others waiting,
    // is of clients.
    {"Prefill batch", S::kServing, "#running-req: ", true, "", true},
    {"Prefill batch", S::kServing, "#queue-req: ", true, "", true},
    // vLLM says "failed to start" of an engine that was not ready.
    // SGLang's scheduler with requests of clients: a part of the cache comes back from host memory, or a long prompt is
    // prefilled in several chunks. Its own first request is short.
    {", in init_load_back", S::kServing},
    {", in stash_chunked_request", S::kServing},
    {"EngineCore encountered a fatal error", S::kServing},
    {"EngineDeadError", S::kServing},
    {"in run_busy_loop", S::kServing},
    {"Error in event loop: ", S::kServing},
    {"AsyncLLM output_handler failed", S::kServing},
    {"EngineCore failed to start", S::kFailed},
    {"WorkerProc failed to start", S::kFailed},
    {"ngine core initialization failed", S::kFailed},
    {"WorkerProc initialization failed", S::kFailed},
    {"ngine process failed to start", S::kFailed},
    {"Failed to start model server", S::kFailed},
    {"Initialization failed. Please see the error messages above", S::kFailed},
    {"Failed to initialize executor on rank", S::kFailed},
    {"Executor worker returned error", S::kFailed},
    {"Initializing a", S::kStarting, " LLM engine"},
    {"Using max model len", S::kStarting},
    {"oading model", S::kStarting},
    {"Load weight ", S::kStarting},
    {"oading weights took", S::kStarting},
    {"oading safetensors", S::kStarting},
    {"Available KV cache memory", S::kStarting},
    {"Capturing CUDA graph", S::kStarting},
    {"Capture cuda graph", S::kStarting},
    {"Capture CUDA graph", S::kStarting},
    {"CUDA graph warmup", S::kStarting},
    {"in load_model", S::kStarting},
    {"in load_weights", S::kStarting},
    {"in create_weights", S::kStarting},
    {"in init_device", S::kStarting},
    {"in determine_available_memory", S::kStarting},
    {"in _initialize_kv_caches", S::kStarting},
    {"in get_kv_cache_configs", S::kStarting},
    {"in create_model_config", S::kStarting},
    {" = Scheduler(", S::kStarting},
};

// Not 0.0: an idle engine reports, too.
bool Counts(std::string_view line, std::string_view label) {
  const std::size_t at = label.empty() ? std::string_view::npos : line.find(label);
  if (at == std::string_view::npos) return false;
  const std::string_view rest = line.substr(at + label.size());
  return rest.substr(0, rest.find_first_not_of("0123456789.")).find_first_of("123456789") != std::string_view::npos;
}

}  // namespace

EngineSign SignOf(std::string_view line, bool sglang) {
  const auto* const rule = std::ranges::find_if(kRules, [&](const SignRule& one) {
    const std::size_t at = line.find(one.text);
    return at != std::string_view::npos && (one.of_sglang || !sglang) &&
           line.find(one.and_then, at + one.text.size()) != std::string_view::npos &&
           (!one.counted || Counts(line, one.and_then));
  });
  if (rule == std::end(kRules)) return S::kNone;
  return Counts(line, rule->tokens) ? S::kGenerating : rule->sign;
}

}  // namespace autotune::bench
