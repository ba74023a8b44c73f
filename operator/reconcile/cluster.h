// Cluster: interface for all side effects of a reconcile. Kubernetes and local mode implement it.
//
// Implementations are thread-safe. Calls block; errors are base::Error, whose code tells the caller what to do.
// Creating a pod that already exists with the right owner UID is success (names are deterministic).
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "base/result.h"
#include "operator/api/autotune_task.h"

namespace autotune::reconcile {

struct TaskEvent {
  bool warning = false;
  std::string reason;  // CamelCase, <= 128
  std::string action;  // CamelCase, <= 128
  std::string note;    // <= 1 kB
};

class Cluster {
 public:
  virtual ~Cluster() = default;

  // Applies a JSON merge patch (RFC 7386: null removes) to the status subresource; carries metadata.resourceVersion, so
  // a task that another client changed gives kConflict. Returns the new resourceVersion.
  virtual base::Result<std::string> PatchStatus(const api::ObjectMeta& task, const nlohmann::json& patch) = 0;

  // kInvalid: the pod can never be accepted. kRetry with the server's message: not at present. kAlreadyExists: another
  // owner has a pod with this name.
  virtual base::Status CreatePod(const nlohmann::json& pod) = 0;
  // Deletes with a UID precondition; a pod that is gone already is success.
  virtual base::Status DeletePod(const std::string& ns, const std::string& name, const std::string& uid) = 0;

  // Deletes the task in the version that was observed: kConflict, and nothing is deleted, if it was edited since. A
  // task that is gone already is success.
  virtual base::Status DeleteTask(const api::ObjectMeta& task) = 0;

  // Creates or replaces a ConfigMap owned by the task; kAlreadyExists, and nothing is written, if it has another owner.
  virtual base::Status ApplyConfigMap(const nlohmann::json& config_map) = 0;

  // A workload that serves today, of one of api::kWorkloadKinds: once a task as its baseline, once for the difference
  // that its status shows. kDenied: the operator has no right to read it. kInvalid: there is no cluster to ask.
  virtual base::Result<nlohmann::json> ReadWorkload(const std::string& ns, const std::string& kind,
                                                    const std::string& name) = 0;

  // All tasks of a namespace, one at a time and never held together. Those that cannot be read are left out.
  virtual base::Status VisitTasks(const std::string& ns,
                                  const std::function<void(const api::AutotuneTask&)>& visit) = 0;

  // Best effort, never blocks on the network.
  virtual void Emit(const api::ObjectMeta& task, const TaskEvent& event) = 0;
};

}  // namespace autotune::reconcile
