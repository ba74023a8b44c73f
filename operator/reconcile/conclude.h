// Conclude: the end of a task after its last experiment: the result, and the state of the recommendation.
//
// Pure. The results are in the status before the recommendation is tried, and the task is Complete after it was tried.
// So a client that waits for Ready finds the ConfigMap, or a condition with the reason for its absence.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "operator/api/autotune_task.h"
#include "operator/reconcile/decide.h"
#include "operator/reconcile/space.h"
#include "operator/reconcile/verdict.h"

namespace autotune::reconcile {

struct Conclusion {
  Verdict verdict;
  std::optional<nlohmann::json> config_map;  // set if it must be written now
  std::string recommendation;                // name of the written ConfigMap
  std::string read_deployment;               // Deployment that must be read now
  std::optional<api::Difference> difference;
  std::vector<TaskEvent> events;
  std::optional<base::WallTime> wake_at;
};

// REQUIRES: all experiments have ended; Answer() has filled `status`. `infeasible`: why there is no best.
Conclusion Conclude(const Observed& observed, const Settings& settings, const api::TaskStatus& status,
                    const Space& space, const std::string& infeasible, base::WallTime now);

}  // namespace autotune::reconcile
