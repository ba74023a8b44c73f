// TaskController: keeps AutotuneTasks, their pods and the nodes in caches, and reconciles one task at a time per key.
//
// Owns stores, reflectors, queue and workers; rules, client, events, metrics, clock and gate are borrowed. Start blocks
// until the caches have synced. Each reconcile uses the current rules of the RuleSource.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/thread_annotations.h"
#include "kube/client/client.h"
#include "kube/runtime/controller.h"
#include "kube/runtime/events.h"
#include "kube/runtime/expectations.h"
#include "kube/runtime/metrics.h"
#include "kube/runtime/reflector.h"
#include "kube/runtime/store.h"
#include "kube/runtime/watch_source.h"
#include "operator/controller/rule_source.h"
#include "operator/controller/task_metrics.h"
#include "operator/controller/task_pages.h"
#include "operator/reconcile/decide.h"
#include "operator/reconcile/observed_task.h"

namespace autotune::controller {

class CachedPod;
class CachedTask;

struct TaskControllerOptions {
  std::vector<std::string> namespaces;  // empty = all
  bool watch_nodes = true;
  int workers = 2;
  base::Duration stop_grace = std::chrono::seconds(30);
};

class TaskController {
 public:
  TaskController(TaskControllerOptions options, reconcile::Settings settings, RuleSource& rules, kube::Client& client,
                 kube::runtime::EventRecorder& events, kube::runtime::Metrics& metrics, base::Clock& clock,
                 kube::runtime::LeaderGate& gate);
  ~TaskController();
  TaskController(const TaskController&) = delete;
  TaskController& operator=(const TaskController&) = delete;

  base::Status Start(const std::stop_token& stop);
  // Stops the workers, then the watches. Returns true if the workers ended within the grace period.
  bool Stop();
  // For /readyz: success if all caches have synced and are current, else names the cache and the reason.
  [[nodiscard]] base::Status Ready() const;
  // For /healthz: success if every watch made progress recently and no worker hangs.
  [[nodiscard]] base::Status Alive() const;
  // All metrics of the process, with the current tasks.
  [[nodiscard]] std::string RenderMetrics();
  // Tasks of the caches, in any order.
  [[nodiscard]] std::vector<TaskPages::Listed> List() const;
  [[nodiscard]] bool Watches(const std::string& ns) const { return CacheOf(ns) != nullptr; }

 private:
  struct NamespaceCache;

  // nullopt if the pod is gone.
  base::Result<std::optional<experiment::PodView>> PodOf(const CachedTask& task, NamespaceCache& cache,
                                                         const kube::runtime::Entry<CachedPod>& entry,
                                                         const std::stop_token& stop);
  base::Result<kube::runtime::ReconcileResult> Reconcile(const kube::runtime::ObjectKey& key,
                                                         const std::stop_token& stop);
  [[nodiscard]] NamespaceCache* CacheOf(const std::string& ns) const;
  std::vector<kube::runtime::CacheSync> Caches() const;
  std::vector<const kube::runtime::Reflector*> Reflectors() const;

  const TaskControllerOptions options_;
  const reconcile::Settings settings_;
  RuleSource& rules_;
  kube::Client& client_;
  kube::runtime::EventRecorder& events_;
  kube::runtime::Metrics& metrics_;
  TaskMetrics task_metrics_;
  base::Clock& clock_;
  kube::runtime::Expectations expectations_;

  std::unique_ptr<kube::runtime::WorkQueue> queue_;
  std::vector<std::unique_ptr<NamespaceCache>> caches_;
  std::unique_ptr<kube::runtime::Store<experiment::NodeView>> nodes_;
  std::unique_ptr<kube::runtime::WatchSource> node_source_;
  std::unique_ptr<kube::runtime::Reflector> node_reflector_;

  base::Mutex scrape_mutex_;
  base::Mutex mutex_;
  // Of one task. Only one worker at a time reconciles a task.
  struct Remembered {
    std::string uid;
    reconcile::Memory memory;
  };
  std::map<kube::runtime::ObjectKey, Remembered> remembered_ GUARDED_BY(mutex_);

  std::unique_ptr<kube::runtime::Controller> controller_;  // last: its workers end before anything that they use
};

}  // namespace autotune::controller
