#include "operator/reconcile/apply.h"

#include <optional>
#include <utility>

#include "operator/reconcile/recommendation.h"
#include "operator/reconcile/refusal.h"
#include "operator/reconcile/short_text.h"

namespace autotune::reconcile {
namespace {

using nlohmann::json;

// The JSON merge patch (RFC 7386) that turns `from` into `to`; both are objects.
json MergePatch(const json& from, const json& to) {
  json patch = json::object();
  for (const auto& [key, value] : to.items()) {
    const auto old = from.find(key);
    if (old == from.end() || !old->is_object() || !value.is_object()) {
      if (old == from.end() || *old != value) patch[key] = value;
    } else if (json inner = MergePatch(*old, value); !inner.empty()) {
      patch[key] = std::move(inner);
    }
  }
  for (const auto& [key, value] : from.items()) {
    if (!to.contains(key)) patch[key] = nullptr;
  }
  return patch;
}

base::Status DeleteTask(const api::AutotuneTask& task, Cluster& cluster) {
  base::Status deleted = cluster.DeleteTask(task.metadata);
  if (deleted) {
    cluster.Emit(task.metadata, {false, "Expired", "Delete", "Deleted: it finished at " + task.status.finished_at});
  } else if (const auto refusal = RefusalOf(deleted.error())) {
    cluster.Emit(task.metadata, {true, "TaskNotDeleted", "Delete", Short(refusal->message, kMaxNote)});
  }
  return deleted;
}

}  // namespace

Applied Apply(const Plan& plan, const api::AutotuneTask& task, Cluster& cluster, base::WallTime now, Memory& memory) {
  Applied applied;
  if (plan.delete_task) {
    applied.status = DeleteTask(task, cluster);
    return applied;
  }
  if (plan.status) {
    auto written = cluster.PatchStatus(task.metadata, MergePatch(api::ToJson(task.status), api::ToJson(*plan.status)));
    if (!written) {
      // Nothing else can tell of it.
      if (const auto refusal = RefusalOf(written.error())) {
        cluster.Emit(task.metadata, {true, "StatusNotWritten", "Reconcile", Short(refusal->message, kMaxNote)});
      }
      applied.status = std::move(written).error();
      return applied;
    }
    applied.resource_version = std::move(written->resource_version);
    // While the task waits, only its conditions are written.
    if (!memory.WaitsForDefinition(now)) {
      memory.StatusWritten(written->dropped, now);
      if (memory.WaitsForDefinition(now)) {
        // Pods of a decision that is forgotten would be created again and again.
        applied.look_again = true;
        return applied;
      }
    }
  }
  // Events tell of what is now recorded, whatever becomes of the rest.
  for (const TaskEvent& event : plan.events) cluster.Emit(task.metadata, event);
  if (!plan.read_deployment.empty()) {
    memory.deployment = cluster.ReadWorkload(task.metadata.ns, "Deployment", plan.read_deployment);
    applied.look_again = true;
  }
  if (plan.read_baseline) {
    memory.BaselineRead(cluster.ReadWorkload(task.metadata.ns, plan.read_baseline->kind, plan.read_baseline->name),
                        now);
    applied.look_again = true;
  }
  // What was read has been used where the plan no longer asks for it.
  memory.earlier.reset();
  if (plan.read_earlier) {
    std::vector<EarlierTask> found;
    applied.status = cluster.VisitTasks(task.metadata.ns, [&](const api::AutotuneTask& other) {
      if (auto earlier = EarlierFrom(other, *plan.read_earlier)) Collect(*std::move(earlier), found);
    });
    if (!applied.status) return applied;
    memory.earlier = std::move(found);
    applied.look_again = true;
  }
  if (plan.config_map) {
    const base::Status written = cluster.ApplyConfigMap(*plan.config_map);
    memory.ConfigMapWritten(DigestOf(*plan.config_map),
                            written ? std::nullopt : std::optional<base::Error>(written.error()), now);
    applied.look_again = true;
  }
  for (const PodRef& pod : plan.delete_pods) {
    base::Status deleted = cluster.DeletePod(pod.ns, pod.name, pod.uid);
    if (deleted) {
      memory.PodDeleted(pod.name);
      continue;
    }
    const auto refusal = RefusalOf(deleted.error());
    if (refusal) memory.PodNotDeleted(pod.name, refusal->message);
    if (applied.status) applied.status = std::move(deleted);
    if (!refusal) return applied;
  }
  for (const json& pod : plan.create_pods) {
    const std::string name = pod["metadata"]["name"];
    const base::Status created = cluster.CreatePod(pod);
    if (created) {
      memory.PodTaken(name);
      continue;
    }
    if (auto refusal = RefusalOf(created.error())) {
      memory.PodRefused(name, *std::move(refusal), now);
      applied.look_again = true;
    } else {
      applied.status = created;
    }
    break;
  }
  return applied;
}

}  // namespace autotune::reconcile
