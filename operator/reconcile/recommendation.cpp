#include "operator/reconcile/recommendation.h"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <vector>

#include "base/sha256.h"

namespace autotune::reconcile {
namespace {

using nlohmann::json;

std::string ShellQuoted(const std::string& word) {
  static constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./_-";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

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
json EngineCommand(const json& engine) {
  json argv = json::array();
  for (const char* part : {"command", "args"}) {
    if (!engine.contains(part)) continue;
    for (const json& word : engine.at(part)) argv.push_back(word);
  }
  const auto separator = std::find(argv.begin(), argv.end(), json("--"));
  return separator == argv.end() ? argv : json(std::vector<json>(separator + 1, argv.end()));
}

// Local mode's port is a variable that each process gets a value for; a Deployment has the engines' usual one.
int PortNumber(const std::string& port) {
  int number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  return error == std::errc() && end == port.data() + port.size() ? number : 8000;
}

}  // namespace

std::string RecommendationName(const api::AutotuneTask& task) {
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

std::string DigestOf(const json& config_map) { return base::Sha256Hex(config_map.dump()).substr(0, 16); }

json Recommendation(const api::AutotuneTask& task, const experiment::Experiment& winner,
                    const experiment::Placement& placement, const experiment::PodEnvironment& environment) {
  // Derived from the pod that was measured, so that what is recommended is what ran: the measuring parts are taken off
  // (launcher, bench, shared directory), the engine becomes the main container and its health endpoint the probes.
  json pod = experiment::BuildExperimentPod(task, winner, placement, environment);
  json& spec = pod["spec"];
  json engine = *FindByName(spec["initContainers"], "engine");
  const json command = EngineCommand(engine);

  std::vector<std::string> shared_volumes;
  json mounts = json::array();
  for (const json& mount : engine.value("volumeMounts", json::array())) {
    if (mount.value("mountPath", "") == environment.shared_dir) {
      shared_volumes.push_back(mount.value("name", ""));
    } else {
      mounts.push_back(mount);
    }
  }
  engine["command"] = command;
  engine.erase("args");
  engine.erase("restartPolicy");
  engine["volumeMounts"] = mounts;
  engine["ports"] = json::array({{{"name", "http"}, {"containerPort", PortNumber(environment.port)}}});
  const json health = {{"path", winner.traits.health_path}, {"port", "http"}};
  engine["startupProbe"] = {{"httpGet", health}, {"periodSeconds", 5}, {"failureThreshold", 360}};
  engine["readinessProbe"] = {{"httpGet", health}, {"periodSeconds", 10}, {"timeoutSeconds", 20}};

  const std::string name = RecommendationName(task);
  const json labels = {{"app.kubernetes.io/name", name}};
  json pod_labels = labels;
  json annotations = json::object();
  if (!winner.plan.options_yaml.empty()) annotations[experiment::kOptionsAnnotation] = winner.plan.options_yaml;
  spec["containers"] = json::array({engine});
  spec.erase("initContainers");
  spec.erase("restartPolicy");
  spec.erase("activeDeadlineSeconds");
  if (spec.contains("volumes")) EraseNamed(spec["volumes"], shared_volumes);

  json template_metadata = {{"labels", pod_labels}};
  if (!annotations.empty()) template_metadata["annotations"] = annotations;
  const json deployment = {{"apiVersion", "apps/v1"},
                           {"kind", "Deployment"},
                           {"metadata", {{"name", name}, {"labels", labels}}},
                           {"spec",
                            {{"replicas", 1},
                             {"selector", {{"matchLabels", labels}}},
                             {"strategy", {{"type", "Recreate"}}},
                             {"template", {{"metadata", template_metadata}, {"spec", spec}}}}}};

  std::string line;
  for (const json& word : command) line += (line.empty() ? "" : " ") + ShellQuoted(word.get<std::string>());
  line += '\n';
  if (!winner.plan.options_yaml.empty()) {
    line += "# options file " + environment.options_dir + ":\n" + winner.plan.options_yaml;
  }
  const json owner = {{"apiVersion", api::kApiVersion}, {"kind", api::kKind}, {"name", task.metadata.name},
                      {"uid", task.metadata.uid},       {"controller", true}, {"blockOwnerDeletion", true}};
  return {{"apiVersion", "v1"},
          {"kind", "ConfigMap"},
          {"metadata",
           {{"name", name},
            {"namespace", task.metadata.ns},
            {"labels", {{experiment::kManagedByLabel, experiment::kManagedByValue}}},
            {"ownerReferences", json::array({owner})}}},
          // JSON is YAML: every tool that reads the one reads this, and no second serialiser is needed.
          {"data", {{"deployment.yaml", deployment.dump(2) + "\n"}, {"command.txt", line}}}};
}

}  // namespace autotune::reconcile
