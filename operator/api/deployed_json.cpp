// What runs in the cluster beside the experiments: status.deployed, and status.recommendation with the difference from
// it.
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "operator/api/autotune_task.h"
#include "operator/api/object_reader.h"
#include "operator/api/status_json.h"

namespace autotune::api {
namespace {

constexpr std::array<std::string_view, 5> kDifferenceParts = {"Image", "Arguments", "Environment", "Resources",
                                                              "NodeSelection"};

void ReadDifference(ObjectReader& reader, Difference& out) {
  reader.Text("deployment", out.deployment);
  reader.Text("container", out.container);
  reader.Text("experiment", out.experiment);
  reader.Text("readAt", out.read_at);
  reader.Text("message", out.message);
  reader.Integer("same", out.same);
  reader.Each("lines", ObjectReader::kUnbounded, [&](ObjectReader& item) {
    Difference::Line& line = out.lines.emplace_back();
    item.Choice("part", kDifferenceParts, [&](std::size_t i) { line.part = static_cast<Difference::Part>(i); });
    item.Text("field", line.field);
    const auto read = [&](const char* key, std::optional<std::string>& value) {
      if (item.Get(key) != nullptr) item.Text(key, value.emplace());
    };
    read("running", line.running);
    read("recommended", line.recommended);
  });
}

void ReadWorkloadOf(ObjectReader& reader, ReadWorkload& out) {
  reader.Text("kind", out.ref.kind);
  reader.Text("name", out.ref.name);
  reader.Text("container", out.ref.container);
  reader.Text("readAt", out.read_at);
  reader.Text("image", out.server.image);
  reader.Texts("command", out.server.words, ObjectReader::kUnbounded);
  reader.TextMap("env", out.server.env, ObjectReader::kUnbounded);
  reader.Texts("leftOut", out.server.left_out, ObjectReader::kUnbounded);
  reader.Nested("resources", [&](ObjectReader& resources) {
    resources.TextMap("limits", out.server.limits, ObjectReader::kUnbounded);
    resources.TextMap("requests", out.server.requests, ObjectReader::kUnbounded);
  });
  reader.Texts("imagePullSecrets", out.server.pull_secrets, ObjectReader::kUnbounded);
}

json ToJson(const ReadWorkload& deployed) {
  json out = {{"kind", deployed.ref.kind}, {"name", deployed.ref.name}, {"readAt", deployed.read_at}};
  Put(out, "container", deployed.ref.container);
  Put(out, "image", deployed.server.image);
  if (!deployed.server.words.empty()) out["command"] = deployed.server.words;
  if (!deployed.server.env.empty()) out["env"] = deployed.server.env;
  if (!deployed.server.left_out.empty()) out["leftOut"] = deployed.server.left_out;
  if (!deployed.server.limits.empty()) out["resources"]["limits"] = deployed.server.limits;
  if (!deployed.server.requests.empty()) out["resources"]["requests"] = deployed.server.requests;
  if (!deployed.server.pull_secrets.empty()) out["imagePullSecrets"] = deployed.server.pull_secrets;
  return out;
}

}  // namespace

std::string_view DifferencePartName(Difference::Part part) { return kDifferenceParts[static_cast<std::size_t>(part)]; }

json ToJson(const Difference& difference) {
  json out = json::object();
  Put(out, "deployment", difference.deployment);
  Put(out, "container", difference.container);
  Put(out, "experiment", difference.experiment);
  Put(out, "readAt", difference.read_at);
  Put(out, "message", difference.message);
  Put(out, "same", static_cast<std::int64_t>(difference.same));
  for (const Difference::Line& line : difference.lines) {
    json entry = {{"part", DifferencePartName(line.part)}, {"field", line.field}};
    if (line.running) entry["running"] = *line.running;
    if (line.recommended) entry["recommended"] = *line.recommended;
    out["lines"].push_back(std::move(entry));
  }
  return out;
}

void PutDeployed(json& out, const TaskStatus& status) {
  json recommendation = json::object();
  Put(recommendation, "configMap", status.recommendation_config_map);
  if (status.difference) recommendation["difference"] = ToJson(*status.difference);
  if (!recommendation.empty()) out["recommendation"] = std::move(recommendation);
  if (status.deployed) out["deployed"] = ToJson(*status.deployed);
}

void ReadDeployed(ObjectReader& reader, TaskStatus& out) {
  reader.Nested("recommendation", [&](ObjectReader& recommendation) {
    recommendation.Text("configMap", out.recommendation_config_map);
    recommendation.Nested("difference",
                          [&](ObjectReader& difference) { ReadDifference(difference, out.difference.emplace()); });
  });
  reader.Nested("deployed", [&](ObjectReader& deployed) {
    out.deployed = ReadWorkload{};  // Clang 14 finds no default constructor in emplace()
    ReadWorkloadOf(deployed, *out.deployed);
  });
}

}  // namespace autotune::api
