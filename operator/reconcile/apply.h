// apply(): carries out a plan through a Cluster. The only place of the reconcile that acts.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "operator/reconcile/cluster.h"
#include "operator/reconcile/decide.h"

namespace autotune::reconcile {

struct Applied {
  // The first error: what follows it was not done, and the next reconcile decides again from what is then observed. A
  // pod or a ConfigMap that the API server refuses is none: that is remembered and has to be decided about. A pod that
  // it does not delete is an error, and keeps nothing else from being done.
  base::Status status;
  bool look_again = false;       // something was refused: decide again at once
  std::string resource_version;  // the task's new version, where one was written
};

// The status, events, the ConfigMap, deletes, creates; or the task's end.
Applied Apply(const Plan& plan, const api::AutotuneTask& task, Cluster& cluster, base::WallTime now, Memory& memory);

}  // namespace autotune::reconcile
