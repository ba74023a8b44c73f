// Reads the configuration of a running server from a pasted command line or from a workload's container. Pure.
//
// Works without a shell and a cluster: variables, files and further commands of a script are rejected by name. Secrets
// are not copied.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "operator/api/autotune_task.h"

namespace autotune::deploy {

// Parses "VLLM_X=1 vllm serve M --max-num-seqs 128" or a docker run line. kInvalid names the unsupported
// part.
base::Result<api::DeployedServer> ReadPastedCommand(std::string_view line);

// The host path from which a pasted docker run mounts `path` of its container; "" = none.
std::string SourceOf(const api::DeployedServer& server, const std::string& path);

// Returns the name and configuration of the container that serves the model in a Deployment, LeaderWorkerSet or
// LLMInferenceService. If `ref.container` is empty: the only container, else the only one with `gpu_resource`.
// kInvalid: several containers are possible, the command requires a shell, or the workload serves on several nodes.
struct RunningContainer {
  std::string container;
  api::DeployedServer server;
};
base::Result<RunningContainer> ReadWorkloadContainer(const nlohmann::json& workload, const api::WorkloadRef& ref,
                                                     const std::string& gpu_resource);

// API versions of a kind of api::kWorkloadKinds, newest first.
struct ServedAs {
  std::string group, version, plural;
};
std::vector<ServedAs> WorkloadApis(const std::string& kind);

// The engine that a command starts, and the number of words of its program. Engine "" = not the command of an
// engine.
struct EngineStart {
  std::string engine;
  std::size_t words = 0;
  bool dynamo = false;  // a worker of NVIDIA Dynamo: accepts the engine's flags and those of IsDynamoFlag()
};
EngineStart EngineStartOf(const std::vector<std::string>& words);

}  // namespace autotune::deploy
