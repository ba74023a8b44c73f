#include "cli/diagnose.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "bench/cause_rules.h"
#include "bench/engine_sign.h"
#include "bench/engine_state.h"
#include "bench/log_digest.h"
#include "bench/log_prefix.h"
#include "bench/root_cause.h"
#include "cli/nccl_ranks.h"
#include "cli/remedies.h"
#include "text/table.h"

namespace autotune::cli {
namespace {

// GiB, of vLLM's "Available KV cache memory: -8.59 GiB".
std::optional<double> CacheMemory(std::string_view line) {
  constexpr std::string_view kWords = "Available KV cache memory: ";
  const std::size_t at = line.find(kWords);
  if (at == std::string_view::npos) return std::nullopt;
  line.remove_prefix(at + kWords.size());
  double gib = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), gib, std::chars_format::fixed);
  constexpr double kMost = 10'000;  // of no GPU
  if (error != std::errc() || !(std::abs(gib) < kMost) ||
      !line.substr(static_cast<std::size_t>(end - line.data())).starts_with(" GiB"))
    return std::nullopt;
  return gib;
}

// Reads a log line by line: what it says about the engine's state, and the digest of its errors.
class LogReader {
 public:
  explicit LogReader(bool is_sglang) : is_sglang_(is_sglang) {}

  void Read(std::string_view line) {
    const bench::EngineSign sign = bench::SignOf(line, is_sglang_);
    // The log of a container may hold the run before.
    if (sign == bench::EngineSign::kNewProcess && went_on_) KeepRun();
    if (sign == bench::EngineSign::kBegins && failed_) KeepRun();
    if (sign == bench::EngineSign::kNewProcess && was_ready_ == true) digest_.ForgetErrors();
    digest_.Append(line);
    if (sign == bench::EngineSign::kNewProcess) kv_cache_gib_.reset();
    if (const std::optional<double> gib = CacheMemory(line))
      kv_cache_gib_ = std::min(*gib, kv_cache_gib_.value_or(*gib));
    went_on_ = sign == bench::EngineSign::kNone ? went_on_ : sign != bench::EngineSign::kNewProcess;
    switch (sign) {
      case bench::EngineSign::kNone:
        break;
      case bench::EngineSign::kNewProcess:
        was_ready_ = failed_ = false;
        break;
      case bench::EngineSign::kFailed:
        failed_ = true;
        if (!was_ready_) was_ready_ = false;
        break;
      case bench::EngineSign::kStarting:
        if (!was_ready_) was_ready_ = false;
        break;
      case bench::EngineSign::kBegins:
        digest_.ForgetErrors();
        was_ready_ = true;
        failed_ = false;
        break;
      case bench::EngineSign::kServing:
      case bench::EngineSign::kGenerating:
        was_ready_ = true;
        break;
    }
  }

  // The latest run that ended before another one began; nothing = none did, or nothing says why.
  struct Run {
    std::vector<std::string> error_lines;
    bool was_ready = false;
  };
  [[nodiscard]] const std::optional<Run>& earlier() const { return earlier_; }
  // Nothing = no line says so.
  [[nodiscard]] std::optional<bool> was_ready() const { return was_ready_; }
  // The least of a GPU, of the latest run; nothing = no line says so.
  [[nodiscard]] std::optional<double> kv_cache_gib() const { return kv_cache_gib_; }
  [[nodiscard]] bench::LogDigest& digest() { return digest_; }

 private:
  void KeepRun() {
    bench::LogDigest digest = digest_;
    digest.Finish();
    if (std::vector<std::string> lines = digest.error_lines(); bench::RootCause(lines))
      earlier_ = Run{std::move(lines), !failed_ && was_ready_.value_or(false)};
  }

  bool is_sglang_;
  bool failed_ = false;   // it said that it did not start
  bool went_on_ = false;  // it said more than its first words
  std::optional<Run> earlier_;
  std::optional<bool> was_ready_;
  std::optional<double> kv_cache_gib_;
  bench::LogDigest digest_;
};

