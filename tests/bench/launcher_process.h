// A real autotune-launch as a child process, with a directory and a port of its own: for tests.
//
// Single-threaded. The destructor leaves no process and no file behind.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "bench/engine_state.h"

namespace autotune::bench {

// Looks until `condition` holds; false after a deadline that only a defect reaches.
bool Eventually(const std::function<bool()>& condition, std::chrono::seconds deadline = std::chrono::seconds(60));
bool IsRunning(pid_t pid);  // a zombie does not run
std::string ReadFileOrEmpty(const std::string& path);

class LauncherProcess {
 public:
  LauncherProcess();
  ~LauncherProcess();
  LauncherProcess(const LauncherProcess&) = delete;
  LauncherProcess& operator=(const LauncherProcess&) = delete;

  // `run` with these flags before and this engine command after "--".
  void Start(const std::vector<std::string>& flags, const std::vector<std::string>& engine);
  // An engine that is a Python program: it gets the port as its first argument and the directory as its second.
  void StartPython(const std::vector<std::string>& flags, const std::string& program);
  // Another subcommand, to its end: the exit status.
  int Call(const std::vector<std::string>& arguments);
  int Ready() { return Call({"ready", "--dir", dir_}); }

  [[nodiscard]] std::optional<EngineState> State() const;
  // Waits for the phase and returns the state; fails the test when it does not come.
  EngineState Await(EngineState::Phase phase);
  void Signal(int signal) const;
  // Waits for the launcher's end: its exit status, or 1000 + signal.
  int Wait();

  [[nodiscard]] const std::string& dir() const { return dir_; }
  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] pid_t pid() const { return pid_; }
  // A process id that the engine wrote to a file of this name in the directory.
  [[nodiscard]] pid_t PidFrom(const std::string& name) const;
  [[nodiscard]] std::string Output() const { return ReadFileOrEmpty(dir_ + "/stdout"); }

 private:
  pid_t Spawn(const std::vector<std::string>& arguments, const std::string& output);

  std::string dir_;
  int port_ = 0;
  pid_t pid_ = -1;
};

// A port of 127.0.0.1 that nobody listens on.
int FreePort();

}  // namespace autotune::bench
