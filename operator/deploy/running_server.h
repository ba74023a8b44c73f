// A server that people run today: of a command line that they paste, or of a workload's container. Pure.
//
// Read without a shell and without a cluster: what only those know (variables, files, other commands of a script) is
// refused by name. Secrets stay where they are.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "operator/api/autotune_task.h"

namespace autotune::deploy {

// "VLLM_X=1 vllm serve M --max-num-seqs 128", or a docker run line. kInvalid says what of it cannot be read.
base::Result<api::DeployedServer> ReadPastedCommand(std::string_view line);

// The container of a Deployment, LeaderWorkerSet or LLMInferenceService that an API server gave. `ref.container` empty:
// the only one, else the only one with `gpu_resource`. Returns the container's name, too. kInvalid: it has several that
// may serve the model, its command is more than words, or it serves on several nodes.
struct RunningContainer {
  std::string container;
  api::DeployedServer server;
};
base::Result<RunningContainer> ReadWorkloadContainer(const nlohmann::json& workload, const api::WorkloadRef& ref,
                                                     const std::string& gpu_resource);

// What a kind of api::kWorkloadKinds is served as, the newest version first.
struct ServedAs {
  std::string group, version, plural;
};
std::vector<ServedAs> WorkloadApis(const std::string& kind);

// How an engine is started: which one, and how many of the words say so. Engine "" = the words name no program of one.
struct EngineStart {
  std::string engine;
  std::size_t words = 0;
};
EngineStart EngineStartOf(const std::vector<std::string>& words);

}  // namespace autotune::deploy