// GiB, of TensorRT-LLM's "Total GPU memory (GiB): 276.50"; nothing = the message does not have it.
std::optional<double> GibBehind(std::string_view message, std::string_view words) {
  const std::size_t at = message.find(words);
  if (at == std::string_view::npos) return std::nullopt;
  message.remove_prefix(at + words.size());
  double gib = 0;
  const auto [end, error] =
      std::from_chars(message.data(), message.data() + message.size(), gib, std::chars_format::fixed);
  return error == std::errc() && gib > 0 ? std::optional(gib) : std::nullopt;
}

constexpr double kMebibytes = 1.0 / 1024;

// GiB of "1.19 GiB", "512.00 MiB" or "0 bytes" at the start of a text.
std::optional<double> SizeAt(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc() || number < 0) return std::nullopt;
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  if (unit.starts_with(" GiB")) return number;
  if (unit.starts_with(" MiB")) return number * kMebibytes;
  if (unit.starts_with(" KiB")) return number * kMebibytes / 1024;
  return unit.starts_with(" bytes") ? std::optional(number / (1024.0 * 1024 * 1024)) : std::nullopt;
}

// The size in front of `words`: of "14.71 GiB is free".
std::optional<double> SizeBefore(std::string_view message, std::string_view words) {
  const std::size_t at = message.find(words);
  if (at == std::string_view::npos) return std::nullopt;
  const std::size_t unit = message.rfind(' ', at == 0 ? 0 : at - 1);
  const std::size_t digits =
      unit == std::string_view::npos || unit == 0 ? unit : message.find_last_not_of("0123456789.", unit - 1);
  return digits == std::string_view::npos ? std::nullopt : SizeAt(message.substr(digits + 1));
}

// PyTorch's sentence about an allocation, of all its releases: GiB that were asked for, and that were free.
struct FailedAllocation {
  double asked = 0, free = 0;
  std::optional<double> allowed;  // to this process, by PyTorch's own limit
};
std::optional<FailedAllocation> ReadAllocation(std::string_view message) {
  constexpr std::string_view kAsked = "Tried to allocate ";
  const std::size_t at = message.find(kAsked);
  if (at == std::string_view::npos) return std::nullopt;
  message.remove_prefix(at + kAsked.size());
  const std::optional<double> asked = SizeAt(message);
  std::optional<double> free = SizeBefore(message, " is free");
  if (!free) free = SizeBefore(message, " free;");
  if (!asked || !free) return std::nullopt;
  return FailedAllocation{*asked, *free, SizeBefore(message, " allowed;")};
}

// Contrary evidence: PyTorch's own numbers say that far more was free than what was asked for.
std::string TheGpuWasNotFull(const Diagnosis& diagnosis) {
  const std::optional<FailedAllocation> failed = ReadAllocation(diagnosis.failure.message);
  constexpr double kRounding = 1.1, kMargin = 0.25;  // blocks are rounded up; other processes come and go
  if (!failed || failed->free < kRounding * failed->asked + kMargin) return "";
  char text[200];
  std::snprintf(text, sizeof text,
                "%.2f GiB of the GPU were free when %.2f GiB could not be allocated: it is not full, ", failed->free,
                failed->asked);
  std::string remedy = text + std::string("and a smaller context or KV cache does not help. ");
  if (failed->allowed) {
    std::snprintf(text, sizeof text, "PyTorch allows this process only %.2f GiB: raise its memory fraction. ",
                  *failed->allowed);
    return remedy + text;
  }
  const std::string wsl =
      "WSL2, where Windows may refuse to make memory resident that it counts as free: set "
      "`PYTORCH_CUDA_ALLOC_CONF=expandable_segments:False`, lower the memory fraction to 0.8, or use Linux itself";
  if (diagnosis.on_wsl) return remedy + "The log is of " + wsl;
  return remedy + "Known causes: (1) " + wsl +
         ". (2) Memory that CPU and GPU share, of which the system gives the GPU less (ROCm on APUs: the limit of "
         "GTT). "
         "(3) A limit of the container or of locked host memory. (4) Another process that held the memory then and has "
         "ended";
}

