// Failures on demand for tests: AUTOTUNE_SIM_FAIL names one, AUTOTUNE_SIM_FAIL_WHEN limits it to command lines that
// contain a text. docs/simulated-engine.md lists them. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "simulator/engine_release.h"

namespace autotune::simulator {

enum class InjectedFailure {
  kNone,
  kCrash,         // "crash": an exception while starting, exit code as the engine's
  kCrashServing,  // "crash-serving": the engine ends while it answers its first completion
  kOomHost,       // "oom-host": allocates until the cgroup's limit kills the process
  kOomCuda,       // "oom-cuda": CUDA out of memory while loading
  kNeverReady,    // "never-ready": starts, prints, and never opens its port
  kBrokenEmpty,   // "broken-empty": every answer ends at once
  kBrokenLoop,    // "broken-loop": every answer is one word over and over
  kBrokenNan,     // "broken-nan": the model computes NaN
  kExit137,       // "exit137": kills itself with SIGKILL, as SGLang does after configuration errors
};

// `command_line` is the joined argv; an empty `when` matches every one. kInvalid lists the names.
base::Result<InjectedFailure> InjectedFailureFromText(std::string_view name, std::string_view when,
                                                      std::string_view command_line);

// Allocates and touches memory until the kernel ends the process. Where no cgroup limits it, stops at 2 GiB and kills
// itself instead, so that a developer's machine survives. Never returns.
[[noreturn]] void ExhaustHostMemory();

// SIGKILL to this process. Never returns.
[[noreturn]] void KillSelf();

}  // namespace autotune::simulator
