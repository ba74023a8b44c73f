// The fields of a Pod that decisions use: a typed projection (about 1 KB instead of 12 KB of JSON).
//
// Pure value, immutable once in a cache. From a kubelet's report, or from the processes of local mode.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/rare.h"

namespace autotune::experiment {

struct ContainerView {
  std::string name;
  enum class State { kWaiting, kRunning, kTerminated } state = State::kWaiting;
  bool started = false, ready = false;
  bool restarts = false;  // true for a sidecar: an init container that the kubelet restarts whenever it ends
  int restart_count = 0;
  std::string waiting_reason, waiting_message;
  struct Termination {
    int exit_code = 0;
    int signal = 0;
    std::string reason, message;
    base::WallTime started_at{}, finished_at{};
  };
  base::Rare<Termination> terminated;       // state kTerminated
  base::Rare<Termination> last_terminated;  // lastState
  base::WallTime running_since{};
  std::string image_id;  // only for the container `engine`
};

// The operator's own labels of a pod (pod_builder.h has their names).
struct PodLabels {
  std::string role, hash, model, gpu;
  int attempt = 0;
};

struct PodView {
  std::string name, ns, uid, resource_version;
  PodLabels labels;
  std::string operator_name;  // operator that created it (kOperatorAnnotation); "" = not recorded
  std::string owner_uid;      // of the controller owner reference
  bool deleting = false;
  base::WallTime delete_by{};  // end of its grace period (metadata.deletionTimestamp)
  base::WallTime created_at{};
  // Start of the scheduling timeout: the last change of metadata or spec. A queue opens a scheduling gate without a
  // trace in the conditions (only their reason changes), so the field managers' times are the only source.
  base::WallTime schedulable_since{};
  std::string phase;            // Pending Running Succeeded Failed Unknown
  std::string reason, message;  // status.reason: Evicted, NodeLost, DeadlineExceeded, ...
  std::string node;
  bool scheduled = false;
  std::string unscheduled_reason, unscheduled_message;  // from condition PodScheduled=False
  base::WallTime scheduled_at{};
  bool scheduling_gated = false;  // held by a queue (Kueue)
  std::string disruption_reason;  // from condition DisruptionTarget=True
  std::string disruption_message;
  base::WallTime last_transition{};  // the newest transition of all conditions
  std::vector<ContainerView> init_containers, containers;

  // Null if there is no status of this container.
  [[nodiscard]] const ContainerView* Container(const std::string& name) const;
};

// From a v1 Pod object. Unknown or missing fields read as empty: a cache must not fail on a newer server.
PodView PodViewFromJson(const nlohmann::json& pod);

}  // namespace autotune::experiment
