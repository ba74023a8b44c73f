#include <algorithm>

#include "operator/deploy/target.h"
#include "text/yaml_json.h"

namespace autotune::deploy {
namespace {

using nlohmann::json;

constexpr const char* kBase =
    "https://github.com/llm-d/llm-d//guides/recipes/modelserver/base/single-host/default?ref=main";

// A label's value: letters, digits, - _ . within, at most 63.
std::string LabelValue(const std::string& text) {
  std::string value = text.substr(text.rfind('/') == std::string::npos ? 0 : text.rfind('/') + 1);
  for (char& c : value) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_';
    if (!plain) c = '-';
  }
  value.resize(std::min<std::size_t>(value.size(), 63));
  const auto edge = [](char c) { return c == '-' || c == '.' || c == '_'; };
  while (!value.empty() && edge(value.back())) value.pop_back();
  value.erase(0, static_cast<std::size_t>(std::find_if_not(value.begin(), value.end(), edge) - value.begin()));
  return value.empty() ? "model" : value;
}

}  // namespace

// A Kustomize overlay on llm-d's single-host model server: its Deployment `decode`, container `modelserver`. Command
// and arguments are both given, since a patch without one of them keeps the base's.
base::Result<std::string> WriteLlmD(const ServerSpec& server) {
  json container = server.Engine();
  container["name"] = "modelserver";
  container["command"] = json::array({server.argv.front()});
  container["args"] = std::vector<std::string>(server.argv.begin() + 1, server.argv.end());
  // The base probes by the name of its own port.
  for (const char* field : {"ports", "startupProbe", "readinessProbe"}) container.erase(field);
  json pod = server.pod;
  pod["containers"] = json::array({container});
  json pod_template = {{"spec", pod}};
  if (!server.template_annotations.empty()) pod_template["metadata"] = {{"annotations", server.template_annotations}};
  const json patch = {{"apiVersion", "apps/v1"},
                      {"kind", "Deployment"},
                      {"metadata", {{"name", "decode"}, {"annotations", server.annotations}}},
                      {"spec", {{"replicas", 1}, {"template", pod_template}}}};
  const std::string vendor = server.gpu_resource.starts_with("amd.com") ? "amd" : "nvidia";
  const json labels = {{"llm-d.ai/model", LabelValue(server.model)},
                       {"llm-d.ai/guide", server.name},
                       {"llm-d.ai/accelerator-vendor", vendor}};
  const json overlay = {
      {"apiVersion", "kustomize.config.k8s.io/v1beta1"},
      {"kind", "Kustomization"},
      {"resources", json::array({kBase})},
      {"namePrefix", server.name + "-"},
      {"labels", json::array({{{"pairs", labels}, {"includeSelectors", true}, {"includeTemplates", true}}})},
      {"patches", json::array({{{"patch", text::ToYaml(patch)}}})}};
  return text::ToYaml(overlay);
}

}  // namespace autotune::deploy
