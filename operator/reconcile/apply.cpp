#include "operator/reconcile/apply.h"

#include <utility>

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

}  // namespace

base::Status Apply(const Plan& plan, const api::AutotuneTask& task, Cluster& cluster, std::string* resource_version) {
  if (plan.config_map) {
    if (auto applied = cluster.ApplyConfigMap(*plan.config_map); !applied) return applied;
  }
  if (plan.status) {
    auto written = cluster.PatchStatus(task.metadata, MergePatch(api::ToJson(task.status), api::ToJson(*plan.status)));
    if (!written) return std::move(written).error();
    if (resource_version != nullptr) *resource_version = *written;
  }
  // Events tell of what is now recorded, whatever becomes of the pods.
  for (const TaskEvent& event : plan.events) cluster.Emit(task.metadata, event);
  for (const PodRef& pod : plan.delete_pods) {
    if (auto deleted = cluster.DeletePod(pod.ns, pod.name, pod.uid); !deleted) return deleted;
  }
  for (const json& pod : plan.create_pods) {
    if (auto created = cluster.CreatePod(pod); !created) return created;
  }
  return {};
}

}  // namespace autotune::reconcile
