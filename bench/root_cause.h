// Root cause of an engine's end: from the launcher's digest of its log to one reason and the most informative line.
//
// Pure and thread-safe. Based on recorded starts (tests/engines/logs): the cause is the first error of the first
// process that failed, not the last line; SGLang kills its own process tree with SIGKILL after a configuration error,
// so exit code 137 says nothing; out-of-memory is reported only from the kernel's counter or the engine's own messages.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bench/engine_state.h"
#include "bench/result.h"

namespace autotune::bench {

// The line to show, of candidates in order of appearance (EngineState::error_lines). Returns nullopt if none is an
// error.
std::optional<std::string> RootCause(const std::vector<std::string>& error_lines);

// The next best line beside `cause`, the result of RootCause(): one that says something else if there is one, not that
// another process ran out of memory too. Returns nullopt if no other line says anything.
std::optional<std::string> OtherCause(const std::vector<std::string>& error_lines, const std::string& cause);

// REQUIRES: the engine has ended or failed to start (phase is neither kStarting nor kReady).
Failure Classify(const EngineState& state);

// True if bench can no longer measure.
bool HasEnded(const EngineState& state);

}  // namespace autotune::bench
