// A task as it is observed: read in full, or, where its spec cannot be read although the schema let it pass or its
// status is a newer operator's, with the reason, so that it is told of instead of being overlooked. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/result.h"
#include "operator/api/autotune_task.h"

namespace autotune::reconcile {

struct ObservedTask {
  api::AutotuneTask task;
  std::string spec_error;    // not empty: task.spec means nothing
  std::string status_error;  // not empty: of task.status only the conditions mean something
};

// Fails only for an object that is no task at all (no metadata).
base::Result<ObservedTask> ObserveTask(const nlohmann::json& object);

}  // namespace autotune::reconcile
