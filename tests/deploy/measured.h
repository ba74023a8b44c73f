// A best configuration whose arguments try every quoting.
#pragma once

#include <nlohmann/json.hpp>

#include "operator/deploy/server_spec.h"

namespace autotune::deploy {

inline const std::vector<std::string> kTuned = {"--tensor-parallel-size",
                                                "2",
                                                "--compilation-config",
                                                R"({"mode": 3, "x": ["a b", "it's"]})",
                                                "--chat-template",
                                                "$$(HOME) `id` $(NOT_SET) * ?",
                                                "--empty",
                                                "",
                                                "--max-num-seqs",
                                                "512"};

inline api::AutotuneTask TaskOf(const nlohmann::json& model, const std::string& engine = "vllm") {
  const auto task = api::TaskFromJson({{"apiVersion", "autotuner.io/v1alpha1"},
                                       {"kind", "AutotuneTask"},
                                       {"metadata", {{"name", "llama"}, {"namespace", "ml"}, {"uid", "u-1"}}},
                                       {"spec", {{"baseRuntime", engine}, {"model", model}}}});
  return *task;
}

inline ServerSpec Measured(const nlohmann::json& model = {{"idOrPath", "org/model"}},
                           const std::string& engine = "vllm") {
  api::ExperimentStatus status;
  status.name = "e2-bbbbbb";
  status.hash = "0123456789abcdef";
  status.score = "1413";
  status.quant.name = "kv-cache-fp8";
  status.image_id = "docker.io/vllm/vllm-openai@sha256:" + std::string(64, 'a');
  experiment::Experiment experiment;
  experiment.runtime.name = experiment.runtime.engine = engine;
  experiment.runtime.image = "vllm/vllm-openai:v0.24.0";
  experiment.traits.engine = engine;
  experiment.traits.health_path = "/health";
  experiment.traits.command = {"vllm", "serve", "{model}", "--host", "{host}", "--port", "{port}"};
  experiment.plan.args = kTuned;
  experiment.plan.gpus = 2;
  experiment.plan.env = {{"VLLM_USE_X", "1 2"}};
  return ServerSpecOf(TaskOf(model, engine), status, experiment, {}, {});
}

}  // namespace autotune::deploy
