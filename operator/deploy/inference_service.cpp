#include "operator/deploy/target.h"
#include "text/yaml_json.h"

namespace autotune::deploy {

using nlohmann::json;

// KServe's InferenceService with a container of its own. Its runtime for vLLM starts the engine with an unquoted $@ and
// a model path of its own; a custom container runs the command line that was measured.
base::Result<std::string> WriteInferenceService(const ServerSpec& server) {
  json predictor = server.pod;
  json& container = predictor["containers"][0];
  container["name"] = "kserve-container";
  predictor["minReplicas"] = 1;
  predictor["maxReplicas"] = 1;
  if (!server.template_annotations.empty()) predictor["annotations"] = server.template_annotations;
  json annotations = server.annotations;
  // Without Knative: GPUs are not scaled to zero, and probes of a port name are allowed.
  annotations["serving.kserve.io/deploymentMode"] = "RawDeployment";
  annotations["serving.kserve.io/autoscalerClass"] = "none";
  const json service = {{"apiVersion", "serving.kserve.io/v1beta1"},
                        {"kind", "InferenceService"},
                        {"metadata", {{"name", server.name}, {"annotations", annotations}}},
                        {"spec", {{"predictor", predictor}}}};
  return text::ToYaml(service);
}

}  // namespace autotune::deploy
