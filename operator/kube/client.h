// Client: requests to the Kubernetes API as values in, base::Result out.
//
// Thread-safe; calls block. The transport and clock are borrowed and must outlive the client. HTTP statuses become the
// base::Code of the caller's next action: 409 kAlreadyExists or kConflict by reason, 404 kNotFound, 410 kNotFound with
// http_status 410, 401/403 kDenied (except 403 on a terminating namespace: kNotFound), 422 kInvalid where it is the
// server's own validation of fields and kDenied where a policy or webhook says so, 400/405/413/415 kInvalid, 429 and
// 5xx kRetry with Retry-After. The client never waits out a Retry-After itself: a work queue or a reflector waits
// without holding a worker.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "operator/kube/http_transport.h"
#include "operator/kube/token_bucket.h"

namespace kube {

struct Resource {
  std::string group;  // "" for the core group
  std::string version;
  std::string plural;
  bool namespaced = true;

  // "group/version", or "version" for the core group: the apiVersion of its objects.
  [[nodiscard]] std::string ApiVersion() const;
};

// Collection path, or the object's where `name` is given: "/apis/batch/v1/namespaces/ns/jobs/name/status".
// An empty namespace of a namespaced resource means all namespaces.
std::string ResourcePath(const Resource& resource, std::string_view ns, std::string_view name = {},
                         std::string_view subresource = {});
// RFC 3986: all but unreserved characters as %XX.
std::string PercentEncode(std::string_view text);

struct ListOptions {
  std::string label_selector;
  std::string field_selector;
  std::string resource_version;        // "" most recent, "0" whatever the watch cache has
  std::string resource_version_match;  // "", "NotOlderThan", "Exact"
  std::string continue_token;
  std::int64_t limit = 0;  // 0: no paging
};

struct ListPage {
  std::string resource_version;
  std::string continue_token;  // empty: the last page
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

// Observer of a client, for metrics. Called on the calling thread of each request; must not block.
class ClientObserver {
 public:
  virtual ~ClientObserver() = default;
  // `code` is the HTTP status, or the ErrorKind's name where there was none.
  virtual void OnRequest(std::string_view method, std::string_view code, base::Duration duration) = 0;
};

struct ClientOptions {
  double requests_per_second = 50;  // <= 0: unlimited
  double burst = 100;
  std::chrono::milliseconds deadline{30'000};  // per call
  std::chrono::milliseconds list_deadline{120'000};
  std::size_t list_body_limit = std::size_t{64} << 20;
  std::size_t body_limit = std::size_t{4} << 20;  // also of one watch line
};

class Client {
 public:
  Client(HttpTransport& transport, base::Clock& clock, ClientOptions options = {}, ClientObserver* observer = nullptr);

  base::Result<nlohmann::json> Get(const Resource& resource, std::string_view ns, std::string_view name,
                                   const std::stop_token& stop = {});

  // One page. Items are handed over one by one and never held together: a list of 10,000 pods as one DOM is 1 GB.
  base::Result<ListPage> List(const Resource& resource, std::string_view ns, const ListOptions& options,
                              const std::function<void(nlohmann::json&&)>& item, const std::stop_token& stop = {});
  // The same with each item as the JSON text that came, unparsed and valid during the call.
  base::Result<ListPage> ListText(const Resource& resource, std::string_view ns, const ListOptions& options,
                                  const std::function<void(std::string_view)>& item, const std::stop_token& stop = {});

  // fieldValidation=Strict: a field that the server does not know is kInvalid, not dropped.
  base::Result<nlohmann::json> Create(const Resource& resource, std::string_view ns, const nlohmann::json& object,
                                      const WriteOptions& options = {}, const std::stop_token& stop = {});

  // PUT of a whole object with its resourceVersion.
  base::Result<nlohmann::json> Replace(const Resource& resource, std::string_view ns, std::string_view name,
                                       const nlohmann::json& object, const WriteOptions& options = {},
                                       const std::stop_token& stop = {});

  base::Result<nlohmann::json> Patch(const Resource& resource, std::string_view ns, std::string_view name,
                                     const nlohmann::json& patch, const PatchOptions& options = {},
                                     const std::stop_token& stop = {});

  base::Status Delete(const Resource& resource, std::string_view ns, std::string_view name,
                      const DeleteOptions& options = {}, const std::stop_token& stop = {});

  // Blocks until the server ends the stream, `line` returns false (both success) or an error. Each line is one JSON
  // watch event, unparsed; `line` runs on the calling thread.
  base::Status Watch(const Resource& resource, std::string_view ns, const WatchOptions& options, const LineSink& line,
                     const std::stop_token& stop = {});

  // GET of any path, for example "/version". The body as it came.
  base::Result<std::string> GetRaw(const std::string& target, const std::stop_token& stop = {});

 private:
  base::Result<Response> Call(const Request& request, const std::stop_token& stop);
  base::Result<nlohmann::json> CallJson(const Request& request, const std::stop_token& stop);

  HttpTransport& transport_;
  base::Clock& clock_;
  const ClientOptions options_;
  ClientObserver* const observer_;
  TokenBucket bucket_;
};

// A v1.Status body (or any error body) of HTTP status `status` as an Error, prefixed with `what`.
base::Error StatusToError(int status, const Headers& headers, std::string_view body, std::string_view what);

}  // namespace kube
