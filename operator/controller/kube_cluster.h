// KubeCluster: reconcile::Cluster over the Kubernetes API, for one reconcile of one task.
//
// Used on one worker thread; all references are borrowed. Every write is recorded in the expectations, so the task is
// not reconciled again before the caches show it.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <stop_token>
#include <string>

#include "kube/client/client.h"
#include "kube/runtime/events.h"
#include "kube/runtime/expectations.h"
#include "kube/runtime/store.h"
#include "operator/controller/task_metrics.h"
#include "operator/reconcile/cluster.h"
#include "operator/reconcile/decide.h"

namespace autotune::controller {

// The resources that the operator uses.
const kube::Resource& TaskResource();
const kube::Resource& PodResource();
const kube::Resource& NodeResource();
const kube::Resource& ConfigMapResource();

inline constexpr const char* kFieldManager = "autotune-operator";

class KubeCluster final : public reconcile::Cluster {
 public:
  KubeCluster(kube::Client& client, kube::runtime::EventRecorder& events, TaskMetrics& metrics,
              kube::runtime::Expectations& expectations, const kube::runtime::StoreView& tasks,
              const kube::runtime::StoreView& pods, kube::runtime::ObjectKey task, std::stop_token stop);

  base::Result<reconcile::WrittenStatus> PatchStatus(const api::ObjectMeta& task, const nlohmann::json& patch) override;
  base::Status CreatePod(const nlohmann::json& pod) override;
  base::Status DeletePod(const std::string& ns, const std::string& name, const std::string& uid) override;
  base::Status DeleteTask(const api::ObjectMeta& task) override;
  base::Status ApplyConfigMap(const nlohmann::json& config_map) override;
  base::Result<nlohmann::json> ReadWorkload(const std::string& ns, const std::string& kind,
                                            const std::string& name) override;
  base::Status VisitTasks(const std::string& ns, const std::function<void(const api::AutotuneTask&)>& visit) override;
  void Emit(const api::ObjectMeta& task, const reconcile::TaskEvent& event) override;

 private:
  base::Status AdoptExisting(const std::string& ns, const std::string& name, const nlohmann::json& wanted);

  kube::Client& client_;
  kube::runtime::EventRecorder& events_;
  TaskMetrics& metrics_;
  kube::runtime::Expectations& expectations_;
  const kube::runtime::StoreView& tasks_;
  const kube::runtime::StoreView& pods_;
  const kube::runtime::ObjectKey task_;
  const std::stop_token stop_;
};

}  // namespace autotune::controller
