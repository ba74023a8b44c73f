// HealthServer: /healthz, /readyz and /metrics over plain HTTP, for the kubelet and Prometheus.
//
// Owns two threads: an event loop of its own, so that a stuck API client never fails a probe, and one that renders the
// metrics, so that scrapers do not either. Hostile clients cost little: 8 KiB of headers, no bodies, 5 seconds for a
// request, 64 connections of which the oldest makes room for a new one, GET only. Checks run on the loop's thread at
// each request and must not block; each failing one is named in the answer. `metrics` runs on the other thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace runtime {

struct HealthCheck {
  std::string name;
  std::function<base::Status()> check;
};

struct HealthServerOptions {
  std::string address;        // empty: all addresses, IPv6 and IPv4 on one socket where there is IPv6
  std::uint16_t port = 8081;  // 0: any free one, see port()
  int max_connections = 64;
  std::chrono::milliseconds request_timeout{5'000};
};

// ":8081", "127.0.0.1:8081", "[::1]:8081": an address (no name) or none, and a port. kInvalid says so.
base::Result<HealthServerOptions> ParseListenAddress(const std::string& text);

class HealthServer {
 public:
  // Listens when it returns. kInvalid when the address cannot be bound.
  static base::Result<std::unique_ptr<HealthServer>> Start(HealthServerOptions options,
                                                           std::vector<HealthCheck> liveness,
                                                           std::vector<HealthCheck> readiness,
                                                           std::function<std::string()> metrics);
  // Closes every connection and joins the threads.
  ~HealthServer();
  HealthServer(const HealthServer&) = delete;
  HealthServer& operator=(const HealthServer&) = delete;

  [[nodiscard]] std::uint16_t port() const;

 private:
  struct Impl;
  explicit HealthServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace runtime
