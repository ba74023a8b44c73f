// When a finished task and its kept pods expire: spec.retention, otherwise the operator's default. Pure.
#pragma once

#include <optional>

#include "base/clock.h"
#include "operator/api/autotune_task.h"

namespace autotune::reconcile {

// From when on; nothing = never.
struct Expiry {
  std::optional<base::WallTime> pods, task;
};

// Of a task that is over. A time of the spec takes the place of the default, a longer one too.
Expiry ExpiryOf(const api::AutotuneTask& task, const api::RetentionSpec& by_default);

}  // namespace autotune::reconcile
