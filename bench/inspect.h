// `autotune-bench inspect`: what a model is, read from its directory or from a hub.
//
// Single-threaded. A model that cannot be read is a failure with the hub's status and what to do about it; it is never
// assumed to be unquantized.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "bench/result.h"

namespace autotune::bench {

struct InspectOptions {
  std::string model;  // hub id; a directory when it starts with "/"
  std::string revision = "main";
  std::string endpoint = "https://huggingface.co";
  std::string token;
  std::chrono::milliseconds timeout{30'000};     // per request
  std::chrono::milliseconds retry_delay{1'000};  // doubled twice
  std::function<bool()> told_to_end = [] { return false; };
};

struct InspectOutcome {
  InspectResult result;
  int exit_code = 0;  // as in bench_run.h: 0, 10 the model cannot be used, 20 the hub cannot be reached
};

InspectOutcome Inspect(const InspectOptions& options);

}  // namespace autotune::bench
