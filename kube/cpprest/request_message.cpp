#include "kube/cpprest/request_message.h"

#include <algorithm>
#include <exception>
#include <optional>
#include <utility>

#include "kube/client/base64.h"

namespace kube::cpprest {

namespace {

bool HasControl(const std::string& text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

std::string BasicAuthorization(const ClusterConfig& config) {
  if (config.basic_user.empty()) return {};
  return "Basic " + EncodeBase64(config.basic_user + ":" + config.basic_password);
}

}  // namespace

// One group: the library joins repeated headers with commas, which the server would read as one name; the loader of
// configurations rejects more.
RequestMessage::RequestMessage(const ClusterConfig& config, std::string user_agent)
    : user_agent_(std::move(user_agent)),
      host_(config.tls_server_name),
      authorization_(BasicAuthorization(config)),
      impersonate_user_(config.impersonate_user),
      impersonate_uid_(config.impersonate_uid),
      impersonate_group_(config.impersonate_groups.empty() ? "" : config.impersonate_groups.front()) {}

base::Result<web::http::http_request> RequestMessage::Form(const Request& request, const Credential& credential) const {
  web::http::http_request message(request.method);
  try {
    message.set_request_uri(web::uri(request.target));
  } catch (const std::exception&) {
    return base::Invalid("request target \"" + request.target + "\" is not a percent-encoded path and query");
  }
  const std::optional<std::string> content_type = request.headers.Get("Content-Type");
  if (!request.body.empty()) {
    message.set_body(request.body, content_type.value_or("application/octet-stream"));
  }
  web::http::http_headers& headers = message.headers();
  for (const auto& [name, value] : request.headers.All()) {
    if (HasControl(name) || HasControl(value)) return base::Invalid("header " + name + " has a control character");
    if (!headers.has(name)) headers.add(name, value);
  }
  headers.add("User-Agent", user_agent_);
  if (!host_.empty()) headers.add("Host", host_);
  if (!credential.token.empty()) {
    if (HasControl(credential.token)) return base::Invalid("the bearer token has a control character");
    headers.add("Authorization", "Bearer " + credential.token);
  } else if (!authorization_.empty()) {
    headers.add("Authorization", authorization_);
  }
  if (!impersonate_user_.empty()) headers.add("Impersonate-User", impersonate_user_);
  if (!impersonate_uid_.empty()) headers.add("Impersonate-Uid", impersonate_uid_);
  if (!impersonate_group_.empty()) headers.add("Impersonate-Group", impersonate_group_);
  return message;
}

}  // namespace kube::cpprest
