// Why an engine ended: from the launcher's digest of its log to one reason and the line a person would point at.
//
// Pure and thread-safe. Learnt from recorded starts (tests/engines/logs): the cause is the first error of the first
// process that failed, not the last line; SGLang kills its own process tree with SIGKILL after a configuration error,
// so exit code 137 says nothing; running out of memory is claimed only for the kernel's counter or the engine's own
// words.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bench/engine_state.h"
#include "bench/result.h"

namespace autotune::bench {

// The line to show, of candidates in order of appearance (EngineState::error_lines). Nothing when none is an error.
std::optional<std::string> RootCause(const std::vector<std::string>& error_lines);

// Precondition: the engine has ended or failed to start (phase is neither kStarting nor kReady).
Failure Classify(const EngineState& state);

// True when bench will never be able to measure (any more).
bool HasEnded(const EngineState& state);

}  // namespace autotune::bench
