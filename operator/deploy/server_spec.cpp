#include "operator/deploy/server_spec.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "base/sha256.h"

namespace autotune::deploy {
namespace {

using nlohmann::json;

json* FindByName(json& list, std::string_view name) {
  const auto found =
      std::find_if(list.begin(), list.end(), [&](const json& item) { return item.value("name", "") == name; });
  return found == list.end() ? nullptr : &*found;
}

void EraseNamed(json& list, const std::vector<std::string>& names) {
  json kept = json::array();
  for (json& item : list) {
    if (std::find(names.begin(), names.end(), item.value("name", "")) == names.end()) kept.push_back(std::move(item));
  }
  list = std::move(kept);
}

// The engine's own argv: what follows "--" of the launcher.
std::vector<std::string> EngineArgv(const json& engine) {
  std::vector<std::string> argv;
  for (const char* part : {"command", "args"}) {
    if (!engine.contains(part)) continue;
    for (const json& word : engine.at(part)) argv.push_back(word);
  }
  const auto separator = std::find(argv.begin(), argv.end(), "--");
  return separator == argv.end() ? argv : std::vector<std::string>(separator + 1, argv.end());
}

// Local mode's port is a variable that each process gets a value for; what is deployed has the engines' usual one.
int PortNumber(const std::string& port) {
  int number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  return error == std::errc() && end == port.data() + port.size() ? number : 8000;
}

// The last value of a flag among arguments, as "--flag N" or "--flag=N"; 1 where there is none.
int SizeOf(const std::vector<std::string>& args, std::initializer_list<std::string_view> flags) {
  int size = 1;
  for (std::size_t i = 0; i < args.size(); ++i) {
    for (const std::string_view flag : flags) {
      std::string_view value;
      if (args[i] == flag && i + 1 < args.size()) value = args[i + 1];
      if (args[i].size() > flag.size() && args[i].starts_with(flag) && args[i][flag.size()] == '=') {
        value = std::string_view(args[i]).substr(flag.size() + 1);
      }
      if (!value.empty()) std::from_chars(value.data(), value.data() + value.size(), size);
    }
  }
  return std::max(size, 1);
}

// Of scores as tuning/judge.h defines them: of what is minimized, less than zero.
const char* UnitOf(api::Objective objective) {
  switch (objective) {
    case api::Objective::kMaximizeThroughput:
      return "output tokens/s per GPU";
    case api::Objective::kMaximizeGoodput:
      return "requests/s within the SLO per GPU";
    case api::Objective::kMinimizeCost:
      return "minus the price of a million output tokens";
    case api::Objective::kMinimizeLatency:
      return "minus the p50 of the E2E latency in ms";
    case api::Objective::kMinimizeTtft:
      return "minus the p50 of TTFT in ms";
    case api::Objective::kMinimizeTpot:
      return "minus the p50 of TPOT in ms";
  }
  return "";
}

json AnnotationsOf(const api::AutotuneTask& task, const api::ExperimentStatus& measured) {
  json out = {{"autotuner.io/task", task.metadata.name},
              {"autotuner.io/experiment", measured.name + " " + measured.hash},
              {"autotuner.io/quantization", measured.quant.name},
              {"autotuner.io/objective", api::ObjectiveName(task.spec.optimization.objective)}};
  const auto put = [&](const char* name, const std::string& value) {
    if (!value.empty()) out[name] = value;
  };
  if (!measured.score.empty()) {
    out["autotuner.io/score"] = measured.score + (measured.score_ci.empty() ? "" : " +- " + measured.score_ci) + " (" +
                                UnitOf(task.spec.optimization.objective) + ")";
  }
  put("autotuner.io/gpu", measured.gpu_product);
  put("autotuner.io/node", measured.node);
  put("autotuner.io/engine-version", measured.engine_version);
  put("autotuner.io/driver", measured.driver);
  put("autotuner.io/checkpoint", measured.model);
  if (const auto* facts = api::FactsOf(task.status, measured.model)) put("autotuner.io/model-commit", facts->commit);
  if (measured.simulated) put("autotuner.io/simulated", "true");
  return out;
}

// The container as it serves: without the launcher, with probes of its own.
json ServingContainer(json engine, const ServerSpec& server, const std::string& shared_dir,
                      std::vector<std::string>& shared_volumes) {
  json mounts = json::array();
  for (const json& mount : engine.value("volumeMounts", json::array())) {
    if (mount.value("mountPath", "") == shared_dir) {
      shared_volumes.push_back(mount.value("name", ""));
    } else {
      mounts.push_back(mount);
    }
  }
  engine["command"] = server.argv;
  engine.erase("args");
  engine.erase("restartPolicy");
  engine["volumeMounts"] = mounts;
  engine["ports"] = json::array({{{"name", "http"}, {"containerPort", server.port}}});
  const json health = {{"path", server.health_path}, {"port", "http"}};
  engine["startupProbe"] = {{"httpGet", health}, {"periodSeconds", 5}, {"failureThreshold", 360}};
  engine["readinessProbe"] = {{"httpGet", health}, {"periodSeconds", 10}, {"timeoutSeconds", 20}};
  return engine;
}

}  // namespace

std::string ServerName(const api::AutotuneTask& task) {
  constexpr std::size_t kMaxName = 63, kHashDigits = 10;  // also a label's value
  constexpr std::string_view kSuffix = "-best";
  std::string name = task.metadata.name;
  if (name.size() + kSuffix.size() > kMaxName) {
    name.resize(kMaxName - kSuffix.size() - kHashDigits - 1);
    while (!name.empty() && (name.back() == '-' || name.back() == '.')) name.pop_back();
    name += "-" + base::Sha256Hex(task.metadata.name).substr(0, kHashDigits);
  }
  return name + std::string(kSuffix);
}

std::string PinnedImage(const std::string& image, const std::string& image_id) {
  if (image.find('@') != std::string::npos) return image;
  // "docker-pullable://repository@sha256:...". Without a repository it is the digest of an image's configuration, which
  // no registry serves.
  const std::size_t at = image_id.rfind("@sha256:");
  return at == std::string::npos || at == 0 ? image : image + image_id.substr(at);
}

ServerSpec ServerSpecOf(const api::AutotuneTask& task, const api::ExperimentStatus& measured,
                        const experiment::Experiment& experiment, const experiment::Placement& placement,
                        const experiment::PodEnvironment& environment) {
  json pod = experiment::BuildExperimentPod(task, experiment, placement, environment);
  ServerSpec out;
  out.name = ServerName(task);
  out.ns = task.metadata.ns;
  out.experiment = measured.name;
  out.engine = experiment.traits.engine;
  const api::ModelSpec& model = task.spec.models[experiment.model];
  out.model = model.id_or_path;
  out.revision = experiment::ModelRevision(task, experiment.model);
  out.volume = model.volume;
  out.model_in_pod = out.model.starts_with('/') ? environment.model_dir + out.model : out.model;
  out.args = experiment.plan.args;
  out.env = experiment.plan.env;
  out.options_yaml = experiment.plan.options_yaml;
  out.options_dir = environment.options_dir;
  out.gpus = experiment.plan.gpus;
  out.gpu_resource = task.spec.gpus[experiment.gpu].resource_name;
  out.tensor = SizeOf(out.args, {"--tensor-parallel-size", "--tp-size", "--tp_size", "-tp", "--tp"});
  out.pipeline = SizeOf(out.args, {"--pipeline-parallel-size", "--pp-size", "--pp_size", "-pp", "--pp"});
  out.port = PortNumber(environment.port);
  out.health_path = experiment.traits.health_path;
  out.annotations = AnnotationsOf(task, measured);
  out.template_annotations = json::object();
  if (!out.options_yaml.empty()) out.template_annotations[experiment::kOptionsAnnotation] = out.options_yaml;

  json& spec = pod["spec"];
  json engine = *FindByName(spec["initContainers"], "engine");
  out.argv = EngineArgv(engine);
  engine["image"] = PinnedImage(engine.value("image", ""), measured.image_id);
  std::vector<std::string> shared_volumes;
  spec["containers"] = json::array({ServingContainer(std::move(engine), out, environment.shared_dir, shared_volumes)});
  for (const char* measuring : {"initContainers", "restartPolicy", "activeDeadlineSeconds"}) spec.erase(measuring);
  if (spec.contains("volumes")) EraseNamed(spec["volumes"], shared_volumes);
  out.pod = std::move(spec);
  return out;
}

}  // namespace autotune::deploy
