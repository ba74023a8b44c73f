// The start of an engine as a script: log lines with their times, and the end. Times are those of recorded starts,
// before any speed-up. Pure.
#pragma once

#include <string>
#include <vector>

#include "simulator/engine_log.h"
#include "simulator/engine_settings.h"
#include "simulator/injected_failure.h"
#include "simulator/start_failures.h"

namespace autotune::simulator {

// Seconds from process start until argparse has run: importing Python code comes first.
double ImportSeconds(Engine engine);
// Seconds from process start until a failure of `stage` shows.
double StageSeconds(const EngineSettings& settings, Stage stage);
// Seconds from process start until the HTTP port is open.
double ReadySeconds(const EngineSettings& settings);

struct StartupPlan {
  struct Line {
    double at = 0;  // seconds from process start, ascending
    LogEntry entry;
  };
  enum class End {
    kServe,
    kExit,        // with exit_code
    kKill,        // SIGKILL to itself
    kHostMemory,  // takes memory until it is killed
    kNeverReady,
  };
  std::vector<Line> lines;
  End end = End::kServe;
  double end_at = 0;
  int exit_code = 0;

  // kServe only.
  double first_request_delay = 0;  // kernels compiled on first use
  bool dies_on_first_request = false;
  bool death_is_kill = false;  // else exit code 1
  std::vector<LogEntry> death_lines;
};

StartupPlan PlanStartup(const EngineSettings& settings, InjectedFailure scenario);

}  // namespace autotune::simulator