// Contrary evidence: an allocation failed for lack of memory while the message itself says that most of it was free.
std::string MostWasFree(std::string_view message) {
  const std::optional<double> total = GibBehind(message, "Total GPU memory (GiB): ");
  const std::optional<double> free = GibBehind(message, "Free GPU memory before component creation attempt (GiB): ");
  constexpr double kMost = 0.5;
  if (!total || !free || *free < kMost * *total || *free > *total) return "";
  char text[200];
  std::snprintf(text, sizeof text,
                "%.2f of %.2f GiB of the GPU were free when it failed: a GPU that is full is not the cause. ", *free,
                *total);
  return text + std::string(
                    "Compare what was asked for (max_seq_len, max_batch_size, kv_cache_config.max_tokens and "
                    "host_cache_size) with it, and read the lines before the message; the log may not have the cause. "
                    "In general: ");
}

// Without the advice to set what is set already.
std::string Meaning(const Diagnosis& diagnosis) {
  std::string meaning = MeaningOf(diagnosis.failure.message, diagnosis.was_ready);
  constexpr std::string_view kAdvice = ". Set `NCCL_DEBUG=WARN` under `runtimes[].env` for the line with the cause";
  if (const std::size_t at = meaning.find(kAdvice); diagnosis.nccl_lines && at != std::string::npos)
    meaning.erase(at, kAdvice.size());
  return meaning;
}

constexpr const char* kWhileLoading =
    "smaller weights on a GPU, by more GPUs (`parallelConfig`) or another quantization, or a GPU that no other process "
    "uses. The memory was too small while weights were loaded, before there was a KV cache: a smaller context or batch "
    "does not help";

// The engine's own advice goes before that for all failures of this reason.
std::string Remedy(const Diagnosis& diagnosis) {
  const bench::Failure& failure = diagnosis.failure;
  const std::string advice = AdviceOf(failure.message, diagnosis.engines);
  if (failure.reason == bench::FailureReason::kOutOfMemory) {
    if (std::string remedy = TheGpuWasNotFull(diagnosis); !remedy.empty()) return remedy;
  }
  std::string remedy = MostWasFree(failure.message) +
                       (advice.empty() ? "" : advice + ", as the message says. In general: ") +
                       (failure.message.find("CUDA driver error: out of memory") == std::string::npos
                            ? ""
                            : "first what the meaning says. In general: ") +
                       (diagnosis.while_loading ? kWhileLoading : RemedyOf(failure.reason));
  constexpr int kKilled = 137;
  if (failure.reason == bench::FailureReason::kEngineCrashed && failure.exit_code == kKilled) {
    remedy +=
        ". Exit code 137 without a message about memory does not mean out of memory: engines also send SIGKILL to "
        "their own processes";
  }
  if (diagnosis.fixed_kv_cache && !diagnosis.while_loading) {
    remedy +=
        ". The log has `kv_cache_memory_bytes`, which sets the size of the KV cache: `gpu_memory_utilization` has no "
        "effect then. Raise `kv_cache_memory_bytes`, or leave it out";
  }
  if (diagnosis.kv_cache_gib && *diagnosis.kv_cache_gib < 0) {
    char gib[32];
    std::snprintf(gib, sizeof gib, "%.2f", -*diagnosis.kv_cache_gib);
    remedy +=
        ". Without any KV cache the engine needs " + std::string(gib) +
        " GiB more on a GPU than its memory fraction allows: a larger fraction helps only if it adds more than that";
  }
  return remedy;
}

