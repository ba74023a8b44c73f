// `autotune-bench run`: waits for the engine, measures (bench/limit_search.h), and always ends with one result.
//
// Single-threaded. Reads the launcher's engine.json; if the engine has ended, the run ends at once, with the reason
// from the launcher's digest and the points measured so far.
#pragma once

#include <functional>
#include <string>

#include "base/clock.h"
#include "bench/bench_spec.h"
#include "bench/exit_code.h"
#include "bench/limit_search.h"
#include "bench/result.h"
#include "measurement/window.h"

namespace autotune::bench {

struct BenchRunOptions {
  std::string dir;
  int port = 0;
  BenchSpec spec;
  std::function<bool()> told_to_end = [] { return false; };                 // SIGTERM
  std::function<void(const std::string&)> say = [](const std::string&) {};  // a line for people
  // Time that an engine which answers only with errors gets to exit: SGLang takes 5 s for crash diagnostics, and its
  // log has the reason only after that.
  std::chrono::milliseconds death_grace{15'000};
  double client_lag_ms = measurement::PointSpec().client_lag_ms;  // limit of the send lag; tests raise it
  std::chrono::milliseconds retry_pause = LimitSearchHooks().retry_pause;
};

struct BenchRunOutcome {
  RunResult result;
  int exit_code = kExitResult;
};

BenchRunOutcome RunBench(const BenchRunOptions& options, base::Clock& clock);

}  // namespace autotune::bench
