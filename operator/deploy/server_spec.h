// Server to deploy: a measured configuration without the parts for its measurement. Input of every manifest writer.
//
// A value; pure. Derived from the experiment's own pod, so the deployed configuration equals the measured one:
// launcher, load generator and their shared directory are removed, the engine becomes the only container, and its
// health endpoint is used for the probes.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "operator/api/autotune_task.h"
#include "operator/experiment/pod_builder.h"

namespace autotune::deploy {

struct ServerSpec {
  std::string name;  // name of the deployed objects: "<task>-best"
  std::string ns;
  std::string experiment;                  // name of the experiment in the status
  std::string engine;                      // "vllm"
  std::string model, revision;             // the model's idOrPath; the measured commit, else the revision in the spec
  nlohmann::json volume;                   // the model's volume, or null
  std::string model_in_pod;                // as in the engine's command line
  std::vector<std::string> argv;           // the engine's command line, escaped for a manifest (container_command.h)
  std::vector<std::string> args;           // the end of argv: tuned arguments and runtimes[].args
  nlohmann::json pod;                      // spec of a pod with one container, "engine"
  nlohmann::json template_annotations;     // annotations that the pod needs, such as an engine's options file
  nlohmann::json annotations;              // description of the configuration and its measurement
  std::map<std::string, std::string> env;  // variables that the configuration sets for the engine
  std::string options_yaml, options_dir;
  int gpus = 1;
  std::string gpu_resource;
  int tensor = 1, pipeline = 1;
  int port = 8000;
  std::string health_path;

  [[nodiscard]] const nlohmann::json& Engine() const { return pod["containers"][0]; }
};

// "<task>-best". The name of a longer task is cut and gets a hash, so names are unique.
std::string ServerName(const api::AutotuneTask& task);

// `measured`: the experiment's entry in the status. The image is pinned to the digest that its node resolved.
ServerSpec ServerSpecOf(const api::AutotuneTask& task, const api::ExperimentStatus& measured,
                        const experiment::Experiment& server, const experiment::Placement& placement,
                        const experiment::PodEnvironment& environment);

// "vllm/vllm-openai:v0.24.0" and the kubelet's imageID give "vllm/vllm-openai:v0.24.0@sha256:..."; the image alone if
// the kubelet reports no registry digest.
std::string PinnedImage(const std::string& image, const std::string& image_id);

}  // namespace autotune::deploy
