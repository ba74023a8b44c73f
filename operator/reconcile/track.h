// Track: matches experiments with pods: the state of each entry of status.experiments, the pods to delete, and the next
// pods to create.
//
// Pure. An entry's `attempts` counts pods that were seen: a pod is created first and recorded when it is observed, so a
// recorded pod, or one that this operator remembers to have created, that no longer exists was deleted (an
// infrastructure failure). An unrecorded pod is found by its deterministic name.
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

// True for results of a bench without quality measurement: neither a value nor a warning.
bool LacksQuality(const api::ExperimentStatus& experiment);
// Reasons of an experiment's warnings.
inline constexpr const char* kQualityNotMeasured = "QualityNotMeasured";
inline constexpr const char* kMeasuredWith = "MeasuredWithReserve";  // what bench said makes the numbers mean less
inline constexpr const char* kQualityPartlyMeasured = "QualityPartlyMeasured";  // something is there, and why no more
inline constexpr const char* kRanElsewhere = "RanElsewhere";  // an earlier attempt met a fault of its node

// True if an edit of the spec that does not change the content hash (a time-out, a toleration, a pull secret) may avoid
// this failure.
bool MayEndDifferently(const api::ExperimentStatus& experiment);

struct Tracked {
  Experiments experiments;
  bool active = false;                         // a pod is loading or measuring
  std::string waiting_message;                 // message of the scheduler or kubelet, if pods wait and none is active
  std::optional<base::WallTime> wake_at;       // the next deadline
  std::map<std::string, std::string> waiting;  // by experiment: what its pod, which has not started, waits for
  std::vector<TaskEvent> events;
};
// Updates the experiments from the pods.
Tracked Track(const Observed& observed, Experiments experiments, base::WallTime now);

struct Next {
  std::vector<std::size_t> start;         // entries whose next attempt is to be created now, in order
  std::string waiting_message;            // what delays the others, apart from the parallelism
  std::optional<base::WallTime> wake_at;  // the next retry
};
// Entries to start within `places` (PlacesOf), baselines first. Rejected pods wait longer each time, after the others;
// after any rejection one pod is created at a time.
Next NextToStart(const Observed& observed, const Experiments& experiments, int places, base::WallTime now);

// For a suspended task (call it after Track), or one that cannot continue: running experiments become pending, their
// GPU time counts as wasted, results are kept. No attempt counts as failed.
Experiments Suspended(const Observed& observed, Experiments experiments, base::WallTime now);

// For a task whose deadline has passed, or a type of GPU that is not available (GpuSpec::name; nullopt = all types),
// with the message `why`: experiments that have not begun fail, running ones continue. Call it after Track.
void EndWaiting(const Observed& observed, const Tracked& tracked, const std::string& why,
                const std::optional<std::string>& gpu, base::WallTime now, Experiments& experiments,
                std::vector<TaskEvent>& events);

// Of several types of GPU: the experiment that could not be scheduled on this one (GpuSpec::name), where none ever was;
// of these the one with the fewest GPUs. Null if there is none.
const api::ExperimentStatus* NeverScheduled(const api::TaskSpec& spec, const std::string& gpu,
                                            const Experiments& experiments);

// Cost of an experiment that is removed from the status, including the GPU time of its running pod, which is deleted
// next.
api::GpuSeconds SpentUntilNow(const Observed& observed, const api::ExperimentStatus& experiment, base::WallTime now);

// Where the next attempt must not run: the node that the latest one blamed, if its type has another; else "".
std::string NodeToAvoid(const Observed& observed, const api::ExperimentStatus& experiment);

// The highest number among the pods of this hash; 0 if none.
int LastAttempt(const Observed& observed, const std::string& hash);

// The name of the next attempt's pod.
std::string NextPodName(const api::AutotuneTask& task, const api::ExperimentStatus& experiment);

// Pods of this task that are no longer needed, in any state of the task: recorded results (spec.keepPods), removed
// candidates, earlier attempts, pods of a suspended or failed task.
std::vector<PodRef> SurplusPods(const Observed& observed, const api::TaskStatus& status);

}  // namespace autotune::reconcile
