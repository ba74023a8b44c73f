#include "operator/controller/task_controller.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <utility>

#include "operator/controller/cached_pod.h"
#include "operator/controller/cached_task.h"
#include "operator/controller/kube_cluster.h"
#include "operator/reconcile/apply.h"
#include "operator/reconcile/retention.h"

namespace autotune::controller {
namespace {

using nlohmann::json;

constexpr const char* kControllerName = "autotunetask";
// A watch is quiet for at most a minute between bookmarks; silence for longer than this is a stuck loop.
constexpr std::chrono::minutes kLongestSilence{15};
// Readiness: a restart of the API server takes less, and a decision made from a cache this old helps nobody.
constexpr std::chrono::minutes kLongestStaleness{5};
// Every call to the API server has its deadline: a reconcile of this length hangs on something else.
constexpr std::chrono::minutes kLongestReconcile{15};

std::string InSeconds(base::Duration duration) {
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(duration).count()) + " s";
}

}  // namespace

struct TaskController::NamespaceCache {
  NamespaceCache(std::string name, kube::Client& client)
      : ns(std::move(name)),
        tasks("autotunetasks", CachedTask::FromText),
        pods("pods", [this](std::string_view pod) -> base::Result<CachedPod> { return Cached(PodViewFromText(pod)); }),
        task_source(kube::runtime::MakeWatchSource(client, TaskResource(), ns)),
        pod_source(kube::runtime::MakeWatchSource(
            client, PodResource(), ns, std::string(experiment::kManagedByLabel) + "=" + experiment::kManagedByValue)) {}

  // Of what a pod reported nothing is read any more once its task is over. Where a task is not here yet, its next
  // reconcile finds the pods.
  CachedPod Cached(experiment::PodView pod) const {
    const auto task = tasks.GetByUid(pod.owner_uid);
    const bool nobodys = pod.owner_uid.empty();
    const CachedPod cached(std::move(pod));
    return nobodys || (task && task->settled()) ? cached.Ended() : cached;
  }

  std::string ns;
  kube::runtime::Store<CachedTask> tasks;
  kube::runtime::Store<CachedPod> pods;
  std::unique_ptr<kube::runtime::WatchSource> task_source, pod_source;
  std::unique_ptr<kube::runtime::Reflector> task_reflector, pod_reflector;
};

