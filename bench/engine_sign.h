// State of the engine that a log line shows: starting, serving, generating tokens.
//
// Pure and thread-safe; the only place that knows these lines. The digest and `autotune diagnose` use it. Needs nothing
// but the C++ library.
#pragma once

#include <string_view>

namespace autotune::bench {

enum class EngineSign {
  kNone,
  kNewProcess,  // first log lines of an engine process
  kStarting,    // it is starting
  kFailed,      // it failed to start
  kBegins,      // it begins to serve: earlier errors were not fatal
  kServing,     // it answers, or has stopped after it had answered
  kGenerating,  // it serves, and has counted generated tokens since its last report
};

// The state of the first row of the table that matches. `sglang`: true for a log of SGLang, whose web server is up
// before its model answers.
EngineSign SignOf(std::string_view line, bool sglang);

}  // namespace autotune::bench
