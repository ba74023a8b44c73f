// Inspect: the facts of every checkpoint. Given inline, known from before, or read by a pod of its own.
//
// Pure. A hub or a registry that does not answer is asked again for as long as that lasts; what it answers about the
// model (no access, no such revision, a damaged file) is an answer.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "operator/api/autotune_task.h"
#include "operator/reconcile/decide.h"
#include "operator/reconcile/verdict.h"

namespace autotune::reconcile {

struct Inspection {
  std::vector<api::ModelStatus> models;  // of the present spec, in its order
  bool known = false;                    // the facts of all of them
  Verdict verdict;                       // while they are not
  std::vector<nlohmann::json> create_pods;
  std::optional<base::WallTime> wake_at;
};

bool AllKnown(const api::TaskStatus& status);

Inspection Inspect(const Observed& observed, const Settings& settings, base::WallTime now);

// Pods that read the model and are of no use any more: all but those that `status` still waits for.
std::vector<PodRef> SurplusInspectPods(const Observed& observed, const api::TaskStatus& status);

}  // namespace autotune::reconcile
