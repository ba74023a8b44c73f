// Track: experiments against pods. Where each entry of status.experiments stands, which pods have to go, which come
// next.
//
// Pure. An entry's `attempts` counts pods that were seen: a pod is created first and recorded when it is observed, so a
// pod that the status knows and that is not there any more has vanished (an infrastructure failure), and so has one
// that this operator remembers to have created. A pod that nobody recorded is found again by its deterministic name.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "operator/api/autotune_task.h"
#include "operator/experiment/pod_view.h"
#include "operator/reconcile/cluster.h"
#include "operator/reconcile/decide.h"

namespace autotune::reconcile {

using Experiments = std::vector<api::ExperimentStatus>;

bool IsFinished(const api::ExperimentStatus& experiment);

// Measured by a bench that knew nothing of quality: neither a number nor a word why there is none.
bool LacksQuality(const api::ExperimentStatus& experiment);
// Reasons of an experiment's warnings.
inline constexpr const char* kQualityNotMeasured = "QualityNotMeasured";
inline constexpr const char* kMeasuredWith = "MeasuredWithReserve";  // what bench said makes the numbers mean less
inline constexpr const char* kQualityPartlyMeasured = "QualityPartlyMeasured";  // something is there, and why no more
inline constexpr const char* kRanElsewhere = "RanElsewhere";  // an earlier attempt met a fault of its node

// Whether an edit of the spec that leaves the content hash as it is (a time-out, a toleration, a pull secret) may
// change how this failure ends.
bool MayEndDifferently(const api::ExperimentStatus& experiment);

struct Tracked {
  Experiments experiments;
  bool active = false;                         // a pod is loading or measuring
  std::string waiting_message;                 // the scheduler's or kubelet's words, where pods wait and none is active
  std::optional<base::WallTime> wake_at;       // the next deadline
  std::map<std::string, std::string> waiting;  // by experiment: what its pod waits for, which runs nothing yet
  std::vector<TaskEvent> events;
};
// The experiments as the pods say. `gpu_product`: of the nodes that they run on, until the launcher says what it saw.
Tracked Track(const Observed& observed, Experiments experiments, const std::string& gpu_product, base::WallTime now);

struct Next {
  std::vector<std::size_t> start;         // entries whose next attempt is to be created now, in order
  std::string waiting_message;            // what keeps the others, where that is not the number of places
  std::optional<base::WallTime> wake_at;  // the next retry
};
// What to start within `places` (PlacesOf), baselines first. What the API server refused waits longer each time and
// lets the others go first; after a refusal of any pod one is tried at a time.
Next NextToStart(const Observed& observed, const Experiments& experiments, int places, base::WallTime now);

// The task was suspended (call it after Track) or cannot go on: what runs goes back to pending, its GPU time counts as
// wasted, results stay. No attempt is counted as failed.
Experiments Suspended(const Observed& observed, Experiments experiments, base::WallTime now);

// The task's deadline has passed, as `why` says: what has not begun fails. What runs goes on. Call it after Track.
void EndWaiting(const Observed& observed, const Tracked& tracked, const std::string& why, base::WallTime now,
                Experiments& experiments, std::vector<TaskEvent>& events);

// What an experiment that is taken out of the status cost until now. Of a running one also the GPU time that it holds:
// its pod is deleted next.
api::GpuSeconds SpentUntilNow(const Observed& observed, const api::ExperimentStatus& experiment, base::WallTime now);

// Where the next attempt must not run: the node that the latest one blamed, if spec.gpu has another; else "".
std::string NodeToAvoid(const Observed& observed, const api::ExperimentStatus& experiment);

// The highest number among the pods of this hash; 0 if none.
int LastAttempt(const Observed& observed, const std::string& hash);

// The name of the next attempt's pod.
std::string NextPodName(const api::AutotuneTask& task, const api::ExperimentStatus& experiment);

// Pods of this task that no entry of `status` wants any more, in every state of the task: results recorded (as
// spec.keepPods says), removed candidates, earlier attempts, pods of a suspended or failed task.
std::vector<PodRef> SurplusPods(const Observed& observed, const api::TaskStatus& status);

}  // namespace autotune::reconcile