// Whether a traceback above `cause` runs through code with one of these words.
bool RunsThrough(std::string_view log, std::string_view cause, std::initializer_list<std::string_view> words) {
  constexpr std::string_view kBegin = "Traceback (most recent call last)";
  constexpr std::size_t kLongest = 20'000;  // bytes of a traceback
  constexpr int kMostPlaces = 100;          // every process of an engine says the same
  std::size_t at = cause.empty() ? std::string_view::npos : log.find(cause);
  for (int place = 0; place < kMostPlaces && at != std::string_view::npos; ++place) {
    const std::string_view before = log.substr(at - std::min(at, kLongest), std::min(at, kLongest));
    const std::size_t begin = before.rfind(kBegin);
    // Of a log that begins in the middle of a traceback what there is.
    constexpr std::size_t kCut = 4000;
    const std::string_view frames = begin != std::string_view::npos ? before.substr(begin)
                                    : before.size() < kCut          ? before
                                                                    : "";
    for (const std::string_view word : words) {
      if (frames.find(word) != std::string_view::npos) return true;
    }
    at = log.find(cause, at + cause.size());
  }
  return false;
}

// Code of speculative decoding: SGLang's draft worker, vLLM's drafter.
bool IsOfDraftModel(std::string_view log, std::string_view cause) {
  return RunsThrough(log, cause,
                     {"draft_worker = ", "eagle_worker.py", "EAGLEWorker(", "/spec_decode/", "drafter.load_model",
                      "draft_model_runner"});
}

// Loading and repacking of weights.
bool IsOfLoading(std::string_view log, std::string_view cause) {
  return RunsThrough(log, cause,
                     {"in load_model", "in load_weights", "in create_weights", "in process_weights_after_loading",
                      "process_weights_after_loading(", "_marlin_repack(", "in initialize_model"});
}

bool IsOfWsl(std::string_view log) {
  constexpr std::string_view kWords[] = {"WSL", "microsoft-standard", "dxgkio_", "/dev/dxg", "/mnt/c/"};
  return std::ranges::any_of(kWords, [&](std::string_view word) { return log.find(word) != std::string_view::npos; });
}

// vLLM's kv_cache_memory_bytes with a value: in its arguments, or where it reserves that memory.
bool SetsKvCacheMemory(std::string_view log) {
  for (const std::string_view name : {"kv_cache_memory_bytes", "kv-cache-memory-bytes"}) {
    for (std::size_t at = log.find(name); at != std::string_view::npos; at = log.find(name, at + 1)) {
      const std::string_view rest = log.substr(at + name.size());
      const std::size_t value = rest.find_first_not_of("'\"=: ");
      const bool digit = value != std::string_view::npos && value > 0 && rest[value] >= '0' && rest[value] <= '9';
      if (digit || rest.starts_with(" config and skipped memory profiling")) return true;
    }
  }
  return false;
}

std::vector<std::string> EnginesIn(std::string_view log) {
  constexpr std::pair<std::string_view, std::string_view> kWords[] = {{"sglang", "sglang"},
                                                                      {"vllm", "vllm"},
                                                                      {"tensorrt_llm", "tensorrt-llm"},
                                                                      {"TRT-LLM", "tensorrt-llm"},
                                                                      {"trtllm-serve", "tensorrt-llm"}};
  std::vector<std::string> engines;
  for (const auto& [word, engine] : kWords) {
    const bool known = std::ranges::find(engines, engine) != engines.end();
    if (!known && log.find(word) != std::string_view::npos) engines.emplace_back(engine);
  }
  return engines;
}

