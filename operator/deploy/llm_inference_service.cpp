#include "operator/deploy/container_command.h"
#include "operator/deploy/target.h"
#include "text/yaml_json.h"

namespace autotune::deploy {
namespace {

using nlohmann::json;

// Where KServe is to take the model from.
base::Result<std::string> ModelUri(const Winner& winner) {
  if (!winner.volume.is_object() || winner.volume.empty()) {
    return "hf://" + winner.model + (winner.revision.empty() ? "" : ":" + winner.revision);
  }
  if (winner.volume.contains("persistentVolumeClaim")) {
    const json& claim = winner.volume["persistentVolumeClaim"];
    const std::string sub_path = claim.value("subPath", "");
    return "pvc://" + claim.value("claimName", "") + (sub_path.empty() ? "" : "/" + sub_path) + winner.model;
  }
  if (winner.volume.contains("image")) {
    if (winner.model != "/" && !winner.model.empty()) {
      return base::Invalid("LLMInferenceService: the model is at " + winner.model +
                           " in an image, and KServe serves only /models of an image");
    }
    return "oci://" + winner.volume["image"].value("reference", "");
  }
  return base::Invalid("LLMInferenceService: the model is on a node's disk (hostPath), which KServe does not serve");
}

}  // namespace

// KServe's own template starts the engine: eval "exec vllm serve /mnt/models --port 8000 ... $@", so every word is
// quoted once more. Sizes of parallelism are given as fields, which newer templates pass on, and stay among the
// arguments, which older ones need: a flag that comes twice with one value is that value.
base::Result<std::string> WriteLlmInferenceService(const Winner& winner) {
  if (winner.engine != "vllm") {
    return base::Invalid("LLMInferenceService: KServe's templates start vLLM, and the best configuration runs on " +
                         winner.engine);
  }
  const auto uri = ModelUri(winner);
  if (!uri) return uri.error();
  json container = winner.Engine();
  container["name"] = "main";
  container.erase("command");
  // Probes and ports are the template's, with TLS where the installation has it.
  for (const char* field : {"ports", "startupProbe", "readinessProbe"}) container.erase(field);
  json args = json::array();
  for (const std::string& word : winner.args) args.push_back(ShellWord(word));
  container["args"] = args;
  // The template's container is not root on a read-only root; the measured one ran as its image says.
  json& security = container["securityContext"];
  if (!security.contains("runAsNonRoot")) security["runAsNonRoot"] = false;
  if (!security.contains("readOnlyRootFilesystem")) security["readOnlyRootFilesystem"] = false;

  json pod = winner.pod;
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
  json parallelism = {{"tensor", winner.tensor}};
  if (winner.pipeline > 1) parallelism["pipeline"] = winner.pipeline;
  json spec = {{"model", {{"uri", *uri}, {"name", winner.model.starts_with('/') ? winner.name : winner.model}}},
               {"replicas", 1},
               {"parallelism", parallelism},
               {"router", {{"scheduler", json::object()}, {"route", json::object()}, {"gateway", json::object()}}},
               {"template", pod}};
  if (!winner.template_annotations.empty()) spec["annotations"] = winner.template_annotations;
  const json service = {{"apiVersion", "serving.kserve.io/v1alpha2"},
                        {"kind", "LLMInferenceService"},
                        {"metadata", {{"name", winner.name}, {"annotations", winner.annotations}}},
                        {"spec", spec}};
  return text::ToYaml(service);
}

}  // namespace autotune::deploy
