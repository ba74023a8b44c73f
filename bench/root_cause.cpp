#include "bench/root_cause.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <string_view>
#include <utility>

#include "base/ascii_case.h"
#include "bench/cause_rules.h"

namespace autotune::bench {
namespace {

// Why an engine rejects its command line: argparse's and click's own phrases, after "prog: error: " or "Error: ".
// Compilers and linkers write "file:3: error: " and "collect2: error: ", programs "Error: " before anything.
bool IsUsageError(std::string_view line, int exit_code) {
  constexpr std::string_view kPhrases[] = {"argument ",
                                           "unrecognized arguments",
                                           "the following arguments are required",
                                           "one of the arguments",
                                           "ambiguous option",
                                           "invalid choice",
                                           "No such option",
                                           "No such command",
                                           "Invalid value for",
                                           "Missing option",
                                           "Missing argument",
                                           "Missing parameter",
                                           "Got unexpected extra argument",
                                           "Option '"};
  constexpr int kUsageExit = 2;
  const std::size_t at = line.find("rror: ");
  if (at == std::string_view::npos || at == 0 || at > 80) return false;
  const std::string_view head = line.substr(0, at - 1);
  const std::string_view text = line.substr(at + 6);
  if (!head.empty() && !head.ends_with(": ")) return false;
  constexpr std::string_view kTools[] = {"ld",    "collect2", "nvcc", "gcc",    "cc1",
                                         "clang", "ninja",    "as",   "nvlink", "tar"};
  const std::string_view program = head.substr(0, head.find(':'));
  const std::string_view name = program.substr(program.rfind('/') + 1);
  const bool tool = std::ranges::any_of(kTools, [&](std::string_view t) { return name == t; });
  // "x.cu(12): ", "x.cc:3:10: "
  const bool place = head.find_first_of("(") != std::string_view::npos || std::ranges::count(head, ':') > 1;
  if (tool || place) return false;
  return exit_code == kUsageExit ||
         std::ranges::any_of(kPhrases, [&](std::string_view phrase) { return text.starts_with(phrase); });
}

// "ValueError: ...", a validation text: something that names what is wrong. The rest (lines at level ERROR) is shown
// only when nothing better is there.
bool NamesTheProblem(std::string_view line) {
  const std::string_view head = line.substr(0, line.find_first_of(":("));
  const bool one_word = !head.empty() && head.size() < line.size() && std::ranges::all_of(head, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '.';
  });
  if (one_word && (head.ends_with("Error") || head.ends_with("Exception"))) return true;
  // An exception with another name has its module's in front.
  const std::size_t dot = head.rfind('.');
  if (one_word && dot != std::string_view::npos && dot + 1 < head.size() &&
      std::isalpha(static_cast<unsigned char>(head[0])) != 0 &&
      std::isupper(static_cast<unsigned char>(head[dot + 1])) != 0) {
    return true;
  }
  for (const std::string_view part :
       {"Value error,", "Assertion failed,", "Extra inputs are not permitted", "Input should be", "Field required"}) {
    if (line.find(part) != std::string_view::npos) return true;
  }
  return false;
}

// A refusal says what is not possible, or what would be; a kernel or a library that failed says something else.
bool SoundsLikeARefusal(std::string_view line) {
  constexpr std::string_view kRefusals[] = {"support",        "implement",       "require",     "must",
                                            "should",         "cannot",          "can't",       "please",
                                            "invalid config", "divisible",       "not allowed", "not available",
                                            "disable",        "specify",         "mismatch",    "size of tensor",
                                            "does not match", "not found",       "too small",   "data type",
                                            "same dtype",     "too large",       "exceed",      "has no attribute",
                                            "increase ",      "decrease ",       "unset ",      "lower --",
                                            "greater than",   "larger than",     "not valid",   "select a ",
                                            "is unavailable", "assertion failed"};
  const std::string lower = base::AsciiLower(line);
  const auto holds = [&](std::string_view word) { return lower.find(word) != std::string::npos; };
  // Values in the middle of a computation, which no setting names.
  constexpr std::string_view kInside[] = {"logits", "scalar type", "dimensions in the tensor", "seq_lens",
                                          "block_table"};
  return std::ranges::none_of(kInside, holds) && std::ranges::any_of(kRefusals, holds);
}

// What one line says.
struct Reading {
  const std::string* line = nullptr;
  Cause cause = Cause::kCrash;
  Relevance relevance = Relevance::kNothing;
  bool usage = false;
  bool known = false;  // a row of the table says so
};

// "RuntimeError: Worker failed with error 'CUDA error: ...', please check the stack trace above for the root cause": a
// parent repeats what a worker's own line says. "" = no such line.
std::string_view WhatItRepeats(std::string_view line) {
  constexpr std::string_view kRepeats = "Worker failed with error '";
  constexpr std::string_view kEnd = "', please check";
  const std::size_t at = line.find(kRepeats);
  if (at != std::string_view::npos) line.remove_prefix(at + kRepeats.size());
  const std::size_t end = line.rfind(kEnd);
  // Of a text of several lines the last one.
  if (at == std::string_view::npos && end == std::string_view::npos) return {};
  return line.substr(0, end);
}

// "ray.exceptions.RayTaskError(ValueError): ray::Worker.load() (pid=316, ip=10.0.0.7)": the class of what a task
// raised; its text stands behind the frames that follow. "" = no such line.
std::string_view WhatATaskRaised(std::string_view line) {
  constexpr std::string_view kTask = "RayTaskError(";
  const std::size_t at = line.find(kTask);
  if (at == std::string_view::npos) return {};
  line.remove_prefix(at + kTask.size());
  const std::size_t close = line.find(')');
  return close != std::string_view::npos && line.substr(close).starts_with("): ray::") ? line.substr(0, close)
                                                                                       : std::string_view();
}

// A weight or a scale of the checkpoint that the engine has no place for, or lacks: never survived, and never for want
// of memory.
bool NamesAWeight(std::string_view line) {
  if (line.find("There is no module or parameter named") != std::string_view::npos ||
      line.find("weights were not initialized from checkpoint") != std::string_view::npos ||
      line.find("Error(s) in loading state_dict") != std::string_view::npos)
    return true;
  if (!line.starts_with("KeyError: '") || line.find('.') == std::string_view::npos) return false;
  constexpr std::string_view kParts[] = {"weight", "scale", "bias", "zeros", "layers.", "experts", "proj"};
  return std::ranges::any_of(kParts, [&](std::string_view part) { return line.find(part) != std::string_view::npos; });
}

// vLLM: "Free memory on device cuda:0 (7.34/139.72 GiB) on startup is less than desired GPU memory utilization". A GPU
// of its own lacks only what the driver and the contexts of the engine's processes take.
bool SomebodyElseHoldsTheGpu(const std::string& line) {
  constexpr double kShare = 0.1, kGibibytes = 3;
  const std::size_t at = line.find("memory on device");
  const std::size_t open = at == std::string::npos ? at : line.find('(', at);
  double free = 0, total = 0;
  if (open == std::string::npos || std::sscanf(line.c_str() + open, "(%lf/%lf GiB)", &free, &total) != 2) return false;
  return total - free > std::max(kShare * total, kGibibytes);
}

// Python's error for everything: refusals and failures alike.
constexpr std::string_view kAnyError = "RuntimeError: ";

Reading Read(const std::string& line, int exit_code) {
  Reading reading{.line = &line};
  if (const std::string_view repeated = WhatItRepeats(line); !repeated.empty()) {
    const std::string quoted(repeated);
    reading = Read(quoted, exit_code);
    reading.line = &line;
    const bool whole = line.find("Worker failed with error '") != std::string::npos;
    if (!reading.known && whole && SoundsLikeARefusal(quoted)) reading.cause = Cause::kConfiguration;
    if (reading.relevance <= Relevance::kOther) reading.relevance = whole ? Relevance::kVague : Relevance::kOther;
    return reading;
  }
  if (const std::string_view raised = WhatATaskRaised(line); !raised.empty()) {
    const std::string name = std::string(raised) + ": ";
    reading = Read(name, exit_code);
    reading.line = &line;
    reading.relevance = std::max(reading.relevance, Relevance::kWrapper);
    return reading;
  }
  if (IsUsageError(line, exit_code)) {
    reading = {&line, Cause::kConfiguration, Relevance::kDecisive, true, true};
  } else if (line == "Killed" || line == "Aborted") {
    reading.cause = Cause::kConsequence;
  } else if (line == "AssertionError" || line == "AssertionError: " || line.starts_with("AssertionError: raised in ")) {
    // Nobody wrote what a user could do about it.
    reading = {&line, Cause::kCrash, Relevance::kTelling, false, false};
  } else if (const CauseRule* rule = FindCauseRule(line)) {
    reading.cause = rule->cause;
    reading.relevance = rule->relevance;
    // TensorRT-LLM's sentence about whatever was raised.
    if (line.find("executor on rank") != std::string::npos && rule->cause == Cause::kConfiguration &&
        !SoundsLikeARefusal(line) && !NamesAWeight(line))
      reading.cause = Cause::kCrash;
    // It quotes nothing, or what a KeyError calls by its key alone.
    constexpr std::size_t kShortest = 8;
    constexpr std::string_view kExecutor = "executor on rank ";
    if (const std::size_t at = line.find(kExecutor); at != std::string::npos) {
      const std::size_t colon = line.find(':', at);
      if (colon == std::string::npos || line.size() - colon < kShortest) reading.relevance = Relevance::kOther;
      // "Failed to initialize executor on rank 7: '0.w3.input_scale'"
      const std::string_view quoted = std::string_view(line).substr(std::min(colon, line.size()));
      if (quoted.starts_with(": '") && quoted.ends_with('\'') && quoted.find(' ', 2) == std::string_view::npos) {
        reading.cause = Cause::kConfiguration;
        reading.relevance = Relevance::kOther;
      }
    }
    if (SomebodyElseHoldsTheGpu(line)) reading.cause = Cause::kMachine;
    reading.known = true;
  } else if (NamesTheProblem(line)) {
    reading.cause = line.starts_with(kAnyError) && !SoundsLikeARefusal(line) ? Cause::kCrash : Cause::kConfiguration;
    reading.relevance = Relevance::kTelling;
  } else {
    reading.relevance = Relevance::kOther;
  }
  return reading;
}

std::vector<Reading> ReadAll(const std::vector<std::string>& lines, int exit_code) {
  std::vector<Reading> readings;
  for (const std::string& line : lines) readings.push_back(Read(line, exit_code));
  return readings;
}

// An operator of vLLM's compiled code is not there.
bool MissesCompiledCode(std::string_view line) {
  return line.find("'_OpNamespace' '_C") != std::string_view::npos ||
         line.find("Could not run '_C") != std::string_view::npos ||
         line.find("No module named 'vllm._C") != std::string_view::npos;
}

const Reading* Best(const std::vector<Reading>& readings) {
  const auto best = std::ranges::min_element(readings, {}, &Reading::relevance);  // of equals the first
  if (best == readings.end() || best->relevance == Relevance::kNothing) return nullptr;
  // vLLM warned of what it could not load, and went on.
  if (MissesCompiledCode(*best->line)) {
    const auto warning = std::find_if(readings.begin(), best, [](const Reading& one) {
      return one.line->starts_with("Failed to import from vllm._C");
    });
    if (warning != best) return &*warning;
  }
  // Of two processes, one may run out of memory after the other one has refused the checkpoint: layers that it took for
  // unquantized do not fit.
  if (best->cause == Cause::kDeviceMemory) {
    const auto weight =
        std::find_if(readings.begin(), best, [](const Reading& one) { return NamesAWeight(*one.line); });
    if (weight != best) return &*weight;
  }
  return &*best;
}

// The second best line, where the best one leaves a doubt: nobody knows its text, and another one says something else.
const Reading* Doubt(const std::vector<Reading>& readings, const Reading& best) {
  if (best.known && best.relevance <= Relevance::kTelling) return nullptr;
  const Reading* second = nullptr;
  for (const Reading& reading : readings) {
    if (&reading == &best || reading.relevance == Relevance::kNothing ||
        reading.line->find(*best.line) != std::string::npos)
      continue;
    const bool weak = best.relevance >= Relevance::kOther;
    if (!weak && (reading.relevance > Relevance::kTelling || reading.cause == best.cause)) continue;
    if (second == nullptr || reading.relevance < second->relevance) second = &reading;
  }
  return second;
}

std::string Seconds(double seconds) { return std::to_string(static_cast<long long>(std::llround(seconds))) + " s"; }

std::string HowItEnded(const EngineState& state) {
  std::string text = "the engine ";
  text += state.exit_code == EngineState::kUnknownExitCode ? "ended"
          : state.signal != 0                              ? "was ended by signal " + std::to_string(state.signal) +
                                    (state.signal == 9    ? " (SIGKILL)"
                                     : state.signal == 11 ? " (SIGSEGV)"
                                                          : "")
                              : "ended with exit code " + std::to_string(state.exit_code);
  if (state.was_ready) {
    text += " while serving";
  } else if (state.start_seconds > 0) {
    text += " after " + Seconds(state.start_seconds) + ", before it was ready";
  }
  return text;
}

std::string LastLine(const EngineState& state) {
  return state.last_lines.empty() ? "; without output" : "; its last line: " + state.last_lines.back();
}

// Nothing in the log is a cause: how it ended, and what comes nearest to one.
Failure WithoutACause(const EngineState& state, const std::string& cause, Failure failure) {
  failure.reason = FailureReason::kEngineCrashed;
  if (state.phase == EngineState::Phase::kKilled) {
    failure.message = "the whole engine container was killed; its last state has the reason";
    if (!cause.empty()) failure.message += "; its first error: " + cause;
    return failure;
  }
  // Programs that parse their own arguments end with 2; nothing else that is known does.
  if (!state.was_ready && state.signal == 0 && state.exit_code == 2)
    failure.reason = FailureReason::kEngineRejectedArguments;
  // Which process went first says more than the last line of the one that ended the others; that one is gone, too.
  constexpr std::string_view kNotices[] = {
      "crashed with exit code", "died unexpectedly", "died or was killed while executing",
      "exited on signal",       "scheduler is dead", "died, exit code",
      "is already dead",        " Killed "};
  const auto tells_who = [&](const std::string& line) {
    return std::ranges::any_of(kNotices, [&](std::string_view part) { return line.find(part) != std::string::npos; });
  };
  auto told = std::ranges::find_if(state.error_lines, tells_who);
  if (told == state.error_lines.end()) told = std::ranges::find_if(state.error_lines, NamesTheProblem);
  failure.message = HowItEnded(state) + (told != state.error_lines.end() ? "; its log: " + *told : LastLine(state));
  return failure;
}

}  // namespace

