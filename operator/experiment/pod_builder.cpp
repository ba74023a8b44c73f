#include "operator/experiment/pod_builder.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>
#include <utility>

#include "base/sha256.h"
#include "checkpoint/checkpoint.h"
#include "operator/experiment/context_limit.h"
#include "operator/experiment/node_affinity.h"
#include "operator/experiment/node_fit.h"

namespace autotune::experiment {
namespace {

using nlohmann::json;
using std::chrono::seconds;

// The API server defaults to 30 s too; written down because the launcher counts on it: it gives the engine 10 s after
// SIGTERM before it kills it, and the log still has to be drained.
constexpr int kGracePeriodSeconds = 30;
// The probe is one process that waits for the engine: the kubelet writes a Warning event for each probe that fails, and
// one every few seconds would bury the warnings that mean something.
constexpr int kProbePeriodSeconds = 1;
// The launcher ends a start that takes too long. Only a launcher that hangs itself meets the probe's own limit, after
// the outcome has called it a timeout (outcome.cpp waits 2 minutes).
constexpr seconds kProbeSlack{300};
// For the waiting process to say that it gives up, before the kubelet ends it without a word.
constexpr seconds kProbeLastWord{30};
constexpr seconds kDeadlineSlack{300};
// NCCL needs gigabytes for 8 GPUs; the default of 64 MiB breaks it. tmpfs pages count against the memory limit of the
// container that touches them, so an unused rest costs nothing.
constexpr const char* kSharedMemory = "16Gi";

// Cut at `limit`, and never ending in a character that neither a label value nor a name may end in.
std::string CutName(std::string text, std::size_t limit) {
  if (text.size() > limit) text.resize(limit);
  while (!text.empty() && (text.back() == '-' || text.back() == '.' || text.back() == '_')) text.pop_back();
  return text;
}

std::string NameWithHash(const api::AutotuneTask& task, const std::string& infix, const std::string& identity) {
  std::string prefix = task.metadata.name;
  std::replace(prefix.begin(), prefix.end(), '.', '-');  // a subdomain is a valid task name, a pod's has to be a label
  const std::string suffix = infix + "-" + base::Sha256Hex(identity).substr(0, 10);
  return CutName(prefix, 63 - suffix.size()) + suffix;
}

json EnvEntry(const std::string& name, const std::string& value) { return {{"name", name}, {"value", value}}; }

// Engines that are asked for random weights answer nonsense, and are meant to.
bool MakesUpWeights(const std::vector<std::string>& args) {
  for (std::size_t i = 0; i < args.size(); ++i) {
    if (args[i] == "--load-format=dummy") return true;
    if (args[i] == "--load-format" && i + 1 < args.size() && args[i + 1] == "dummy") return true;
  }
  return false;
}

// The container's environment: later settings replace earlier ones of the same name, and stay in that place, because
// $(NAME) refers to what stands before.
class Env {
 public:
  void Set(const std::string& name, const std::string& value) { Put(EnvEntry(name, value)); }
  void Put(const json& entry) {
    const auto same = [&](const json& other) { return other["name"] == entry["name"]; };
    const auto found = std::find_if(entries_.begin(), entries_.end(), same);
    if (found == entries_.end()) {
      entries_.push_back(entry);
    } else {
      *found = entry;
    }
  }
  void PutAll(const json& entries) {
    if (!entries.is_array()) return;
    for (const json& entry : entries) Put(entry);
  }
  [[nodiscard]] const json& entries() const { return entries_; }

