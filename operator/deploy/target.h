// Serving stacks for the best configuration: a table of manifest writers. Pure.
//
// Each writer returns one file that is ready to apply and starts the engine with the measured arguments; or a one-line
// error if the stack cannot run this configuration. docs/using-the-result.md describes them.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "operator/deploy/server_spec.h"

namespace autotune::deploy {

struct Target {
  const char* name;   // spec.recommendation.targets: "LLMInferenceService"
  const char* file;   // key in the ConfigMap: "llm-inference-service.yaml"
  const char* apply;  // the command that reads the file from standard input, or an instruction
  base::Result<std::string> (*write)(const ServerSpec& server);  // kInvalid, with the reason: the stack cannot run it
};

std::span<const Target> Targets();
// Ignores case; null if there is none.
const Target* FindTarget(std::string_view name);

// The writers, each in a file of its own.
base::Result<std::string> WriteDeployment(const ServerSpec& server);
base::Result<std::string> WriteLlmInferenceService(const ServerSpec& server);
base::Result<std::string> WriteInferenceService(const ServerSpec& server);
base::Result<std::string> WriteLlmD(const ServerSpec& server);
base::Result<std::string> WriteDynamo(const ServerSpec& server);
base::Result<std::string> WriteLeaderWorkerSet(const ServerSpec& server);
base::Result<std::string> WriteServeCommand(const ServerSpec& server);
base::Result<std::string> WriteDockerCompose(const ServerSpec& server);

}  // namespace autotune::deploy
