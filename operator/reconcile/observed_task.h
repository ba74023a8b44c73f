// An observed task, or the error if its spec or status cannot be read (a spec that the schema accepts, a status of a
// newer operator), so that the task reports it. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/result.h"
#include "operator/api/autotune_task.h"

namespace autotune::reconcile {

struct ObservedTask {
  api::AutotuneTask task;
  std::string spec_error;    // not empty: task.spec is meaningless
  std::string status_error;  // not empty: only the conditions of task.status are meaningful
};

// Fails only for an object without metadata.
base::Result<ObservedTask> ObserveTask(const nlohmann::json& object);

}  // namespace autotune::reconcile