 private:
  json entries_ = json::array();
};

bool HasText(const json& object, const char* key) { return object.is_object() && object.contains(key); }

json Restricted(const json& pod_security) {
  json context = {{"allowPrivilegeEscalation", false},
                  {"capabilities", {{"drop", json::array({"ALL"})}}},
                  {"readOnlyRootFilesystem", true},
                  {"runAsNonRoot", true},
                  {"seccompProfile", {{"type", "RuntimeDefault"}}}};
  // The image's own user is not root. Naming one here would break clusters that assign users (OpenShift), so that is
  // done only where the pod's context says root.
  if (HasText(pod_security, "runAsUser") && pod_security["runAsUser"] == 0) context["runAsUser"] = 65532;
  return context;
}

json EngineSecurity(const json& user) {
  json context = {{"allowPrivilegeEscalation", false},
                  {"capabilities", {{"drop", json::array({"ALL"})}}},
                  {"seccompProfile", {{"type", "RuntimeDefault"}}}};
  if (!user.is_object()) return context;
  context.merge_patch(user);
  // The API server rejects the pair.
  if (context.value("privileged", false) && !user.contains("allowPrivilegeEscalation")) {
    context.erase("allowPrivilegeEscalation");
  }
  return context;
}

// Adds a volume and where the engine sees it.
void Mount(json& volumes, json& mounts, json volume, const std::string& path) {
  mounts.push_back({{"mountPath", path}, {"name", volume["name"]}});
  volumes.push_back(std::move(volume));
}

class Builder {
 public:
  Builder(const api::AutotuneTask& task, std::size_t model, std::size_t gpu, const PodEnvironment& environment)
      : task_(task),
        spec_(task.spec),
        model_index_(model),
        model_(task.spec.models[model]),
        gpu_(task.spec.gpus[gpu]),
        template_(task.spec.pod_template),
        environment_(environment) {}

  json Experiment(const experiment::Experiment& experiment, const Placement& placement) {
    const api::OptimizationSpec& limits = spec_.optimization;
    json pod = Frame(PodName(task_, experiment.hash, experiment.attempt), "experiment", experiment.attempt,
                     limits.scheduling_timeout + limits.image_pull_timeout + limits.startup_timeout +
                         limits.experiment_timeout + kDeadlineSlack);
    json& metadata = pod["metadata"];
    json& spec = pod["spec"];
    metadata["labels"][kHashLabel] = experiment.hash;
    if (!gpu_.name.empty()) metadata["labels"][kGpuLabel] = gpu_.name;
    if (!gpu_.queue_name.empty()) metadata["labels"]["kueue.x-k8s.io/queue-name"] = gpu_.queue_name;
    // `kubectl logs POD` shows what people look for; they may choose otherwise.
    auto& annotations = metadata["annotations"];
    if (!annotations.contains("kubectl.kubernetes.io/default-container")) {
      annotations["kubectl.kubernetes.io/default-container"] = "engine";
    }
    if (!experiment.plan.options_yaml.empty()) annotations[kOptionsAnnotation] = experiment.plan.options_yaml;

    volumes_ = json::array();
    json engine = Engine(experiment);
    spec["initContainers"] = json::array({Install(), std::move(engine)});
    spec["containers"] = json::array({Bench(experiment)});
    AppendUserVolumes();
    spec["volumes"] = volumes_;
    Place(placement, spec);
    if (!gpu_.runtime_class_name.empty()) spec["runtimeClassName"] = gpu_.runtime_class_name;
    return pod;
  }

  json Inspect(int attempt) {
    const api::OptimizationSpec& limits = spec_.optimization;
    json pod = Frame(InspectPodName(task_, model_index_, attempt), "inspect", attempt,
                     limits.scheduling_timeout + limits.image_pull_timeout + kInspectTimeout);
    json& spec = pod["spec"];
    json mounts = json::array();
    volumes_ = json::array();
    json args = {"inspect"};
    if (model_.facts.is_null()) {
      MountModel(mounts);
      Append(args, {"--model", ModelInContainer()});
      if (!model_.revision.empty()) Append(args, {"--revision", model_.revision});
      if (!model_.hugging_face.endpoint.empty()) Append(args, {"--endpoint", model_.hugging_face.endpoint});
    }
    const bool reads_datasets = ReadsDatasets(spec_);
    if (reads_datasets) {
      MountDatasets(mounts);
      if (auto files = SpecWithFiles()) {
        const ContextLimit limit = ContextLimitOf(spec_);
        const auto facts = checkpoint::FactsOfConfig(model_.facts, "");  // inline, if the pod does not read them
        files->max_model_len = !limit.known ? 0 : model_.facts.is_null() || !facts ? limit.asked : limit.With(*facts);
        Append(args, {"--spec", bench::ToJson(*files).dump()});
        if (limit.known && limit.of_model && model_.facts.is_null()) Append(args, {"--models-context"});
      }
    }
    AppendUserMounts(mounts);
    Append(args, {"--termination-log", environment_.termination_log});

    Env env;
    env.PutAll(spec_.benchmark.env);  // proxies and certificates
    PutToken(env);
    json container = Tool("inspect", environment_.bench_binary, std::move(args));
    if (!env.entries().empty()) container["env"] = env.entries();
    if (!mounts.empty()) container["volumeMounts"] = std::move(mounts);
    container["resources"] = reads_datasets ? BenchResources() : environment_.tool_resources.inspect;
    spec["containers"] = json::array({std::move(container)});
    AppendUserVolumes();
    if (!volumes_.empty()) spec["volumes"] = volumes_;
    // Needs no GPU and takes no quota; only a directory of the GPU nodes has to be read there.
    if (model_.volume.is_object() && model_.volume.contains("hostPath")) {
      Place(Placement{.min_capability = std::nullopt, .pinned_product = "", .nodes_are_labelled = false}, spec);
    } else {
      spec["tolerations"] = TolerationsOf(gpu_);
    }
    return pod;
  }

