#include "operator/api/autotune_task.h"

#include <algorithm>
#include <utility>

#include "operator/api/object_reader.h"
#include "operator/api/task_json.h"

namespace autotune::api {

std::size_t ReferenceModel(const TaskSpec& spec) {
  const auto found = std::ranges::find(spec.models, true, &ModelSpec::reference);
  return found == spec.models.end() ? 0 : static_cast<std::size_t>(found - spec.models.begin());
}

std::string ModelPath(const TaskSpec& spec, std::size_t model) {
  return spec.models[model].name.empty() ? "spec.model" : "spec.models[" + std::to_string(model) + "]";
}

std::string ModelTitle(const TaskSpec& spec, std::size_t model) {
  const std::string& name = spec.models[model].name;
  return ModelPath(spec, model) + (name.empty() ? "" : " (" + name + ")");
}

std::optional<std::size_t> FindModel(const TaskSpec& spec, const std::string& name) {
  const auto found = std::ranges::find(spec.models, name, &ModelSpec::name);
  if (found == spec.models.end()) return std::nullopt;
  return static_cast<std::size_t>(found - spec.models.begin());
}

std::string GpuPath(const TaskSpec& spec, std::size_t gpu) {
  return spec.gpus[gpu].name.empty() ? "spec.gpu" : "spec.gpus[" + std::to_string(gpu) + "]";
}

std::string GpuTitle(const TaskSpec& spec, std::size_t gpu) {
  const std::string& name = spec.gpus[gpu].name;
  return GpuPath(spec, gpu) + (name.empty() ? "" : " (" + name + ")");
}

std::optional<std::size_t> FindGpu(const TaskSpec& spec, const std::string& name) {
  const auto found = std::ranges::find(spec.gpus, name, &GpuSpec::name);
  if (found == spec.gpus.end()) return std::nullopt;
  return static_cast<std::size_t>(found - spec.gpus.begin());
}

std::size_t BaselineGpu(const TaskSpec& spec) {
  const std::string named = spec.optimization.baseline ? spec.optimization.baseline->gpu : "";
  return named.empty() ? 0 : FindGpu(spec, named).value_or(0);
}

GpuSeconds SumOf(const GpuSecondsByType& seconds) {
  GpuSeconds sum;
  for (const auto& [type, spent] : seconds) sum += spent;
  return sum;
}

bool IsLocal(const ObjectMeta& metadata) { return metadata.uid.empty() || metadata.uid.starts_with(kLocalUid); }

std::string MeasuredWith(const std::string& runtime, const std::string& model, const std::string& gpu) {
  return runtime + (model.empty() ? "" : "/" + model) + (gpu.empty() ? "" : "@" + gpu);
}

std::string MeasuredWith(const ExperimentStatus& experiment) {
  return MeasuredWith(experiment.runtime, experiment.model, experiment.gpu);
}

const ExperimentStatus* ComparedWith(const std::vector<ExperimentStatus>& experiments, const std::string& runtime) {
  const ExperimentStatus* baseline = nullptr;
  for (const ExperimentStatus& experiment : experiments) {
    if (experiment.deployed) return &experiment;
    if (experiment.baseline && experiment.runtime == runtime) baseline = &experiment;
  }
  return baseline;
}

namespace {

constexpr std::string_view kDeployedRuntime = "-deployed";

}  // namespace

std::string DeployedRuntimeName(const std::string& runtime) { return runtime + std::string(kDeployedRuntime); }

std::string WithoutDeployed(const std::string& runtime) {
  return runtime.ends_with(kDeployedRuntime) ? runtime.substr(0, runtime.size() - kDeployedRuntime.size()) : runtime;
}

const ExperimentStatus* QualityReference(const std::vector<ExperimentStatus>& experiments, const std::string& runtime) {
  if (const std::string own = WithoutDeployed(runtime); own != runtime) {
    if (const ExperimentStatus* reference = QualityReference(experiments, own)) return reference;
  }
  const ExperimentStatus* reference = nullptr;
  for (const ExperimentStatus& experiment : experiments) {
    if (!experiment.baseline || experiment.runtime != runtime) continue;
    // What is deployed may serve another checkpoint than the reference: then the runtime has a baseline besides.
    if (reference == nullptr || reference->deployed) reference = &experiment;
  }
  return reference;
}

const checkpoint::ModelFacts* FactsOf(const TaskStatus& status, const std::string& model) {
  const auto found = std::ranges::find(status.models, model, &ModelStatus::name);
  return found == status.models.end() || !found->facts ? nullptr : &*found->facts;
}

const GpuStatus& GpuOf(const TaskStatus& status, const std::string& gpu) {
  static const GpuStatus kNone;
  const auto found = std::ranges::find(status.gpus, gpu, &GpuStatus::name);
  return found == status.gpus.end() ? kNone : *found;
}

std::string GpuProductsText(const TaskStatus& status) {
  std::string text;
  for (const GpuStatus& gpu : status.gpus) {
    if (gpu.product.empty()) continue;
    text += (text.empty() ? "" : ", ") + (gpu.name.empty() ? "" : gpu.name + ": ") + gpu.product;
  }
  return text;
}

std::string ConfigurationName(const std::string& model, const std::string& quant_name, const std::string& gpu) {
  return (model.empty() ? "" : model + "/") + quant_name + (gpu.empty() ? "" : " on " + gpu);
}

std::string ConfigurationName(const ExperimentStatus& experiment) {
  return ConfigurationName(experiment.model, experiment.quant.name, experiment.gpu);
}

std::string ConfigurationName(const TaskStatus::Best& best) {
  return ConfigurationName(best.model, best.quant_name, best.gpu);
}

base::Result<AutotuneTask> TaskFromJson(const json& object) {
  AutotuneTask task;
  std::optional<base::Error> error;
  ObjectReader reader(object, "", error, ObjectReader::Unknown::kRefuse);
  std::string api_version, kind;
  reader.Text("apiVersion", api_version);
  reader.Text("kind", kind);
  if (!error && api_version != kApiVersion) {
    reader.Fail("apiVersion", "\"" + api_version + "\" is not " + kApiVersion);
  }
  if (!error && kind != kKind) reader.Fail("kind", "\"" + kind + "\" is not " + kKind);

  // The server's own fields (managedFields, ...) are not looked at.
  static const json kNone = json::object();
  const json* metadata = reader.Get("metadata");
  ObjectReader meta(metadata == nullptr ? kNone : *metadata, "metadata", error, ObjectReader::Unknown::kIgnore);
  meta.Text("name", task.metadata.name, ObjectReader::Presence::kRequired);
  meta.Text("namespace", task.metadata.ns);
  meta.Text("uid", task.metadata.uid);
  meta.Text("resourceVersion", task.metadata.resource_version);
  meta.Integer("generation", task.metadata.generation);
  meta.Text("creationTimestamp", task.metadata.creation_timestamp);
  task.metadata.deleting = meta.Get("deletionTimestamp") != nullptr;

  const json* spec = reader.Get("spec");
  const json* status = reader.Get("status");
  if (!error && spec == nullptr) reader.Fail("spec", "is required");
  reader.Finish();
  if (error) return *std::move(error);

  auto parsed_spec = SpecFromJson(*spec);
  if (!parsed_spec) return std::move(parsed_spec).error();
  task.spec = *std::move(parsed_spec);
  if (status != nullptr) {
    auto parsed_status = StatusFromJson(*status);
    if (!parsed_status) return std::move(parsed_status).error();
    task.status = *std::move(parsed_status);
  }
  std::optional<BaselineSpec>& baseline = task.spec.optimization.baseline;
  const std::optional<ReadWorkload>& read = task.status.deployed;
  const bool asks = baseline && baseline->deployment_ref;
  if (asks && read && read->Answers(*baseline->deployment_ref)) baseline->deployed = read->server;
  return task;
}

json ToJson(const AutotuneTask& task) {
  json metadata = {{"name", task.metadata.name}};
  const auto put = [&](const char* key, const std::string& value) {
    if (!value.empty()) metadata[key] = value;
  };
  put("namespace", task.metadata.ns);
  put("uid", task.metadata.uid);
  put("resourceVersion", task.metadata.resource_version);
  put("creationTimestamp", task.metadata.creation_timestamp);
  if (task.metadata.generation != 0) metadata["generation"] = task.metadata.generation;
  return {{"apiVersion", kApiVersion},
          {"kind", kKind},
          {"metadata", std::move(metadata)},
          {"spec", ToJson(task.spec)},
          {"status", ToJson(task.status)}};
}

}  // namespace autotune::api
