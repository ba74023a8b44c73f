// `autotune-bench run`: waits for the engine, measures (bench/limit_search), and ends with one result whatever happens.
//
// Single-threaded. Reads the launcher's engine.json; a dead engine ends the run at once, with the reason that the
// launcher's digest gives and the points measured so far.
#pragma once

#include <functional>
#include <string>

#include "base/clock.h"
#include "bench/bench_spec.h"
#include "bench/exit_code.h"
#include "bench/result.h"
#include "measurement/window.h"

namespace autotune::bench {

struct BenchRunOptions {
  std::string dir;
  int port = 0;
  BenchSpec spec;
  std::function<bool()> told_to_end = [] { return false; };                 // SIGTERM
  std::function<void(const std::string&)> say = [](const std::string&) {};  // a line for people
  // How long an engine that answers nothing but errors may still take to end by itself: SGLang takes 5 s for crash
  // diagnostics before its processes are gone, and only then its log tells the reason.
  std::chrono::milliseconds death_grace{15'000};
  double client_lag_ms = measurement::PointSpec().client_lag_ms;  // a test's machine may be slower
};

struct BenchRunOutcome {
  RunResult result;
  int exit_code = kExitResult;
};

BenchRunOutcome RunBench(const BenchRunOptions& options, base::Clock& clock);

}  // namespace autotune::bench
