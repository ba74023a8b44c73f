#include "kube/runtime/metrics_server.h"

#include <optional>
#include <utility>

namespace kube::runtime {
namespace {

Page Unauthenticated() {
  Page page{401, "a bearer token that the API server knows\n"};
  page.headers["WWW-Authenticate"] = "Bearer";
  return page;
}

// Nullopt: it may.
std::optional<Page> Refusal(AccessReview& review, const GetServer::Request& request) {
  const auto answer = review.MayGet(request.bearer, request.path);
  if (!answer) return Page{503, "the API server did not say whether this token may: " + answer.error().message + "\n"};
  switch (*answer) {
    case AccessReview::Answer::kAllowed:
      return std::nullopt;
    case AccessReview::Answer::kUnknown:
      return Unauthenticated();
    case AccessReview::Answer::kForbidden:
      break;
  }
  return Page{403, "needs the verb get on the nonResourceURL " + request.path + "\n"};
}

}  // namespace

Page MetricsPage(std::string text) { return {200, std::move(text), "text/plain; version=0.0.4; charset=utf-8"}; }

base::Result<std::unique_ptr<GetServer>> StartMetricsServer(const GetServerOptions& options,
                                                            std::function<std::string()> metrics,
                                                            std::unique_ptr<AccessReview> review) {
  const bool reviewed = review != nullptr;
  return GetServer::Start(
      options,
      [reviewed](const GetServer::Request& request) -> std::optional<Page> {
        if (request.path != "/metrics") return Page{404, "only /metrics\n"};
        if (reviewed && request.bearer.empty()) return Unauthenticated();
        return std::nullopt;
      },
      [metrics = std::move(metrics), review = std::shared_ptr(std::move(review))](const GetServer::Request& request) {
        if (review) {
          if (auto refused = Refusal(*review, request)) return *std::move(refused);
        }
        return MetricsPage(metrics());
      });
}

}  // namespace kube::runtime
