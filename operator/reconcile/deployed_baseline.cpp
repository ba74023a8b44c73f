#include "operator/reconcile/deployed_baseline.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "operator/api/units.h"
#include "operator/deploy/engine_arguments.h"
#include "operator/deploy/image_name.h"
#include "operator/deploy/running_server.h"
#include "operator/experiment/node_affinity.h"
#include "quant/engine_table.h"
#include "text/shell_words.h"
#include "text/table.h"

namespace autotune::reconcile {
namespace {

using deploy::EngineArguments;

std::string NamesOf(const std::vector<const ResolvedRuntime*>& runtimes) {
  std::vector<std::string> names;
  for (const ResolvedRuntime* runtime : runtimes) names.push_back(runtime->spec.name);
  return text::Joined(names, " and ");
}

// The resources that an experiment takes over; GPUs are counted by themselves.
constexpr std::array<std::string_view, 2> kTakenResources = {"cpu", "memory"};

bool IsGpu(const std::string& resource, const std::string& own) {
  return resource == own || experiment::LabelledResource(resource).ends_with("/gpu") ||
         resource.starts_with("nvidia.com/mig-");
}

class BaselineReader {
 public:
  BaselineReader(const api::TaskSpec& spec, const api::DeployedServer& server,
                 const std::vector<ResolvedRuntime>& runtimes, const quant::RuleSet& rules)
      : spec_(spec),
        server_(server),
        gpu_resource_(spec.gpus[api::BaselineGpu(spec)].resource_name),
        rules_(rules),
        start_(deploy::EngineStartOf(server.words)) {
    for (const ResolvedRuntime& runtime : runtimes) {
      if (runtime.gpu != api::BaselineGpu(spec)) continue;
      if (runtime.deployed) {
        of_deployed_ = &runtime;
      } else {
        runtimes_.push_back(&runtime);
      }
    }
    for (const auto* list : {&server.limits, &server.requests}) {
      for (const auto& [name, quantity] : *list) TakeResource(name, quantity);
    }
  }

  // DeployedRuntime.
  [[nodiscard]] std::optional<ResolvedRuntime> OwnRuntime() const {
    const auto runtime = RuntimeOf();
    if (!runtime || IsPasted()) return std::nullopt;
    ResolvedRuntime own = **runtime;
    const bool other_image = !IsImageOf(**runtime) && WhyNotImage(**runtime).empty();
    if (other_image) {
      auto release = rules_.Resolve(own.spec.engine, server_.image, "");
      if (!release) return std::nullopt;
      auto traits = rules_.Traits(own.spec.engine, release->version);
      if (!traits) return std::nullopt;
      own.spec.image = server_.image;
      own.spec.version.clear();
      own.spec.command.clear();  // of the other image
      own.release = *std::move(release);
      own.traits = *std::move(traits);
    }
    json resources = WithTaken(own.spec.resources);
    if (!other_image && resources == own.spec.resources) return std::nullopt;
    own.spec.resources = std::move(resources);
    own.spec.name = api::DeployedRuntimeName(own.spec.name);
    own.spec.args.clear();
    own.deployed = true;
    return own;
  }

