#include "operator/controller/kube_cluster.h"

#include <utility>

namespace autotune::controller {
namespace {

using nlohmann::json;

// The controller owner's UID, "" where there is none.
std::string OwnerUid(const json& object) {
  for (const json& owner : object.value("/metadata/ownerReferences"_json_pointer, json::array())) {
    if (owner.value("controller", false)) return owner.value("uid", "");
  }
  return "";
}

std::string MetaText(const json& object, const char* field) {
  return object.value(json::json_pointer(std::string("/metadata/") + field), std::string());
}

}  // namespace

const kube::Resource& TaskResource() {
  static const kube::Resource resource{api::kGroup, api::kVersion, api::kPlural, true};
  return resource;
}
const kube::Resource& PodResource() {
  static const kube::Resource resource{"", "v1", "pods", true};
  return resource;
}
const kube::Resource& NodeResource() {
  static const kube::Resource resource{"", "v1", "nodes", false};
  return resource;
}
const kube::Resource& ConfigMapResource() {
  static const kube::Resource resource{"", "v1", "configmaps", true};
  return resource;
}

KubeCluster::KubeCluster(kube::Client& client, runtime::EventRecorder& events, TaskMetrics& metrics,
                         runtime::Expectations& expectations, const runtime::StoreView& tasks,
                         const runtime::StoreView& pods, runtime::ObjectKey task, std::stop_token stop)
    : client_(client),
      events_(events),
      metrics_(metrics),
      expectations_(expectations),
      tasks_(tasks),
      pods_(pods),
      task_(std::move(task)),
      stop_(std::move(stop)) {}

base::Result<std::string> KubeCluster::PatchStatus(const api::ObjectMeta& task, const json& patch) {
  const json body = {{"metadata", {{"resourceVersion", task.resource_version}, {"uid", task.uid}}}, {"status", patch}};
  kube::PatchOptions options;
  options.subresource = "status";
  options.field_manager = kFieldManager;
  auto patched = client_.Patch(TaskResource(), task.ns, task.name, body, options, stop_);
  metrics_.OnStatusPatch(patched ? nullptr : &patched.error());
  if (!patched) return std::move(patched).error();
  std::string version = MetaText(*patched, "resourceVersion");
  expectations_.ExpectVersion(task_, tasks_, version);
  return version;
}

base::Status KubeCluster::CreatePod(const json& pod) {
  const std::string ns = MetaText(pod, "namespace");
  kube::WriteOptions options;
  options.field_manager = kFieldManager;
  auto created = client_.Create(PodResource(), ns, pod, options, stop_);
  if (created) {
    expectations_.ExpectCreated(task_, pods_, MetaText(*created, "uid"), MetaText(*created, "resourceVersion"));
    return {};
  }
  const base::Error& error = created.error();
  if (error.code == base::Code::kAlreadyExists) return AdoptExisting(ns, MetaText(pod, "name"), pod);
  if (error.code == base::Code::kDenied || error.code == base::Code::kInvalid) {
    refusal_ = error.message;
  }
  return std::move(created).error();
}

// Names are deterministic: a pod of this name is ours when its owner is (a create that was sent twice, or the work of
// an operator that was killed). Anybody else's is never adopted.
base::Status KubeCluster::AdoptExisting(const std::string& ns, const std::string& name, const json& wanted) {
  auto existing = client_.Get(PodResource(), ns, name, stop_);
  if (!existing) return std::move(existing).error();
  if (OwnerUid(*existing) == OwnerUid(wanted)) {
    expectations_.ExpectCreated(task_, pods_, MetaText(*existing, "uid"), MetaText(*existing, "resourceVersion"));
    return {};
  }
  const std::string message =
      "Pod " + ns + "/" + name + " exists and belongs to somebody else; delete it or rename the task";
  refusal_ = message;
  return base::Error{base::Code::kAlreadyExists, message, std::nullopt, 409};
}

base::Status KubeCluster::DeletePod(const std::string& ns, const std::string& name, const std::string& uid) {
  kube::DeleteOptions options;
  options.uid = uid;
  auto deleted = client_.Delete(PodResource(), ns, name, options, stop_);
  // Gone, or another pod of that name by now: either way the one that had to go is gone.
  if (!deleted && deleted.error().code != base::Code::kNotFound && deleted.error().code != base::Code::kConflict) {
    return deleted;
  }
  expectations_.ExpectDeleted(task_, pods_, uid);
  return {};
}

base::Status KubeCluster::ApplyConfigMap(const json& config_map) {
  kube::PatchOptions options;
  options.type = kube::PatchType::kApply;
  options.field_manager = kFieldManager;
  options.force = true;
  auto applied = client_.Patch(ConfigMapResource(), MetaText(config_map, "namespace"), MetaText(config_map, "name"),
                               config_map, options, stop_);
  if (!applied) return std::move(applied).error();
  return {};
}

void KubeCluster::Emit(const api::ObjectMeta& task, const reconcile::TaskEvent& event) {
  runtime::Event out;
  out.regarding = {api::kApiVersion, api::kKind, task.ns, task.name, task.uid};
  out.warning = event.warning;
  out.reason = event.reason;
  out.action = event.action;
  out.note = event.note;
  events_.Emit(std::move(out));
}

}  // namespace autotune::controller
