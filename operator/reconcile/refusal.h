// Rejections of pods by the API server. They never end a task: the status shows the server's message, and the request
// is retried indefinitely. Pure.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"

namespace autotune::reconcile {

struct Refusal {
  enum class Kind {
    // Resolves without a manual change: a quota that is in use, a service account that is created a moment
    // later.
    kWaits,
    kNotNow,    // authorization, policy, webhook, pod security: requires a change of the cluster
    kNotThis,   // the pod is invalid or its name is taken: requires a manual change
    kNeverFits  // the pod requests more than its quota can ever have: other candidates continue
  } kind = Kind::kNotNow;
  std::string message;  // the server's
};

// Returns nullopt if the server did not respond or was too busy, which is not a rejection. HTTP 500 is a rejection: the
// server could not reach a webhook or its store.
std::optional<Refusal> RefusalOf(const base::Error& error);

}  // namespace autotune::reconcile
