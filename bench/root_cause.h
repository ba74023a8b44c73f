// Root cause of an engine's end: from the launcher's digest of its log to one reason and its most informative line.
//
// Pure, thread-safe. Based on recorded starts (tests/engines/logs): the cause is the first error of the first process
// that failed, not the last line. SGLang ends with SIGKILL after a configuration error, so exit code 137 is not
// informative. Out of memory is reported only from the kernel's counter or the engine's own messages.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bench/engine_state.h"
#include "bench/result.h"

namespace autotune::bench {

// The line to show, from candidates in order of appearance (EngineState::error_lines). Returns nullopt if none is an
// error.
std::optional<std::string> RootCause(const std::vector<std::string>& error_lines);

// The next best line beside `cause`, the result of RootCause(). Prefers one with another content, not that another
// process also ran out of memory. Returns nullopt if no other line is informative.
std::optional<std::string> OtherCause(const std::vector<std::string>& error_lines, const std::string& cause);

// REQUIRES: the engine has ended or failed to start (phase is neither kStarting nor kReady).
Failure Classify(const EngineState& state);

// True if the engine can no longer be measured.
bool HasEnded(const EngineState& state);

}  // namespace autotune::bench
