// RequestMessage: converts a Request to the HTTP library's message, with the client's identity.
//
// Immutable, thread-safe.
#pragma once

#include <string>

#include "base/result.h"
#include "kube/client/config.h"
#include "kube/client/credentials.h"
#include "kube/client/http_transport.h"
#include "kube/cpprest/library.h"

namespace kube::cpprest {

class RequestMessage {
 public:
  // Uses host name, basic authentication and impersonation of `config`.
  RequestMessage(const ClusterConfig& config, std::string user_agent);

  // kInvalid if the target is not a URI, or a header or the token contains a control character.
  [[nodiscard]] base::Result<web::http::http_request> Form(const Request& request, const Credential& credential) const;

 private:
  const std::string user_agent_;
  const std::string host_;           // for the Host header; empty: the server's own name
  const std::string authorization_;  // used if the credential has no token; empty: none
  const std::string impersonate_user_, impersonate_uid_, impersonate_group_;
};

}  // namespace kube::cpprest
