// `autotune-bench inspect`: what a model is, read from its directory or from a hub (checkpoint/), as a result document.
//
// Single-threaded. A model that cannot be read is a failure with the hub's status and what to do about it; it is never
// assumed to be unquantized.
#pragma once

#include "bench/result.h"
#include "checkpoint/hub.h"

namespace autotune::bench {

// `model` is a hub id; a directory when it starts with "/".
using InspectOptions = checkpoint::HubOptions;

struct InspectOutcome {
  InspectResult result;
  int exit_code = 0;  // as in exit_code.h: 0, 10 the model cannot be used, 20 the hub cannot be reached
};

InspectOutcome Inspect(const InspectOptions& options);

}  // namespace autotune::bench
