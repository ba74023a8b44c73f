#include "operator/deploy/target.h"
#include "text/yaml_json.h"

namespace autotune::deploy {

using nlohmann::json;

base::Result<std::string> WriteDeployment(const ServerSpec& server) {
  const json labels = {{"app.kubernetes.io/name", server.name}};
  json metadata = {{"name", server.name}, {"labels", labels}, {"annotations", server.annotations}};
  json template_metadata = {{"labels", labels}};
  if (!server.template_annotations.empty()) template_metadata["annotations"] = server.template_annotations;
  const json deployment = {{"apiVersion", "apps/v1"},
                           {"kind", "Deployment"},
                           {"metadata", metadata},
                           {"spec",
                            {{"replicas", 1},
                             {"selector", {{"matchLabels", labels}}},
                             // Two engines at a time would need twice the GPUs.
                             {"strategy", {{"type", "Recreate"}}},
                             {"template", {{"metadata", template_metadata}, {"spec", server.pod}}}}}};
  const json service = {
      {"apiVersion", "v1"},
      {"kind", "Service"},
      // Like the Deployment's: whose it is tells who may replace it.
      {"metadata", {{"name", server.name}, {"labels", labels}, {"annotations", server.annotations}}},
      {"spec",
       {{"selector", labels}, {"ports", json::array({{{"name", "http"}, {"port", 80}, {"targetPort", "http"}}})}}}};
  return text::ToYaml(deployment) + "---\n" + text::ToYaml(service);
}

}  // namespace autotune::deploy
