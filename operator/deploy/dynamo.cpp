#include "operator/deploy/target.h"
#include "text/yaml_json.h"

namespace autotune::deploy {
namespace {

using nlohmann::json;

// The release of Dynamo's runtime images that the manifest names; they carry an engine release of their own.
constexpr const char* kRelease = "1.3.1";

struct Backend {
  const char *engine, *framework, *module, *image, *model_flag;
};
constexpr Backend kBackends[] = {
    {"vllm", "vllm", "dynamo.vllm", "nvcr.io/nvidia/ai-dynamo/vllm-runtime", "--model"},
    {"sglang", "sglang", "dynamo.sglang", "nvcr.io/nvidia/ai-dynamo/sglang-runtime", "--model-path"},
};

const Backend* BackendOf(const std::string& engine) {
  for (const Backend& backend : kBackends) {
    if (engine == backend.engine) return &backend;
  }
  return nullptr;
}

}  // namespace

// Dynamo starts the engine inside its own worker, from its own runtime image: the arguments are the measured ones, the
// engine's release is that of the image.
base::Result<std::string> WriteDynamo(const ServerSpec& server) {
  const Backend* backend = BackendOf(server.engine);
  if (backend == nullptr) {
    return base::Invalid("DynamoGraphDeployment: Dynamo's worker accepts no options file of " + server.engine);
  }
  const std::string image = std::string(backend->image) + ":" + kRelease;
  json container = server.Engine();
  const std::string measured = container.value("image", "");
  container["name"] = "main";
  container["image"] = image;
  container["command"] = {"python3", "-m", backend->module};
  json args = {backend->model_flag, server.model_in_pod};
  if (!server.revision.empty()) {
    args.push_back("--revision");
    args.push_back(server.revision);
  }
  for (const std::string& word : server.args) args.push_back(word);
  container["args"] = args;
  // Probes and ports are the operator's.
  for (const char* field : {"ports", "startupProbe", "readinessProbe"}) container.erase(field);
  json pod = server.pod;
  pod["containers"] = json::array({container});
  json worker_template = {{"spec", pod}};
  if (!server.template_annotations.empty())
    worker_template["metadata"] = {{"annotations", server.template_annotations}};
  json annotations = server.annotations;
  annotations["autotuner.io/measured-image"] = measured;
  const json frontend = {
      {"name", "Frontend"},
      {"type", "frontend"},
      {"replicas", 1},
      {"podTemplate", {{"spec", {{"containers", json::array({{{"name", "main"}, {"image", image}}})}}}}}};
  const json worker = {{"name", "Worker"}, {"type", "worker"}, {"replicas", 1}, {"podTemplate", worker_template}};
  const json graph = {
      {"apiVersion", "nvidia.com/v1beta1"},
      {"kind", "DynamoGraphDeployment"},
      {"metadata", {{"name", server.name}, {"annotations", annotations}}},
      {"spec", {{"backendFramework", backend->framework}, {"components", json::array({frontend, worker})}}}};
  return "# Dynamo's images contain an engine release each: choose the image with the measured release,\n# " +
         measured + ".\n" + text::ToYaml(graph);
}

}  // namespace autotune::deploy
