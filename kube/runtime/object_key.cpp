#include "kube/runtime/object_key.h"

#include <charconv>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/json_text.h"

namespace kube::runtime {

namespace {

using nlohmann::json;

std::string Text(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::optional<std::uint64_t> AsInteger(const std::string& version) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(version.data(), version.data() + version.size(), value);
  if (error != std::errc() || end != version.data() + version.size()) return std::nullopt;
  return value;
}

ObjectMeta MetaOf(const json& metadata) {
  ObjectMeta meta;
  if (!metadata.is_object()) return meta;
  meta.key = {Text(metadata, "namespace"), Text(metadata, "name")};
  meta.uid = Text(metadata, "uid");
  meta.resource_version = Text(metadata, "resourceVersion");
  meta.deleting = !Text(metadata, "deletionTimestamp").empty();
  const auto owners = metadata.find("ownerReferences");
  if (owners == metadata.end() || !owners->is_array()) return meta;
  for (const json& owner : *owners) {
    if (!owner.is_object()) continue;
    const auto controller = owner.find("controller");
    if (controller == owner.end() || !controller->is_boolean() || !controller->get<bool>()) continue;
    meta.owner_uid = Text(owner, "uid");
    meta.owner_kind = Text(owner, "kind");
    meta.owner_name = Text(owner, "name");
    break;  // at most one owner is the controller
  }
  return meta;
}

}  // namespace

ObjectMeta ReadObjectMeta(const json& object) {
  if (!object.is_object()) return {};
  const auto metadata = object.find("metadata");
  return metadata == object.end() ? ObjectMeta() : MetaOf(*metadata);
}

std::optional<ObjectMeta> ReadObjectMeta(std::string_view object) {
  // The larger part of many objects' metadata, and not read.
  static const base::JsonPaths kUnread = {"managedFields", "annotations", "labels"};
  const std::optional<std::string_view> found = base::FirstJsonMember(object, "metadata");
  if (!found) return base::EachJsonMember(object, [](auto, auto) {}) ? std::optional(ObjectMeta()) : std::nullopt;
  const std::optional<std::string> metadata = base::WithoutJsonMembers(*found, kUnread);
  if (!metadata) return std::nullopt;
  const json parsed = json::parse(*metadata, nullptr, /*allow_exceptions=*/false);
  if (parsed.is_discarded()) return std::nullopt;
  return MetaOf(parsed);
}

bool ReachedVersion(const std::string& have, const std::string& want) {
  const std::optional<std::uint64_t> a = AsInteger(have);
  const std::optional<std::uint64_t> b = AsInteger(want);
  return a && b ? *a >= *b : have == want;
}

bool OlderVersion(const std::string& candidate, const std::string& reference) {
  const std::optional<std::uint64_t> a = AsInteger(candidate);
  const std::optional<std::uint64_t> b = AsInteger(reference);
  return a && b && *a < *b;
}

}  // namespace kube::runtime
