// WatchEvent: one line of a watch stream, read as far as a reflector needs it. The object stays text: a cache decides
// what of it is worth parsing.
//
// Pure. Every line of an API server, a proxy or a truncated connection gives an event or an error.
#pragma once

#include <string_view>

#include "base/result.h"
#include "kube/runtime/object_key.h"

namespace kube::runtime {

enum class WatchEventType { kAdded, kModified, kDeleted, kBookmark };

struct WatchEvent {
  WatchEventType type = WatchEventType::kBookmark;
  std::string_view object;  // JSON, a part of the line
  ObjectMeta meta;          // its metadata
  // A bookmark after which the initial events of a WatchList are complete (KEP-3157).
  bool ends_initial_events = false;
};

// kRetry for a line that is not an event, or whose object has metadata that cannot be parsed. An ERROR event is the
// error that the same Status over HTTP would be: kNotFound with http_status 410 where the version is gone, kRetry
// otherwise.
base::Result<WatchEvent> ParseWatchEvent(std::string_view line);

}  // namespace kube::runtime