 private:
  static void Append(json& list, const std::vector<std::string>& items) {
    for (const std::string& item : items) list.push_back(item);
  }

  // What both kinds of pod have in common. No label or annotation of the task is copied: tracking labels of Argo CD,
  // Flux and Helm on a child would make those tools delete it.
  json Frame(const std::string& name, const char* role, int attempt, seconds active_deadline) const {
    json labels = template_.labels;
    labels[kManagedByLabel] = kManagedByValue;
    labels[kTaskLabel] = CutName(task_.metadata.name, 63);
    labels[kRoleLabel] = role;
    if (!model_.name.empty()) labels[kModelLabel] = model_.name;
    labels[kAttemptLabel] = std::to_string(attempt);
    json metadata = {{"name", name},
                     {"namespace", task_.metadata.ns},
                     {"labels", std::move(labels)},
                     {"ownerReferences", json::array({{{"apiVersion", api::kApiVersion},
                                                       {"kind", api::kKind},
                                                       {"name", task_.metadata.name},
                                                       {"uid", task_.metadata.uid},
                                                       {"controller", true},
                                                       {"blockOwnerDeletion", true}}})}};
    if (!template_.annotations.empty()) metadata["annotations"] = template_.annotations;
    if (!environment_.operator_name.empty()) metadata["annotations"][kOperatorAnnotation] = environment_.operator_name;

    json spec = {{"restartPolicy", "Never"},
                 // A Service called vllm or sglang would inject VLLM_PORT or SGLANG_PORT, which the engines read.
                 {"enableServiceLinks", false},
                 {"automountServiceAccountToken", false},
                 {"activeDeadlineSeconds", active_deadline.count()},
                 {"terminationGracePeriodSeconds", kGracePeriodSeconds}};
    if (template_.security_context.is_object()) spec["securityContext"] = template_.security_context;
    if (!template_.service_account_name.empty()) spec["serviceAccountName"] = template_.service_account_name;
    if (template_.image_pull_secrets.is_array() && !template_.image_pull_secrets.empty()) {
      spec["imagePullSecrets"] = template_.image_pull_secrets;
    }
    if (!gpu_.priority_class_name.empty()) spec["priorityClassName"] = gpu_.priority_class_name;
    if (!gpu_.scheduler_name.empty()) spec["schedulerName"] = gpu_.scheduler_name;
    return {{"apiVersion", "v1"}, {"kind", "Pod"}, {"metadata", std::move(metadata)}, {"spec", std::move(spec)}};
  }

  // A container of our own image, which satisfies the "restricted" pod security standard.
  json Tool(const char* name, const std::string& binary, json args) const {
    return {{"name", name},
            {"image", spec_.benchmark.image.empty() ? environment_.tools_image : spec_.benchmark.image},
            {"imagePullPolicy", environment_.tools_pull_policy},
            {"command", json::array({binary})},
            {"args", std::move(args)},
            {"securityContext", Restricted(template_.security_context)}};
  }

