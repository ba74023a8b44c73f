// /metrics on a separate port, over TLS, for authorized clients.
//
// AccessReviews run on the server's rendering thread: only other requests for metrics wait for them.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "kube/runtime/access_review.h"
#include "kube/runtime/get_server.h"

namespace kube::runtime {

// A page in Prometheus' text format.
Page MetricsPage(std::string text);

// Listening when it returns. With `review`, only for bearer tokens that may `get` the URL /metrics. kInvalid if the
// address cannot be bound.
base::Result<std::unique_ptr<GetServer>> StartMetricsServer(const GetServerOptions& options,
                                                            std::function<std::string()> metrics,
                                                            std::unique_ptr<AccessReview> review);

}  // namespace kube::runtime
