// JSON lines for spdlog: {"ts":"...","level":"info","msg":"...","task":"ns/name","reconcile":"..."}, one object per
// line, whatever a message contains, with the fields of the thread that wrote it (runtime::LogField).
#pragma once

#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "base/result.h"

namespace autotune::controller {

// Makes the default logger write JSON lines to standard error. `level`: trace, debug, info, warning, error.
base::Status InitializeLogging(const std::string& level);

// One line, with its end.
std::string LogLine(std::string_view time, std::string_view level, std::string_view message);

// The level that a mounted file says, while it says it: a change needs no restart. Where there is no such file, or no
// level in it, the level of the flags holds; the log says so once.
//
// Look() is for one thread at a time; Start() looks every few seconds on a thread of its own, until the end.
class LogLevelFile {
 public:
  LogLevelFile(std::filesystem::path file, std::string usual) : file_(std::move(file)), usual_(std::move(usual)) {}
  void Look();
  void Start();

 private:
  const std::filesystem::path file_;
  const std::string usual_;
  std::string seen_;  // what the file said at the last look
  bool looked_ = false;
  std::mutex mutex_;
  std::condition_variable_any never_;
  std::jthread thread_;  // last: it uses the others
};

}  // namespace autotune::controller
