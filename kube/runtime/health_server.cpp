#include "kube/runtime/health_server.h"

#include <exception>
#include <optional>
#include <utility>

#include "kube/runtime/metrics_server.h"

namespace kube::runtime {
namespace {

// Every check on a line, as the API server's own /readyz?verbose does.
Page Checked(const std::vector<HealthCheck>& checks) {
  bool good = true;
  Page page;
  for (const HealthCheck& check : checks) {
    base::Status status;
    try {
      status = check.check();
    } catch (const std::exception& error) {
      status = base::Retry(error.what());
    }
    good = good && status.ok();
    page.body +=
        status.ok() ? "[+]" + check.name + " ok\n" : "[-]" + check.name + " failed: " + status.error().message + "\n";
  }
  page.body += good ? "ok\n" : "failed\n";
  page.status = good ? 200 : 500;
  return page;
}

}  // namespace

base::Result<std::unique_ptr<GetServer>> StartHealthServer(const GetServerOptions& options,
                                                           std::vector<HealthCheck> liveness,
                                                           std::vector<HealthCheck> readiness,
                                                           std::function<std::string()> metrics) {
  const bool has_metrics = metrics != nullptr;
  return GetServer::Start(
      options,
      [liveness = std::move(liveness), readiness = std::move(readiness),
       has_metrics](const GetServer::Request& request) -> std::optional<Page> {
        const std::string& path = request.path;
        if (path == "/healthz") return Checked(liveness);
        if (path == "/readyz") return Checked(readiness);
        if (path == "/metrics" && has_metrics) return std::nullopt;
        return Page{404, has_metrics ? "one of /healthz, /readyz, /metrics\n" : "one of /healthz, /readyz\n"};
      },
      [metrics = std::move(metrics)](const GetServer::Request&) { return MetricsPage(metrics()); });
}

}  // namespace kube::runtime
