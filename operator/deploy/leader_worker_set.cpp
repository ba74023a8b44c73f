#include "operator/deploy/target.h"
#include "text/yaml_json.h"

namespace autotune::deploy {

using nlohmann::json;

// One pod a group, as it was measured: the group is what is scaled, and grows to several nodes by its `size`.
base::Result<std::string> WriteLeaderWorkerSet(const Winner& winner) {
  const json labels = {{"app.kubernetes.io/name", winner.name}};
  json worker_metadata = {{"labels", labels}};
  if (!winner.template_annotations.empty()) worker_metadata["annotations"] = winner.template_annotations;
  const json set = {{"apiVersion", "leaderworkerset.x-k8s.io/v1"},
                    {"kind", "LeaderWorkerSet"},
                    {"metadata", {{"name", winner.name}, {"labels", labels}, {"annotations", winner.annotations}}},
                    {"spec",
                     {{"replicas", 1},
                      {"leaderWorkerTemplate",
                       {{"size", 1},
                        {"restartPolicy", "RecreateGroupOnPodRestart"},
                        {"workerTemplate", {{"metadata", worker_metadata}, {"spec", winner.pod}}}}}}}};
  return text::ToYaml(set);
}

}  // namespace autotune::deploy
