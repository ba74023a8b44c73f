#include "cli/cluster.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "kube/client/environment.h"
#include "kube/client/user_agent.h"
#include "kube/cpprest/cpprest_transport.h"
#include "operator/deploy/running_server.h"
#include "operator/experiment/pod_builder.h"

namespace autotune::cli {
namespace {

using nlohmann::json;

constexpr int kNoAnswer = 1, kWrongInput = 2, kNoCluster = 3, kNotThere = 4;

kube::Resource Tasks() { return {api::kGroup, api::kVersion, api::kPlural, true}; }
kube::Resource Pods() { return {"", "v1", "pods", true}; }

struct KnownKind {
  const char *api_version, *kind, *plural;
};
// What deploy::Targets() write.
constexpr KnownKind kKinds[] = {
    {"apps/v1", "Deployment", "deployments"},
    {"v1", "Service", "services"},
    {"serving.kserve.io/v1alpha2", "LLMInferenceService", "llminferenceservices"},
    {"serving.kserve.io/v1beta1", "InferenceService", "inferenceservices"},
    {"nvidia.com/v1beta1", "DynamoGraphDeployment", "dynamographdeployments"},
    {"leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet", "leaderworkersets"},
};

base::Result<kube::Resource> ResourceOf(const json& object) {
  const std::string api_version = object.value("apiVersion", ""), kind = object.value("kind", "");
  for (const KnownKind& known : kKinds) {
    if (api_version != known.api_version || kind != known.kind) continue;
    const std::size_t slash = api_version.find('/');
    if (slash == std::string::npos) return kube::Resource{"", api_version, known.plural, true};
    return kube::Resource{api_version.substr(0, slash), api_version.substr(slash + 1), known.plural, true};
  }
  return base::Invalid(kind + " " + api_version + " cannot be applied by this command; --print prints it");
}

}  // namespace

base::Error Cluster::Explain(base::Error error, const std::string& what) const {
  const std::string where = " in namespace " + ns_;
  switch (error.code) {
    case base::Code::kNotFound:
      // The collection itself is unknown where the CRD is not installed.
      error.message = error.message.find("the server could not find the requested resource") != std::string::npos
                          ? "the cluster has no AutotuneTask resource: the operator is not installed (docs/install.md)"
                          : "there is no " + what + where;
      break;
    case base::Code::kDenied:
      error.message = what + where + ": not allowed: " + error.message;
      break;
    case base::Code::kRetry:
      error.message = "the API server does not respond: " + error.message;
      break;
    case base::Code::kConflict:
    case base::Code::kAlreadyExists:
    case base::Code::kInvalid:
    case base::Code::kCancelled:
      break;
  }
  return error;
}

base::Result<api::AutotuneTask> Cluster::Get(const std::string& name) {
  const auto object = client_.Get(Tasks(), ns_, name);
  if (!object) return Explain(object.error(), "AutotuneTask \"" + name + "\"");
  return api::TaskFromJson(*object);
}

base::Result<std::vector<api::AutotuneTask>> Cluster::List(bool all_namespaces) {
  std::vector<api::AutotuneTask> tasks;
  kube::ListOptions options;
  options.limit = 100;
  do {
    const auto page = client_.List(Tasks(), all_namespaces ? "" : ns_, options, [&](json&& object) {
      auto task = api::TaskFromJson(object);
      if (task) {
        tasks.push_back(*std::move(task));
        return;
      }
      // One that a newer operator wrote hides none of the others.
      api::AutotuneTask unreadable;
      unreadable.metadata.name = object.value("/metadata/name"_json_pointer, "");
      unreadable.metadata.ns = object.value("/metadata/namespace"_json_pointer, "");
      unreadable.status.state = "unreadable";
      tasks.push_back(std::move(unreadable));
    });
    if (!page) return Explain(page.error(), "AutotuneTasks");
    options.continue_token = page->continue_token;
  } while (!options.continue_token.empty());
  return tasks;
}

base::Result<std::vector<experiment::NodeView>> Cluster::Nodes() {
  const kube::Resource nodes{"", "v1", "nodes", false};
  std::vector<experiment::NodeView> found;
  kube::ListOptions options;
  options.limit = 500;
  do {
    const auto page =
        client_.List(nodes, "", options, [&](json&& node) { found.push_back(experiment::NodeViewFromJson(node)); });
    if (!page) {
      base::Error error = page.error();
      if (error.code == base::Code::kRetry) return Explain(std::move(error), "");
      error.message = "nodes: " + std::string(error.code == base::Code::kDenied ? "not allowed: " : "") +
                      error.message + "; --gpu NAME plans for a GPU without access to the cluster";
      return error;
    }
    options.continue_token = page->continue_token;
  } while (!options.continue_token.empty());
  return found;
}

base::Result<json> Cluster::Workload(const std::string& kind, const std::string& name) {
  base::Result<json> workload = base::Error{base::Code::kNotFound, ""};
  for (const deploy::ServedAs& api : deploy::WorkloadApis(kind)) {
    workload = client_.Get({api.group, api.version, api.plural, true}, ns_, name);
    if (workload || workload.error().code != base::Code::kNotFound) break;
  }
  if (!workload) return Explain(workload.error(), kind + " \"" + name + "\"");
  return workload;
}

base::Status Cluster::Watch(const std::string& name, const std::function<bool(const api::AutotuneTask&)>& seen,
                            const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const auto task = Get(name);
    if (!task) return task.error();
    if (!seen(*task)) return {};
    kube::WatchOptions options;
    options.field_selector = "metadata.name=" + name;
    options.resource_version = task->metadata.resource_version;
    bool go_on = true;
    std::optional<base::Error> gone;
    const auto watched = client_.Watch(
        Tasks(), ns_, options,
        [&](std::string_view line) {
          const json event = json::parse(line, nullptr, false);
          if (!event.is_object() || !event.contains("object")) return true;
          const std::string type = event.value("type", "");
          if (type == "DELETED") gone = base::Error{base::Code::kNotFound, "AutotuneTask \"" + name + "\" was deleted"};
          if (type == "ERROR" || gone) return false;  // read it again: the version is too old
          if (type != "MODIFIED" && type != "ADDED") return true;
          const auto changed = api::TaskFromJson(event["object"]);
          go_on = !changed || seen(*changed);
          return go_on;
        },
        stop);
    if (gone) return *gone;
    if (!go_on) return {};
    if (!watched && watched.error().code != base::Code::kNotFound) {
      return Explain(watched.error(), "AutotuneTask \"" + name + "\"");
    }
  }
  return {};
}