TaskController::TaskController(TaskControllerOptions options, reconcile::Settings settings, RuleSource& rules,
                               kube::Client& client, kube::runtime::EventRecorder& events,
                               kube::runtime::Metrics& metrics, base::Clock& clock, kube::runtime::LeaderGate& gate)
    : options_(std::move(options)),
      settings_(std::move(settings)),
      rules_(rules),
      client_(client),
      events_(events),
      metrics_(metrics),
      task_metrics_(metrics.registry()),
      clock_(clock),
      expectations_(clock),
      queue_(std::make_unique<kube::runtime::WorkQueue>(clock, kube::runtime::RateLimits{},
                                                        &metrics.ForQueue(kControllerName))) {
  metrics_.WatchQueue(kControllerName, queue_.get());
  std::uint64_t seed = static_cast<std::uint64_t>(clock.Wall().time_since_epoch().count());
  const auto reflect = [&](const std::string& name, kube::runtime::WatchSource& source,
                           kube::runtime::StoreWriter& writer, const kube::runtime::Reflector* after = nullptr) {
    kube::runtime::ReflectorOptions reflector;
    reflector.name = name;
    reflector.after = after;
    reflector.seed = ++seed;
    // Finished tasks are up to 1 MiB each: fifty of them stay far below the client's body limit.
    if (name == "autotunetasks") reflector.page_size = 50;
    return std::make_unique<kube::runtime::Reflector>(reflector, source, writer, clock_, &metrics_.ForReflectors());
  };

  std::vector<std::string> namespaces = options_.namespaces;
  if (namespaces.empty()) namespaces.emplace_back();
  for (const std::string& ns : namespaces) {
    auto cache = std::make_unique<NamespaceCache>(ns, client_);
    cache->tasks.OnChange([this](const kube::runtime::Change<CachedTask>& change) {
      queue_->Add(change.any().meta.key, change.from_list ? kube::runtime::WorkQueue::kFromList : 0);
    });
    cache->pods.OnChange([this](const kube::runtime::Change<CachedPod>& change) {
      const kube::runtime::ObjectMeta& meta = change.any().meta;
      if (meta.owner_kind != api::kKind) return;
      queue_->Add({meta.key.ns, meta.owner_name}, change.from_list ? kube::runtime::WorkQueue::kFromList : 0);
    });
    cache->task_reflector = reflect("autotunetasks", *cache->task_source, cache->tasks.writer());
    // Pods of finished tasks are then small from the start: what they reported would leave holes in the heap.
    cache->pod_reflector = reflect("pods", *cache->pod_source, cache->pods.writer(), cache->task_reflector.get());
    caches_.push_back(std::move(cache));
  }
  if (options_.watch_nodes) {
    // Nodes are looked at when a task is expanded; their frequent updates wake nobody.
    nodes_ = std::make_unique<kube::runtime::Store<experiment::NodeView>>(
        "nodes", [](std::string_view node) -> base::Result<experiment::NodeView> {
          static const base::JsonPaths kUnread = {"metadata.annotations",   "metadata.managedFields",
                                                  "status.conditions",      "status.images",
                                                  "status.volumesAttached", "status.volumesInUse"};
          return experiment::NodeViewFromJson(kube::runtime::ParseObject(node, kUnread));
        });
    node_source_ = kube::runtime::MakeWatchSource(client_, NodeResource(), "");
    node_reflector_ = reflect("nodes", *node_source_, nodes_->writer());
  }
  controller_ = std::make_unique<kube::runtime::Controller>(
      kube::runtime::ControllerOptions{.name = kControllerName, .workers = options_.workers, .log_field = "task"},
      [this](const kube::runtime::ObjectKey& key, const std::stop_token& stop) { return Reconcile(key, stop); },
      *queue_, clock_, gate, &metrics_.ForController(kControllerName, options_.workers));
}

TaskController::~TaskController() { Stop(); }

base::Status TaskController::Start(const std::stop_token& stop) {
  for (const auto& cache : caches_) {
    cache->task_reflector->Start();
    cache->pod_reflector->Start();
  }
  if (node_reflector_) node_reflector_->Start();
  return controller_->Start(Caches(), stop);
}

bool TaskController::Stop() {
  const bool in_time = controller_->Stop(options_.stop_grace);
  for (const auto& cache : caches_) {
    cache->task_reflector->Stop();
    cache->pod_reflector->Stop();
  }
  if (node_reflector_) node_reflector_->Stop();
  metrics_.WatchQueue(kControllerName, nullptr);
  return in_time;
}

std::vector<kube::runtime::CacheSync> TaskController::Caches() const {
  std::vector<kube::runtime::CacheSync> caches;
  for (const kube::runtime::Reflector* reflector : Reflectors()) {
    caches.push_back({reflector->name(), [reflector] { return reflector->HasSynced(); },
                      [reflector] { return reflector->LastError(); }, [reflector] { return reflector->Received(); }});
  }
  return caches;
}

std::vector<const kube::runtime::Reflector*> TaskController::Reflectors() const {
  std::vector<const kube::runtime::Reflector*> reflectors;
  for (const auto& cache : caches_) {
    reflectors.push_back(cache->task_reflector.get());
    reflectors.push_back(cache->pod_reflector.get());
  }
  if (node_reflector_) reflectors.push_back(node_reflector_.get());
  return reflectors;
}

base::Status TaskController::Ready() const {
  for (const kube::runtime::Reflector* reflector : Reflectors()) {
    const std::string cache = "cache " + reflector->name();
    if (!reflector->HasSynced()) return base::Retry(cache + " has not synced: " + reflector->LastError());
    const auto failing = reflector->FailingSince();
    const base::Duration stale = failing ? clock_.Now() - *failing : base::Duration::zero();
    if (stale >= kLongestStaleness) {
      return base::Retry(cache + " may be stale, no data for " + InSeconds(stale) + ": " + reflector->LastError());
    }
  }
  return {};
}

