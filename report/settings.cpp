#include "report/settings.h"

#include "operator/deploy/engine_arguments.h"
#include "operator/deploy/image_name.h"
#include "operator/experiment/json_read.h"
#include "operator/reconcile/space.h"
#include "quant/engine_table.h"
#include "report/result_view.h"
#include "report/task_words.h"

namespace autotune::report {

std::string ValueOf(const Settings& settings, const std::string& name) {
  const auto found = settings.find(name);
  return found == settings.end() || found->second == "(unset)" ? "" : found->second;
}

EngineSettings::EngineSettings(const api::AutotuneTask& task, const api::ExperimentStatus& experiment,
                               const quant::RuleSet& rules)
    : experiment_(experiment), rules_(rules) {
  const auto runtimes = reconcile::ResolveRuntimes(task.spec, rules);
  if (!runtimes) return;
  const reconcile::ResolvedRuntime* runtime = reconcile::RuntimeOf(*runtimes, task.spec, experiment);
  if (runtime == nullptr) return;
  release_ = runtime->release;
  table_ = rules.Find(runtime->spec.engine);
  const api::GpuStatus& gpu = api::GpuOf(task.status, experiment.gpu);
  product_ = gpu.product;
  memory_bytes_ = gpu.memory_bytes;
  const std::string image = ImageOf(task, experiment);
  image_ = deploy::WithoutHub(image.empty() ? runtime->spec.image : image);
  resources_ = runtime->spec.resources;
}

std::vector<std::pair<std::string, std::string>> EngineSettings::Surroundings() const {
  std::string release = experiment_.engine_version;
  if (release.empty() && release_ && release_->assumption.empty()) release = release_->version.ToString();
  std::vector<std::pair<std::string, std::string>> out = {{"image", image_}, {"release", release}};
  constexpr std::pair<const char*, const char*> kLists[] = {{"requests", " request"}, {"limits", " limit"}};
  for (const char* resource : {"cpu", "memory"}) {
    for (const auto& [list, title] : kLists) {
      const nlohmann::json& value = experiment::Member(experiment::Member(resources_, list), resource);
      const std::string text = value.is_string() ? value.get<std::string>() : value.is_null() ? "" : value.dump();
      out.emplace_back(resource + std::string(title), text);
    }
  }
  return out;
}

Settings EngineSettings::All() const {
  Settings out = experiment_.env;
  const auto put = [&](const char* name, const std::string& value) {
    if (!value.empty()) out[name] = value;
  };
  put("checkpoint", experiment_.model);
  put("gpu", experiment_.gpu);
  put("runtime", api::WithoutDeployed(experiment_.runtime));
  put("quantization preset", experiment_.quant.name);
  put("GPUs", std::to_string(experiment_.gpus));
  if (release_) {
    for (const auto& [name, flag] : deploy::ReadFlags(experiment_.args, *release_, rules_).flags)
      out[name] = flag.value;
  }
  for (const auto& [name, value] : FlatOptions(experiment_.options)) out[name] = value;
  return out;
}

std::string EngineSettings::NameOf(const std::string& parameter) const {
  if (parameter == "quantization") return "quantization preset";
  // Not a flag's name cut short, as "gpu" of --gpu-memory-utilization is.
  if (parameter == "checkpoint" || parameter == "gpu" || parameter == "runtime") return parameter;
  if (table_ == nullptr) return parameter;
  if (parameter == "tensorParallel") return table_->tensor_flag();
  if (parameter == "pipelineParallel") return table_->pipeline_flag();
  if (parameter == "dataParallel") return table_->data_flag();
  const auto use = table_->FindCompleted(parameter, release_->version);
  return use ? use->flag->name : parameter;
}

std::string EngineSettings::Used(const std::string& setting, const std::string& value) const {
  if (!value.empty() || table_ == nullptr) return value;
  return table_->DefaultOf(setting, release_->version, product_, memory_bytes_);
}

std::string EngineSettings::Shown(const std::string& setting, const std::string& value) const {
  if (!value.empty()) return value;
  if (table_ == nullptr || !table_->Find(setting, release_->version)) return "(not set)";
  const std::string known = Used(setting, value);
  return "engine's default" + (known.empty() ? "" : ": " + known);
}

std::vector<std::string> EngineSettings::WithoutDefaults(const std::vector<std::string>& arguments) const {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    if (!word.starts_with("--")) {
      out.push_back(word);
      continue;
    }
    const std::size_t equals = word.find('=');
    const bool next = equals == std::string::npos && i + 1 < arguments.size() && !arguments[i + 1].starts_with("--");
    const std::string name = word.substr(2, equals == std::string::npos ? equals : equals - 2);
    const std::string value = equals != std::string::npos ? word.substr(equals + 1) : next ? arguments[i + 1] : "";
    if (value.empty() || Used(name, "") != value) {
      out.push_back(word);
    } else if (next) {
      ++i;
    }
  }
  return out;
}

bool EngineSettings::LimitsBatch(const std::string& setting) const {
  return table_ != nullptr && setting == table_->scheduler().sequences;
}

}  // namespace autotune::report
