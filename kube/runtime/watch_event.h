// WatchEvent: one line of a watch stream, parsed only as far as a reflector needs. The object stays text; a cache
// parses what it keeps.
//
// Pure. Every line gives an event or an error, even if it comes from a proxy or is truncated.
#pragma once

#include <string_view>

#include "base/result.h"
#include "kube/runtime/object_key.h"

namespace kube::runtime {

enum class WatchEventType { kAdded, kModified, kDeleted, kBookmark };

struct WatchEvent {
  WatchEventType type = WatchEventType::kBookmark;
  std::string_view object;  // JSON, a part of the line
  ObjectMeta meta;          // metadata of `object`
  // True for the bookmark that ends the initial events of a WatchList (KEP-3157).
  bool ends_initial_events = false;
};

// kRetry if the line is not an event, or the object's metadata cannot be parsed. An ERROR event becomes the
// error of the same Status over HTTP: kNotFound with http_status 410 if the version is gone, otherwise
// kRetry.
base::Result<WatchEvent> ParseWatchEvent(std::string_view line);

}  // namespace kube::runtime
