#include "operator/deploy/target.h"

#include <algorithm>
#include <array>

#include "base/ascii_case.h"

namespace autotune::deploy {
namespace {

constexpr std::array<Target, 8> kTargets = {{
    {"Deployment", "deployment.yaml", "kubectl apply -f -", WriteDeployment},
    {"LLMInferenceService", "llm-inference-service.yaml", "kubectl apply -f -", WriteLlmInferenceService},
    {"InferenceService", "inference-service.yaml", "kubectl apply -f -", WriteInferenceService},
    {"LLMD", "kustomization.yaml", "save it as kustomization.yaml, then kubectl apply -k .", WriteLlmD},
    {"DynamoGraphDeployment", "dynamo-graph-deployment.yaml", "kubectl apply -f -", WriteDynamo},
    {"LeaderWorkerSet", "leader-worker-set.yaml", "kubectl apply -f -", WriteLeaderWorkerSet},
    {"Command", "command.txt", "sh", WriteServeCommand},
    {"DockerCompose", "compose.yaml", "docker compose -f - up", WriteDockerCompose},
}};

}  // namespace

std::span<const Target> Targets() { return kTargets; }

const Target* FindTarget(std::string_view name) {
  const auto found = std::find_if(kTargets.begin(), kTargets.end(),
                                  [&](const Target& target) { return base::EqualIgnoringCase(target.name, name); });
  return found == kTargets.end() ? nullptr : &*found;
}

}  // namespace autotune::deploy