Diagnosis DiagnoseOne(std::string_view passed_on, std::optional<int> exit_code) {
  const std::string whole = bench::WithoutPrefix(passed_on);
  const std::string_view log = whole;
  LogReader reader(log.find("sglang") != std::string_view::npos || log.find("fired up and") != std::string_view::npos);
  for (std::string_view rest = log; !rest.empty();) {
    const std::size_t size = std::min(rest.find('\n'), rest.size() - 1) + 1;
    reader.Read(rest.substr(0, size));
    rest.remove_prefix(size);
  }
  reader.digest().Finish();

  bench::EngineState state;
  state.phase = bench::EngineState::Phase::kExited;
  state.exit_code = exit_code.value_or(bench::EngineState::kUnknownExitCode);
  state.signal = state.exit_code > 128 ? state.exit_code - 128 : 0;
  state.was_ready = reader.was_ready().value_or(false);
  state.error_lines = reader.digest().error_lines();
  state.last_lines = reader.digest().last_lines();
  Diagnosis diagnosis;
  diagnosis.engines = EnginesIn(log);
  diagnosis.on_wsl = IsOfWsl(log);
  diagnosis.nccl_lines = HasNcclLines(log);
  diagnosis.was_ready = reader.was_ready();
  // Whoever knows how the process ended asks about that one.
  if (reader.earlier() && !exit_code && reader.was_ready() == true && !bench::RootCause(state.error_lines)) {
    diagnosis.earlier = true;
    state.error_lines = reader.earlier()->error_lines;
    diagnosis.was_ready = state.was_ready = reader.earlier()->was_ready;
  }
  diagnosis.failure = bench::Classify(state);
  if (diagnosis.failure.reason == bench::FailureReason::kEngineRejectedArguments) diagnosis.was_ready = false;
  const std::optional<std::string> cause = bench::RootCause(state.error_lines);
  diagnosis.certain = cause.has_value();
  if (diagnosis.failure.reason == bench::FailureReason::kOutOfMemory && reader.kv_cache_gib().value_or(1) <= 0)
    diagnosis.kv_cache_gib = reader.kv_cache_gib();
  if (cause) {
    const bench::CauseRule* rule = bench::FindCauseRule(*cause);
    diagnosis.waited = rule != nullptr && rule->cause == bench::Cause::kWaiting;
    const std::string also = bench::OtherCause(state.error_lines, *cause).value_or("");
    if (diagnosis.failure.message.find(also) == std::string::npos) diagnosis.also = also;
    diagnosis.of_draft = IsOfDraftModel(log, *cause);
    const bool memory = diagnosis.failure.reason == bench::FailureReason::kOutOfMemory;
    diagnosis.while_loading = memory && rule != nullptr && rule->cause == bench::Cause::kDeviceMemory &&
                              diagnosis.was_ready != true && IsOfLoading(log, *cause);
    if (bench::MatchesPattern(*cause, "nccl")) diagnosis.shared_gpu = RanksOnOneGpu(log);
    // The check of the KV cache's size, and the lack of memory for it.
    diagnosis.fixed_kv_cache = (memory || cause->find("KV cache") != std::string::npos) && SetsKvCacheMemory(log);
  }
  diagnosis.retried = diagnosis.failure.machine || bench::IsRetryable(diagnosis.failure.reason);
  if (!diagnosis.was_ready) {
    state.was_ready = true;
    if (const bench::FailureReason reason = bench::Classify(state).reason; reason != diagnosis.failure.reason)
      diagnosis.reason_if_ready = reason;
  }
  return diagnosis;
}

}  // namespace

Diagnosis Diagnose(std::string_view whole, std::optional<int> exit_code) {
  const std::string in_order = bench::OldestFirst(whole);
  const std::string_view passed_on = in_order;
  const std::vector<bench::ServiceLog> services = bench::ServicesOf(passed_on);
  std::vector<Diagnosis> failed, earlier;
  for (const bench::ServiceLog& service : services) {
    Diagnosis one = DiagnoseOne(service.log, exit_code);
    if (!one.certain) continue;
    one.service = service.name;
    for (const bench::ServiceLog& other : services) {
      if (other.name != service.name) one.together.push_back(other.name);
    }
    (one.earlier ? earlier : failed).push_back(std::move(one));
  }
  // Of several that failed the best line of all of them.
  if (failed.size() > 1 || (failed.empty() && earlier.empty())) return DiagnoseOne(passed_on, exit_code);
  return failed.empty() ? earlier.front() : failed.front();
}

