// apply(): carries out a plan through a Cluster. The only place of the reconcile that acts.
#pragma once

#include "base/result.h"
#include "operator/reconcile/cluster.h"
#include "operator/reconcile/decide.h"

namespace autotune::reconcile {

// The ConfigMap, the status, events, deletes, creates. Stops at the first error and returns it: the next reconcile
// decides again from what is then observed. `resource_version` receives the task's new version where one was written.
base::Status Apply(const Plan& plan, const api::AutotuneTask& task, Cluster& cluster, std::string* resource_version);

}  // namespace autotune::reconcile
