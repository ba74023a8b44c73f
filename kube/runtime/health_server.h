// /healthz, /readyz and /metrics, for the kubelet and Prometheus.
//
// Checks run on the server's event loop at each request and must not block; the response names each failing one.
// `metrics` runs on the server's other thread, because it takes longer with more tasks.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "kube/runtime/get_server.h"

namespace kube::runtime {

struct HealthCheck {
  std::string name;
  std::function<base::Status()> check;
};

// Listening when it returns. `metrics` may be null. kInvalid if the address cannot be bound.
base::Result<std::unique_ptr<GetServer>> StartHealthServer(const GetServerOptions& options,
                                                           std::vector<HealthCheck> liveness,
                                                           std::vector<HealthCheck> readiness,
                                                           std::function<std::string()> metrics);

}  // namespace kube::runtime
