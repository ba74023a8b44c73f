// GET and HEAD over HTTPS for reading a hub, on libcurl: proxies, redirects, HTTP/2 and CA bundles as set in the
// environment.
//
// Blocking; one client belongs to one thread and keeps its connections open. libcurl stays in the .cpp. From the
// environment: http_proxy, HTTPS_PROXY, ALL_PROXY, NO_PROXY (libcurl's own); REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE,
// SSL_CERT_FILE and SSL_CERT_DIR name the authorities instead of the system's.
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
  // Of the last answer, names in lower case; of "x-linked-size" and "x-error-code" those of any answer on the way.
  std::map<std::string, std::string> headers;
  [[nodiscard]] std::string Header(const std::string& name) const;
};

class HttpClient {
 public:
  // `token` may be empty. It is sent only to the origin of the first URL, also after redirects. A transfer ends when
  // nothing arrives for `timeout`, or when `told_to_end` returns true.
  HttpClient(std::string token, std::chrono::milliseconds timeout, std::function<bool()> told_to_end = {});
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Any HTTP answer is a value. kRetry for network trouble; kCancelled; kInvalid for a body beyond max_bytes, too many
  // redirects, a redirect from https to http, a URL that is none, or a certificate that cannot be verified.
  base::Result<HttpAnswer> Send(const HttpRequest& request);

 private:
  struct Curl;
  std::unique_ptr<Curl> curl_;
};

}  // namespace autotune::checkpoint
