// Cluster: interface for all side effects of a reconcile. Kubernetes and local mode implement it.
//
// Implementations are thread-safe. Calls block; errors are base::Error, whose code is the caller's next action.
// Creating a pod that exists with the right owner UID succeeds (names are deterministic).
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "base/result.h"
#include "operator/api/autotune_task.h"

namespace autotune::reconcile {

struct TaskEvent {
  bool warning = false;
  std::string reason;  // CamelCase, at most 128 bytes
  std::string action;  // CamelCase, at most 128 bytes
  std::string note;    // at most 1 KiB
};

struct WrittenStatus {
  std::string resource_version;  // the task's new version
  // Path of a field of the patch that the API server dropped, because its definition of tasks is older; "" = none. A
  // field for which api::IsNeededToContinue() is true comes first.
  std::string dropped{};
};

class Cluster {
 public:
  virtual ~Cluster() = default;

  // Applies a JSON merge patch (RFC 7386: null removes) to the status subresource, with metadata.resourceVersion:
  // kConflict if another client changed the task.
  virtual base::Result<WrittenStatus> PatchStatus(const api::ObjectMeta& task, const nlohmann::json& patch) = 0;

  // kInvalid: the pod can never be accepted. kRetry, with the server's message: not accepted now. kAlreadyExists: a pod
  // with this name has another owner.
  virtual base::Status CreatePod(const nlohmann::json& pod) = 0;
  // Deletes with a UID precondition; succeeds if the pod is already gone.
  virtual base::Status DeletePod(const std::string& ns, const std::string& name, const std::string& uid) = 0;

  // Deletes the task in the observed version. kConflict, without a deletion, if it was edited since. Succeeds if it is
  // already gone.
  virtual base::Status DeleteTask(const api::ObjectMeta& task) = 0;

  // Creates or replaces a ConfigMap owned by the task. kAlreadyExists, without a write, if it has another owner.
  virtual base::Status ApplyConfigMap(const nlohmann::json& config_map) = 0;

  // Reads a production workload of one of api::kWorkloadKinds: as the task's baseline, and for the difference in its
  // status. kDenied: the operator may not read it. kInvalid: there is no cluster (local mode).
  virtual base::Result<nlohmann::json> ReadWorkload(const std::string& ns, const std::string& kind,
                                                    const std::string& name) = 0;

  // Visits all tasks of a namespace, one at a time, never holding them together. Unreadable tasks are left out.
  virtual base::Status VisitTasks(const std::string& ns,
                                  const std::function<void(const api::AutotuneTask&)>& visit) = 0;

  // Records an event. Best effort; never blocks on the network.
  virtual void Emit(const api::ObjectMeta& task, const TaskEvent& event) = 0;
};

}  // namespace autotune::reconcile
