// State of the engine, which the launcher writes to one small JSON file in the pod's shared directory and bench reads.
//
// A plain value; pure conversions. autotune-launch, which owns the engine's process, writes it atomically (rename);
// `autotune-launch ready` (the startup probe) and autotune-bench read it. Files in the shared directory:
//
// clang-format off
//   started          start marker, created before the engine: a launcher that finds it never starts the engine again
//   engine.json      this document, replaced at every change of state
//   autotune-launch  static binary that the init container installed
// clang-format on
//
// The launcher is a small static binary: this header and its .cpp may use only the C++ library.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace autotune::bench {

inline constexpr const char* kStartMarkerFile = "started";
inline constexpr const char* kEngineStateFile = "engine.json";

struct EngineState {
  enum class Phase {
    kStarting,
    kReady,           // the health endpoint answered 200
    kExited,          // the engine process ended: exit_code or signal
    kStartupTimeout,  // not ready within the startup timeout; the launcher ended the engine
    kKilled,          // the launcher found its start marker: the container had been killed and restarted
    kNotStarted,      // the command could not be executed; error_lines[0] has the reason
  };
  static constexpr int kUnknownExitCode = -1;  // exit code of a log that the launcher did not write
  Phase phase = Phase::kStarting;
  int exit_code = 0;
  int signal = 0;              // of the engine process, 0 = not killed by a signal
  double start_seconds = 0;    // process start to ready, or to its end; 0 = not known
  bool was_ready = false;      // kExited after it had been healthy: it ended while serving
  std::int64_t oom_kills = 0;  // the cgroup's counter since the start (v1 memory.oom_control, v2 memory.events)
  std::string gpu_product;     // "NVIDIA H100 80GB HBM3", "" = no GPU seen
  std::string driver;          // GpuDriver(): "570.86.15", "" = none seen
  // Digest of the log in bounded memory: candidates for the root cause in order of appearance (at most 40 lines), and
  // the last lines (at most 20). Each line is valid UTF-8 of at most 500 bytes.
  std::vector<std::string> error_lines;
  std::vector<std::string> last_lines;
};

std::string EncodeEngineState(const EngineState& state);
base::Result<EngineState> DecodeEngineState(const std::string& text);

}  // namespace autotune::bench
