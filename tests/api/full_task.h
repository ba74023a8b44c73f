// A task with every field of spec and status set, and none to its default. One style of quantConfig and one of
// baseRuntime/runtimes at a time, so the spec comes in variants.
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

namespace autotune::api {

std::vector<nlohmann::json> FullSpecs();
nlohmann::json FullStatus();
// The same with several checkpoints.
nlohmann::json StatusOfCheckpoints();
// The same with types of GPU.
nlohmann::json StatusOfGpuTypes();
nlohmann::json TaskObject(const nlohmann::json& spec);

}  // namespace autotune::api
