#include "operator/controller/kube_cluster.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "kube/runtime/log_field.h"
#include "operator/api/needed_fields.h"
#include "operator/deploy/running_server.h"
#include "operator/experiment/pod_builder.h"
#include "operator/reconcile/observed_task.h"

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

// A quota on compute resources counts only containers that state them, and so rejects the others (kubernetes
// pkg/quota/v1/evaluator/core/pods.go): "failed quota: NAME: must specify limits.cpu for: bench,install; ...".
std::string QuotaHint(const std::string& message) {
  if (message.find("must specify ") == std::string::npos) return "";
  return " (the namespace's quota requires every container to state its resources: set spec.runtimes[].resources for "
         "engine, spec.benchmark.resources for bench, the operator's flags --install-resources, --bench-resources and "
         "--inspect-resources for all tasks, or give the namespace a LimitRange with defaults)";
}

// Nothing that the API server says of a task's objects is final, except that a pod's own fields are wrong: a role, a
// quota, a policy, a webhook or the CRD's version may be another one in a minute.
base::Error NotNow(base::Error error) {
  switch (error.code) {
    case base::Code::kDenied:
    case base::Code::kInvalid:
      error.code = base::Code::kRetry;
      break;
    case base::Code::kRetry:
    case base::Code::kConflict:
    case base::Code::kNotFound:
    case base::Code::kAlreadyExists:
    case base::Code::kCancelled:
      break;
  }
  return error;
}

// The API server validated the pod, or could not even read it as one: the same pod is never taken.
bool IsInvalidPod(const base::Error& error) {
  if (error.code != base::Code::kInvalid) return false;
  return error.http_status == 422 ||
         (error.http_status == 400 && error.message.find("cannot be handled as a Pod") != std::string::npos);
}

// kubernetes staging/src/k8s.io/apimachinery/pkg/api/errors NewGenericServerResponse: what a JSON patch gives that does
// not apply, a failed test among them. Refusals of policies and of validation have their own words.
bool IsFailedTest(const base::Error& error) {
  return error.http_status == 422 &&
         error.message.find("the server rejected our request due to an error in our request") != std::string::npos;
}

