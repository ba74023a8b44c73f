// GetServer: a small HTTP server for read-only pages: probes, metrics, reports. With or without TLS.
//
// Owns two threads: its own event loop, so the rest of the process never delays a quick answer, and one that renders
// slow pages, so they do not delay quick answers either. Hostile clients cost little: 8 KiB of headers, no bodies, 5
// seconds for a request, 64 connections of which the oldest makes room for a new one, GET only.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "kube/runtime/tls_files.h"

namespace kube::runtime {

struct GetServerOptions {
  std::string address;        // empty: all addresses, IPv6 and IPv4 on one socket where there is IPv6
  std::uint16_t port = 8081;  // 0: any free one, see port()
  int max_connections = 64;
  std::chrono::milliseconds request_timeout{5'000};
  std::shared_ptr<TlsFiles> tls;  // null: plain HTTP
};

// ":8081", "127.0.0.1:8081", "[::1]:8081": an address (no name) or none, and a port, else kInvalid.
base::Result<GetServerOptions> ParseListenAddress(const std::string& text);

struct Page {
  int status = 200;
  std::string body;
  std::string content_type = "text/plain; charset=utf-8";
  std::map<std::string, std::string> headers{};
};

class GetServer {
 public:
  struct Request {
    std::string path;    // without the query
    std::string bearer;  // the token of "Authorization: Bearer"; "" = none
    auto operator<=>(const Request&) const = default;
  };
  // `quick` runs on the loop's thread at each request and must not block; if it returns nullopt, `slow` runs on the
  // other thread, and all equal requests meanwhile get its answer. An exception is answered with 500.
  using Quick = std::function<std::optional<Page>(const Request& request)>;
  using Slow = std::function<Page(const Request& request)>;

  // Listens when it returns. kInvalid when the address cannot be bound.
  static base::Result<std::unique_ptr<GetServer>> Start(const GetServerOptions& options, Quick quick, Slow slow);
  // Closes every connection and joins the threads.
  ~GetServer();
  GetServer(const GetServer&) = delete;
  GetServer& operator=(const GetServer&) = delete;

  [[nodiscard]] std::uint16_t port() const;

 private:
  struct Impl;
  explicit GetServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace kube::runtime
