// Log lines in each engine's own format. Stateless apart from the pids; not thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "simulator/engine_release.h"

namespace autotune::simulator {

struct LogEntry {
  // vLLM prefixes every line with the process that wrote it; the other engines do not.
  enum class Process { kNone, kFrontEnd, kEngineCore };
  // kRaw: a line without level and time, as in tracebacks.
  enum class Level { kRaw, kInfo, kWarning, kError };
  Process process = Process::kFrontEnd;
  Level level = Level::kInfo;
  std::string source;  // "model.py:598", vLLM only
  std::string text;    // may have several lines; each gets the prefix
};

LogEntry Info(LogEntry::Process process, std::string source, std::string text);
LogEntry Warning(LogEntry::Process process, std::string source, std::string text);
LogEntry Raw(LogEntry::Process process, std::string text);

class LogFormat {
 public:
  LogFormat(EngineRelease release, int pid) : release_(std::move(release)), pid_(pid) {}
  // Complete lines, each with its line feed.
  [[nodiscard]] std::string Format(const LogEntry& entry, base::WallTime now) const;

 private:
  EngineRelease release_;
  int pid_;
};

}  // namespace autotune::simulator