base::Result<std::string> Cluster::Log(const api::AutotuneTask& task, const api::ExperimentStatus& experiment,
                                       const std::string& container) {
  kube::ListOptions options;
  options.label_selector = std::string(experiment::kHashLabel) + "=" + experiment.hash;
  std::string newest, pod;
  const auto page = client_.List(Pods(), ns_, options, [&](json&& object) {
    const json owners = object.value("/metadata/ownerReferences"_json_pointer, json::array());
    const bool ours = std::any_of(owners.begin(), owners.end(),
                                  [&](const json& owner) { return owner.value("uid", "") == task.metadata.uid; });
    const std::string created = object.value("/metadata/creationTimestamp"_json_pointer, "");
    if (!ours || created < newest) return;
    newest = created;
    pod = object.value("/metadata/name"_json_pointer, "");
  });
  if (!page) return Explain(page.error(), "pods");
  if (pod.empty()) {
    std::string why = experiment.reason.empty() ? "" : "; it failed: " + experiment.reason + ": " + experiment.message;
    return base::Error{base::Code::kNotFound,
                       experiment.name + " has no pod, or it was deleted; spec.keepPods: Always keeps all pods" + why};
  }
  auto log = client_.GetRaw("/api/v1/namespaces/" + kube::PercentEncode(ns_) + "/pods/" + kube::PercentEncode(pod) +
                            "/log?container=" + kube::PercentEncode(container));
  if (!log && log.error().code == base::Code::kInvalid) {
    // "container ... is waiting to start: ...", behind the request's own words.
    const std::string& message = log.error().message;
    const std::size_t container_words = message.find("container \"");
    return base::Error{
        base::Code::kNotFound,
        "there is no log yet: " + (container_words == std::string::npos ? message : message.substr(container_words))};
  }
  if (!log) return Explain(log.error(), "log of pod " + pod);
  return log;
}

base::Status Cluster::Suspend(const std::string& name, bool suspended) {
  kube::PatchOptions options;
  options.field_manager = "autotune-cli";
  const auto patched = client_.Patch(Tasks(), ns_, name, {{"spec", {{"suspend", suspended}}}}, options);
  if (!patched) return Explain(patched.error(), "AutotuneTask \"" + name + "\"");
  return {};
}

base::Status Cluster::Cancel(const std::string& name) {
  const auto deleted = client_.Delete(Tasks(), ns_, name);
  if (!deleted) return Explain(deleted.error(), "AutotuneTask \"" + name + "\"");
  return {};
}

