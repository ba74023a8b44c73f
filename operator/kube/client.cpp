#include "operator/kube/client.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/json_text.h"

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

std::string What(const Request& request) {
  return request.method + " " + request.target.substr(0, request.target.find('?'));
}

// RFC 9110: delay-seconds. The API server never sends the date form.
std::optional<std::chrono::milliseconds> RetryAfter(const Headers& headers) {
  const std::optional<std::string> value = headers.Get("Retry-After");
  if (!value) return std::nullopt;
  int seconds = 0;
  const auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), seconds);
  if (error != std::errc() || end != value->data() + value->size() || seconds < 0) return std::nullopt;
  return std::chrono::seconds(std::min(seconds, 3600));
}

const json* Member(const json& object, const char* name) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(name);
  return found == object.end() ? nullptr : &*found;
}

std::string Text(const json& object, const char* name) {
  const json* member = Member(object, name);
  return member != nullptr && member->is_string() ? member->get<std::string>() : std::string();
}

bool HasCause(const json& status, std::string_view reason) {
  const json* details = Member(status, "details");
  if (details == nullptr) return false;
  const json* causes = Member(*details, "causes");
  if (causes == nullptr || !causes->is_array()) return false;
  return std::any_of(causes->begin(), causes->end(),
                     [&](const json& cause) { return Text(cause, "reason") == reason; });
}

// The API server's own validation of an object's fields (apimachinery's NewInvalid): every cause names a field.
// Admission policies and webhooks answer with 422 as well, about the object as the cluster wants it today: their texts
// begin differently ("pods "x" is forbidden: ValidatingAdmissionPolicy ...", "admission webhook "y" denied ...").
bool IsFieldValidation(const json& status, const std::string& message) {
  const json* details = Member(status, "details");
  if (Text(status, "reason") != "Invalid" || details == nullptr) return false;
  const std::string kind = Text(*details, "kind");
  const json* causes = Member(*details, "causes");
  if (kind.empty() || !message.starts_with(kind) || message.find("\" is invalid: ") == std::string::npos) return false;
  return causes != nullptr && causes->is_array() && !causes->empty() &&
         std::all_of(causes->begin(), causes->end(), [](const json& cause) {
           return !Text(cause, "field").empty() && Text(cause, "reason").starts_with("FieldValue");
         });
}

void LogWarnings(const Request& request, const Headers& headers) {
  for (const auto& [name, value] : headers.All()) {
    if (name.size() == 7 && (name == "Warning" || name == "warning")) {
      spdlog::warn("API server warned about {}: {}", What(request), value);
    }
  }
}

base::Result<ListPage> ReadList(std::string_view body, const std::function<void(std::string_view)>& item,
                                const std::string& what) {
  std::string_view items, metadata;
  const bool whole = base::EachJsonMember(body, [&](std::string_view name, std::string_view value) {
    if (name == "items") items = value;
    if (name == "metadata") metadata = value;
  });
  // Go writes a list of nothing as null.
  if (!whole || items.empty() || (items != "null" && !base::EachJsonElement(items, item))) {
    return base::Retry(what + ": the answer is not a list");
  }
  const json of_list = json::parse(metadata, nullptr, /*allow_exceptions=*/false);
  return ListPage{Text(of_list, "resourceVersion"), Text(of_list, "continue")};
}

}  // namespace

std::string Resource::ApiVersion() const { return group.empty() ? version : group + "/" + version; }

std::string PercentEncode(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string encoded;
  encoded.reserve(text.size());
  for (const char c : text) {
    const bool unreserved = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
                            c == '.' || c == '_' || c == '~';
    if (unreserved) {
      encoded += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      encoded += '%';
      encoded += kHex[byte >> 4];
      encoded += kHex[byte & 15];
    }
  }
  return encoded;
}

std::string ResourcePath(const Resource& resource, std::string_view ns, std::string_view name,
                         std::string_view subresource) {
  std::string path = resource.group.empty() ? "/api/" : "/apis/" + PercentEncode(resource.group) + "/";
  path += PercentEncode(resource.version);
  if (resource.namespaced && !ns.empty()) path += "/namespaces/" + PercentEncode(ns);
  path += "/" + PercentEncode(resource.plural);
  if (!name.empty()) path += "/" + PercentEncode(name);
  if (!subresource.empty()) path += "/" + PercentEncode(subresource);
  return path;
}