  json Install() const {
    json container = Tool("install", environment_.launch_binary, {"install", "--dir", environment_.shared_dir});
    container["volumeMounts"] = json::array({SharedMount()});
    container["resources"] = environment_.tool_resources.install;
    return container;
  }

  // CheckPodInputs has rejected a benchmark that cannot be read.
  base::Result<bench::BenchSpec> SpecWithFiles() const {
    auto spec = BenchSpecOf(spec_);
    if (!spec) return spec;
    if (spec->dataset && !environment_.dataset_file.empty()) spec->dataset->path = environment_.dataset_file;
    if (spec->quality.questions && !environment_.questions_file.empty()) {
      spec->quality.questions->path = environment_.questions_file;
    }
    return spec;
  }

  // The specification of this run: what the task asks for, and what the search knows of this candidate.
  json BenchSpecFor(const experiment::Experiment& experiment) const {
    auto spec = SpecWithFiles();
    if (!spec) return json::object();
    spec->gpus = experiment.plan.gpus;
    spec->vocab_size = experiment.hints.vocab_size;
    spec->score_to_beat = experiment.hints.score_to_beat;
    spec->score_to_beat_ci = experiment.hints.score_to_beat_ci;
    spec->predictions = experiment.hints.predictions;
    spec->admitted = experiment.hints.admitted;
    spec->reference = experiment.hints.reference;
    if (experiment.hints.quality_reference) {
      spec->quality.reference = experiment.hints.quality_reference;
      spec->quality.max_growth = spec_.quality.max_degradation;
      spec->quality.only_cache_differs = experiment.hints.only_cache_differs;
    }
    spec->quality.made_up_weights = MakesUpWeights(experiment.plan.args);
    // The engines' own commands are told the model; a user's may serve anything.
    if (!experiment.runtime.command.empty()) spec->model = model_.id_or_path;
    spec->start = experiment.hints.start;
    spec->confirms = experiment.hints.confirms;
    spec->allowed = experiment.hints.allowed;
    if (!spec_.benchmark.records_claim.empty()) {
      spec->records = environment_.records_dir + "/" + PodName(task_, experiment.hash, experiment.attempt) + ".jsonl";
    }
    return bench::ToJson(*spec);
  }

  json Bench(const experiment::Experiment& experiment) {
    json container = Tool("bench", environment_.bench_binary,
                          {"run", "--dir", environment_.shared_dir, "--port", environment_.port, "--spec",
                           BenchSpecFor(experiment).dump(), "--termination-log", environment_.termination_log});
    json mounts = json::array({SharedMount()});
    MountBenchmark(mounts);
    AppendUserMounts(mounts);
    container["volumeMounts"] = std::move(mounts);
    Env env;
    env.PutAll(spec_.benchmark.env);
    if (!env.entries().empty()) container["env"] = env.entries();
    container["resources"] = BenchResources();
    return container;
  }

  json BenchResources() const {
    const bool own = spec_.benchmark.resources.is_object() && !spec_.benchmark.resources.empty();
    return own ? spec_.benchmark.resources : environment_.tool_resources.bench;
  }

  void MountDatasets(json& mounts) {
    const auto mount = [&](const char* name, const auto& source, const char* directory) {
      json volume = {{"name", name}};
      if (!source.config_map.empty()) {
        volume["configMap"] = {{"name", source.config_map}};
      } else {
        volume["persistentVolumeClaim"] = {{"claimName", source.claim}, {"readOnly", true}};
      }
      Mount(volumes_, mounts, std::move(volume), directory);
      mounts.back()["readOnly"] = true;
    };
    if (spec_.benchmark.dataset) mount("dataset", *spec_.benchmark.dataset, kDatasetDir);
    if (spec_.quality.dataset) mount("questions", *spec_.quality.dataset, kQuestionsDir);
  }

  // Where datasets come from and raw records go.
  void MountBenchmark(json& mounts) {
    MountDatasets(mounts);
    if (!spec_.benchmark.records_claim.empty()) {
      Mount(volumes_, mounts,
            {{"name", "records"}, {"persistentVolumeClaim", {{"claimName", spec_.benchmark.records_claim}}}},
            kRecordsDir);
    }
  }

