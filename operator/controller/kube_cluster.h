// KubeCluster: reconcile::Cluster over the Kubernetes API, for one reconcile of one task.
//
// Made and used on one worker thread; everything it refers to is borrowed. Every write is recorded in the expectations,
// so that the task is not reconciled before the caches show it.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <stop_token>
#include <string>

#include "operator/controller/task_metrics.h"
#include "operator/kube/client.h"
#include "operator/reconcile/cluster.h"
#include "operator/reconcile/decide.h"
#include "operator/runtime/events.h"
#include "operator/runtime/expectations.h"
#include "operator/runtime/store.h"

namespace autotune::controller {

// The resources that the operator uses.
const kube::Resource& TaskResource();
const kube::Resource& PodResource();
const kube::Resource& NodeResource();
const kube::Resource& ConfigMapResource();

inline constexpr const char* kFieldManager = "autotune-operator";

class KubeCluster final : public reconcile::Cluster {
 public:
  KubeCluster(kube::Client& client, runtime::EventRecorder& events, TaskMetrics& metrics,
              runtime::Expectations& expectations, const runtime::StoreView& tasks, const runtime::StoreView& pods,
              runtime::ObjectKey task, std::stop_token stop);

  base::Result<std::string> PatchStatus(const api::ObjectMeta& task, const nlohmann::json& patch) override;
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
  runtime::EventRecorder& events_;
  TaskMetrics& metrics_;
  runtime::Expectations& expectations_;
  const runtime::StoreView& tasks_;
  const runtime::StoreView& pods_;
  const runtime::ObjectKey task_;
  const std::stop_token stop_;
};

}  // namespace autotune::controller
