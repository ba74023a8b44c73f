// Input of the engine model from the settings of a start. Pure.
#pragma once

#include "engine_model/deployment.h"
#include "simulator/engine_settings.h"

namespace autotune::simulator {

engine_model::GpuSpec SpecOf(const Gpu& gpu);
engine_model::ModelShape ShapeOf(const ModelShape& shape);
engine_model::Deployment DeploymentOf(const EngineSettings& settings);

}  // namespace autotune::simulator
