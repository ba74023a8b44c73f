// Client: sends requests to the Kubernetes API; arguments and results are values (base::Result).
//
// Thread-safe; calls block. Transport and clock are borrowed and must outlive the client. HTTP statuses become a
// base::Code, the caller's next action (StatusToError). The client never waits for a Retry-After itself: a work queue
// or a reflector does, without blocking a worker.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "kube/client/client_observer.h"
#include "kube/client/http_transport.h"
#include "kube/client/token_bucket.h"
#include "kube/core/requests.h"
#include "kube/core/resource.h"
#include "kube/core/responses.h"

namespace kube {

struct ClientOptions {
  double requests_per_second = 50;  // <= 0: unlimited
  double burst = 100;
  std::chrono::milliseconds deadline{30'000};  // per call
  std::chrono::milliseconds list_deadline{120'000};
  std::size_t list_body_limit = std::size_t{64} << 20;
  std::size_t body_limit = std::size_t{4} << 20;  // also for one line of a watch
};

class Client {
 public:
  Client(HttpTransport& transport, base::Clock& clock, ClientOptions options = {}, ClientObserver* observer = nullptr);

  base::Result<nlohmann::json> Get(const Resource& resource, std::string_view ns, std::string_view name,
                                   const std::stop_token& stop = {});

  // Reads one page. Items are delivered one by one and never held together: 10,000 pods as one DOM take 1 GB.
  base::Result<ListPage> List(const Resource& resource, std::string_view ns, const ListOptions& options,
                              const std::function<void(nlohmann::json&&)>& item, const std::stop_token& stop = {});
  // The same, with each item as unparsed JSON text, valid during the call.
  base::Result<ListPage> ListText(const Resource& resource, std::string_view ns, const ListOptions& options,
                                  const std::function<void(std::string_view)>& item, const std::stop_token& stop = {});

  // Uses fieldValidation=Strict: the server rejects unknown fields with kInvalid instead of dropping them.
  base::Result<nlohmann::json> Create(const Resource& resource, std::string_view ns, const nlohmann::json& object,
                                      const WriteOptions& options = {}, const std::stop_token& stop = {});

  // PUT of a whole object, including its resourceVersion.
  base::Result<nlohmann::json> Replace(const Resource& resource, std::string_view ns, std::string_view name,
                                       const nlohmann::json& object, const WriteOptions& options = {},
                                       const std::stop_token& stop = {});

  base::Result<nlohmann::json> Patch(const Resource& resource, std::string_view ns, std::string_view name,
                                     const nlohmann::json& patch, const PatchOptions& options = {},
                                     const std::stop_token& stop = {});

  base::Status Delete(const Resource& resource, std::string_view ns, std::string_view name,
                      const DeleteOptions& options = {}, const std::stop_token& stop = {});

  // Blocks until the server ends the stream or `line` returns false (both are success), or until an error. Each line is
  // one JSON watch event, unparsed; `line` runs on the calling thread.
  base::Status Watch(const Resource& resource, std::string_view ns, const WatchOptions& options, const LineSink& line,
                     const std::stop_token& stop = {});

  // GET of any path, for example "/version". Returns the body unparsed.
  base::Result<std::string> GetRaw(const std::string& target, const std::stop_token& stop = {});

 private:
  // Returns a 2xx response. `sink`: receives its lines, or null.
  base::Result<Response> Exchange(const Request& request, const LineSink* sink, const std::stop_token& stop);
  // With the deadline and the body limit of an ordinary call.
  base::Result<Response> Call(Request request, const std::stop_token& stop);
  base::Result<nlohmann::json> CallJson(Request request, const std::stop_token& stop);

  HttpTransport& transport_;
  base::Clock& clock_;
  const ClientOptions options_;
  ClientObserver* const observer_;
  TokenBucket bucket_;
};

}  // namespace kube
