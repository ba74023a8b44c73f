// Maximum sequence length of a task's experiments: set by its flags, otherwise the model's own context.
//
// Pure and thread-safe. Never too short: a flag in an unknown form makes the length unknown. Of several values the
// largest counts; the deployed workload (a baseline) does not count.
#pragma once

#include "checkpoint/model_facts.h"
#include "operator/api/autotune_task.h"

namespace autotune::experiment {

struct ContextLimit {
  bool known = true;      // false: a flag may set any
  int asked = 0;          // the largest that flags set, in tokens; 0 = none
  bool of_model = false;  // an experiment may have the model's own
  // In tokens; 0 = not known.
  [[nodiscard]] int With(const checkpoint::ModelFacts& facts) const;
};

ContextLimit ContextLimitOf(const api::TaskSpec& spec);

}  // namespace autotune::experiment
