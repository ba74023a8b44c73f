// `autotune-bench inspect`: the facts of a model, read from its directory or a hub (checkpoint/), and a check that
// experiments can use the datasets of a task. Returned as a result document.
//
// Single-threaded. A model that cannot be read is a failure with the hub's status and a remedy; it is never treated as
// unquantized.
#pragma once

#include <optional>

#include "bench/bench_spec.h"
#include "bench/result.h"
#include "checkpoint/hub.h"

namespace autotune::bench {

struct InspectOptions : checkpoint::HubOptions {  // `model`: a hub id, a directory if it starts with "/", or "" = none
  std::optional<BenchSpec> datasets;              // specification of the bench runs; their dataset files are read too
  bool models_context = false;  // experiments may use the model's own context, which may exceed datasets->max_model_len
};

struct InspectOutcome {
  InspectResult result;
  int exit_code = 0;  // as in exit_code.h: 0, 10 the model cannot be used, 20 the hub cannot be reached
};

InspectOutcome Inspect(const InspectOptions& options);

}  // namespace autotune::bench
