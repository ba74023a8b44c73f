#include "operator/reconcile/recommendation.h"

#include "base/sha256.h"
#include "operator/deploy/target.h"

namespace autotune::reconcile {
namespace {

using nlohmann::json;

std::string AboutText(const deploy::ServerSpec& server, const api::AutotuneTask& task, const std::string& left_out) {
  std::string text = "Best configuration of AutotuneTask " + task.metadata.name + "\n";
  for (const auto& [name, value] : server.annotations.items()) {
    text += name.substr(name.find('/') + 1) + ": " + value.get<std::string>() + "\n";
  }
  text += "image: " + server.Engine().value("image", "") + "\nmodel: " + server.model +
          (server.revision.empty() ? "" : " at " + server.revision) + "\n";
  return left_out.empty() ? text : text + "\nSkipped targets:\n" + left_out;
}

}  // namespace

std::string DigestOf(const json& config_map) { return base::Sha256Hex(config_map.dump()).substr(0, 16); }

json Recommendation(const api::AutotuneTask& task, const deploy::ServerSpec& best) {
  json data = json::object();
  std::string left_out;
  const auto write = [&](const deploy::Target& target) {
    auto text = target.write(best);
    if (text) {
      data[target.file] = *std::move(text);
    } else {
      left_out += text.error().message + "\n";
    }
  };
  write(*deploy::FindTarget("Command"));
  for (const std::string& name : task.spec.recommendation.targets) {
    if (const deploy::Target* target = deploy::FindTarget(name)) write(*target);
  }
  data["about.txt"] = AboutText(best, task, left_out);
  const json owner = {{"apiVersion", api::kApiVersion}, {"kind", api::kKind}, {"name", task.metadata.name},
                      {"uid", task.metadata.uid},       {"controller", true}, {"blockOwnerDeletion", true}};
  return {{"apiVersion", "v1"},
          {"kind", "ConfigMap"},
          {"metadata",
           {{"name", best.name},
            {"namespace", task.metadata.ns},
            {"labels", {{experiment::kManagedByLabel, experiment::kManagedByValue}}},
            {"ownerReferences", json::array({owner})}}},
          {"data", data}};
}

}  // namespace autotune::reconcile
