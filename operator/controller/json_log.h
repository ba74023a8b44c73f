// JSON log lines for spdlog: {"ts":"...","level":"info","msg":"...","task":"ns/name","reconcile":"..."}. Each is one
// object on one line, with the fields of the thread that wrote it (kube::runtime::LogField).
#pragma once

#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "base/result.h"

namespace autotune::controller {

// Makes the default logger write JSON lines to standard error. `level`: trace, debug, info, warning or error.
base::Status InitializeLogging(const std::string& level);

// Returns one line, including its line feed.
std::string LogLine(std::string_view time, std::string_view level, std::string_view message);

// Log level from a mounted file, without a restart. Without the file, or without a level in it, the level of the flags
// applies; this is logged once.
//
// Look() is for one thread at a time. Start() calls it every few seconds on its own thread, until destruction.
class LogLevelFile {
 public:
  LogLevelFile(std::filesystem::path file, std::string usual) : file_(std::move(file)), usual_(std::move(usual)) {}
  void Look();
  void Start();

 private:
  const std::filesystem::path file_;
  const std::string usual_;
  std::string seen_;  // content of the file at the last check
  bool looked_ = false;
  std::mutex mutex_;
  std::condition_variable_any never_;
  std::jthread thread_;  // last: it uses the others
};

}  // namespace autotune::controller
