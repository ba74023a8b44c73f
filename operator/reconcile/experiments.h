// Experiments against pods: where each entry of status.experiments stands, which pods have to go, which come next.
//
// Pure. An entry's `attempts` counts pods that were seen: a pod is created first and recorded when it is observed, so a
// pod that the status knows and that is not there any more has vanished (an infrastructure failure), while a pod that
// nobody recorded is found again by its deterministic name.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "operator/api/autotune_task.h"
#include "operator/experiment/pod_view.h"
#include "operator/reconcile/cluster.h"
#include "operator/reconcile/decide.h"

namespace autotune::reconcile {

bool IsFinished(const api::ExperimentStatus& experiment);

// Measured by a bench that knew nothing of quality: neither a number nor a word why there is none.
bool LacksQuality(const api::ExperimentStatus& experiment);
inline constexpr const char* kQualityNotMeasured = "QualityNotMeasured";  // of a warning

struct Progress {
  std::vector<std::size_t> start;         // entries whose next attempt is to be created now, in order
  bool active = false;                    // a pod is loading or measuring
  std::string waiting_message;            // the scheduler's or kubelet's words, where pods wait and none is active
  std::optional<base::WallTime> wake_at;  // the next deadline or retry
  std::vector<TaskEvent> events;
};

// Moves the entries of `status` to what the pods say, and picks what to start within spec.parallelism.
Progress TrackExperiments(const Observed& observed, api::TaskStatus& status, base::WallTime now);

// The task was suspended (call it after TrackExperiments) or cannot go on: what runs goes back to pending, its GPU time
// counts as wasted, results stay.
void SuspendExperiments(const Observed& observed, api::TaskStatus& status, base::WallTime now);

// What an experiment that is taken out of `status` cost until now. Of a running one also the GPU time that it holds:
// its pod is deleted next.
api::GpuSeconds SpentUntilNow(const Observed& observed, const api::ExperimentStatus& experiment, base::WallTime now);

// Pods of this task that no entry of `status` wants any more, in every state of the task: results recorded (as
// spec.keepPods says), removed candidates, earlier attempts, pods of a suspended or failed task.
std::vector<PodRef> SurplusPods(const Observed& observed, const api::TaskStatus& status);

}  // namespace autotune::reconcile
