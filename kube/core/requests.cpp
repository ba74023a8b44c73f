#include "kube/core/requests.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace kube {

namespace {

using nlohmann::json;

class Query {
 public:
  void Add(std::string_view name, std::string_view value) {
    text_ += text_.empty() ? '?' : '&';
    text_.append(name).append("=").append(PercentEncode(value));
  }
  void AddIfSet(std::string_view name, std::string_view value) {
    if (!value.empty()) Add(name, value);
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

Request ReadOf(std::string target) {
  Request request;
  request.target = std::move(target);
  request.headers.Add("Accept", "application/json");
  return request;
}

Request WriteOf(const char* method, std::string target, const char* content_type, const json& body) {
  Request request;
  request.method = method;
  request.target = std::move(target);
  request.headers = {{"Accept", "application/json"}, {"Content-Type", content_type}};
  request.body = body.dump(-1, ' ', false, json::error_handler_t::replace);
  return request;
}

// Of a write of a whole object.
std::string StrictQuery(const WriteOptions& options) {
  Query query;
  query.Add("fieldValidation", "Strict");
  query.AddIfSet("fieldManager", options.field_manager);
  if (options.dry_run) query.Add("dryRun", "All");
  return query.text();
}

const char* PolicyName(Propagation propagation) {
  switch (propagation) {
    case Propagation::kBackground:
      return "Background";
    case Propagation::kForeground:
      return "Foreground";
    case Propagation::kOrphan:
      return "Orphan";
  }
  return "";
}

}  // namespace

Request GetRequest(const Resource& resource, std::string_view ns, std::string_view name) {
  Request request = ReadOf(ResourcePath(resource, ns, name));
  request.idempotent = true;
  return request;
}

Request ListRequest(const Resource& resource, std::string_view ns, const ListOptions& options) {
  Query query;
  query.AddIfSet("labelSelector", options.label_selector);
  query.AddIfSet("fieldSelector", options.field_selector);
  query.AddIfSet("resourceVersion", options.resource_version);
  query.AddIfSet("resourceVersionMatch", options.resource_version_match);
  query.AddIfSet("continue", options.continue_token);
  if (options.limit > 0) query.Add("limit", std::to_string(options.limit));
  Request request = ReadOf(ResourcePath(resource, ns) + query.text());
  request.idempotent = true;
  return request;
}

Request WatchRequest(const Resource& resource, std::string_view ns, const WatchOptions& options) {
  Query query;
  query.Add("watch", "1");
  query.AddIfSet("labelSelector", options.label_selector);
  query.AddIfSet("fieldSelector", options.field_selector);
  query.AddIfSet("resourceVersion", options.resource_version);
  if (options.bookmarks) query.Add("allowWatchBookmarks", "true");
  if (options.send_initial_events) {
    query.Add("sendInitialEvents", "true");
    query.Add("resourceVersionMatch", "NotOlderThan");
  }
  query.Add("timeoutSeconds", std::to_string(options.timeout.count()));
  return ReadOf(ResourcePath(resource, ns) + query.text());
}

Request CreateRequest(const Resource& resource, std::string_view ns, const json& object, const WriteOptions& options) {
  return WriteOf("POST", ResourcePath(resource, ns) + StrictQuery(options), "application/json", object);
}

Request ReplaceRequest(const Resource& resource, std::string_view ns, std::string_view name, const json& object,
                       const WriteOptions& options) {
  Request request = WriteOf("PUT", ResourcePath(resource, ns, name) + StrictQuery(options), "application/json", object);
  request.idempotent = true;  // carries a resourceVersion: the second one conflicts instead of doing it twice
  return request;
}

Request PatchRequest(const Resource& resource, std::string_view ns, std::string_view name, const json& patch,
                     const PatchOptions& options) {
  Query query;
  query.AddIfSet("fieldManager", options.field_manager);
  if (options.dry_run) query.Add("dryRun", "All");
  const bool merge = options.type == PatchType::kMerge;
  Request request = WriteOf("PATCH", ResourcePath(resource, ns, name, options.subresource) + query.text(),
                            merge ? "application/merge-patch+json" : "application/json-patch+json", patch);
  request.idempotent = merge;
  return request;
}

Request DeleteRequest(const Resource& resource, std::string_view ns, std::string_view name,
                      const DeleteOptions& options) {
  json body = {{"apiVersion", "v1"}, {"kind", "DeleteOptions"}, {"propagationPolicy", PolicyName(options.propagation)}};
  if (!options.uid.empty()) body["preconditions"]["uid"] = options.uid;
  if (!options.resource_version.empty()) body["preconditions"]["resourceVersion"] = options.resource_version;
  if (options.grace_period_seconds) body["gracePeriodSeconds"] = *options.grace_period_seconds;
  Request request = WriteOf("DELETE", ResourcePath(resource, ns, name), "application/json", body);
  // Without a UID a second delete could hit a successor of the same name.
  request.idempotent = !options.uid.empty();
  return request;
}

std::string MethodAndPath(const Request& request) {
  return request.method + " " + request.target.substr(0, request.target.find('?'));
}

}  // namespace kube