  base::Result<tuning::NamedBaseline> Read() {
    auto runtime = RuntimeOf();
    if (!runtime) return runtime.error();
    image_ = IsImageOf(**runtime) ? "" : WhyNotImage(**runtime);
    if (!image_.empty()) {
      image_ += ": the baseline runs on " + (*runtime)->spec.image + ", the image of runtime " + (*runtime)->spec.name;
    }
    if (of_deployed_ != nullptr) runtime = of_deployed_;
    const std::vector<std::string> words(server_.words.begin() + static_cast<std::ptrdiff_t>(start_.words),
                                         server_.words.end());
    EngineArguments arguments = deploy::ReadFlags(words, (*runtime)->release, rules_);
    if (!arguments.rest.empty()) {
      return base::Invalid("contains \"" + text::Shortened(arguments.rest.front(), 60) +
                           "\", which is not the value of a flag");
    }
    tuning::NamedBaseline out;
    out.deployed = true;
    out.runtime = (*runtime)->spec.name;
    out.env = server_.env;
    for (const auto& [name, value] : server_.env) {
      const std::string why = rules_.Find((*runtime)->spec.engine)->WhyIgnored(name, (*runtime)->release.version);
      if (!why.empty()) not_read_.push_back(why);
    }
    out.gpus = gpus_;
    const auto model = ModelOf(arguments);
    if (!model) return model.error();
    out.model = *model;
    left_out_.insert(left_out_.begin(), server_.left_out.begin(), server_.left_out.end());
    if (const auto taken = TakeFlags(arguments, **runtime, out); !taken) return taken.error();
    return out;
  }

  void Warn(const std::string& field, std::vector<quant::Warning>& warnings) const {
    if (!left_out_.empty()) {
      warnings.push_back({field, "LeftOutOfBaseline",
                          "left out of the baseline: " + text::Joined(left_out_, ", ") +
                              "; a pod has its own addresses, keys, logs, directories, volumes and node selection"});
    }
    if (!image_.empty()) warnings.push_back({field, "OtherImage", image_});
    for (const std::string& why : not_read_) warnings.push_back({field, "VariableNotRead", why});
    for (const std::string& files : files_) warnings.push_back({field, "FilesOfBaseline", files});
    if (!other_gpus_.empty()) {
      warnings.push_back({field, "DeployedGpusDiffer",
                          "the container has " + text::Joined(other_gpus_, ", ") + ", and the baseline runs with " +
                              gpu_resource_ + " (" + api::GpuPath(spec_, api::BaselineGpu(spec_)) + ".resourceName)"});
    }
    std::vector<std::string> secrets;
    for (const std::string& name : server_.pull_secrets) {
      const json& own = spec_.pod_template.image_pull_secrets;
      if (of_deployed_ == nullptr || of_deployed_->spec.image != server_.image) break;
      if (std::none_of(own.begin(), own.end(), [&](const json& secret) { return secret.value("name", "") == name; })) {
        secrets.push_back(name);
      }
    }
    if (!secrets.empty()) {
      warnings.push_back({field, "PullSecretsNotTakenOver",
                          "the workload pulls image " + server_.image + " with " + text::Joined(secrets, ", ") +
                              ": if the image is private, add them to spec.podTemplate.imagePullSecrets"});
    }
  }

 private:
  using json = nlohmann::json;

  [[nodiscard]] bool IsPasted() const { return !spec_.optimization.baseline->command.empty(); }

  void TakeResource(const std::string& name, const std::string& quantity) {
    if (IsGpu(name, gpu_resource_)) {
      const auto count = static_cast<int>(api::QuantityValue(quantity).value_or(0));
      if (name == gpu_resource_) {
        gpus_ = std::max(gpus_, count);
      } else if (count > 0 && std::find(other_gpus_.begin(), other_gpus_.end(), name) == other_gpus_.end()) {
        other_gpus_.push_back(name);
      }
    } else if (std::find(kTakenResources.begin(), kTakenResources.end(), name) != kTakenResources.end()) {
      for (const auto& [list, values] : {std::pair("limits", &server_.limits), {"requests", &server_.requests}}) {
        if (const auto found = values->find(name); found != values->end()) resources_[list][name] = found->second;
      }
    } else if (std::find(left_out_.begin(), left_out_.end(), name) == left_out_.end()) {
      left_out_.push_back(name);
    }
  }

