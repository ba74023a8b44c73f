#include "operator/deploy/target.h"
#include "text/yaml_json.h"

namespace autotune::deploy {

using nlohmann::json;

base::Result<std::string> WriteDeployment(const Winner& winner) {
  const json labels = {{"app.kubernetes.io/name", winner.name}};
  json metadata = {{"name", winner.name}, {"labels", labels}, {"annotations", winner.annotations}};
  json template_metadata = {{"labels", labels}};
  if (!winner.template_annotations.empty()) template_metadata["annotations"] = winner.template_annotations;
  const json deployment = {{"apiVersion", "apps/v1"},
                           {"kind", "Deployment"},
                           {"metadata", metadata},
                           {"spec",
                            {{"replicas", 1},
                             {"selector", {{"matchLabels", labels}}},
                             // Two engines at a time would need twice the GPUs.
                             {"strategy", {{"type", "Recreate"}}},
                             {"template", {{"metadata", template_metadata}, {"spec", winner.pod}}}}}};
  const json service = {
      {"apiVersion", "v1"},
      {"kind", "Service"},
      // Like the Deployment's: whose it is tells who may replace it.
      {"metadata", {{"name", winner.name}, {"labels", labels}, {"annotations", winner.annotations}}},
      {"spec",
       {{"selector", labels}, {"ports", json::array({{{"name", "http"}, {"port", 80}, {"targetPort", "http"}}})}}}};
  return text::ToYaml(deployment) + "---\n" + text::ToYaml(service);
}

}  // namespace autotune::deploy
