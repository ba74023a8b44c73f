// One line of an engine's log without the prefixes of its writers.
//
// Pure, thread-safe. Removes the prefixes of the engines, Python's logging, glog, Ray, NCCL, UCX, MPI, uvicorn, KServe,
// Dynamo, and log forwarders (container runtimes, docker compose, syslog). Uses only the C++ library: the static
// launcher links it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace autotune::bench {

struct LogLine {
  enum class Level { kNone, kInfo, kWarning, kError };
  std::string tag;  // the process: "EngineCore pid=7859", the innermost of several; "" = not given
  Level level = Level::kNone;
  std::size_t indent = 0;  // spaces before the text: code lines of a traceback are indented
  std::string text;        // clean, at most 2000 bytes
};

LogLine ParseLogLine(std::string_view line);

// True if `text` begins with an engine's own prefix: a process ("(EngineCore pid=7) "), a level with time or place, or
// a time in brackets.
bool EngineBegins(std::string_view text);

}  // namespace autotune::bench