  // A runtime's resources, with the CPU and memory of the container if it has any. The same if they are these already.
  [[nodiscard]] json WithTaken(const json& runtimes) const {
    json out = runtimes.is_object() ? runtimes : json::object();
    if (resources_.empty()) return runtimes;
    bool same = true;
    for (const char* list : {"limits", "requests"}) {
      json& own = out[list];
      for (const std::string_view key : kTakenResources) {
        const std::string name(key);
        const json taken = resources_.value(list, json::object()).value(name, json());
        const json before = own.is_object() ? own.value(name, json()) : json();
        same = same && (taken == before || (before.is_number() && taken == before.dump()));
        if (own.is_object()) own.erase(name);
        if (!taken.is_null()) own[name] = taken;
      }
      if (own.empty()) out.erase(list);
    }
    return same ? runtimes : out;
  }

  // Nothing is known of the image of a pasted command that has none.
  [[nodiscard]] bool IsImageOf(const ResolvedRuntime& runtime) const {
    if (server_.image.empty()) return IsPasted();
    return deploy::WithoutHub(server_.image) == deploy::WithoutHub(runtime.spec.image);
  }

  // Why the deployed image is not measured; "" = it is.
  [[nodiscard]] std::string WhyNotImage(const ResolvedRuntime& runtime) const {
    if (server_.image.empty()) return "the workload names no image";
    const std::string deployed = "image " + server_.image + " is deployed";
    if (IsPasted()) return deployed + ", and a pasted command is measured on the image of a runtime";
    const auto is_of = [&](const quant::EngineTraits& traits) {
      const std::string_view repository = deploy::RepositoryOf(server_.image);
      return repository == deploy::RepositoryOf(traits.default_image) ||
             (!traits.rocm_image.empty() && repository == deploy::RepositoryOf(traits.rocm_image));
    };
    for (const std::string& engine : rules_.engines()) {
      const quant::EngineTraits& traits = rules_.Find(engine)->traits();
      if (engine == runtime.spec.engine || !is_of(traits) || is_of(runtime.traits)) continue;
      return deployed + ", which is one of " + traits.title + ", and its command starts " + runtime.traits.title;
    }
    const bool amd = experiment::IsAmdResource(gpu_resource_);
    const auto of_other_vendor = [&](const std::string& resource) {
      return experiment::IsAmdResource(resource) != amd;
    };
    if (gpus_ == 0 && std::any_of(other_gpus_.begin(), other_gpus_.end(), of_other_vendor)) {
      return deployed + " on " + text::Joined(other_gpus_, ", ");
    }
    return "";
  }

  // Of an image without a program in its command: the engine whose image that is.
  [[nodiscard]] bool IsOf(const ResolvedRuntime& runtime) const {
    if (!start_.engine.empty()) return runtime.spec.engine == start_.engine;
    if (deploy::RepositoryOf(runtime.spec.image) == deploy::RepositoryOf(server_.image)) return true;
    const std::string engine = deploy::EngineOfImage(server_.image, rules_);
    return engine.empty() ? runtime.spec.name == spec_.optimization.baseline->runtime : engine == runtime.spec.engine;
  }

  base::Result<const ResolvedRuntime*> RuntimeOf() const {
    const std::string& named = spec_.optimization.baseline->runtime;
    const bool program = !start_.engine.empty();
    if (!program && server_.image.empty()) {
      return base::Invalid("begins with \"" + text::Shortened(server_.words.empty() ? "" : server_.words.front(), 60) +
                           "\": a command begins with vllm serve, python3 -m sglang.launch_server, trtllm-serve or "
                           "docker run");
    }
    std::vector<const ResolvedRuntime*> found;
    std::vector<std::string> engines;
    for (const ResolvedRuntime* runtime : runtimes_) {
      if (std::find(engines.begin(), engines.end(), runtime->spec.engine) == engines.end()) {
        engines.push_back(runtime->spec.engine);
      }
      if (IsOf(*runtime) && (named.empty() || runtime->spec.name == named)) found.push_back(runtime);
    }
    const std::string of_image = program ? "" : deploy::EngineOfImage(server_.image, rules_);
    if (found.empty() && !program && of_image.empty()) {
      return base::Invalid(
          "runs image " + server_.image +
          ", which does not say the engine: write the program behind the image (vllm serve, python3 -m "
          "sglang.launch_server, trtllm-serve), or set baseline.runtime");
    }
    if (found.empty()) {
      return base::Invalid(
          (program ? "starts " + start_.engine : "runs image " + server_.image + ", one of " + of_image) + ", and " +
          (named.empty() ? "the task's runtimes are of " + text::Joined(engines, ", ")
                         : "runtime " + named + " is of another engine"));
    }
    if (found.size() == 1) return found.front();
    // Of several, the one with the image that is deployed.
    std::vector<const ResolvedRuntime*> same;
    for (const ResolvedRuntime* runtime : found) {
      if (deploy::WithoutHub(runtime->spec.image) == deploy::WithoutHub(server_.image)) same.push_back(runtime);
    }
    if (same.size() == 1) return same.front();
    return base::Invalid("matches the runtimes " + NamesOf(found) + ": set baseline.runtime");
  }