  json Engine(const experiment::Experiment& experiment) {
    const api::RuntimeSpec& runtime = experiment.runtime;
    json mounts = json::array();
    Mount(volumes_, mounts, {{"name", "autotune"}, {"emptyDir", json::object()}}, environment_.shared_dir);
    if (!UserMounts("/dev/shm")) {
      Mount(volumes_, mounts, {{"name", "dshm"}, {"emptyDir", {{"medium", "Memory"}, {"sizeLimit", kSharedMemory}}}},
            "/dev/shm");
    }
    if (!experiment.plan.options_yaml.empty()) {
      const std::string field = std::string("metadata.annotations['") + kOptionsAnnotation + "']";
      const json item = {{"path", kOptionsFile}, {"fieldRef", {{"fieldPath", field}}}};
      Mount(volumes_, mounts, {{"name", "engine-options"}, {"downwardAPI", {{"items", json::array({item})}}}},
            environment_.options_dir);
    }
    MountModel(mounts);

    Env env;
    for (const auto& [name, value] : experiment.traits.env) env.Set(name, value);
    for (const auto& [name, value] : experiment.plan.env) env.Set(name, value);
    RedirectHome(runtime, env, mounts);
    const api::ModelSpec::HuggingFace& hub = model_.hugging_face;
    if (!hub.cache_claim.empty()) {
      Mount(volumes_, mounts, {{"name", "hf-cache"}, {"persistentVolumeClaim", {{"claimName", hub.cache_claim}}}},
            environment_.cache_dir);
      env.Set("HF_HOME", environment_.cache_dir);
    }
    if (!hub.endpoint.empty() && hub.endpoint != kDefaultEndpoint) env.Set("HF_ENDPOINT", hub.endpoint);
    PutToken(env);
    env.PutAll(runtime.env);
    AppendUserMounts(mounts);

    const std::string launcher = environment_.shared_dir + "/autotune-launch";
    seconds startup = spec_.optimization.startup_timeout;
    if (experiment.hints.allowed) startup = std::min(startup, *experiment.hints.allowed);
    const seconds wait = startup + kProbeSlack;
    json container = {
        {"name", "engine"},
        {"image", runtime.image},
        {"restartPolicy", "Always"},
        // The engine's own command line stands alone in args: that is what people read and what status records.
        {"command",
         {launcher, "run", "--dir", environment_.shared_dir, "--port", environment_.port, "--health-path",
          experiment.traits.health_path, "--startup-timeout", std::to_string(startup.count()), "--"}},
        {"args", EngineCommand(experiment)},
        {"resources", EngineResources(runtime, experiment.plan.gpus)},
        {"securityContext", EngineSecurity(runtime.security_context)},
        {"startupProbe",
         {{"exec",
           {{"command",
             {launcher, "ready", "--dir", environment_.shared_dir, "--wait", std::to_string(wait.count())}}}},
          {"periodSeconds", kProbePeriodSeconds},
          {"timeoutSeconds", (wait + kProbeLastWord).count()},
          {"failureThreshold", 1}}},
        {"volumeMounts", std::move(mounts)}};
    if (!env.entries().empty()) container["env"] = env.entries();
    return container;
  }

  std::vector<std::string> EngineCommand(const experiment::Experiment& experiment) const {
    quant::StartContext context;
    context.model = ModelInContainer();
    context.revision = ModelRevision(task_, model_index_);
    context.host = environment_.host;
    context.port = environment_.port;
    context.options_file = environment_.options_dir + "/" + kOptionsFile;
    if (experiment.runtime.command.empty()) return quant::StartCommand(experiment.traits, context, experiment.plan);
    quant::EngineTraits traits = experiment.traits;
    traits.command = FillCommand(experiment.runtime.command, context, traits);
    return quant::StartCommand(traits, context, experiment.plan);
  }