base::Error StatusToError(int status, const Headers& headers, std::string_view body, std::string_view what) {
  const json parsed = json::parse(body, nullptr, /*allow_exceptions=*/false);
  const std::string reason = Text(parsed, "reason");
  std::string message = Text(parsed, "message");
  if (message.empty()) message = std::string(body.substr(0, 256));

  base::Error error;
  error.http_status = status;
  error.message = std::string(what) + ": " + std::to_string(status) + (reason.empty() ? "" : " " + reason) +
                  (message.empty() ? "" : ": " + message);
  error.code = base::Code::kInvalid;
  if (status == 409) {
    error.code = reason == "AlreadyExists" ? base::Code::kAlreadyExists : base::Code::kConflict;
  } else if (status == 404 || status == 410) {
    error.code = base::Code::kNotFound;
  } else if (status == 403 && HasCause(parsed, "NamespaceTerminating")) {
    error.code = base::Code::kNotFound;  // nothing can be created there any more: as good as gone
  } else if (status == 401 || status == 403) {
    error.code = base::Code::kDenied;
  } else if (status == 422 && !IsFieldValidation(parsed, message)) {
    error.code = base::Code::kDenied;
  } else if (message.find("etcdserver: request is too large") != std::string::npos) {
    error.code = base::Code::kInvalid;  // comes as 500, yet the same object never gets smaller
  } else if (status == 429 || status == 408 || status >= 500) {
    error.code = base::Code::kRetry;
    error.retry_after = RetryAfter(headers);
  } else if (status >= 300 && status < 400) {
    error.message += " (redirects are not followed: they would carry the credentials elsewhere)";
  }
  return error;
}

Client::Client(HttpTransport& transport, base::Clock& clock, ClientOptions options, ClientObserver* observer)
    : transport_(transport),
      clock_(clock),
      options_(options),
      observer_(observer),
      bucket_(options.requests_per_second, options.burst, clock) {}

base::Result<Response> Client::Call(const Request& request, const std::stop_token& stop) {
  if (!bucket_.Take(stop)) return base::Error{base::Code::kCancelled, What(request) + ": stopped"};
  const base::TimePoint begin = clock_.Now();
  HttpResult<Response> response = transport_.Send(request, stop);
  if (observer_ != nullptr) {
    observer_->OnRequest(
        request.method,
        response.ok() ? std::to_string(response->status) : std::string(ErrorKindName(response.error().kind)),
        clock_.Now() - begin);
  }
  if (!response.ok()) return ToError(response.error(), What(request));
  LogWarnings(request, response->headers);
  if (response->status < 200 || response->status > 299) {
    if (response->status == 429) {
      spdlog::info("API server throttled {} (flow schema {})", What(request),
                   response->headers.Get("X-Kubernetes-PF-FlowSchema-UID").value_or("unknown"));
    }
    return StatusToError(response->status, response->headers, response->body, What(request));
  }
  return std::move(response.value());
}

base::Result<json> Client::CallJson(const Request& request, const std::stop_token& stop) {
  base::Result<Response> response = Call(request, stop);
  if (!response) return response.error();
  json body = json::parse(response->body, nullptr, /*allow_exceptions=*/false);
  if (body.is_discarded()) return base::Retry(What(request) + ": the answer is not JSON");
  return body;
}

base::Result<json> Client::Get(const Resource& resource, std::string_view ns, std::string_view name,
                               const std::stop_token& stop) {
  Request request;
  request.target = ResourcePath(resource, ns, name);
  request.headers.Add("Accept", "application/json");
  request.deadline = options_.deadline;
  request.body_limit = options_.body_limit;
  request.idempotent = true;
  return CallJson(request, stop);
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
  Query query;
  query.AddIfSet("labelSelector", options.label_selector);
  query.AddIfSet("fieldSelector", options.field_selector);
  query.AddIfSet("resourceVersion", options.resource_version);
  query.AddIfSet("resourceVersionMatch", options.resource_version_match);
  query.AddIfSet("continue", options.continue_token);
  if (options.limit > 0) query.Add("limit", std::to_string(options.limit));
  Request request;
  request.target = ResourcePath(resource, ns) + query.text();
  request.headers.Add("Accept", "application/json");
  request.deadline = options_.list_deadline;
  request.body_limit = options_.list_body_limit;
  request.idempotent = true;
  base::Result<Response> response = Call(request, stop);
  if (!response) return response.error();
  return ReadList(response->body, item, What(request));
}

base::Result<json> Client::Create(const Resource& resource, std::string_view ns, const json& object,
                                  const WriteOptions& options, const std::stop_token& stop) {
  Query query;
  query.Add("fieldValidation", "Strict");
  query.AddIfSet("fieldManager", options.field_manager);
  if (options.dry_run) query.Add("dryRun", "All");
  Request request;
  request.method = "POST";
  request.target = ResourcePath(resource, ns) + query.text();
  request.headers = {{"Accept", "application/json"}, {"Content-Type", "application/json"}};
  request.body = object.dump(-1, ' ', false, json::error_handler_t::replace);
  request.deadline = options_.deadline;
  request.body_limit = options_.body_limit;
  return CallJson(request, stop);
}