  base::Result<std::size_t> ModelOf(EngineArguments& arguments) const {
    const auto served_as = arguments.flags.find("served-model-name");
    const auto take = [&](const char* name) {
      const auto flag = arguments.flags.find(name);
      std::string value = flag == arguments.flags.end() ? "" : flag->second.value;
      if (flag != arguments.flags.end()) arguments.flags.erase(flag);
      return value;
    };
    const std::string revision = take("revision");
    if (arguments.model.empty()) return base::Invalid("does not name a model");
    if (const std::string open = FilledInOf({arguments.model}); !open.empty()) return NotInTheLine("the model", open);
    std::vector<std::string> models;
    for (std::size_t i = 0; i < spec_.models.size(); ++i) {
      const api::ModelSpec& model = spec_.models[i];
      // A path of its own disk, under the name that the task has for it.
      const bool renamed = served_as != arguments.flags.end() && arguments.model.starts_with('/') &&
                           std::find(served_as->second.values.begin(), served_as->second.values.end(),
                                     model.id_or_path) != served_as->second.values.end();
      // A path below a mount of its container; the task's is one inside its volume.
      const bool mounted =
          model.volume.is_object() && arguments.model.ends_with(model.id_or_path) && model.id_or_path.starts_with('/');
      models.push_back(api::ModelPath(spec_, i) + " is " + model.id_or_path);
      if (arguments.model != model.id_or_path && !renamed && !mounted) continue;
      if (!revision.empty() && revision != (model.revision.empty() ? "main" : model.revision)) {
        return base::Invalid("serves revision " + revision + ", and that of " + api::ModelTitle(spec_, i) + " is " +
                             (model.revision.empty() ? "not set" : model.revision));
      }
      return i;
    }
    const std::string source = deploy::SourceOf(server_, arguments.model);
    const std::string from = source.empty() ? "" : " (" + source + " outside)";
    const std::string hint = arguments.model.starts_with('/')
                                 ? "; a path of the command's container" + from +
                                       " is known to the task by --served-model-name with the task's idOrPath, or by "
                                       "the model's volume with the path inside it as idOrPath"
                                 : "";
    return base::Invalid("serves " + arguments.model + ", and " + text::Joined(models, ", ") + hint);
  }

  // All that has to be corrected is told at once.
  static bool IsOptionsFile(const std::string& plain) {
    return plain == "config" || plain == "extra-llm-api-options" || plain == "extra-engine-args";
  }