base::Result<std::string> Cluster::Apply(const json& object, const std::string& task, bool dry_run) {
  const auto resource = ResourceOf(object);
  if (!resource) return resource.error();
  const std::string name = object["metadata"].value("name", "");
  const std::string what = object.value("kind", "") + " \"" + name + "\"";
  kube::WriteOptions write;
  write.field_manager = "autotune-cli";
  write.dry_run = dry_run;
  const auto created = client_.Create(*resource, ns_, object, write);
  if (created) return std::string("created");
  if (created.error().code != base::Code::kAlreadyExists) {
    if (created.error().message.find("namespaces \"") != std::string::npos) {
      return base::Error{base::Code::kNotFound, "namespace " + ns_ + " does not exist"};
    }
    if (created.error().code == base::Code::kNotFound) {
      return base::Error{base::Code::kNotFound, "the cluster has no resource " + object.value("kind", "") + " " +
                                                    object.value("apiVersion", "") + ": its operator is not installed"};
    }
    return Explain(created.error(), what);
  }
  const auto there = client_.Get(*resource, ns_, name);
  if (!there) return Explain(there.error(), what);
  const std::string owner = there->value("/metadata/annotations/autotuner.io~1task"_json_pointer, "");
  if (owner != task) {
    return base::Error{base::Code::kAlreadyExists, what + " in namespace " + ns_ +
                                                       " exists and does not belong to AutotuneTask " + task +
                                                       ": nothing was written"};
  }
  json replacement = object;
  replacement["metadata"]["resourceVersion"] = there->value("/metadata/resourceVersion"_json_pointer, "");
  // What the API server gave the Service stays.
  for (const char* field : {"clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"}) {
    if (object["kind"] == "Service" && (*there)["spec"].contains(field)) {
      replacement["spec"][field] = (*there)["spec"][field];
    }
  }
  const auto replaced = client_.Replace(*resource, ns_, name, replacement, write);
  if (!replaced) return Explain(replaced.error(), what);
  return std::string("configured");
}

base::Result<std::unique_ptr<Connection>> Connect(const ClusterOptions& options) {
  const kube::Environment environment = kube::Environment::Real();
  auto connection = std::make_unique<Connection>();
  const auto config = kube::LoadConfig(options.kubeconfig, environment);
  if (!config) {
    base::Error error = config.error();
    if (error.code == base::Code::kNotFound) {
      error = {base::Code::kRetry, "no cluster: " + error.message + "; set KUBECONFIG or --kubeconfig"};
    }
    return error;
  }
  kube::InitializeHttpThreads();
  kube::TransportOptions transport;
  transport.user_agent = kube::UserAgent("autotune", AUTOTUNE_VERSION);
  auto made = kube::MakeCpprestTransport(*config, kube::MakeCredentialSource(*config, environment, connection->clock),
                                         transport);
  if (!made) return made.error();
  connection->transport = *std::move(made);
  connection->client = std::make_unique<kube::Client>(*connection->transport, connection->clock);
  connection->cluster =
      std::make_unique<Cluster>(*connection->client, options.ns.empty() ? config->default_namespace : options.ns);
  return connection;
}

base::Result<std::vector<experiment::NodeView>> NodesOf(const ClusterOptions& options) {
  auto connection = Connect(options);
  if (!connection) return std::move(connection).error();
  return (*connection)->cluster->Nodes();
}

base::Status ReadDeployed(const ClusterOptions& options, api::AutotuneTask& task) {
  std::optional<api::BaselineSpec>& baseline = task.spec.optimization.baseline;
  if (!baseline || !baseline->deployment_ref) return {};
  ClusterOptions of_task = options;
  if (of_task.ns.empty()) of_task.ns = task.metadata.ns;
  auto connection = Connect(of_task);
  if (!connection) return std::move(connection).error();
  const api::WorkloadRef& ref = *baseline->deployment_ref;
  const auto workload = (*connection)->cluster->Workload(ref.kind, ref.name);
  if (!workload) return workload.error();
  auto read = deploy::ReadWorkloadContainer(*workload, ref, task.spec.gpus[api::BaselineGpu(task.spec)].resource_name);
  if (!read) {
    return base::Invalid("spec.optimization.baseline.deploymentRef: " + ref.kind + " " + ref.name + " " +
                         read.error().message);
  }
  baseline->deployed = std::move(read->server);
  return {};
}

int ExitCodeOf(const base::Error& error) {
  switch (error.code) {
    case base::Code::kNotFound:
      return kNotThere;
    case base::Code::kRetry:
    case base::Code::kDenied:
      return kNoCluster;
    case base::Code::kConflict:
    case base::Code::kAlreadyExists:
      return kNoAnswer;
    case base::Code::kInvalid:
    case base::Code::kCancelled:
      break;
  }
  return kWrongInput;
}

}  // namespace autotune::cli
