// Observed start-up failures of real engines after argparse accepted the command line, as a table of conditions, texts
// and exit codes.
//
// Every row names its source: a recorded log (tests/engines/logs), a row of the recorded tables without a log, or the
// engine's source code (read, not observed). Rows are in the order in which an engine would meet them; the first one
// that applies decides. Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "simulator/engine_log.h"
#include "simulator/engine_settings.h"

namespace autotune::simulator {

enum class Provenance {
  kLog,     // the cause's text is that of a recorded log
  kTable,   // observed on a real engine without a kept log; beyond the noted words the wording is ours
  kSource,  // read in the engine's source
};

// Time of the failure; StageSeconds (startup.h) has the time since the start.
enum class Stage { kConfig, kEngineInit, kLoad, kWarmup, kFirstRequest };

// How the process ends, and the log lines around the cause.
enum class Ending {
  kVllmModelConfig,     // pydantic validation error for ModelConfig, exit 1
  kVllmVllmConfig,      // ... for VllmConfig
  kVllmParallelConfig,  // ... for ParallelConfig
  kVllmFrontEnd,        // plain exception in the API server, exit 1
  kVllmEngineCore,      // the engine core fails, the API server reports it, exit 1
  kSglangFrontEnd,      // plain exception before any worker runs, exit 1
  kSglangScheduler,     // a worker raises, the process tree kills itself with SIGKILL
  kTensorRtLlm,         // exception, exit 1
};
// True: ends by SIGKILL to itself (a container then reports exit code 137); false: exit code 1.
bool KillsItself(Ending ending);

struct StartFailure {
  std::string_view id;
  Engine engine = Engine::kVllm;
  std::string_view from_version;    // first release with this failure, "" = all
  std::string_view before_version;  // first release without it, "" = none
  Provenance provenance = Provenance::kSource;
  std::string_view reference;  // log file, table row or source
  Stage stage = Stage::kConfig;
  Ending ending = Ending::kVllmEngineCore;
  bool (*applies)(const EngineSettings&) = nullptr;
  std::string (*cause)(const EngineSettings&) = nullptr;  // the root cause's lines, without prefixes
};

std::span<const StartFailure> StartFailures();
// nullptr: the engine starts and serves.
const StartFailure* FindStartFailure(const EngineSettings& settings);

// The lines around the cause, in the engine's order.
std::vector<LogEntry> FailureLog(Ending ending, Stage stage, const std::string& cause);

// Kernels compiled on first use: the start, or the first request, takes `seconds` longer.
struct FirstUseDelay {
  std::string_view id;
  Engine engine = Engine::kVllm;
  std::string_view reference;
  bool on_first_request = false;  // false: before the engine is ready
  double seconds = 0;
  bool (*applies)(const EngineSettings&) = nullptr;
};
std::span<const FirstUseDelay> FirstUseDelays();

}  // namespace autotune::simulator
