// Track: matches experiments with pods. Computes the state of each entry of status.experiments, the pods to delete, and
// the next pods to create.
//
// Pure. `attempts` of an entry counts observed pods: a pod is created first and recorded once it is observed. So if a
// recorded pod, or one in the operator's Memory, no longer exists, it was deleted (an infrastructure failure). An
// unrecorded pod is found by its deterministic name.
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

// True for results of a bench run without quality measurement: no value and no warning.
bool LacksQuality(const api::ExperimentStatus& experiment);
// Reasons of warnings of an experiment.
inline constexpr const char* kQualityNotMeasured = "QualityNotMeasured";
inline constexpr const char* kMeasuredWith = "MeasuredWithReserve";  // bench reported a limitation of the numbers
inline constexpr const char* kQualityPartlyMeasured = "QualityPartlyMeasured";  // with the reason for the missing part
inline constexpr const char* kRanElsewhere = "RanElsewhere";  // an earlier attempt met a fault of its node

// True if an edit of the spec that does not change the content hash (a timeout, a toleration, a pull secret) may avoid
// this failure.
bool MayEndDifferently(const api::ExperimentStatus& experiment);

struct Tracked {
  Experiments experiments;
  bool active = false;                         // a pod is loading or measuring
  std::string waiting_message;                 // message of the scheduler or kubelet, if pods wait and none is active
  std::optional<base::WallTime> wake_at;       // the next deadline
  std::map<std::string, std::string> waiting;  // by experiment: reason for which its pod has not started
  std::vector<TaskEvent> events;
};
// Updates the experiments from their pods.
Tracked Track(const Observed& observed, Experiments experiments, base::WallTime now);

struct Next {
  std::vector<std::size_t> start;         // entries whose next attempt must be created now, in order
  std::string waiting_message;            // what delays the others, other than the parallelism
  std::optional<base::WallTime> wake_at;  // time of the next retry
};
// Entries to start within `parallelism` (ParallelismOf), baselines first. Rejected pods come last and wait longer each
// time. After a rejection, one pod is created at a time.
Next NextToStart(const Observed& observed, const Experiments& experiments, int parallelism, base::WallTime now);

// For a suspended task, or one that cannot continue: running experiments become pending, their GPU time counts as
// wasted, and results are kept. No attempt counts as failed. REQUIRES: called after Track().
Experiments Suspended(const Observed& observed, Experiments experiments, base::WallTime now);

// For a task whose deadline has passed, or an unavailable type of GPU (`gpu`: GpuSpec::name; nullopt = all): fails
// experiments that have not begun, with message `why`; running ones continue. REQUIRES: called after Track().
void EndWaiting(const Observed& observed, const Tracked& tracked, const std::string& why,
                const std::optional<std::string>& gpu, base::WallTime now, Experiments& experiments,
                std::vector<TaskEvent>& events);

// With several types of GPU: an experiment that could not be scheduled on `gpu` (GpuSpec::name), if none was ever
// scheduled there; the one with the fewest GPUs. Null if there is none.
const api::ExperimentStatus* NeverScheduled(const api::TaskSpec& spec, const std::string& gpu,
                                            const Experiments& experiments);

// Cost of an experiment that is removed from the status, including the GPU time of its running pod, which is deleted
// next.
api::GpuSeconds SpentUntilNow(const Observed& observed, const api::ExperimentStatus& experiment, base::WallTime now);

// Node that the next attempt must avoid: the one that the last attempt blamed, if its type has another; else "".
std::string NodeToAvoid(const Observed& observed, const api::ExperimentStatus& experiment);

// The highest attempt number among the pods of this hash; 0 if there are none.
int LastAttempt(const Observed& observed, const std::string& hash);

// Name of the next attempt's pod.
std::string NextPodName(const api::AutotuneTask& task, const api::ExperimentStatus& experiment);

// Pods of this task that are no longer needed, in any state of the task: pods with recorded results (spec.keepPods),
// pods of removed candidates and earlier attempts, pods of a suspended or failed task.
std::vector<PodRef> SurplusPods(const Observed& observed, const api::TaskStatus& status);

}  // namespace autotune::reconcile
