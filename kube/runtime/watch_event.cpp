#include "kube/runtime/watch_event.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "base/json_text.h"

namespace kube::runtime {

namespace {

using nlohmann::json;

const json* EventMember(const json& object, const char* name) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(name);
  return found == object.end() ? nullptr : &*found;
}

std::string EventText(const json& object, const char* name) {
  const json* member = EventMember(object, name);
  return member != nullptr && member->is_string() ? member->get<std::string>() : std::string();
}

// `type` with its quotes.
std::optional<WatchEventType> EventTypeOf(std::string_view type) {
  if (type == "\"ADDED\"") return WatchEventType::kAdded;
  if (type == "\"MODIFIED\"") return WatchEventType::kModified;
  if (type == "\"DELETED\"") return WatchEventType::kDeleted;
  if (type == "\"BOOKMARK\"") return WatchEventType::kBookmark;
  return std::nullopt;
}

bool EndsInitialEvents(const json& object) {
  const json* metadata = EventMember(object, "metadata");
  const json* annotations = metadata == nullptr ? nullptr : EventMember(*metadata, "annotations");
  return annotations != nullptr && EventText(*annotations, "k8s.io/initial-events-end") == "true";
}

base::Error FromStatus(const json& status) {
  const std::string reason = EventText(status, "reason");
  base::Error error = base::Retry("watch event ERROR: " + reason + ": " + EventText(status, "message"));
  const json* code = EventMember(status, "code");
  if (code != nullptr && code->is_number_integer() && *code >= 0 && *code < 1000) error.http_status = code->get<int>();
  if (reason == "Expired" || reason == "Gone") error.http_status = 410;
  if (error.http_status == 410) error.code = base::Code::kNotFound;
  return error;
}

}  // namespace

base::Result<WatchEvent> ParseWatchEvent(std::string_view line) {
  std::string_view type, object;
  const bool whole = base::EachJsonMember(line, [&](std::string_view name, std::string_view value) {
    if (name == "type") type = value;
    if (name == "object") object = value;
  });
  const std::optional<WatchEventType> known = EventTypeOf(type);
  std::optional<ObjectMeta> meta;
  if (whole && known) meta = ReadObjectMeta(object);
  if (meta) {
    WatchEvent event{*known, object, *std::move(meta)};
    event.ends_initial_events =
        *known == WatchEventType::kBookmark && EndsInitialEvents(json::parse(object, nullptr, false));
    return event;
  }
  if (whole && type == "\"ERROR\"") {
    const json status = json::parse(object, nullptr, /*allow_exceptions=*/false);
    if (status.is_object()) return FromStatus(status);
  }
  return base::Retry("watch event could not be read: " + std::string(line.substr(0, 128)));
}

}  // namespace kube::runtime
