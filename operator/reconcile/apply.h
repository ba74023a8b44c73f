// Apply(): carries out a plan through a Cluster. The only part of a reconcile with side effects. Blocks; one thread per
// task.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "operator/reconcile/cluster.h"
#include "operator/reconcile/decide.h"

namespace autotune::reconcile {

struct Applied {
  // The first error; later actions were skipped, and the next reconcile decides again. A rejected pod or ConfigMap is
  // not an error: the Memory keeps it for the next decision. A pod that cannot be deleted is an error, but the other
  // actions are still carried out.
  base::Status status;
  bool look_again = false;       // an object or a part of the status was rejected: reconcile again at once
  std::string resource_version;  // the task's new version, if it was written
};

// Order: status, events, ConfigMap, deletions, creations; or only the deletion of the task.
Applied Apply(const Plan& plan, const api::AutotuneTask& task, Cluster& cluster, base::WallTime now, Memory& memory);

}  // namespace autotune::reconcile