std::string DiagnosisText(const Diagnosis& diagnosis) {
  const bench::Failure& failure = diagnosis.failure;
  std::string text = "Reason:   " + std::string(bench::FailureReasonName(failure.reason));
  text += !diagnosis.was_ready   ? "; not known whether the engine was ready"
          : *diagnosis.was_ready ? ", while serving"
                                 : ", before the engine was ready";
  if (diagnosis.reason_if_ready)
    text += " (if it was: " + std::string(bench::FailureReasonName(*diagnosis.reason_if_ready)) + ")";
  text += std::string("\nMessage:  ") + (diagnosis.earlier ? "an earlier run failed: " : "") + failure.message + "\n";
  if (!diagnosis.service.empty()) text += "Service:  " + diagnosis.service + "\n";
  if (!diagnosis.also.empty()) text += "Also:     " + diagnosis.also + "\n";
  if (const std::string meaning = Meaning(diagnosis); !meaning.empty()) text += "Meaning:  " + meaning + "\n";
  if (!diagnosis.shared_gpu.empty())
    text +=
        "Where:    " + diagnosis.shared_gpu + ": start one process for each GPU, and give the container as many GPUs\n";
  if (diagnosis.of_draft)
    text +=
        "Where:    in the code of the draft model (speculative decoding), not in that of the model: check the draft's "
        "checkpoint, its architecture and the speculative flags\n";
  text += "Remedy:   " + Remedy(diagnosis) + "\n";
  if (diagnosis.earlier) text += "A later run got ready, and no line of the log says that it ended.\n";
  if (!diagnosis.together.empty() && failure.reason == bench::FailureReason::kOutOfMemory)
    text += "The log is that of other services too (" + text::Joined(diagnosis.together, ", ") +
            "): if they use the same GPU, start one after the other, and give each its share of the memory.\n";
  if (!diagnosis.certain) text += "No line of the log names an error: the reason is not certain. Is the log whole?\n";
  if (diagnosis.waited && failure.machine) {
    return text +
           "Either the process on another GPU ended, hung or fell behind first: then the cause is in its lines, before "
           "these. Or the machine failed: a GPU, or the network between GPUs. An experiment is retried once, on "
           "another "
           "node if possible.\n";
  }
  return text + (failure.machine
                     ? "Probably the cause is outside of the engine's parameters: a GPU, its driver, the network and "
                       "its settings, the hub, the disk, a port, or another process on the GPU. An experiment is "
                       "retried once, on another node if possible.\n"
                     : "An experiment with this end is " + std::string(diagnosis.retried ? "" : "not ") + "retried.\n");
}

nlohmann::json DiagnosisJson(const Diagnosis& diagnosis) {
  nlohmann::json json = {{"reason", bench::FailureReasonName(diagnosis.failure.reason)},
                         {"message", diagnosis.failure.message},
                         {"remedy", Remedy(diagnosis)},
                         {"machine", diagnosis.failure.machine},
                         {"waitedForAnotherGpu", diagnosis.waited},
                         {"retried", diagnosis.retried},
                         {"wasReady", nullptr},
                         {"certain", diagnosis.certain}};
  if (diagnosis.was_ready) json["wasReady"] = *diagnosis.was_ready;
  if (diagnosis.reason_if_ready) json["reasonIfReady"] = bench::FailureReasonName(*diagnosis.reason_if_ready);
  if (diagnosis.earlier) json["earlierRun"] = true;
  if (diagnosis.of_draft) json["ofDraftModel"] = true;
  if (!diagnosis.service.empty()) {
    json["service"] = diagnosis.service;
    json["otherServices"] = diagnosis.together;
  }
  if (!diagnosis.also.empty()) json["also"] = diagnosis.also;
  if (diagnosis.kv_cache_gib) json["kvCacheGib"] = *diagnosis.kv_cache_gib;
  if (const std::string meaning = Meaning(diagnosis); !meaning.empty()) json["meaning"] = meaning;
  if (!diagnosis.shared_gpu.empty()) json["sharedGpu"] = diagnosis.shared_gpu;
  return json;
}

}  // namespace autotune::cli
