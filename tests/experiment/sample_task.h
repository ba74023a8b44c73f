// The task and engines that the tests of operator/experiment vary: small, but with every field a pod needs.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "operator/api/autotune_task.h"
#include "operator/experiment/pod_builder.h"

namespace autotune::experiment {

// A valid task with `patch` merged into its spec (RFC 7386: null removes).
api::AutotuneTask SampleTask(const std::string& patch = "{}");

// The engine as its compatibility table describes it.
quant::EngineTraits SampleTraits(const std::string& engine);

// A candidate of the task's first runtime (or its baseRuntime), with quantization and one parallel size mapped.
Experiment SampleExperiment(const api::AutotuneTask& task, int gpus = 1);

PodEnvironment SampleEnvironment();

}  // namespace autotune::experiment
