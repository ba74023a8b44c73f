// The best configuration without the parts that measured it: input of every manifest writer.
//
// A value; pure. Derived from the experiment's own pod, so the deployed configuration is the measured one: launcher,
// bench and their shared directory are removed, the engine becomes the only container, and its health endpoint becomes
// the probes.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "operator/api/autotune_task.h"
#include "operator/experiment/pod_builder.h"

namespace autotune::deploy {

struct Winner {
  std::string name;  // of the deployed objects: "<task>-best"
  std::string ns;
  std::string experiment;         // its name in the status
  std::string engine;             // "vllm"
  std::string model, revision;    // the model's idOrPath; the measured commit, else the revision of the spec
  nlohmann::json volume;          // the model's volume, or null
  std::string model_in_pod;       // as the engine's command line has it
  std::vector<std::string> argv;  // the engine's whole command line, as a manifest has it (see container_command.h)
  std::vector<std::string> args;  // its end: the tuned arguments and runtimes[].args
  nlohmann::json pod;             // spec of a pod with one container, "engine"
  nlohmann::json template_annotations;     // required by the pod, such as an engine's options file
  nlohmann::json annotations;              // description of the configuration and its measurement
  std::map<std::string, std::string> env;  // that the configuration sets for the engine
  std::string options_yaml, options_dir;
  int gpus = 1;
  std::string gpu_resource;
  int tensor = 1, pipeline = 1;
  int port = 8000;
  std::string health_path;

  [[nodiscard]] const nlohmann::json& Engine() const { return pod["containers"][0]; }
};

// "<task>-best"; a longer task's name is cut and carries a hash, so that no two tasks share one.
std::string WinnerName(const api::AutotuneTask& task);

// `measured`: the experiment's entry in the status. Its image is pinned to the digest that its node resolved.
Winner WinnerOf(const api::AutotuneTask& task, const api::ExperimentStatus& measured,
                const experiment::Experiment& winner, const experiment::Placement& placement,
                const experiment::PodEnvironment& environment);

// "vllm/vllm-openai:v0.24.0" and the kubelet's imageID give "vllm/vllm-openai:v0.24.0@sha256:..."; the image alone
// where the kubelet knows no digest of a registry.
std::string PinnedImage(const std::string& image, const std::string& image_id);

}  // namespace autotune::deploy
