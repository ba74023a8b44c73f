// Conclude: end of a task after its last experiment: the result, and the state of the recommendation.
//
// Pure. The results are in the status before the recommendation is tried, and the task is Complete once it was tried: a
// client that waits for Ready finds the ConfigMap, or the condition with the reason for its absence.
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
  std::optional<nlohmann::json> config_map;  // to be written now
  std::string recommendation;                // the name of the one that was written
  std::string read_deployment;               // to be read now
  std::optional<api::Difference> difference;
  std::vector<TaskEvent> events;
  std::optional<base::WallTime> wake_at;
};

// Of a task whose experiments have all ended. `status` has its answer; `infeasible` is why that has no best.
Conclusion Conclude(const Observed& observed, const Settings& settings, const api::TaskStatus& status,
                    const Space& space, const std::string& infeasible, base::WallTime now);

}  // namespace autotune::reconcile
