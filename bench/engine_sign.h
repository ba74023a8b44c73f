// State of the engine that a line of its log shows: starting, serving, generating tokens.
//
// Pure and thread-safe; the only place that knows these lines. The digest and `autotune diagnose` use it. Needs nothing
// but the C++ library.
#pragma once

#include <string_view>

namespace autotune::bench {

enum class EngineSign {
  kNone,
  kNewProcess,  // the engine's first words
  kStarting,    // it starts
  kFailed,      // it failed to start
  kBegins,      // it begins to serve: earlier errors were not fatal
  kServing,     // it answers, or stopped after it had begun to
  kGenerating,  // it serves, and counted generated tokens since its last report
};

// The first row of the table that fits. `sglang`: whether the log is SGLang's, whose web server is up before its model
// answers.
EngineSign SignOf(std::string_view line, bool sglang);

}  // namespace autotune::bench
