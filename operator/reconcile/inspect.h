// Inspect: the facts of every checkpoint: given inline, already known, or read by an inspection pod.
//
// Pure. An unreachable hub or registry is retried indefinitely. Its answers about the model (no access, no such
// revision, a damaged file) are final.
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
  std::vector<api::ModelStatus> models;  // of the current spec, in its order
  bool known = false;                    // the facts of all of them are known
  Verdict verdict;                       // valid while `known` is false
  std::vector<nlohmann::json> create_pods;
  std::optional<base::WallTime> wake_at;
};

bool AllKnown(const api::TaskStatus& status);

Inspection Inspect(const Observed& observed, const Settings& settings, base::WallTime now);

// Inspection pods that are no longer needed: all except those that `status` waits for.
std::vector<PodRef> SurplusInspectPods(const Observed& observed, const api::TaskStatus& status);

}  // namespace autotune::reconcile
