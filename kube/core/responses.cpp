#include "kube/core/responses.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>

#include "base/json_text.h"

namespace kube {

namespace {

using nlohmann::json;

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

}  // namespace

base::Result<ListPage> ReadList(std::string_view body, const std::function<void(std::string_view)>& item,
                                std::string_view what) {
  std::string_view items, metadata;
  const bool whole = base::EachJsonMember(body, [&](std::string_view name, std::string_view value) {
    if (name == "items") items = value;
    if (name == "metadata") metadata = value;
  });
  // Go writes a list of nothing as null.
  if (!whole || items.empty() || (items != "null" && !base::EachJsonElement(items, item))) {
    return base::Retry(std::string(what) + ": the answer is not a list");
  }
  const json of_list = json::parse(metadata, nullptr, /*allow_exceptions=*/false);
  return ListPage{Text(of_list, "resourceVersion"), Text(of_list, "continue")};
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

}  // namespace kube
