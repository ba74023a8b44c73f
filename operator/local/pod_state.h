// State of a local pod, and the status that a kubelet would report for it.
//
// Pure values. The status has exactly the fields that a kubelet of Kubernetes 1.33+ writes for a pod with a native
// sidecar, so readers of pods (operator/experiment) need no special case for local mode.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"

namespace autotune::local {

struct ContainerState {
  std::string name;
  std::string image;
  bool init = false;     // in spec.initContainers
  bool sidecar = false;  // an init container with restartPolicy Always

  enum class Phase { kWaiting, kRunning, kTerminated };
  Phase phase = Phase::kWaiting;
  std::string waiting_reason = "PodInitializing";
  std::string waiting_message;
  base::WallTime started_at{};
  bool started = false;  // the startup probe succeeded, or there is none
  int restarts = 0;

  struct Termination {
    int exit_code = 0;
    int signal = 0;
    std::string reason;   // Completed, Error, StartError
    std::string message;  // the termination log
    base::WallTime started_at{}, finished_at{};
  };
  std::optional<Termination> terminated;
  std::optional<Termination> last_terminated;
};

struct PodState {
  std::string phase = "Pending";  // Pending Running Succeeded Failed
  std::string reason, message;    // DeadlineExceeded, ...
  bool scheduled = false;
  std::string unschedulable_message;
  base::WallTime scheduled_at{};
  std::string node;
  std::optional<base::WallTime> deletion_timestamp;
  std::vector<ContainerState> containers;  // init containers first, in the order of the spec
};

// The status of a v1 Pod.
nlohmann::json PodStatusJson(const PodState& state);

// The containers of a pod's spec, all in phase kWaiting.
std::vector<ContainerState> ContainersOf(const nlohmann::json& pod);

}  // namespace autotune::local
