#include "simulator/startup.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "engine_model/roofline.h"
#include "simulator/deployment.h"

namespace autotune::simulator {
namespace {

using Process = LogEntry::Process;

constexpr double kGib = 1024.0 * 1024.0 * 1024.0;

// Seconds of a start, fitted to those of tests/engines/runs/2026-11-25-h100 and of 22 November.
constexpr double kVllmGraphs = 24;
constexpr double kVllmLayer = 0.3;
constexpr double kVllmQuantizedLayer = 0.72;
constexpr double kSglangGraphs = 8;  // 58 sizes of prefill and up to 36 of decode, however many layers
constexpr double kSglangQuantized = 3;

std::string Fixed(double value, int digits) {
  std::array<char, 64> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%.*f", digits, value);
  return buffer.data();
}

std::string Grouped(std::int64_t value) {
  std::string text = std::to_string(value);
  for (std::ptrdiff_t at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > 0; at -= 3) {
    text.insert(static_cast<std::size_t>(at), ",");
  }
  return text;
}

// From the end of the imports to the first worker, observed: 18 s with vLLM, 16 to 24 s with SGLang.
double WorkerSeconds(const EngineSettings& settings) {
  switch (settings.release.engine) {
    case Engine::kVllm:
      // Workers for several GPUs are processes of their own, which import everything once more (vllm-tensor-parallel).
      return settings.tensor_parallel * settings.pipeline_parallel > 1 ? 18 + 19 : 18;
    case Engine::kSglang:
      return 20;
    case Engine::kTensorRtLlm:
      return 25;
  }
  return 0;
}

// Dummy weights are made at about 10 GB/s after 1.4 s; real ones come from a warm page cache in about that time.
double LoadSeconds(const EngineSettings& settings) {
  return 1.4 + engine_model::Roofline(DeploymentOf(settings)).WeightBytesPerGpu() / 1e10;
}

// Compilation, CUDA graphs and warm-up.
double GraphSeconds(const EngineSettings& settings) {
  if (settings.eager) return 0;
  const bool quantized_online = settings.shape.checkpoint_quantization.empty() && !settings.quantization.empty();
  if (settings.release.engine == Engine::kSglang) return kSglangGraphs + (quantized_online ? kSglangQuantized : 0);
  return kVllmGraphs + settings.shape.layers * (kVllmLayer + (quantized_online ? kVllmQuantizedLayer : 0));
}

double FirstUseSeconds(const EngineSettings& settings, bool on_first_request) {
  double seconds = 0;
  for (const FirstUseDelay& delay : FirstUseDelays()) {
    if (delay.engine == settings.release.engine && delay.on_first_request == on_first_request &&
        delay.applies(settings)) {
      seconds += delay.seconds;
    }
  }
  return seconds;
}

std::string PotentialBackends(const EngineSettings& settings) {
  const std::string backend = settings.EffectiveAttentionBackend();
  return "Using " + backend + " attention backend out of potential backends: ['" + backend + "'].";
}

class Script {
 public:
  explicit Script(StartupPlan* plan) : plan_(plan) {}
  void At(double seconds, LogEntry entry) { plan_->lines.push_back({seconds, std::move(entry)}); }