  // A user's command takes placeholders also within a word (--port={port}). One that places the revision or the options
  // file itself gets them only there.
  static std::vector<std::string> FillCommand(const std::vector<std::string>& command,
                                              const quant::StartContext& context, quant::EngineTraits& traits) {
    const std::array<std::pair<std::string_view, std::string>, 5> values = {{{"{model}", context.model},
                                                                             {"{host}", context.host},
                                                                             {"{port}", context.port},
                                                                             {"{revision}", context.revision},
                                                                             {"{options_file}", context.options_file}}};
    std::vector<std::string> filled;
    for (const std::string& word : command) {
      std::string out;
      for (std::size_t at = 0; at < word.size();) {
        const std::string_view rest = std::string_view(word).substr(at);
        const auto known = std::find_if(values.begin(), values.end(),
                                        [&](const auto& value) { return rest.starts_with(value.first); });
        if (known == values.end()) {
          out += word[at++];
          continue;
        }
        out += known->second;
        at += known->first.size();
        if (known->first == "{revision}") traits.revision_args.clear();
        if (known->first == "{options_file}") traits.options_file_args.clear();
      }
      filled.push_back(std::move(out));
    }
    return filled;
  }

  json EngineResources(const api::RuntimeSpec& runtime, int gpus) const {
    json resources = runtime.resources.is_object() ? runtime.resources : json::object();
    if (!gpu_.resource_name.empty()) {
      // Requests of an extended resource equal its limits; both are written for people and for quota tools.
      resources["limits"][gpu_.resource_name] = std::to_string(gpus);
      resources["requests"][gpu_.resource_name] = std::to_string(gpus);
    }
    return resources;
  }

  // Which user an engine runs as is not always known here: OpenShift assigns one. Such a user has no home directory of
  // its own, often no entry in /etc/passwd, and caches that it may not write: everything that the engines put below
  // HOME goes to an emptyDir.
  void RedirectHome(const api::RuntimeSpec& runtime, Env& env, json& mounts) {
    const bool read_only = HasText(runtime.security_context, "readOnlyRootFilesystem") &&
                           runtime.security_context["readOnlyRootFilesystem"] == true;
    if (read_only) Mount(volumes_, mounts, {{"name", "tmp"}, {"emptyDir", json::object()}}, "/tmp");
    const std::string& home = environment_.home_dir;
    if (home.empty()) return;
    Mount(volumes_, mounts, {{"name", "home"}, {"emptyDir", json::object()}}, home);
    const std::string cache = home + "/.cache";
    env.Set("HOME", home);
    // Python's getpass.getuser() fails for a user id without a name; TorchInductor calls it for its cache's name.
    env.Set("USER", "autotune");
    env.Set("LOGNAME", "autotune");
    env.Set("XDG_CACHE_HOME", cache);
    env.Set("XDG_CONFIG_HOME", home + "/.config");
    env.Set("HF_HOME", cache + "/huggingface");
    env.Set("VLLM_CACHE_ROOT", cache + "/vllm");
    env.Set("TORCHINDUCTOR_CACHE_DIR", cache + "/torchinductor");
    env.Set("TRITON_CACHE_DIR", cache + "/triton");
    env.Set("FLASHINFER_WORKSPACE_BASE", home);
    env.Set("CUDA_CACHE_PATH", cache + "/nv");
    env.Set("NUMBA_CACHE_DIR", cache + "/numba");
  }

  void PutToken(Env& env) const {
    const api::ModelSpec::HuggingFace& hub = model_.hugging_face;
    if (hub.token_secret_name.empty()) return;
    // Only the reference: the operator needs no right to read secrets.
    const json reference = {{"name", hub.token_secret_name},
                            {"key", hub.token_secret_key.empty() ? "token" : hub.token_secret_key}};
    env.Put({{"name", "HF_TOKEN"}, {"valueFrom", {{"secretKeyRef", reference}}}});
  }

  bool IsPath() const { return model_.id_or_path.starts_with("/"); }

  std::string ModelInContainer() const {
    return IsPath() ? environment_.model_dir + model_.id_or_path : model_.id_or_path;
  }

  void MountModel(json& mounts) {
    const json& source = model_.volume;
    if (!source.is_object() || source.empty() || environment_.model_dir.empty()) return;
    json volume = {{"name", "model"}};
    json mount = {{"name", "model"}, {"mountPath", environment_.model_dir}, {"readOnly", true}};
    for (const auto& [kind, member] : source.items()) {
      volume[kind] = member;
      // In a volume source the API server knows no subPath: it belongs to the mount.
      if (member.is_object() && member.contains("subPath")) {
        if (member["subPath"] != "") mount["subPath"] = member["subPath"];
        volume[kind].erase("subPath");
      }
    }
    volumes_.push_back(std::move(volume));
    mounts.push_back(std::move(mount));
  }

