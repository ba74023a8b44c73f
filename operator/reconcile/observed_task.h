// An observed task, with the error if its spec (accepted by the schema) or its status (of a newer operator) cannot be
// read, so that the task can report it. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/result.h"
#include "operator/api/autotune_task.h"

namespace autotune::reconcile {

struct ObservedTask {
  api::AutotuneTask task;
  std::string spec_error;    // if not empty, task.spec is undefined
  std::string status_error;  // if not empty, only the conditions of task.status are valid
};

// Fails only for an object without metadata.
base::Result<ObservedTask> ObserveTask(const nlohmann::json& object);

}  // namespace autotune::reconcile
