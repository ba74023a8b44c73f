#include "bench/root_cause.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <span>
#include <string_view>

namespace autotune::bench {
namespace {

bool Contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

bool ContainsAny(std::string_view text, std::span<const std::string_view> parts) {
  return std::any_of(parts.begin(), parts.end(), [&](std::string_view part) { return Contains(text, part); });
}

// A parent process about another one that is gone: SGLang's, vLLM's.
constexpr std::string_view kCrashNotices[] = {"crashed with exit code", "died unexpectedly"};

// What the parent processes and other ranks say once somebody else has failed, beside that.
constexpr std::string_view kConsequences[] = {
    // vLLM
    "See root cause above", "See stack trace", "please check the stack trace above", "EngineDeadError",
    "Engine core proc", "EngineCore failed to start", "WorkerProc failed to start", "WorkerProc initialization failed",
    "EngineCore encountered", "AsyncLLM output_handler failed", "Error in completion stream generator",
    "RuntimeError: Executor failed.", "Dumping input data", "Dumping scheduler", "Executor is not running",
    // SGLang, looking at what is left of it
    "Pyspy failed",
    // Libraries, when the process at the other end is gone.
    "gloo/transport", "DistNetworkError", "EOFError", "BrokenPipeError", "ConnectionResetError",
    // Python and multiprocessing
    "worker died", "is dead", "SystemExit", "KeyboardInterrupt", "CancelledError",
    // pydantic's first line: the second one says what is wrong.
    "1 validation error for", "validation errors for"};

bool IsConsequence(std::string_view line) {
  return ContainsAny(line, kConsequences) || ContainsAny(line, kCrashNotices) || line == "Killed" || line == "Aborted";
}

// "ValueError: ...", a usage error, a validation text: something that names what is wrong. The rest (lines at level
// ERROR) is shown only when nothing better is there.
bool NamesTheProblem(std::string_view line) {
  const std::size_t colon = line.find(':');
  const std::string_view head = line.substr(0, colon);
  const bool one_word = head.find(' ') == std::string_view::npos;
  if (one_word && (head.ends_with("Error") || head.ends_with("Exception"))) return true;
  return Contains(line, "Value error,") || Contains(line, "Assertion failed,") || Contains(line, "error: ") ||
         line.starts_with("Fatal Python error") || Contains(line, "Extra inputs are not permitted") ||
         Contains(line, "Input should be");
}

constexpr std::string_view kOutOfMemory[] = {
    "out of memory", "outofmemory", "cudaerrormemoryallocation", "cublas_status_alloc_failed", "memoryerror",
    // vLLM and SGLang, when the weights leave no room for a KV cache, or somebody else has the GPU's memory.
    "no available memory for the cache blocks", "not enough memory", "free memory on device",
    "leave no gpu memory for the kv cache"};

bool SaysOutOfMemory(std::string_view line) { return ContainsAny(Lower(line), kOutOfMemory); }

bool IsUsageError(std::string_view line) {
  if (line.starts_with("Error: ") || line.starts_with("error: ")) return true;
  const std::size_t at = line.find(": error: ");
  return at != std::string_view::npos && at < 80;
}

// Errors of the machine, the driver or the network: the configuration is not to blame, or not alone.
constexpr std::string_view kMachineErrors[] = {"cuda error",
                                               "cuda driver",
                                               "cuda initialization",
                                               "nccl",
                                               "no cuda gpus",
                                               "cudnn_status",
                                               "address already in use",
                                               "no space left on device",
                                               "connectionerror",
                                               "connecterror",
                                               "connection refused",
                                               "max retries exceeded",
                                               "readtimeout",
                                               "segmentation fault",
                                               "bus error",
                                               "fatal python error",
                                               "illegal instruction",
                                               "too many open files",
                                               "distbackenderror"};

bool IsMachineError(std::string_view line) { return ContainsAny(Lower(line), kMachineErrors); }

std::string Seconds(double seconds) { return std::to_string(static_cast<long long>(std::llround(seconds))) + " s"; }

std::string HowItEnded(const EngineState& state) {
  std::string text = "the engine ";
  text += state.signal != 0 ? "was ended by signal " + std::to_string(state.signal) +
                                  (state.signal == 9    ? " (SIGKILL)"
                                   : state.signal == 11 ? " (SIGSEGV)"
                                                        : "")
                            : "ended with exit code " + std::to_string(state.exit_code);
  text += state.was_ready ? " while serving" : " after " + Seconds(state.start_seconds) + ", before it was ready";
  return text;
}

// How good an error line is as the cause, the best first.
enum class Worth { kNamesTheProblem, kKeyError, kOther, kConsequence };
Worth WorthOf(std::string_view line) {
  if (IsConsequence(line)) return Worth::kConsequence;
  if (!NamesTheProblem(line)) return Worth::kOther;
  // Mostly a lookup that failed first; what was raised because of it says more.
  return line.starts_with("KeyError:") ? Worth::kKeyError : Worth::kNamesTheProblem;
}

std::string LastLine(const EngineState& state) {
  return state.last_lines.empty() ? "; it printed nothing" : "; its last line: " + state.last_lines.back();
}

}  // namespace

std::optional<std::string> RootCause(const std::vector<std::string>& error_lines) {
  const auto cause = std::ranges::min_element(error_lines, {}, WorthOf);  // of equals the first
  if (cause == error_lines.end() || WorthOf(*cause) == Worth::kConsequence) return std::nullopt;
  return *cause;
}

bool HasEnded(const EngineState& state) {
  switch (state.phase) {
    case EngineState::Phase::kStarting:
    case EngineState::Phase::kReady:
      return false;
    case EngineState::Phase::kExited:
    case EngineState::Phase::kStartupTimeout:
    case EngineState::Phase::kKilled:
    case EngineState::Phase::kNotStarted:
      return true;
  }
  return true;
}

Failure Classify(const EngineState& state) {
  Failure failure;
  failure.exit_code = state.signal != 0 ? 128 + state.signal : state.exit_code;
  const std::optional<std::string> cause = RootCause(state.error_lines);
  const auto memory = std::find_if(state.error_lines.begin(), state.error_lines.end(),
                                   [](const std::string& line) { return SaysOutOfMemory(line); });

  switch (state.phase) {
    case EngineState::Phase::kNotStarted:
      failure.reason = FailureReason::kInvalidPodConfiguration;
      failure.message = state.error_lines.empty() ? "the engine's command could not be executed" : state.error_lines[0];
      return failure;
    case EngineState::Phase::kStartupTimeout:
      failure.reason = FailureReason::kStartupTimeout;
      failure.exit_code = 0;
      failure.message = "not ready within " + Seconds(state.start_seconds) +
                        (cause ? "; its first error: " + *cause : LastLine(state));
      return failure;
    case EngineState::Phase::kKilled:
    case EngineState::Phase::kExited:
    case EngineState::Phase::kStarting:
    case EngineState::Phase::kReady:
      break;
  }
  if (!state.was_ready && cause && IsUsageError(*cause)) {
    failure.reason = FailureReason::kEngineRejectedArguments;
    failure.message = *cause;
    return failure;
  }
  if (state.oom_kills > 0) {
    failure.reason = FailureReason::kOutOfMemory;
    failure.message = "host memory: the kernel killed " +
                      (state.oom_kills == 1 ? "a process" : std::to_string(state.oom_kills) + " processes") +
                      " of the engine at the container's memory limit";
    if (cause) failure.message += "; its first error: " + *cause;
    return failure;
  }
  if (memory != state.error_lines.end()) {
    failure.reason = FailureReason::kOutOfMemory;
    failure.message = *memory;
    return failure;
  }
  if (state.phase == EngineState::Phase::kKilled) {
    failure.reason = FailureReason::kEngineCrashed;
    failure.message = "the whole engine container was killed; why is in its last state";
    if (cause) failure.message += "; its first error: " + *cause;
    return failure;
  }
  if (!cause) {
    // Programs that parse their own arguments end with 2; nothing else that is known does.
    failure.reason = !state.was_ready && state.signal == 0 && state.exit_code == 2
                         ? FailureReason::kEngineRejectedArguments
                         : FailureReason::kEngineCrashed;
    // Which process went first says more than the last line of the one that ended the others; that one is gone, too.
    auto told = std::find_if(state.error_lines.begin(), state.error_lines.end(),
                             [](const std::string& line) { return ContainsAny(line, kCrashNotices); });
    if (told == state.error_lines.end()) {
      told = std::find_if(state.error_lines.begin(), state.error_lines.end(),
                          [](const std::string& line) { return NamesTheProblem(line); });
    }
    failure.message = HowItEnded(state) + (told != state.error_lines.end() ? "; its log: " + *told : LastLine(state));
    return failure;
  }
  failure.reason = state.was_ready || IsMachineError(*cause) || !NamesTheProblem(*cause)
                       ? FailureReason::kEngineCrashed
                       : FailureReason::kEngineRejectedConfiguration;
  failure.message = *cause;
  return failure;
}

}  // namespace autotune::bench
