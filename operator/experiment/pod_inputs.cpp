// What no pod may be built from although the schema accepts it.
#include <algorithm>
#include <array>
#include <initializer_list>
#include <map>
#include <set>
#include <string_view>

#include "operator/experiment/node_affinity.h"
#include "operator/experiment/pod_builder.h"

namespace autotune::experiment {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 7> kVolumes = {"autotune", "dshm", "engine-options", "model", "hf-cache",
                                                      "home",     "tmp"};
constexpr std::string_view kOwnPrefix = "autotuner.io/";

std::string At(const std::string& path, std::size_t index) { return path + "[" + std::to_string(index) + "]"; }

// "--kv_cache_dtype=fp8" -> "kv-cache-dtype"; empty for what is not a flag.
std::string FlagName(std::string_view argument) {
  if (!argument.starts_with("-")) return "";
  argument.remove_prefix(std::min(argument.find_first_not_of('-'), argument.size()));
  std::string name(argument.substr(0, argument.find('=')));
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

// The reserved flag that `name` sets, by its whole name or by an unambiguous beginning, which argparse accepts too.
const std::string* ReservedFlag(const std::string& name, const quant::EngineTraits& traits) {
  constexpr std::size_t kShortestBeginning = 3;
  const std::string* beginning = nullptr;
  for (const std::string& reserved : traits.reserved_flags) {
    std::string canonical =
        FlagName("--" + std::string(reserved.substr(std::min(reserved.find_first_not_of('-'), reserved.size()))));
    if (canonical == name) return &reserved;
    if (name.size() >= kShortestBeginning && canonical.starts_with(name)) beginning = &reserved;
  }
  return beginning;
}

class Checker {
 public:
  Checker(const api::TaskSpec& spec, const std::vector<quant::EngineTraits>& traits, const PodEnvironment& environment)
      : spec_(spec), traits_(traits), environment_(environment) {}

  base::Status Run() {
    for (std::size_t i = 0; i < spec_.models.size(); ++i) Model(i);
    for (std::size_t i = 0; i < spec_.runtimes.size(); ++i) Runtime(i);
    if (spec_.runtimes.empty() && !traits_.empty()) Parameters(traits_.front());
    for (std::size_t i = 0; i < spec_.gpus.size(); ++i) Gpu(i);
    Benchmark();
    Template();
    if (status_.ok()) status_ = CheckPodPolicy(spec_, environment_.policy);
    return status_;
  }

 private:
  // Only the first is reported: one clear line.
  void Refuse(const std::string& path, const std::string& why) {
    if (status_.ok()) status_ = base::Invalid(path + ": " + why);
  }

  void Model(std::size_t index) {
    const api::ModelSpec& model = spec_.models[index];
    const json& volume = model.volume;
    const std::string path = api::ModelPath(spec_, index) + ".volume";
    if (!volume.is_null()) {
      if (!volume.is_object() || volume.size() != 1) {
        Refuse(path, "set exactly one of persistentVolumeClaim, image and hostPath");
      } else if (!volume.contains("persistentVolumeClaim") && !volume.contains("image") &&
                 !volume.contains("hostPath")) {
        Refuse(path + "." + volume.begin().key(), "is not one of persistentVolumeClaim, image, hostPath");
      }
    } else if (model.id_or_path.starts_with("/") && !environment_.model_dir.empty()) {
      Refuse(api::ModelPath(spec_, index) + ".idOrPath",
             "\"" + model.id_or_path + "\" is a path, which requires " + path +
                 "; an id on the Hugging Face Hub looks like meta-llama/Llama-3.2-1B-Instruct");
    }
  }

  const quant::EngineTraits* TraitsOf(std::size_t index) const {
    const std::string& engine = spec_.runtimes[index].engine;
    if (traits_.size() == spec_.runtimes.size() && traits_[index].engine == engine) return &traits_[index];
    const auto found = std::find_if(traits_.begin(), traits_.end(), [&](const auto& t) { return t.engine == engine; });
    return found == traits_.end() ? nullptr : &*found;
  }

  void Runtime(std::size_t index) {
    const api::RuntimeSpec& runtime = spec_.runtimes[index];
    const std::string path = At("spec.runtimes", index);
    if (const quant::EngineTraits* traits = TraitsOf(index)) {
      for (std::size_t i = 0; i < runtime.args.size(); ++i) {
        const std::string name = FlagName(runtime.args[i]);
        if (name.empty()) continue;
        if (const std::string* reserved = ReservedFlag(name, *traits)) {
          Refuse(At(path + ".args", i),
                 "\"" + runtime.args[i] + "\" sets " + *reserved + ", which the operator sets itself" + Instead(name));
        }
      }
      Parameters(*traits);
    }
    if (!runtime.command.empty() && std::none_of(runtime.command.begin(), runtime.command.end(), [](const auto& word) {
          return word.find("{port}") != std::string::npos;
        })) {
      Refuse(path + ".command",
             "does not contain {port}; {model}, {host}, {port}, {revision} and {options_file} are replaced by what the "
             "operator chooses, and the tuned arguments are appended");
    }
    Env(runtime.env, path + ".env", EngineNames());
    Resources(runtime.resources, path + ".resources");
  }

  static std::string Instead(const std::string& name) {
    if (name.starts_with("model") || name.starts_with("served-model")) return "; see spec.model";
    if (name.starts_with("revision")) return "; see spec.model.revision";
    return "";
  }

  void Parameters(const quant::EngineTraits& traits) {
    for (const auto& [flag, values] : spec_.parameters) {
      std::string name = FlagName(flag.starts_with("-") ? flag : "--" + flag);
      if (const std::string* reserved = ReservedFlag(name, traits)) {
        Refuse("spec.parameters." + flag, "sets " + *reserved + ", which the operator sets itself" + Instead(name));
      }
    }
  }

  // Environment variables of the engine that fields of the task set.
  std::map<std::string, std::string> EngineNames() const {
    std::map<std::string, std::string> names;
    for (std::size_t i = 0; i < spec_.models.size(); ++i) {
      const api::ModelSpec::HuggingFace& hub = spec_.models[i].hugging_face;
      const std::string path = api::ModelPath(spec_, i) + ".huggingFace";
      if (!hub.token_secret_name.empty()) names["HF_TOKEN"] = path + ".tokenSecretRef";
      if (!hub.cache_claim.empty()) names["HF_HOME"] = path + ".cacheClaim";
      if (hub.endpoint != api::ModelSpec::HuggingFace().endpoint) names["HF_ENDPOINT"] = path + ".endpoint";
    }
    return names;
  }

  void Env(const json& env, const std::string& path, const std::map<std::string, std::string>& owned) {
    if (!env.is_array()) return;
    std::set<std::string> seen;
    for (std::size_t i = 0; i < env.size(); ++i) {
      const json& entry = env[i];
      if (!entry.is_object() || !entry.contains("name") || !entry["name"].is_string() || entry["name"] == "") {
        Refuse(At(path, i), "has no name");
        continue;
      }
      const std::string name = entry["name"].get<std::string>();
      const std::string name_path = At(path, i) + ".name";
      if (!seen.insert(name).second) Refuse(name_path, "\"" + name + "\" is listed twice");
      // AUTOTUNE_SIM_ is how the simulated engine is set up: the user's business.
      if (name.starts_with("AUTOTUNE_") && !name.starts_with("AUTOTUNE_SIM_"))
        Refuse(name_path, "\"" + name + "\": names that begin with AUTOTUNE_ are reserved");
      if (const auto field = owned.find(name); field != owned.end()) {
        Refuse(name_path, "\"" + name + "\" is set by " + field->second);
      }
    }
  }

  void Resources(const json& resources, const std::string& path) {
    for (const char* kind : {"limits", "requests"}) {
      if (!resources.is_object() || !resources.contains(kind) || !resources[kind].is_object()) continue;
      for (const auto& [name, quantity] : resources[kind].items()) {
        if (std::ranges::find(spec_.gpus, name, &api::GpuSpec::resource_name) != spec_.gpus.end()) {
          Refuse(path + "." + kind + "[\"" + name + "\"]", "the number of GPUs is derived from the engine's arguments");
        }
      }
    }
  }

  void Gpu(std::size_t index) {
    const api::GpuSpec& gpu = spec_.gpus[index];
    const std::string path = api::GpuPath(spec_, index);
    if (!gpu.min_memory.empty()) {
      if (const auto bytes = api::ParseQuantity(gpu.min_memory, path + ".minMemory"); !bytes && status_.ok()) {
        status_ = bytes.error();
      }
    }
    if (!gpu.min_compute_capability.empty() && !quant::ComputeCapability::Parse(gpu.min_compute_capability)) {
      Refuse(path + ".minComputeCapability",
             "\"" + gpu.min_compute_capability + "\" is not a compute capability such as 8.9");
    }
    const char* asked = !gpu.products.empty()                 ? "products"
                        : !gpu.min_memory.empty()             ? "minMemory"
                        : !gpu.min_compute_capability.empty() ? "minComputeCapability"
                                                              : nullptr;
    if (asked != nullptr && !HasGpuLabels(gpu.resource_name)) {
      Refuse(path + "." + asked,
             "nodes with " + gpu.resource_name + " have no label for it; use " + path + ".nodeSelector or affinity");
    }
    if (IsAmdResource(gpu.resource_name) && !gpu.min_compute_capability.empty()) {
      Refuse(path + ".minComputeCapability", "exists only for NVIDIA GPUs; use " + path + ".products");
    }
  }

  void Benchmark() {
    if (const auto measured = BenchSpecOf(spec_); !measured && status_.ok()) status_ = measured.error();
    Env(spec_.benchmark.env, "spec.benchmark.env", {});
    Resources(spec_.benchmark.resources, "spec.benchmark.resources");
  }

  void Template() {
    const api::PodTemplateSpec& pod = spec_.pod_template;
    const std::string path = "spec.podTemplate";
    for (const auto& [key, value] : pod.labels) {
      if (key.starts_with(kOwnPrefix) || key == kManagedByLabel)
        Refuse(path + ".labels[\"" + key + "\"]", "is set by the operator");
      if (key == "kueue.x-k8s.io/queue-name")
        Refuse(path + ".labels[\"" + key + "\"]", "use " + api::GpuPath(spec_, 0) + ".queueName");
    }
    for (const auto& [key, value] : pod.annotations) {
      if (key.starts_with(kOwnPrefix)) Refuse(path + ".annotations[\"" + key + "\"]", "is set by the operator");
    }
    for (std::size_t i = 0; pod.volumes.is_array() && i < pod.volumes.size(); ++i) {
      const json& volume = pod.volumes[i];
      const std::string name = volume.is_object() && volume.contains("name") && volume["name"].is_string()
                                   ? volume["name"].get<std::string>()
                                   : "";
      if (name.empty()) Refuse(At(path + ".volumes", i), "has no name");
      if (std::find(kVolumes.begin(), kVolumes.end(), name) != kVolumes.end()) {
        Refuse(At(path + ".volumes", i) + ".name", "\"" + name + "\" is the name of a volume of the operator");
      }
    }
    const std::initializer_list<std::string> directories = {environment_.shared_dir, environment_.options_dir,
                                                            environment_.model_dir, environment_.cache_dir,
                                                            environment_.home_dir};
    for (std::size_t i = 0; pod.volume_mounts.is_array() && i < pod.volume_mounts.size(); ++i) {
      const json& mount = pod.volume_mounts[i];
      const std::string where = mount.is_object() && mount.contains("mountPath") && mount["mountPath"].is_string()
                                    ? mount["mountPath"].get<std::string>()
                                    : "";
      if (where.empty()) Refuse(At(path + ".volumeMounts", i), "has no mountPath");
      for (const std::string& directory : directories) {
        if (!directory.empty() && (where == directory || where.starts_with(directory + "/"))) {
          Refuse(At(path + ".volumeMounts", i) + ".mountPath",
                 "\"" + where + "\" is inside " + directory + ", which the operator mounts");
        }
      }
    }
  }

  const api::TaskSpec& spec_;
  const std::vector<quant::EngineTraits>& traits_;
  const PodEnvironment& environment_;
  base::Status status_;
};

}  // namespace

base::Status CheckPodInputs(const api::TaskSpec& spec, const std::vector<quant::EngineTraits>& traits,
                            const PodEnvironment& environment) {
  return Checker(spec, traits, environment).Run();
}

}  // namespace autotune::experiment
