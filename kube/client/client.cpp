#include "kube/client/client.h"

#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>
#include <utility>

namespace kube {

namespace {

using nlohmann::json;

void LogWarnings(const Request& request, const Headers& headers) {
  for (const auto& [name, value] : headers.All()) {
    if (name.size() == 7 && (name == "Warning" || name == "warning")) {
      spdlog::warn("API server warned about {}: {}", MethodAndPath(request), value);
    }
  }
}

}  // namespace

Client::Client(HttpTransport& transport, base::Clock& clock, ClientOptions options, ClientObserver* observer)
    : transport_(transport),
      clock_(clock),
      options_(options),
      observer_(observer),
      bucket_(options.requests_per_second, options.burst, clock) {}

base::Result<Response> Client::Call(Request request, const std::stop_token& stop) {
  request.deadline = options_.deadline;
  request.body_limit = options_.body_limit;
  return Exchange(request, nullptr, stop);
}

base::Result<Response> Client::Exchange(const Request& request, const LineSink* sink, const std::stop_token& stop) {
  const std::string what = MethodAndPath(request);
  if (!bucket_.Take(stop)) return base::Error{base::Code::kCancelled, what + ": stopped"};
  const base::TimePoint begin = clock_.Now();
  HttpResult<Response> response =
      sink == nullptr ? transport_.Send(request, stop) : transport_.Stream(request, *sink, stop);
  if (observer_ != nullptr) {
    observer_->OnRequest(
        sink == nullptr ? std::string_view(request.method) : "WATCH",
        response.ok() ? std::to_string(response->status) : std::string(ErrorKindName(response.error().kind)),
        clock_.Now() - begin);
  }
  if (!response.ok()) return ToError(response.error(), what);
  LogWarnings(request, response->headers);
  if (response->status < 200 || response->status > 299) {
    if (response->status == 429) {
      spdlog::info("API server throttled {} (flow schema {})", what,
                   response->headers.Get("X-Kubernetes-PF-FlowSchema-UID").value_or("unknown"));
    }
    return StatusToError(response->status, response->headers, response->body, what);
  }
  return std::move(response.value());
}

base::Result<json> Client::CallJson(Request request, const std::stop_token& stop) {
  const std::string what = MethodAndPath(request);
  const base::Result<Response> response = Call(std::move(request), stop);
  if (!response) return response.error();
  json body = json::parse(response->body, nullptr, /*allow_exceptions=*/false);
  if (body.is_discarded()) return base::Retry(what + ": the answer is not JSON");
  return body;
}

base::Result<json> Client::Get(const Resource& resource, std::string_view ns, std::string_view name,
                               const std::stop_token& stop) {
  return CallJson(GetRequest(resource, ns, name), stop);
}

base::Result<ListPage> Client::List(const Resource& resource, std::string_view ns, const ListOptions& options,
                                    const std::function<void(json&&)>& item, const std::stop_token& stop) {
  bool valid = true;
  base::Result<ListPage> page = ListText(
      resource, ns, options,
      [&](std::string_view text) {
        json parsed = json::parse(text, nullptr, /*allow_exceptions=*/false);
        valid = valid && parsed.is_object();
        if (valid) item(std::move(parsed));
      },
      stop);
  if (page && !valid) return base::Retry("GET " + ResourcePath(resource, ns) + ": an item of the list is no object");
  return page;
}

base::Result<ListPage> Client::ListText(const Resource& resource, std::string_view ns, const ListOptions& options,
                                        const std::function<void(std::string_view)>& item,
                                        const std::stop_token& stop) {
  Request request = ListRequest(resource, ns, options);
  request.deadline = options_.list_deadline;
  request.body_limit = options_.list_body_limit;
  const base::Result<Response> response = Exchange(request, nullptr, stop);
  if (!response) return response.error();
  return ReadList(response->body, item, MethodAndPath(request));
}

base::Result<json> Client::Create(const Resource& resource, std::string_view ns, const json& object,
                                  const WriteOptions& options, const std::stop_token& stop) {
  return CallJson(CreateRequest(resource, ns, object, options), stop);
}

base::Result<json> Client::Replace(const Resource& resource, std::string_view ns, std::string_view name,
                                   const json& object, const WriteOptions& options, const std::stop_token& stop) {
  return CallJson(ReplaceRequest(resource, ns, name, object, options), stop);
}

base::Result<json> Client::Patch(const Resource& resource, std::string_view ns, std::string_view name,
                                 const json& patch, const PatchOptions& options, const std::stop_token& stop) {
  return CallJson(PatchRequest(resource, ns, name, patch, options), stop);
}

base::Status Client::Delete(const Resource& resource, std::string_view ns, std::string_view name,
                            const DeleteOptions& options, const std::stop_token& stop) {
  const base::Result<Response> response = Call(DeleteRequest(resource, ns, name, options), stop);
  if (!response) return response.error();
  return {};
}

base::Status Client::Watch(const Resource& resource, std::string_view ns, const WatchOptions& options,
                           const LineSink& line, const std::stop_token& stop) {
  Request request = WatchRequest(resource, ns, options);
  // The server ends it; this is for a server that does not.
  request.deadline = options.timeout + options_.list_deadline;
  request.body_limit = options_.body_limit;
  const base::Result<Response> response = Exchange(request, &line, stop);
  if (!response) return response.error();
  return {};
}

base::Result<std::string> Client::GetRaw(const std::string& target, const std::stop_token& stop) {
  Request request;
  request.target = target;
  request.idempotent = true;
  base::Result<Response> response = Call(std::move(request), stop);
  if (!response) return response.error();
  return std::move(response->body);
}

}  // namespace kube
