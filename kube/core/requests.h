// Requests to the Kubernetes API as values. Pure; kube/client sends them.
//
// The client sets the deadline and the body limit; these functions set `idempotent`.
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
  std::string resource_version;        // "" = most recent; "0" = any state of the watch cache
  std::string resource_version_match;  // "", "NotOlderThan", "Exact"
  std::string continue_token;
  std::int64_t limit = 0;  // 0: no paging
};

struct WatchOptions {
  std::string label_selector;
  std::string field_selector;
  std::string resource_version;
  std::chrono::seconds timeout{300};  // the server ends the stream after this time
  bool bookmarks = true;
  bool send_initial_events = false;  // WatchList: sends the state first, then a bookmark that marks its end
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
  std::string uid;               // precondition: kConflict if the object was replaced by another one
  std::string resource_version;  // precondition; "" none
  Propagation propagation = Propagation::kBackground;
  std::optional<std::int64_t> grace_period_seconds;
};

Request GetRequest(const Resource& resource, std::string_view ns, std::string_view name);
// One page of the collection.
Request ListRequest(const Resource& resource, std::string_view ns, const ListOptions& options);
Request WatchRequest(const Resource& resource, std::string_view ns, const WatchOptions& options);
// Uses fieldValidation=Strict: the server rejects unknown fields instead of dropping them.
Request CreateRequest(const Resource& resource, std::string_view ns, const nlohmann::json& object,
                      const WriteOptions& options);
// PUT of a whole object, including its resourceVersion. Also strict.
Request ReplaceRequest(const Resource& resource, std::string_view ns, std::string_view name,
                       const nlohmann::json& object, const WriteOptions& options);
Request PatchRequest(const Resource& resource, std::string_view ns, std::string_view name, const nlohmann::json& patch,
                     const PatchOptions& options);
Request DeleteRequest(const Resource& resource, std::string_view ns, std::string_view name,
                      const DeleteOptions& options);

// "GET /api/v1/nodes": method and path, without the query. For messages.
std::string MethodAndPath(const Request& request);

}  // namespace kube