  base::Status TakeFlags(const EngineArguments& arguments, const ResolvedRuntime& runtime, tuning::NamedBaseline& out) {
    std::vector<std::string> problems = arguments.problems;
    if (!start_.dynamo) {
      for (std::string& problem : deploy::NotOfTheParser(arguments, runtime.release, rules_))
        problems.push_back(std::move(problem));
    }
    for (const auto& [name, flag] : arguments.flags) {
      const std::string plain = quant::EngineTable::Normalise(name);
      const quant::EngineTable* table = rules_.Find(runtime.release.engine);
      const bool engines = table != nullptr && table->FindCompleted(name, runtime.release.version).has_value();
      if (deploy::IsServerFlag(plain) || (start_.dynamo && !engines && deploy::IsDynamoFlag(plain))) {
        left_out_.push_back("--" + name);
      } else if (const std::string why = WhyReserved(plain, runtime); !why.empty() || IsOptionsFile(plain)) {
        if (deploy::ChangesNothing(plain, flag.value)) continue;
        const bool file = IsOptionsFile(plain);
        problems.push_back(
            "--" + name +
            (file ? " names a file that the operator cannot read: give what is in it as "
                    "baseline.parameters instead of a command"
                  : (flag.values.empty() ? "" : " " + flag.value) + " cannot be part of a baseline: " + why));
      } else if (const std::string open = FilledInOf(flag.values); !open.empty()) {
        problems.push_back(NotInTheLine("--" + name, open).message);
      } else {
        const bool appends = name.find('.') != std::string::npos && name.ends_with('+');
        out.parameters[SpellingOf(appends ? name.substr(0, name.size() - 1) : name, runtime.release)] =
            deploy::ValueOf(name, flag);
        if (const std::string path = deploy::PathIn(flag); !path.empty()) files_.push_back(AboutPath(name, path));
      }
    }
    if (!problems.empty()) return base::Invalid(text::Joined(problems, "; "));
    return {};
  }

  // An experiment's pod has no files of the machine that the command runs on.
  [[nodiscard]] std::string AboutPath(const std::string& name, const std::string& path) const {
    const std::string source = deploy::SourceOf(server_, path);
    return "--" + name + " names " + path + (source.empty() ? "" : ", which the command mounts from " + source) +
           ": an experiment's pod has it only if spec.podTemplate.volumes and volumeMounts mount it at this path";
  }

  // What a shell would fill in of a pasted line; a container's words are as its process gets them.
  [[nodiscard]] std::string FilledInOf(const std::vector<std::string>& words) const {
    std::string open;
    if (spec_.optimization.baseline->command.empty()) return open;
    for (const std::string& word : words) {
      if (open.empty()) open = text::FilledIn(word);
    }
    return open;
  }
  static base::Error NotInTheLine(const std::string& what, const std::string& open) {
    return base::Invalid("has " + open + " for " + what +
                         ", but the command is parsed without a shell: write the value");
  }

  // As spec.parameters has it, so that both are values of one setting.
  [[nodiscard]] std::string SpellingOf(const std::string& name, const quant::EngineRelease& release) const {
    const quant::EngineTable* table = rules_.Find(release.engine);
    for (const auto& [spelling, values] : spec_.parameters) {
      const auto use = table == nullptr ? std::nullopt : table->FindCompleted(spelling, release.version);
      if (use && use->flag->name == name) return spelling;
    }
    return name;
  }

  [[nodiscard]] std::string WhyReserved(const std::string& plain, const ResolvedRuntime& runtime) const {
    for (const std::string& reserved : runtime.traits.reserved_flags) {
      if (quant::EngineTable::Normalise(reserved) == plain)
        return rules_.Find(runtime.spec.engine)->WhyReserved(reserved);
    }
    return "";
  }

