// GET and HEAD over HTTPS for reading a hub, on libcurl: proxies, redirects, HTTP/2 and CA bundles as set in the
// environment.
//
// Blocking; one client per thread, with connections kept open. libcurl is used only in the .cpp. Environment:
// http_proxy, HTTPS_PROXY, ALL_PROXY, NO_PROXY (libcurl's own); REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE, SSL_CERT_FILE and
// SSL_CERT_DIR replace the system's certificate authorities.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"

namespace autotune::checkpoint {

struct HttpRequest {
  std::string url;
  bool head = false;
  std::size_t max_bytes = 0;         // of the body
  std::optional<std::size_t> first;  // only this many bytes from the beginning (a range), where the server can
};

struct HttpAnswer {
  int status = 0;
  std::string body;
  // Of the last response, names in lower case; "x-linked-size" and "x-error-code" of any response during redirects.
  std::map<std::string, std::string> headers;
  [[nodiscard]] std::string Header(const std::string& name) const;
};

class HttpClient {
 public:
  // `token`: may be empty; sent only to the origin of the first URL, also after redirects. A transfer ends if nothing
  // arrives for `timeout`, or if `told_to_end` returns true.
  HttpClient(std::string token, std::chrono::milliseconds timeout, std::function<bool()> told_to_end = {});
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Any HTTP response is a value. kRetry: network failure; kCancelled; kInvalid: body beyond max_bytes, too many
  // redirects, a redirect from https to http, an invalid URL, or a certificate that cannot be verified.
  base::Result<HttpAnswer> Send(const HttpRequest& request);

 private:
  struct Curl;
  std::unique_ptr<Curl> curl_;
};

}  // namespace autotune::checkpoint
