#include "operator/deploy/target.h"
#include "text/yaml_json.h"

namespace autotune::deploy {

using nlohmann::json;

// One pod a group, as it was measured: the group is what is scaled, and grows to several nodes by its `size`.
base::Result<std::string> WriteLeaderWorkerSet(const ServerSpec& server) {
  const json labels = {{"app.kubernetes.io/name", server.name}};
  json worker_metadata = {{"labels", labels}};
  if (!server.template_annotations.empty()) worker_metadata["annotations"] = server.template_annotations;
  const json set = {{"apiVersion", "leaderworkerset.x-k8s.io/v1"},
                    {"kind", "LeaderWorkerSet"},
                    {"metadata", {{"name", server.name}, {"labels", labels}, {"annotations", server.annotations}}},
                    {"spec",
                     {{"replicas", 1},
                      {"leaderWorkerTemplate",
                       {{"size", 1},
                        {"restartPolicy", "RecreateGroupOnPodRestart"},
                        {"workerTemplate", {{"metadata", worker_metadata}, {"spec", server.pod}}}}}}}};
  return text::ToYaml(set);
}

}  // namespace autotune::deploy
