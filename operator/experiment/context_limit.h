// Maximum sequence length of a task's experiments: from their flags, otherwise the model's own context.
//
// Pure and thread-safe. Never too small: a flag in an unknown form makes the length unknown, and the largest of several
// values counts. The deployed workload (a baseline) does not count.
#pragma once

#include "checkpoint/model_facts.h"
#include "operator/api/autotune_task.h"

namespace autotune::experiment {

struct ContextLimit {
  bool known = true;      // false: a flag may set any length
  int asked = 0;          // largest value that flags set, in tokens; 0 = none
  bool of_model = false;  // an experiment may use the model's own context
  // The maximum in tokens; 0 = not known.
  [[nodiscard]] int With(const checkpoint::ModelFacts& facts) const;
};

ContextLimit ContextLimitOf(const api::TaskSpec& spec);

}  // namespace autotune::experiment
