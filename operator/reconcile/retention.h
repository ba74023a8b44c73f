// Expiry of a finished task and its kept pods: spec.retention, else the operator's default. Pure.
#pragma once

#include <optional>

#include "base/clock.h"
#include "operator/api/autotune_task.h"

namespace autotune::reconcile {

// Times of deletion; nullopt = never deleted.
struct Expiry {
  std::optional<base::WallTime> pods, task;
};

// Empty if the task has not finished. A time in the spec takes precedence over the default, even a longer one.
Expiry ExpiryOf(const api::AutotuneTask& task, const api::RetentionSpec& by_default);

}  // namespace autotune::reconcile