  const api::TaskSpec& spec_;
  const api::DeployedServer& server_;
  const std::string gpu_resource_;                // of the GPUs that the baseline runs on
  std::vector<const ResolvedRuntime*> runtimes_;  // of the task, on these GPUs
  const ResolvedRuntime* of_deployed_ = nullptr;  // of what is deployed, if it has one of its own
  const quant::RuleSet& rules_;
  const deploy::EngineStart start_;
  json resources_ = json::object();      // what the container has of kTakenResources, as in RuntimeSpec::resources
  int gpus_ = 0;                         // of gpu_resource_
  std::vector<std::string> other_gpus_;  // resources that are GPUs of another kind
  std::vector<std::string> left_out_;
  std::vector<std::string> not_read_;  // variables that the release does not read, with the reason
  std::vector<std::string> files_;     // flags that name files, with what to do
  std::string image_;
};

}  // namespace

DeployedReading ReadDeployed(const api::WorkloadRef& ref, const std::string& gpu_resource, const Memory& memory,
                             base::WallTime now) {
  const std::string path = "spec.optimization.baseline.deploymentRef: ";
  const std::string title = ref.kind + " " + ref.name;
  DeployedReading out;
  const std::optional<Memory::Baseline>& tried = memory.baseline;
  const auto again = [&] { return tried->at + RefusalDelay(tried->times); };
  if (!tried) {
    out.ask = ref;
    out.wake_at = now;
    out.verdict = Progressing("Inspecting", "Inspecting", "Reading " + title);
  } else if (!tried->workload) {
    const base::Error& error = tried->workload.error();
    const bool never = error.code == base::Code::kInvalid, busy = error.code == base::Code::kRetry;
    out.verdict = never ? Failed("InvalidSpec", path + error.message)
                        : Progressing("Inspecting", "BaselineNotRead", path + error.message);
    if (never) return out;
    // Somebody has to grant the right, or to create the workload.
    if (!busy) out.verdict.kind = Verdict::Kind::kBlocked;
    out.wake_at = std::chrono::time_point_cast<base::WallTime::duration>(again());
    if (*out.wake_at <= now) out.ask = ref;
  } else {
    auto container = deploy::ReadWorkloadContainer(*tried->workload, ref, gpu_resource);
    if (!container) {
      out.verdict = Failed("InvalidSpec", path + title + " " + container.error().message);
      return out;
    }
    out.read = api::ReadWorkload{
        {ref.kind, ref.name, container->container}, base::FormatRfc3339(now), std::move(container->server)};
    out.wake_at = now;
    out.verdict = Progressing("Inspecting", "Inspecting", "Read " + title + ", container " + container->container);
  }
  return out;
}

std::optional<ResolvedRuntime> DeployedRuntime(const api::TaskSpec& spec, const std::vector<ResolvedRuntime>& runtimes,
                                               const quant::RuleSet& rules) {
  const std::optional<api::BaselineSpec>& baseline = spec.optimization.baseline;
  if (!baseline || !baseline->deployed) return std::nullopt;
  return BaselineReader(spec, *baseline->deployed, runtimes, rules).OwnRuntime();
}

base::Result<tuning::NamedBaseline> DeployedBaseline(const api::TaskSpec& spec,
                                                     const std::vector<ResolvedRuntime>& runtimes,
                                                     const quant::RuleSet& rules,
                                                     std::vector<quant::Warning>& warnings) {
  const api::BaselineSpec& baseline = *spec.optimization.baseline;
  const bool pasted = !baseline.command.empty();
  const std::string field = std::string("optimization.baseline.") + (pasted ? "command" : "deploymentRef");
  const auto fail = [&](const std::string& message) { return base::Invalid("spec." + field + ": " + message); };
  const std::string title = pasted ? "" : baseline.deployment_ref->kind + " " + baseline.deployment_ref->name + " ";
  base::Result<api::DeployedServer> server = base::Invalid(
      "can be read only in a cluster, by the operator or by plan --cluster; otherwise paste its command as "
      "baseline.command");
  if (pasted) {
    server = deploy::ReadPastedCommand(baseline.command);
  } else if (baseline.deployed) {
    server = *baseline.deployed;
  }
  if (!server) return fail(title + server.error().message);
  BaselineReader reader(spec, *server, runtimes, rules);
  auto named = reader.Read();
  if (!named) return fail(title + named.error().message);
  named->field = "spec." + field;
  reader.Warn(field, warnings);
  return named;
}

}  // namespace autotune::reconcile
