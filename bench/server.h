// Location of an OpenAI-compatible server: URL, addresses, TLS context and token.
//
// ServerUrl is a plain value. A Server owns the TLS context that connections share, and must outlive them. Not
// thread-safe. The token is sent only to this host and never appears in a message.
#pragma once

#include <netinet/in.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "measurement/workload.h"

struct ssl_ctx_st;
struct ssl_st;

namespace autotune::bench {

struct ServerUrl {
  bool tls = false;
  std::string host;  // a name or an address, without brackets
  int port = 0;
  std::string prefix;                               // prefix of every path: "" or "/openai"
  std::string token;                                // "" = none; sent as `Authorization: Bearer`
  std::optional<measurement::Endpoint> endpoint{};  // endpoint of a URL that was copied from a request

  // Parses https://host:8443/prefix. A trailing /v1, with or without an endpoint, is removed, because every request's
  // path begins with it.
  static base::Result<ServerUrl> Parse(const std::string& text);
  static ServerUrl Local(int port) { return {false, "127.0.0.1", port, "", "", {}}; }
  [[nodiscard]] std::string ToString() const;
};

class Server {
 public:
  struct Address {
    sockaddr_storage storage{};
    socklen_t size = 0;
  };

  // Resolves the name (blocking). With TLS it loads the system's certificates (SSL_CERT_FILE replaces them). kRetry:
  // the name cannot be resolved now. kInvalid: no certificates.
  static base::Result<std::unique_ptr<Server>> Make(ServerUrl url);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  [[nodiscard]] const ServerUrl& url() const { return url_; }
  [[nodiscard]] const std::vector<Address>& addresses() const { return addresses_; }
  // Index of the address that responded last; new connections try it first.
  std::size_t preferred_address = 0;

  // Head of a request. REQUIRES: `path` begins with "/".
  [[nodiscard]] std::string Head(std::string_view method, std::string_view path, std::size_t body_bytes) const;
  // New client TLS state that verifies the server's name; nullptr without TLS. The caller frees it.
  [[nodiscard]] ssl_st* NewTls() const;

 private:
  explicit Server(ServerUrl url);

  ServerUrl url_;
  std::vector<Address> addresses_;
  ssl_ctx_st* context_ = nullptr;
  std::string common_head_;
};

}  // namespace autotune::bench
