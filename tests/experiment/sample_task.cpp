#include "sample_task.h"

#include <gtest/gtest.h>

namespace autotune::experiment {

using nlohmann::json;

api::AutotuneTask SampleTask(const std::string& patch) {
  json object = json::parse(R"({
    "apiVersion": "autotuner.io/v1alpha1",
    "kind": "AutotuneTask",
    "metadata": {"name": "llama", "namespace": "team-a", "uid": "6f2c5c8e-3f0a-4c59-9b7e-0d8f4f8a1b11", "generation": 1},
    "spec": {
      "model": {"idOrPath": "meta-llama/Llama-3.1-8B-Instruct"},
      "baseRuntime": "vllm",
      "quantConfig": {"preset": "kv-cache-fp8"}
    }
  })");
  object["spec"].merge_patch(json::parse(patch));
  auto task = api::TaskFromJson(object);
  if (!task) {
    ADD_FAILURE() << task.error().message;
    return {};
  }
  return *std::move(task);
}

quant::EngineTraits SampleTraits(const std::string& engine) {
  quant::EngineTraits traits;
  traits.engine = engine;
  traits.health_path = "/health";
  traits.revision_args = {"--revision", "{revision}"};
  if (engine == "vllm") {
    traits.default_image = "vllm/vllm-openai:v0.20.1";
    traits.command = {"vllm", "serve", "{model}", "--host", "{host}", "--port", "{port}"};
    traits.reserved_flags = {"host", "port", "model", "revision", "served-model-name"};
  } else if (engine == "sglang") {
    traits.default_image = "lmsysorg/sglang:v0.5.15";
    traits.command = {"python3", "-m",    "sglang.launch_server", "--model-path", "{model}", "--host", "{host}",
                      "--port",  "{port}"};
    traits.reserved_flags = {"host", "port", "model", "model-path", "revision"};
    traits.env = {{"SGLANG_ENABLE_HEALTH_ENDPOINT_GENERATION", "true"}};
  } else {
    traits.default_image = "nvcr.io/nvidia/tensorrt-llm/release:1.2.0";
    traits.command = {
        "/opt/nvidia/nvidia_entrypoint.sh", "trtllm-serve", "{model}", "--host", "{host}", "--port", "{port}"};
    traits.revision_args = {};
    traits.options_file_args = {"--extra_llm_api_options", "{file}"};
    traits.reserved_flags = {"host", "port", "model", "extra-llm-api-options", "config"};
  }
  return traits;
}

Experiment SampleExperiment(const api::AutotuneTask& task, int gpus) {
  Experiment experiment;
  experiment.hash = "3fa2c1d400112233";
  if (!task.spec.runtimes.empty()) experiment.runtime = task.spec.runtimes.front();
  if (experiment.runtime.engine.empty()) experiment.runtime.engine = task.spec.base_runtime;
  experiment.runtime.name = experiment.runtime.name.empty() ? experiment.runtime.engine : experiment.runtime.name;
  experiment.traits = SampleTraits(experiment.runtime.engine);
  if (experiment.runtime.image.empty()) experiment.runtime.image = experiment.traits.default_image;
  experiment.plan.gpus = gpus;
  if (experiment.runtime.engine == "vllm") {
    experiment.plan.args = {"--kv-cache-dtype", "fp8", "--tensor-parallel-size", std::to_string(gpus)};
  } else if (experiment.runtime.engine == "sglang") {
    experiment.plan.args = {"--kv-cache-dtype", "fp8_e4m3", "--tp-size", std::to_string(gpus)};
  } else {
    experiment.plan.args = {"--tp_size", std::to_string(gpus)};
    experiment.plan.options_yaml = "kv_cache_config:\n  dtype: fp8\n";
  }
  const auto& user = experiment.runtime.args;
  experiment.plan.args.insert(experiment.plan.args.end(), user.begin(), user.end());
  return experiment;
}

PodEnvironment SampleEnvironment() {
  PodEnvironment environment;
  environment.tools_image = "ghcr.io/autotuner/autotune:0.1.0";
  return environment;
}

}  // namespace autotune::experiment
