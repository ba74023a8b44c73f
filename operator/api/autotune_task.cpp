#include "operator/api/autotune_task.h"

#include <utility>

#include "operator/api/object_reader.h"
#include "operator/api/task_json.h"

namespace autotune::api {

base::Result<AutotuneTask> TaskFromJson(const json& object) {
  AutotuneTask task;
  std::optional<base::Error> error;
  ObjectReader reader(object, "", error, ObjectReader::Unknown::kRefuse);
  std::string api_version, kind;
  reader.Text("apiVersion", api_version);
  reader.Text("kind", kind);
  if (!error && api_version != kApiVersion) {
    reader.Fail("apiVersion", "\"" + api_version + "\" is not " + kApiVersion);
  }
  if (!error && kind != kKind) reader.Fail("kind", "\"" + kind + "\" is not " + kKind);

  // The server's own fields (managedFields, ...) are not looked at.
  static const json kNone = json::object();
  const json* metadata = reader.Get("metadata");
  ObjectReader meta(metadata == nullptr ? kNone : *metadata, "metadata", error, ObjectReader::Unknown::kIgnore);
  meta.Text("name", task.metadata.name, ObjectReader::Presence::kRequired);
  meta.Text("namespace", task.metadata.ns);
  meta.Text("uid", task.metadata.uid);
  meta.Text("resourceVersion", task.metadata.resource_version);
  meta.Integer("generation", task.metadata.generation);
  meta.Text("creationTimestamp", task.metadata.creation_timestamp);
  task.metadata.deleting = meta.Get("deletionTimestamp") != nullptr;

  const json* spec = reader.Get("spec");
  const json* status = reader.Get("status");
  if (!error && spec == nullptr) reader.Fail("spec", "is required");
  reader.Finish();
  if (error) return *std::move(error);

  auto parsed_spec = SpecFromJson(*spec);
  if (!parsed_spec) return std::move(parsed_spec).error();
  task.spec = *std::move(parsed_spec);
  if (status != nullptr) {
    auto parsed_status = StatusFromJson(*status);
    if (!parsed_status) return std::move(parsed_status).error();
    task.status = *std::move(parsed_status);
  }
  return task;
}

json ToJson(const AutotuneTask& task) {
  json metadata = {{"name", task.metadata.name}};
  const auto put = [&](const char* key, const std::string& value) {
    if (!value.empty()) metadata[key] = value;
  };
  put("namespace", task.metadata.ns);
  put("uid", task.metadata.uid);
  put("resourceVersion", task.metadata.resource_version);
  put("creationTimestamp", task.metadata.creation_timestamp);
  if (task.metadata.generation != 0) metadata["generation"] = task.metadata.generation;
  return {{"apiVersion", kApiVersion},
          {"kind", kKind},
          {"metadata", std::move(metadata)},
          {"spec", ToJson(task.spec)},
          {"status", ToJson(task.status)}};
}

}  // namespace autotune::api