 private:
  StartupPlan* plan_;
};

void VllmLines(const EngineSettings& s, const engine_model::MemoryPlan& memory, Script* script) {
  const double config = ImportSeconds(Engine::kVllm);
  const double worker = StageSeconds(s, Stage::kEngineInit);
  const double loaded = StageSeconds(s, Stage::kLoad);
  const double warm = StageSeconds(s, Stage::kWarmup);
  const double ready = ReadySeconds(s);
  script->At(config,
             Info(Process::kFrontEnd, "api_utils.py:339", "version " + s.release.version + "  model   " + s.model));
  script->At(config, Info(Process::kFrontEnd, "api_utils.py:273", "non-default args: {" + s.default_text + "}"));
  script->At(config, Info(Process::kFrontEnd, "model.py:598", "Resolved architecture: " + s.shape.architecture));
  script->At(config,
             Info(Process::kFrontEnd, "model.py:1725", "Using max model len " + std::to_string(s.max_model_len)));
  script->At(config,
             Info(Process::kFrontEnd, "scheduler.py:252",
                  "Chunked prefill is enabled with max_num_batched_tokens=" + std::to_string(s.token_budget) + "."));
  script->At(worker,
             Info(Process::kEngineCore, "core.py:114",
                  "Initializing a V1 LLM engine (v" + s.release.version + ") with config: model='" + s.model + "'"));
  script->At(worker, Info(Process::kEngineCore, "model_runner.py:281", "Loading model from scratch..."));
  script->At(loaded, Info(Process::kEngineCore, "cuda.py:480", PotentialBackends(s)));
  script->At(loaded, Info(Process::kEngineCore, "model_runner.py:302",
                          "Model loading took " + Fixed(memory.weights_gib, 2) + " GiB and " +
                              Fixed(LoadSeconds(s), 6) + " seconds"));
  script->At(warm, Info(Process::kEngineCore, "gpu_worker.py:508",
                        "Available KV cache memory: " + Fixed(memory.kv_gib, 2) + " GiB"));
  script->At(warm, Info(Process::kEngineCore, "kv_cache_utils.py:2146",
                        "GPU KV cache size: " + Grouped(memory.kv_tokens) + " tokens"));
  script->At(warm, Info(Process::kEngineCore, "kv_cache_utils.py:2147",
                        "Maximum concurrency for " + Grouped(s.max_model_len) + " tokens per request: " +
                            Fixed(static_cast<double>(memory.kv_tokens) /
                                      static_cast<double>(std::max<std::int64_t>(1, s.max_model_len)),
                                  2) +
                            "x"));
  const bool fp8_cache = s.kv_cache_dtype.starts_with("fp8");
  if (fp8_cache && s.EffectiveQuantization() == "fp8") {
    script->At(warm, Warning(Process::kEngineCore, "kv_cache.py:1",
                             "Using uncalibrated q_scale 1.0 and/or prob_scale 1.0 with fp8 attention. This may cause "
                             "accuracy issues."));
  }
  if (s.has_quantization_config && s.quantization.empty()) {
    // Recorded: the engine itself is silent about this one.
    script->At(warm,
               Info(Process::kEngineCore, "simulated-engine", "SIMULATED: --quantization-config alone has no effect"));
  }
  script->At(ready,
             Info(Process::kEngineCore, "core.py:344",
                  "init engine (profile, create kv cache, warmup model) took " + Fixed(ready - loaded, 2) + " s"));
  script->At(ready, Info(Process::kFrontEnd, "api_server.py:581",
                         "Starting vLLM server on http://" + s.host + ":" + std::to_string(s.port)));
}

void SglangLines(const EngineSettings& s, const engine_model::MemoryPlan& memory, Script* script) {
  const double config = ImportSeconds(Engine::kSglang);
  const double worker = StageSeconds(s, Stage::kEngineInit);
  const double loaded = StageSeconds(s, Stage::kLoad);
  const double ready = ReadySeconds(s);
  const std::string backend = s.EffectiveAttentionBackend();
  if (s.attention_backend.empty()) {
    const std::string chosen = !s.gpu.nvidia()           ? "aiter"
                               : s.gpu.capability >= 100 ? "trtllm_mha"
                               : s.gpu.capability >= 90  ? "fa3"
                                                         : "flashinfer";
    script->At(config,
               Info(Process::kNone, "", "Attention backend not specified. Use " + chosen + " backend by default."));
  }
  if (s.kv_cache_dtype == "fp8_e5m2" && backend == "triton" && s.attention_backend != "triton") {
    script->At(config,
               Warning(Process::kNone, "",
                       "FlashAttention3 only supports fp8_e4m3 if using FP8; Setting attention backend to triton."));
  }
  script->At(config, Info(Process::kNone, "", "server_args=ServerArgs({" + s.default_text + "})"));
  script->At(worker, Info(Process::kNone, "", "Init torch distributed begin."));
  script->At(worker,
             Info(Process::kNone, "", "Load weight begin. avail mem=" + Fixed(s.gpu.memory_gib - 0.6, 2) + " GB"));
  script->At(loaded, Info(Process::kNone, "",
                          "Load weight end. elapsed=" + Fixed(LoadSeconds(s), 2) + " s, type=" + s.shape.architecture +
                              ", avail mem=" + Fixed(s.gpu.memory_gib - 0.6 - memory.weights_gib, 2) +
                              " GB, mem usage=" + Fixed(memory.weights_gib, 2) + " GB."));
  const double half =
      static_cast<double>(memory.kv_tokens) * engine_model::Roofline(DeploymentOf(s)).KvBytesPerToken() / 2 / kGib;
  script->At(loaded, Info(Process::kNone, "",
                          "KV Cache is allocated. dtype: " + s.kv_cache_dtype +
                              ", #tokens: " + std::to_string(memory.kv_tokens) + ", K size: " + Fixed(half, 2) +
                              " GB, V size: " + Fixed(half, 2) + " GB"));
  script->At(ready, Info(Process::kNone, "",
                         "max_total_num_tokens=" + std::to_string(memory.kv_tokens) +
                             ", chunked_prefill_size=" + std::to_string(s.token_budget) + ", max_running_requests=" +
                             std::to_string(s.max_sequences) + ", context_len=" + std::to_string(s.max_model_len)));
  script->At(ready,
             Info(Process::kNone, "",
                  "Uvicorn running on http://" + s.host + ":" + std::to_string(s.port) + " (Press CTRL+C to quit)"));
}

void TrtllmLines(const EngineSettings& s, const engine_model::MemoryPlan& memory, Script* script) {
  script->At(ImportSeconds(Engine::kTensorRtLlm),
             Warning(Process::kNone, "", "SIMULATED: flags not checked, no TensorRT-LLM parser is recorded"));
  script->At(StageSeconds(s, Stage::kEngineInit), Info(Process::kNone, "", "Using LLM with PyTorch backend"));
  script->At(StageSeconds(s, Stage::kLoad),
             Info(Process::kNone, "", "Model weights: " + Fixed(memory.weights_gib, 2) + " GiB"));
  script->At(ReadySeconds(s), Info(Process::kNone, "", "KV cache: " + Grouped(memory.kv_tokens) + " tokens"));
}

// Drops what a failed start no longer prints.
void CutAt(double seconds, StartupPlan* plan) {
  std::erase_if(plan->lines, [&](const StartupPlan::Line& line) { return line.at > seconds; });
}

void FailWith(Ending ending, Stage stage, const std::string& cause, const EngineSettings& settings, StartupPlan* plan) {
  plan->end_at = StageSeconds(settings, stage);
  CutAt(plan->end_at, plan);
  for (LogEntry& entry : FailureLog(ending, stage, cause)) plan->lines.push_back({plan->end_at, std::move(entry)});
  plan->end = KillsItself(ending) ? StartupPlan::End::kKill : StartupPlan::End::kExit;
  plan->exit_code = 1;
}

Ending WorkerEnding(Engine engine) {
  switch (engine) {
    case Engine::kVllm:
      return Ending::kVllmEngineCore;
    case Engine::kSglang:
      return Ending::kSglangScheduler;
    case Engine::kTensorRtLlm:
      return Ending::kTensorRtLlm;
  }
  return Ending::kTensorRtLlm;
}

}  // namespace

double ImportSeconds(Engine engine) {
  switch (engine) {
    case Engine::kVllm:
      return 24;  // observed
    case Engine::kSglang:
      return 14;  // observed
    case Engine::kTensorRtLlm:
      return 20;  // assumed
  }
  return 0;
}

double StageSeconds(const EngineSettings& settings, Stage stage) {
  const double config = ImportSeconds(settings.release.engine);
  const double worker = config + WorkerSeconds(settings);
  switch (stage) {
    case Stage::kConfig:
      return config;
    case Stage::kEngineInit:
      return worker;
    case Stage::kLoad:
      return worker + LoadSeconds(settings);
    case Stage::kWarmup:
    case Stage::kFirstRequest:
      return worker + LoadSeconds(settings) + 1.5;
  }
  return config;
}

double ReadySeconds(const EngineSettings& settings) {
  const double other_engine = settings.release.engine == Engine::kSglang ? 8 : 0;  // its HTTP server and first request
  return StageSeconds(settings, Stage::kWarmup) + GraphSeconds(settings) + FirstUseSeconds(settings, false) +
         other_engine;
}

StartupPlan PlanStartup(const EngineSettings& settings, InjectedFailure scenario) {
  StartupPlan plan;
  Script script(&plan);
  const engine_model::MemoryPlan memory = PlanMemory(DeploymentOf(settings));
  switch (settings.release.engine) {
    case Engine::kVllm:
      VllmLines(settings, memory, &script);
      break;
    case Engine::kSglang:
      SglangLines(settings, memory, &script);
      break;
    case Engine::kTensorRtLlm:
      TrtllmLines(settings, memory, &script);
      break;
  }
  plan.end_at = ReadySeconds(settings);
  plan.first_request_delay = FirstUseSeconds(settings, true);

  const Ending worker = WorkerEnding(settings.release.engine);
  switch (scenario) {
    case InjectedFailure::kNone:
    case InjectedFailure::kBrokenEmpty:
    case InjectedFailure::kBrokenLoop:
    case InjectedFailure::kBrokenNan:
      break;
    case InjectedFailure::kCrash:
      FailWith(worker, Stage::kWarmup,
               "torch.AcceleratorError: CUDA error: an illegal memory access was encountered (SIMULATED: "
               "AUTOTUNE_SIM_FAIL=crash)",
               settings, &plan);
      return plan;
    case InjectedFailure::kOomCuda:
      FailWith(
          worker, Stage::kLoad,
          "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 224.00 MiB. GPU 0 has a total capacity of " +
              Fixed(settings.gpu.memory_gib, 2) + " GiB of which 113.06 MiB is free.",
          settings, &plan);
      return plan;
    case InjectedFailure::kOomHost:
      plan.end_at = StageSeconds(settings, Stage::kLoad);
      CutAt(plan.end_at, &plan);
      plan.end = StartupPlan::End::kHostMemory;
      return plan;
    case InjectedFailure::kExit137:
      plan.end_at = StageSeconds(settings, Stage::kLoad);
      CutAt(plan.end_at, &plan);
      plan.end = StartupPlan::End::kKill;
      return plan;
    case InjectedFailure::kNeverReady:
      plan.end_at = StageSeconds(settings, Stage::kWarmup);
      CutAt(plan.end_at, &plan);
      plan.end = StartupPlan::End::kNeverReady;
      return plan;
    case InjectedFailure::kCrashServing:
      plan.dies_on_first_request = true;
      plan.death_is_kill = KillsItself(worker);
      plan.death_lines = FailureLog(worker, Stage::kFirstRequest,
                                    "torch.AcceleratorError: CUDA error: an illegal memory access was encountered "
                                    "(SIMULATED: AUTOTUNE_SIM_FAIL=crash-serving)");
      return plan;
  }

  const StartFailure* outcome = FindStartFailure(settings);
  if (outcome == nullptr) return plan;
  if (outcome->stage == Stage::kFirstRequest) {
    plan.dies_on_first_request = true;
    plan.death_is_kill = KillsItself(outcome->ending);
    plan.death_lines = FailureLog(outcome->ending, outcome->stage, outcome->cause(settings));
    return plan;
  }
  FailWith(outcome->ending, outcome->stage, outcome->cause(settings), settings, &plan);
  return plan;
}

}  // namespace autotune::simulator
