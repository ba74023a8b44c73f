#include "operator/deploy/container_command.h"
#include "operator/deploy/target.h"
#include "text/yaml_json.h"

namespace autotune::deploy {
namespace {

using nlohmann::json;

// Where KServe is to take the model from.
base::Result<std::string> ModelUri(const ServerSpec& server) {
  if (!server.volume.is_object() || server.volume.empty()) {
    return "hf://" + server.model + (server.revision.empty() ? "" : ":" + server.revision);
  }
  if (server.volume.contains("persistentVolumeClaim")) {
    const json& claim = server.volume["persistentVolumeClaim"];
    const std::string sub_path = claim.value("subPath", "");
    return "pvc://" + claim.value("claimName", "") + (sub_path.empty() ? "" : "/" + sub_path) + server.model;
  }
  if (server.volume.contains("image")) {
    if (server.model != "/" && !server.model.empty()) {
      return base::Invalid("LLMInferenceService: the model is at " + server.model +
                           " in an image, and KServe serves only /models of an image");
    }
    return "oci://" + server.volume["image"].value("reference", "");
  }
  return base::Invalid("LLMInferenceService: the model is on a node's disk (hostPath), which KServe does not serve");
}

}  // namespace

// KServe's own template starts the engine: eval "exec vllm serve /mnt/models --port 8000 ... $@", so every word is
// quoted once more. Sizes of parallelism are given as fields, which newer templates pass on, and stay among the
// arguments, which older ones need: a flag that comes twice with one value is that value.
base::Result<std::string> WriteLlmInferenceService(const ServerSpec& server) {
  if (server.engine != "vllm") {
    return base::Invalid("LLMInferenceService: KServe's templates start vLLM, and the best configuration runs on " +
                         server.engine);
  }
  const auto uri = ModelUri(server);
  if (!uri) return uri.error();
  json container = server.Engine();
  container["name"] = "main";
  container.erase("command");
  // Probes and ports are the template's, with TLS where the installation has it.
  for (const char* field : {"ports", "startupProbe", "readinessProbe"}) container.erase(field);
  json args = json::array();
  for (const std::string& word : server.args) args.push_back(ShellWord(word));
  container["args"] = args;
  // The template's container is not root on a read-only root; the measured one ran as its image says.
  json& security = container["securityContext"];
  if (!security.contains("runAsNonRoot")) security["runAsNonRoot"] = false;
  if (!security.contains("readOnlyRootFilesystem")) security["readOnlyRootFilesystem"] = false;

  json pod = server.pod;
  // KServe mounts the model itself.
  const auto of_model = [](const json& item) { return item.value("name", "") == "model"; };
  for (json* list : {&pod["volumes"], &container["volumeMounts"]}) {
    json kept = json::array();
    for (json& item : *list) {
      if (!of_model(item)) kept.push_back(std::move(item));
    }
    *list = std::move(kept);
  }
  pod["containers"] = json::array({container});
  json parallelism = {{"tensor", server.tensor}};
  if (server.pipeline > 1) parallelism["pipeline"] = server.pipeline;
  json spec = {{"model", {{"uri", *uri}, {"name", server.model.starts_with('/') ? server.name : server.model}}},
               {"replicas", 1},
               {"parallelism", parallelism},
               {"router", {{"scheduler", json::object()}, {"route", json::object()}, {"gateway", json::object()}}},
               {"template", pod}};
  if (!server.template_annotations.empty()) spec["annotations"] = server.template_annotations;
  const json service = {{"apiVersion", "serving.kserve.io/v1alpha2"},
                        {"kind", "LLMInferenceService"},
                        {"metadata", {{"name", server.name}, {"annotations", server.annotations}}},
                        {"spec", spec}};
  return text::ToYaml(service);
}

}  // namespace autotune::deploy