base::Status TaskController::Alive() const {
  if (const base::Duration longest = queue_->InProcess().longest; longest >= kLongestReconcile) {
    return base::Retry("a reconcile has been running for " + InSeconds(longest));
  }
  for (const kube::runtime::Reflector* reflector : Reflectors()) {
    const base::Duration silence = clock_.Now() - reflector->LastBeat();
    if (!reflector->HasSynced() || silence < kLongestSilence) continue;
    return base::Retry("watch " + reflector->name() + " has been silent for " + InSeconds(silence));
  }
  return {};
}

std::string TaskController::RenderMetrics() {
  TaskMetrics::Snapshot snapshot;
  for (const auto& cache : caches_) {
    cache->tasks.Each([&](const CachedTask& task) {
      if (task.settled()) return snapshot.AddFinished(task.state());
      const auto observed = task.Observed();
      snapshot.Add(observed->task.spec, observed->task.status);
    });
  }
  const base::MutexLock lock(scrape_mutex_);
  task_metrics_.Show(snapshot);
  const auto rules = rules_.Current();
  task_metrics_.ShowRules(rules->version(), !rules->refusal().empty());
  return metrics_.Render();
}

std::vector<TaskPages::Listed> TaskController::List() const {
  std::vector<TaskPages::Listed> tasks;
  for (const auto& cache : caches_) {
    for (const auto& entry : cache->tasks.All()) {
      const CachedTask& task = *entry.object;
      tasks.push_back(
          {entry.meta.key, task.settled() ? task.state() : task.Observed()->task.status.state, task.summary()});
    }
  }
  return tasks;
}

TaskController::NamespaceCache* TaskController::CacheOf(const std::string& ns) const {
  for (const auto& cache : caches_) {
    if (cache->ns.empty() || cache->ns == ns) return cache.get();
  }
  return nullptr;
}

base::Result<std::optional<experiment::PodView>> TaskController::PodOf(const CachedTask& task, NamespaceCache& cache,
                                                                       const kube::runtime::Entry<CachedPod>& entry,
                                                                       const std::stop_token& stop) {
  using Found = std::optional<experiment::PodView>;
  const CachedPod& pod = *entry.object;
  if (task.settled() && pod.whole()) {
    if (CachedPod ended = pod.Ended(); !ended.whole()) cache.pods.Reproject(entry, std::move(ended));
  }
  if (task.settled() || pod.whole()) return Found(pod.View(entry.meta));
  // The task was over and goes on: its spec was edited. What the cache has forgotten is read again, once.
  const auto read = client_.Get(PodResource(), entry.meta.key.ns, entry.meta.key.name, stop);
  if (!read && read.error().code == base::Code::kNotFound) return Found();
  if (!read) return read.error();
  experiment::PodView view = experiment::PodViewFromJson(*read);
  if (view.uid != entry.meta.uid) return Found();
  cache.pods.Reproject(entry, CachedPod(view));
  return Found(std::move(view));
}