std::optional<std::string> RootCause(const std::vector<std::string>& error_lines) {
  const std::vector<Reading> readings = ReadAll(error_lines, 0);
  const Reading* best = Best(readings);
  return best == nullptr ? std::nullopt : std::optional(*best->line);
}

std::optional<std::string> OtherCause(const std::vector<std::string>& error_lines, const std::string& cause) {
  const std::vector<Reading> readings = ReadAll(error_lines, 0);
  const CauseRule* const rule = FindCauseRule(cause);
  const bool waited = rule != nullptr && rule->cause == Cause::kWaiting;
  const Reading* other = nullptr;
  bool other_is_same = false;
  for (const Reading& reading : readings) {
    // Who waited in vain for a process that failed says nothing new, nor who repeats what that one said.
    if (const std::string_view repeated = WhatItRepeats(*reading.line);
        !repeated.empty() && cause.find(repeated) != std::string::npos)
      continue;
    if (*reading.line == cause || reading.relevance > Relevance::kOther ||
        (reading.cause == Cause::kWaiting && !waited))
      continue;
    const bool same = rule != nullptr && FindCauseRule(*reading.line) == rule;
    if (other == nullptr || (other_is_same && !same) ||
        (other_is_same == same && reading.relevance < other->relevance)) {
      other = &reading;
      other_is_same = same;
    }
  }
  return other == nullptr ? std::nullopt : std::optional(*other->line);
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
  const std::vector<Reading> readings = ReadAll(state.error_lines, state.signal == 0 ? state.exit_code : 0);
  const Reading* const best = Best(readings);
  const std::string cause = best == nullptr ? "" : *best->line;

  switch (state.phase) {
    case EngineState::Phase::kNotStarted:
      failure.reason = FailureReason::kInvalidPodConfiguration;
      failure.message = state.error_lines.empty() ? "the engine's command could not be executed" : state.error_lines[0];
      return failure;
    case EngineState::Phase::kStartupTimeout:
      failure.reason = FailureReason::kStartupTimeout;
      failure.exit_code = 0;
      failure.message = "not ready within " + Seconds(state.start_seconds) +
                        (cause.empty() ? LastLine(state) : "; its first error: " + cause);
      return failure;
    case EngineState::Phase::kKilled:
    case EngineState::Phase::kExited:
    case EngineState::Phase::kStarting:
    case EngineState::Phase::kReady:
      break;
  }
  if (!state.was_ready && best != nullptr && best->usage) {
    failure.reason = FailureReason::kEngineRejectedArguments;
    failure.message = cause;
    return failure;
  }
  if (state.oom_kills > 0) {
    failure.reason = FailureReason::kOutOfMemory;
    failure.message = "host memory: the kernel killed " +
                      (state.oom_kills == 1 ? "a process" : std::to_string(state.oom_kills) + " processes") +
                      " of the engine at the container's memory limit";
    if (!cause.empty()) failure.message += "; its first error: " + cause;
    return failure;
  }
  if (best == nullptr || (state.phase == EngineState::Phase::kKilled && best->relevance > Relevance::kDecisive)) {
    return WithoutACause(state, cause, std::move(failure));
  }
  switch (best->cause) {
    case Cause::kDeviceMemory:
    case Cause::kHostMemory:
      failure.reason = FailureReason::kOutOfMemory;
      break;
    case Cause::kConfiguration:
      failure.reason = state.was_ready ? FailureReason::kEngineCrashed : FailureReason::kEngineRejectedConfiguration;
      break;
    case Cause::kMachine:
    case Cause::kWaiting:
      failure.reason = FailureReason::kEngineCrashed;
      failure.machine = true;
      break;
    case Cause::kImage:
    case Cause::kCrash:
    case Cause::kConsequence:
      failure.reason = FailureReason::kEngineCrashed;
      break;
  }
  failure.message = best->cause == Cause::kHostMemory ? "host memory: " + cause : cause;
  if (best->cause == Cause::kWaiting) {
    failure.message +=
        " (the process on another GPU ended, hung or fell behind first, or the network between GPUs failed)";
  }
  if (const Reading* second = Doubt(readings, *best)) failure.message += "; or: " + *second->line;
  return failure;
}

}  // namespace autotune::bench