  json SharedMount() const { return {{"name", "autotune"}, {"mountPath", environment_.shared_dir}}; }

  bool UserMounts(const std::string& path) const {
    const json& mounts = template_.volume_mounts;
    return mounts.is_array() && std::any_of(mounts.begin(), mounts.end(), [&](const json& mount) {
             return mount.is_object() && mount.value("mountPath", "") == path;
           });
  }
  void AppendUserMounts(json& mounts) const {
    if (!template_.volume_mounts.is_array()) return;
    for (const json& mount : template_.volume_mounts) mounts.push_back(mount);
  }
  void AppendUserVolumes() {
    if (!template_.volumes.is_array()) return;
    for (const json& volume : template_.volumes) volumes_.push_back(volume);
  }

  void Place(const Placement& placement, json& spec) const {
    spec["tolerations"] = TolerationsOf(gpu_);
    if (gpu_.node_selector.is_object() && !gpu_.node_selector.empty()) {
      spec["nodeSelector"] = gpu_.node_selector;
    }
    if (json affinity = AffinityOf(gpu_, placement); !affinity.is_null()) spec["affinity"] = std::move(affinity);
  }

  static constexpr const char* kDefaultEndpoint = "https://huggingface.co";

  const api::AutotuneTask& task_;
  const api::TaskSpec& spec_;
  const std::size_t model_index_;
  const api::ModelSpec& model_;
  const api::GpuSpec& gpu_;
  const api::PodTemplateSpec& template_;
  const PodEnvironment& environment_;
  json volumes_ = json::array();
};

}  // namespace

std::string PodName(const api::AutotuneTask& task, const std::string& hash, int attempt) {
  return NameWithHash(task, "", task.metadata.uid + "/" + hash + "/" + std::to_string(attempt));
}

std::string ModelRevision(const api::AutotuneTask& task, std::size_t model) {
  const api::ModelSpec& spec = task.spec.models[model];
  const checkpoint::ModelFacts* facts = api::FactsOf(task.status, spec.name);
  return facts != nullptr && !facts->commit.empty() ? facts->commit : spec.revision;
}

bool ReadsDatasets(const api::TaskSpec& spec) {
  return spec.benchmark.dataset || (spec.quality.dataset && spec.quality.measure);
}

std::string DatasetSourceOf(const api::TaskSpec& spec) {
  json source = json::array();
  if (const auto& dataset = spec.benchmark.dataset) {
    source.push_back({dataset->config_map, dataset->claim, dataset->file, static_cast<int>(dataset->format)});
  }
  if (const auto& questions = spec.quality.dataset) {
    source.push_back({questions->config_map, questions->claim, questions->file});
  }
  return source.dump();
}

std::string InspectPodName(const api::AutotuneTask& task, std::size_t index, int attempt) {
  // Another model is another question: its pod must not be taken for the answer to the first.
  const api::ModelSpec& model = task.spec.models[index];
  json asked = {model.id_or_path,
                model.revision,
                model.volume,
                model.hugging_face.endpoint,
                model.hugging_face.token_secret_name,
                model.hugging_face.token_secret_key};
  if (!model.name.empty()) asked.push_back(model.name);
  if (ReadsDatasets(task.spec)) asked.push_back(DatasetSourceOf(task.spec));
  return NameWithHash(task, "-inspect", task.metadata.uid + "/" + asked.dump() + "/" + std::to_string(attempt));
}

json BuildExperimentPod(const api::AutotuneTask& task, const Experiment& experiment, const Placement& placement,
                        const PodEnvironment& environment) {
  return Builder(task, experiment.model, experiment.gpu, environment).Experiment(experiment, placement);
}

json BuildInspectPod(const api::AutotuneTask& task, std::size_t model, int attempt, const PodEnvironment& environment) {
  // Needs no GPU; where only the GPU nodes have the files, the first type's have them.
  return Builder(task, model, 0, environment).Inspect(attempt);
}

}  // namespace autotune::experiment