// Puts into `dropped` the path of a field that a merge patch sets and the object that came back does not have: the
// first one, or the first one that is needed to continue.
void FindDropped(const json& patch, const json& object, const std::string& path, std::string& dropped) {
  if (patch.is_array() && object.is_array()) {
    for (std::size_t i = 0; i < std::min(patch.size(), object.size()); ++i) {
      FindDropped(patch[i], object[i], path + "[" + std::to_string(i) + "]", dropped);
    }
  }
  if (!patch.is_object() || !object.is_object()) return;
  for (const auto& [key, value] : patch.items()) {
    if (value.is_null() || (value.is_object() && value.empty())) continue;
    const std::string field = path + "." + key;
    if (const auto found = object.find(key); found != object.end()) {
      FindDropped(value, *found, field, dropped);
    } else if (dropped.empty() || (!api::IsNeededToContinue(dropped) && api::IsNeededToContinue(field))) {
      dropped = field;
    }
  }
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

KubeCluster::KubeCluster(kube::Client& client, kube::runtime::EventRecorder& events, TaskMetrics& metrics,
                         kube::runtime::Expectations& expectations, const kube::runtime::StoreView& tasks,
                         const kube::runtime::StoreView& pods, kube::runtime::ObjectKey task, std::stop_token stop)
    : client_(client),
      events_(events),
      metrics_(metrics),
      expectations_(expectations),
      tasks_(tasks),
      pods_(pods),
      task_(std::move(task)),
      stop_(std::move(stop)) {}

base::Result<reconcile::WrittenStatus> KubeCluster::PatchStatus(const api::ObjectMeta& task, const json& patch) {
  const json body = {{"metadata", {{"resourceVersion", task.resource_version}, {"uid", task.uid}}}, {"status", patch}};
  kube::PatchOptions options;
  options.subresource = "status";
  options.field_manager = kFieldManager;
  auto patched = client_.Patch(TaskResource(), task.ns, task.name, body, options, stop_);
  metrics_.OnStatusPatch(patched ? nullptr : &patched.error());
  if (!patched) return NotNow(std::move(patched).error());
  reconcile::WrittenStatus written{MetaText(*patched, "resourceVersion")};
  FindDropped(patch, patched->value("status", json::object()), "status", written.dropped);
  if (!written.dropped.empty()) metrics_.OnFieldsDropped();
  expectations_.ExpectVersion(task_, tasks_, written.resource_version);
  return written;
}

base::Status KubeCluster::CreatePod(const json& pod) {
  const std::string ns = MetaText(pod, "namespace");
  const kube::runtime::LogField log_experiment(
      "experiment", pod.value(json::json_pointer("/metadata/labels") / experiment::kHashLabel, std::string()));
  kube::WriteOptions options;
  options.field_manager = kFieldManager;
  auto created = client_.Create(PodResource(), ns, pod, options, stop_);
  if (created) {
    spdlog::info("Created pod {}", MetaText(pod, "name"));
    expectations_.ExpectCreated(task_, pods_, MetaText(*created, "uid"), MetaText(*created, "resourceVersion"));
    return {};
  }
  base::Error error = std::move(created).error();
  if (error.code == base::Code::kAlreadyExists) return AdoptExisting(ns, MetaText(pod, "name"), pod);
  if (error.code == base::Code::kDenied || error.code == base::Code::kInvalid) {
    if (!IsInvalidPod(error)) error = NotNow(std::move(error));
    error.message += QuotaHint(error.message);
  }
  return error;
}

// Names are deterministic: a pod of this name is ours when its owner is (a create that was sent twice, or the work of
// an operator that was killed). Anybody else's is never adopted.
base::Status KubeCluster::AdoptExisting(const std::string& ns, const std::string& name, const json& wanted) {
  auto existing = client_.Get(PodResource(), ns, name, stop_);
  if (!existing) return NotNow(std::move(existing).error());
  if (OwnerUid(*existing) == OwnerUid(wanted)) {
    expectations_.ExpectCreated(task_, pods_, MetaText(*existing, "uid"), MetaText(*existing, "resourceVersion"));
    return {};
  }
  return base::Error{base::Code::kAlreadyExists,
                     "Pod " + ns + "/" + name + " exists and belongs to another object; delete it or rename the task",
                     std::nullopt, 409};
}

base::Status KubeCluster::DeletePod(const std::string& ns, const std::string& name, const std::string& uid) {
  kube::DeleteOptions options;
  options.uid = uid;
  auto deleted = client_.Delete(PodResource(), ns, name, options, stop_);
  // Gone, or another pod of that name by now: either way the one that had to go is gone.
  if (!deleted && deleted.error().code != base::Code::kNotFound && deleted.error().code != base::Code::kConflict) {
    return NotNow(std::move(deleted).error());
  }
  expectations_.ExpectDeleted(task_, pods_, uid);
  return {};
}

base::Status KubeCluster::DeleteTask(const api::ObjectMeta& task) {
  kube::DeleteOptions options;
  options.uid = task.uid;
  options.resource_version = task.resource_version;
  auto deleted = client_.Delete(TaskResource(), task.ns, task.name, options, stop_);
  if (deleted) metrics_.OnTaskDeleted();
  if (deleted || deleted.error().code == base::Code::kNotFound) return {};
  return NotNow(std::move(deleted).error());
}

// Create, else a patch that tests the owner in the same transaction: nothing is written into another owner's ConfigMap,
// not even between a look at it and the write, and the operator needs no right to read ConfigMaps.
base::Status KubeCluster::ApplyConfigMap(const json& config_map) {
  const std::string ns = MetaText(config_map, "namespace");
  const std::string name = MetaText(config_map, "name");
  kube::WriteOptions create;
  create.field_manager = kFieldManager;
  auto created = client_.Create(ConfigMapResource(), ns, config_map, create, stop_);
  if (created) return {};
  if (created.error().code != base::Code::kAlreadyExists) return NotNow(std::move(created).error());

  const json patch = json::array(
      {{{"op", "test"}, {"path", "/metadata/ownerReferences/0/uid"}, {"value", OwnerUid(config_map)}},
       {{"op", "add"}, {"path", "/metadata/labels"}, {"value", config_map["metadata"].value("labels", json::object())}},
       {{"op", "add"}, {"path", "/data"}, {"value", config_map.value("data", json::object())}}});
  kube::PatchOptions options;
  options.type = kube::PatchType::kJson;
  options.field_manager = kFieldManager;
  auto patched = client_.Patch(ConfigMapResource(), ns, name, patch, options, stop_);
  if (patched) return {};
  if (!IsFailedTest(patched.error())) return NotNow(std::move(patched).error());
  return base::Error{
      base::Code::kAlreadyExists,
      "ConfigMap " + ns + "/" + name + " exists and does not belong to this task; delete it or rename the task",
      std::nullopt, 409};
}

base::Result<json> KubeCluster::ReadWorkload(const std::string& ns, const std::string& kind, const std::string& name) {
  base::Result<json> workload = base::Error{base::Code::kNotFound, ""};
  for (const deploy::ServedAs& api : deploy::WorkloadApis(kind)) {
    workload = client_.Get({api.group, api.version, api.plural, true}, ns, name, stop_);
    if (workload || workload.error().code != base::Code::kNotFound) break;
  }
  if (workload) return workload;
  base::Error error = std::move(workload).error();
  const std::string what = kind + " \"" + name + "\"";
  if (error.code == base::Code::kNotFound) {
    error.message = "there is no " + what + " in namespace " + ns;
  } else if (error.code == base::Code::kDenied) {
    error.message = "the operator has no permission to read " + what + ": set the chart value rbac.readDeployments";
  } else {
    error.message = what + " was not read: " + error.message;
  }
  return error;
}

base::Status KubeCluster::VisitTasks(const std::string& ns,
                                     const std::function<void(const api::AutotuneTask&)>& visit) {
  kube::ListOptions options;
  options.limit = 50;  // up to 1 MiB each
  do {
    auto page = client_.List(
        TaskResource(), ns, options,
        [&](json&& object) {
          const auto observed = reconcile::ObserveTask(object);
          if (observed && observed->spec_error.empty() && observed->status_error.empty()) visit(observed->task);
        },
        stop_);
    if (!page) return std::move(page).error();
    options.continue_token = page->continue_token;
  } while (!options.continue_token.empty());
  return {};
}

void KubeCluster::Emit(const api::ObjectMeta& task, const reconcile::TaskEvent& event) {
  kube::runtime::Event out;
  out.regarding = {api::kApiVersion, api::kKind, task.ns, task.name, task.uid};
  out.warning = event.warning;
  out.reason = event.reason;
  out.action = event.action;
  out.note = event.note;
  events_.Emit(std::move(out));
}

}  // namespace autotune::controller
