// Reads small files from a model hub over HTTPS: redirects, limits, and the token only where it belongs.
//
// Blocking, single-threaded. Certificates are verified against the system's authorities or SSL_CERT_FILE. Boost.Beast
// and OpenSSL stay in the .cpp. HTTP proxies are not supported.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"

namespace autotune::bench {

struct HubUrl {
  bool tls = true;
  std::string host;
  std::string port;
  std::string target;  // path and query, "/" at least

  static base::Result<HubUrl> Parse(const std::string& text);
  // RFC 3986: what a Location header of an answer from this URL means.
  [[nodiscard]] base::Result<HubUrl> Resolve(const std::string& location) const;
  [[nodiscard]] bool SameOrigin(const HubUrl& other) const;
  [[nodiscard]] std::string ToString() const;
};

struct HubAnswer {
  int status = 0;
  std::string body;
  std::string error_code;                   // X-Error-Code: GatedRepo, RepoNotFound, RevisionNotFound, EntryNotFound
  std::string error_message;                // X-Error-Message
  std::optional<std::int64_t> linked_size;  // X-Linked-Size of any answer on the way: the size behind a redirect
  std::optional<std::int64_t> length;       // Content-Length of the last answer
};

class HubClient {
 public:
  // `token` may be empty. It is sent to the first URL's origin and to no other, whatever redirects say.
  HubClient(std::string token, std::chrono::milliseconds timeout) : token_(std::move(token)), timeout_(timeout) {}

  // Any HTTP answer is a value. kRetry for network trouble, kInvalid for a body beyond `max_bytes`, too many redirects,
  // a redirect from https to http, or a certificate that cannot be verified.
  base::Result<HubAnswer> Get(const std::string& url, std::size_t max_bytes);
  base::Result<HubAnswer> Head(const std::string& url);

 private:
  base::Result<HubAnswer> Request(const std::string& url, bool head, std::size_t max_bytes);

  std::string token_;
  std::chrono::milliseconds timeout_;
};

}  // namespace autotune::bench
