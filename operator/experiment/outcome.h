// PodOutcome: progress or result of an experiment or inspection pod, as one of a fixed set.
//
// Pure. Results from inside the pod come from bench's termination message; events before bench runs, or of the whole
// pod, come from the pod's status. Exit code 137 alone is not out of memory (engines kill themselves).
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "bench/result.h"
#include "operator/api/autotune_task.h"
#include "operator/experiment/pod_view.h"

namespace autotune::experiment {

struct PodOutcome {
  enum class Kind {
    kWaiting,    // not scheduled, or pulling images
    kStarting,   // the engine is loading
    kMeasuring,  // bench runs
    kSucceeded,  // `run` or `inspect` is set
    kFailed,     // `failure` is set
  } kind = Kind::kWaiting;
  // Message of the scheduler or kubelet, for WaitingForResources. For a running inspection pod: its name and start.
  std::string waiting_message;
  bool queued = false;                  // held by a queue: deadlines do not count
  std::optional<bench::RunResult> run;  // also set, with partial loads, for some failures
  std::optional<bench::InspectResult> inspect;
  std::optional<bench::Failure> failure;
  // Time of the next check without an event (a deadline); nullopt = events only.
  std::optional<base::WallTime> next_deadline;
  base::WallTime gpu_since{};  // GPUs are held from here ...
  base::WallTime ended_at{};   // ... to here
};

// Outcome of an experiment pod. `now` decides scheduling and image pull deadlines.
PodOutcome ReadExperimentOutcome(const PodView& pod, const api::OptimizationSpec& limits, base::WallTime now);
// Outcome of an inspection pod.
PodOutcome ReadInspectOutcome(const PodView& pod, const api::OptimizationSpec& limits, base::WallTime now);

}  // namespace autotune::experiment
