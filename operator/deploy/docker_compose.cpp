#include "operator/deploy/container_command.h"
#include "operator/deploy/target.h"
#include "text/yaml_json.h"

namespace autotune::deploy {
namespace {

using nlohmann::json;

// Environment with values; what comes from a Secret is taken from the shell that runs docker compose.
json EnvironmentOf(const json& container) {
  json out = json::object();
  for (const json& entry : container.value("env", json::array())) {
    const std::string name = entry.value("name", "");
    out[name] =
        entry.contains("value") ? ComposeWord(WithoutKubelet({entry.value("value", "")}).front()) : "${" + name + "}";
  }
  return out;
}

}  // namespace

base::Result<std::string> WriteDockerCompose(const ServerSpec& server) {
  if (!server.gpu_resource.starts_with("nvidia.com/")) {
    return base::Invalid("DockerCompose: it reserves NVIDIA GPUs, and the best configuration runs on " +
                         server.gpu_resource);
  }
  json volumes = json::array();
  if (server.volume.is_object() && !server.volume.empty()) {
    if (!server.volume.contains("hostPath")) {
      return base::Invalid(
          "DockerCompose: the model is on a volume of the cluster, which a single machine does not have");
    }
    const std::string inside = server.model_in_pod.substr(0, server.model_in_pod.size() - server.model.size());
    volumes.push_back(server.volume["hostPath"].value("path", "") + ":" + inside + ":ro");
  }
  json service = {
      {"image", server.Engine().value("image", "")},
      {"entrypoint", json::array()},
      {"ports", json::array({std::to_string(server.port) + ":" + std::to_string(server.port)})},
      {"shm_size", "16gb"},
      {"restart", "unless-stopped"},
      {"deploy",
       {{"resources",
         {{"reservations",
           {{"devices",
             json::array(
                 {{{"driver", "nvidia"}, {"count", server.gpus}, {"capabilities", json::array({"gpu"})}}})}}}}}}}};
  json command = json::array();
  for (const std::string& word : WithoutKubelet(server.argv)) command.push_back(ComposeWord(word));
  service["command"] = command;
  if (const json environment = EnvironmentOf(server.Engine()); !environment.empty())
    service["environment"] = environment;
  json compose = {{"name", server.name}, {"services", {{"engine", service}}}};
  if (!server.options_yaml.empty()) {
    compose["configs"] = {{"options", {{"content", ComposeWord(server.options_yaml)}}}};
    compose["services"]["engine"]["configs"] =
        json::array({{{"source", "options"}, {"target", server.options_dir + "/" + experiment::kOptionsFile}}});
  }
  if (!volumes.empty()) compose["services"]["engine"]["volumes"] = volumes;
  return text::ToYaml(compose);
}

}  // namespace autotune::deploy