base::Result<json> Client::Replace(const Resource& resource, std::string_view ns, std::string_view name,
                                   const json& object, const WriteOptions& options, const std::stop_token& stop) {
  Query query;
  query.Add("fieldValidation", "Strict");
  query.AddIfSet("fieldManager", options.field_manager);
  if (options.dry_run) query.Add("dryRun", "All");
  Request request;
  request.method = "PUT";
  request.target = ResourcePath(resource, ns, name) + query.text();
  request.headers = {{"Accept", "application/json"}, {"Content-Type", "application/json"}};
  request.body = object.dump(-1, ' ', false, json::error_handler_t::replace);
  request.deadline = options_.deadline;
  request.body_limit = options_.body_limit;
  request.idempotent = true;  // carries a resourceVersion: the second one conflicts instead of doing it twice
  return CallJson(request, stop);
}

base::Result<json> Client::Patch(const Resource& resource, std::string_view ns, std::string_view name,
                                 const json& patch, const PatchOptions& options, const std::stop_token& stop) {
  Query query;
  query.AddIfSet("fieldManager", options.field_manager);
  if (options.dry_run) query.Add("dryRun", "All");
  Request request;
  request.method = "PATCH";
  request.headers.Add("Accept", "application/json");
  switch (options.type) {
    case PatchType::kMerge:
      request.headers.Add("Content-Type", "application/merge-patch+json");
      request.idempotent = true;
      break;
    case PatchType::kJson:
      request.headers.Add("Content-Type", "application/json-patch+json");
      break;
  }
  request.target = ResourcePath(resource, ns, name, options.subresource) + query.text();
  request.body = patch.dump(-1, ' ', false, json::error_handler_t::replace);
  request.deadline = options_.deadline;
  request.body_limit = options_.body_limit;
  return CallJson(request, stop);
}

base::Status Client::Delete(const Resource& resource, std::string_view ns, std::string_view name,
                            const DeleteOptions& options, const std::stop_token& stop) {
  json body = {{"apiVersion", "v1"}, {"kind", "DeleteOptions"}};
  switch (options.propagation) {
    case Propagation::kBackground:
      body["propagationPolicy"] = "Background";
      break;
    case Propagation::kForeground:
      body["propagationPolicy"] = "Foreground";
      break;
    case Propagation::kOrphan:
      body["propagationPolicy"] = "Orphan";
      break;
  }
  if (!options.uid.empty()) body["preconditions"]["uid"] = options.uid;
  if (!options.resource_version.empty()) body["preconditions"]["resourceVersion"] = options.resource_version;
  if (options.grace_period_seconds) body["gracePeriodSeconds"] = *options.grace_period_seconds;
  Request request;
  request.method = "DELETE";
  request.target = ResourcePath(resource, ns, name);
  request.headers = {{"Accept", "application/json"}, {"Content-Type", "application/json"}};
  request.body = body.dump();
  request.deadline = options_.deadline;
  request.body_limit = options_.body_limit;
  // Without a UID a second delete could hit a successor of the same name.
  request.idempotent = !options.uid.empty();
  const base::Result<Response> response = Call(request, stop);
  if (!response) return response.error();
  return {};
}

base::Status Client::Watch(const Resource& resource, std::string_view ns, const WatchOptions& options,
                           const LineSink& line, const std::stop_token& stop) {
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
  Request request;
  request.target = ResourcePath(resource, ns) + query.text();
  request.headers.Add("Accept", "application/json");
  // The server ends it; this is for a server that does not.
  request.deadline = options.timeout + options_.list_deadline;
  request.body_limit = options_.body_limit;
  if (!bucket_.Take(stop)) return base::Error{base::Code::kCancelled, What(request) + ": stopped"};
  const base::TimePoint begin = clock_.Now();
  HttpResult<Response> response = transport_.Stream(request, line, stop);
  if (observer_ != nullptr) {
    observer_->OnRequest(
        "WATCH", response.ok() ? std::to_string(response->status) : std::string(ErrorKindName(response.error().kind)),
        clock_.Now() - begin);
  }
  if (!response.ok()) return ToError(response.error(), What(request));
  LogWarnings(request, response->headers);
  if (response->status < 200 || response->status > 299) {
    return StatusToError(response->status, response->headers, response->body, What(request));
  }
  return {};
}

base::Result<std::string> Client::GetRaw(const std::string& target, const std::stop_token& stop) {
  Request request;
  request.target = target;
  request.deadline = options_.deadline;
  request.body_limit = options_.body_limit;
  request.idempotent = true;
  base::Result<Response> response = Call(request, stop);
  if (!response) return response.error();
  return std::move(response->body);
}

}  // namespace kube