base::Result<kube::runtime::ReconcileResult> TaskController::Reconcile(const kube::runtime::ObjectKey& key,
                                                                       const std::stop_token& stop) {
  NamespaceCache* cache = CacheOf(key.ns);
  const std::shared_ptr<const CachedTask> cached = cache == nullptr ? nullptr : cache->tasks.Get(key);
  if (!cached) {
    expectations_.Forget(key);
    const base::MutexLock lock(mutex_);
    remembered_.erase(key);
    return kube::runtime::ReconcileResult{};
  }
  if (!expectations_.Satisfied(key)) {
    // The event that shows our own write queues the key; the time-out is for an event that was lost.
    return kube::runtime::ReconcileResult{expectations_.ExpiresAt(key) - clock_.Now()};
  }

  const std::shared_ptr<const reconcile::ObservedTask> task = cached->Observed();
  reconcile::Observed observed;
  observed.task = task->task;
  observed.spec_error = task->spec_error;
  observed.status_error = task->status_error;
  for (const auto& pod : cache->pods.OwnedBy(task->task.metadata.uid)) {
    auto view = PodOf(*cached, *cache, pod, stop);
    if (!view) return std::move(view).error();
    if (*view) observed.pods.push_back(**std::move(view));
  }
  const base::WallTime now = clock_.Wall();
  if (cached->settled() && observed.pods.empty()) {
    const auto expiry = reconcile::ExpiryOf(observed.task, settings_.retention).task;
    if (!expiry || now < *expiry) {
      const base::MutexLock lock(mutex_);
      remembered_.erase(key);
      return expiry ? kube::runtime::ReconcileResult{*expiry - now} : kube::runtime::ReconcileResult{};
    }
  }
  if (nodes_ && !cached->settled()) {
    nodes_->Each([&](const experiment::NodeView& node) { observed.nodes.push_back(node); });
  }
  {
    const base::MutexLock lock(mutex_);
    const auto found = remembered_.find(key);
    if (found != remembered_.end() && found->second.uid == observed.task.metadata.uid) {
      observed.memory = found->second.memory;
    }
  }
  observed.memory.Begin(observed.task.metadata.generation);

  const auto rules = rules_.Current();
  reconcile::Settings settings = settings_;
  settings.rules = rules.get();
  reconcile::Plan plan = reconcile::Decide(observed, settings, now);
  if (cached->settled()) {
    // What is known of it decides about its end and its pods, and nothing else.
    reconcile::Plan only_deletes;
    only_deletes.delete_pods = std::move(plan.delete_pods);
    only_deletes.delete_task = plan.delete_task;
    only_deletes.wake_at = plan.wake_at;
    plan = std::move(only_deletes);
  }
  KubeCluster cluster(client_, events_, task_metrics_, expectations_, cache->tasks.view(), cache->pods.view(), key,
                      stop);
  reconcile::Memory memory = observed.memory;
  const reconcile::Applied applied = reconcile::Apply(plan, observed.task, cluster, now, memory);
  // What follows the status may have failed: the next reconcile finds it recorded, so it is counted now or never.
  if (!applied.resource_version.empty()) {
    task_metrics_.OnStatusWritten(observed.task.metadata.ns, observed.task.spec, observed.task.status, *plan.status);
  }
  if (memory.last_refused && memory.last_refused->at == now) {
    spdlog::warn("Pod of task {} was rejected: {}", key.ToString(), memory.last_refused->refusal.message);
  }
  if (const auto& dropped = memory.dropped) {
    // Once per task and not for each write.
    const bool known = observed.memory.dropped && observed.memory.dropped->needed == dropped->needed;
    if (!known) spdlog::warn("Task {}: {}", key.ToString(), reconcile::DroppedText(dropped->field));
  }
  for (const auto& [pod, why] : memory.undeleted) {
    if (!observed.memory.undeleted.contains(pod))
      spdlog::warn("Pod {} of task {} could not be deleted: {}", pod, key.ToString(), why);
  }
  {
    const base::MutexLock lock(mutex_);
    // Of a finished task only pods that could not be deleted are remembered: there may be thousands that keep pods.
    if (cached->settled() && memory.undeleted.empty()) {
      remembered_.erase(key);
    } else {
      remembered_[key] = {observed.task.metadata.uid, std::move(memory)};
    }
  }
  if (!applied.status) return applied.status.error();
  if (applied.look_again) return kube::runtime::ReconcileResult{base::Duration{0}};
  if (plan.delete_task) spdlog::info("Deleted task {}: its retention is over", key.ToString());
  if (plan.status) {
    spdlog::info("Task {}: {} {}", key.ToString(), plan.status->state, plan.status->progress);
  }
  kube::runtime::ReconcileResult result;
  if (plan.wake_at) result.requeue_after = *plan.wake_at - now;
  return result;
}

}  // namespace autotune::controller
