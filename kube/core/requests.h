// Requests to the Kubernetes API as values. Pure: a client sends them.
//
// Their deadline and body limit are the client's to set; whether they may be executed twice is known here.
#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "kube/core/http_message.h"
#include "kube/core/resource.h"

namespace kube {

struct ListOptions {
  std::string label_selector;
  std::string field_selector;
  std::string resource_version;        // "" most recent, "0" whatever the watch cache has
  std::string resource_version_match;  // "", "NotOlderThan", "Exact"
  std::string continue_token;
  std::int64_t limit = 0;  // 0: no paging
};

struct WatchOptions {
  std::string label_selector;
  std::string field_selector;
  std::string resource_version;
  std::chrono::seconds timeout{300};  // the server ends the stream then
  bool bookmarks = true;
  bool send_initial_events = false;  // WatchList: the state first, then a bookmark that marks its end
};

struct WriteOptions {
  std::string field_manager;
  bool dry_run = false;
};

enum class PatchType { kMerge, kJson };

struct PatchOptions {
  PatchType type = PatchType::kMerge;
  std::string subresource;  // "status"
  std::string field_manager;
  bool dry_run = false;
};

enum class Propagation { kBackground, kForeground, kOrphan };

struct DeleteOptions {
  std::string uid;               // precondition: kConflict when the object is another one by now
  std::string resource_version;  // precondition; "" none
  Propagation propagation = Propagation::kBackground;
  std::optional<std::int64_t> grace_period_seconds;
};

Request GetRequest(const Resource& resource, std::string_view ns, std::string_view name);
// One page of the collection.
Request ListRequest(const Resource& resource, std::string_view ns, const ListOptions& options);
Request WatchRequest(const Resource& resource, std::string_view ns, const WatchOptions& options);
// fieldValidation=Strict: the server rejects a field that it does not know, and does not drop it.
Request CreateRequest(const Resource& resource, std::string_view ns, const nlohmann::json& object,
                      const WriteOptions& options);
// PUT of a whole object with its resourceVersion; strict, too.
Request ReplaceRequest(const Resource& resource, std::string_view ns, std::string_view name,
                       const nlohmann::json& object, const WriteOptions& options);
Request PatchRequest(const Resource& resource, std::string_view ns, std::string_view name, const nlohmann::json& patch,
                     const PatchOptions& options);
Request DeleteRequest(const Resource& resource, std::string_view ns, std::string_view name,
                      const DeleteOptions& options);

// "GET /api/v1/nodes": method and path, without the query. For messages.
std::string MethodAndPath(const Request& request);

}  // namespace kube
