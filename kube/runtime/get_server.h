// GetServer: a small HTTP or HTTPS server for read-only pages: probes, metrics, reports.
//
// Owns two threads: an event loop, so the rest of the process never delays a quick page, and one that renders slow
// pages. Limits for hostile clients: GET only, 8 KiB of headers, no bodies, 5 seconds per request, and 64 connections,
// of which the oldest is closed for a new one.
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
  std::string address;        // empty: all addresses; IPv6 and IPv4 on one socket if IPv6 is available
  std::uint16_t port = 8081;  // 0: any free one, see port()
  int max_connections = 64;
  std::chrono::milliseconds request_timeout{5'000};
  std::shared_ptr<TlsFiles> tls;  // null: plain HTTP
};

// Parses ":8081", "127.0.0.1:8081" or "[::1]:8081": an optional address (not a name) and a port. kInvalid otherwise.
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
  // `quick` runs on the event loop at each request and must not block. If it returns nullopt, `slow` runs on the other
  // thread; all equal requests meanwhile get its page. An exception is answered with 500.
  using Quick = std::function<std::optional<Page>(const Request& request)>;
  using Slow = std::function<Page(const Request& request)>;

  // Listening when it returns. kInvalid if the address cannot be bound.
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
