// Runs one engine from its start to the end of the pod: `autotune-launch run`.
//
// Single-threaded, one poll loop, bounded memory. Owns the engine's process group and all its descendants: none is
// left when Supervise() returns. Never starts an engine twice in one directory. Returns only after SIGTERM or
// SIGINT, not when the engine ends: Kubernetes would restart a sidecar that exits. Uses only the C++ library and
// Linux.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace autotune::bench {

struct LaunchOptions {
  std::string dir;  // the pod's shared directory
  int port = 0;     // of the engine on 127.0.0.1
  std::string health_path = "/health";
  std::chrono::milliseconds startup_timeout{1'800'000};
  std::chrono::milliseconds grace{10'000};  // between SIGTERM and SIGKILL
  std::vector<std::string> argv;            // the engine's command
};

// Exit status of the program: 0 after SIGTERM or SIGINT, 20 if `dir` cannot be used.
int Supervise(const LaunchOptions& options);

// Startup probe: returns 0 once the engine is ready or has ended. After `patience` without either it returns 1, with a
// line on standard error.
int Ready(const std::string& dir, std::chrono::milliseconds patience);

// Copies the running program to dir/autotune-launch. Returns the exit status of the program.
int Install(const std::string& dir);

}  // namespace autotune::bench
