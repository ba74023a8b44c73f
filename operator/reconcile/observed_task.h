// A task as it is observed: read in full, or, where its spec cannot be read although the schema let it pass, with the
// reason, so that it stalls instead of being overlooked. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/result.h"
#include "operator/api/autotune_task.h"

namespace autotune::reconcile {

struct ObservedTask {
  api::AutotuneTask task;
  std::string spec_error;  // not empty: task.spec means nothing
};

// Fails only for an object that is no task at all (no metadata).
base::Result<ObservedTask> ObserveTask(const nlohmann::json& object);

}  // namespace autotune::reconcile
