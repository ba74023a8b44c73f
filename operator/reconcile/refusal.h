// Rejections of pods by the API server. They never end a task: the server's message is shown, and the request is
// retried without end. Pure.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"

namespace autotune::reconcile {

struct Refusal {
  enum class Kind {
    // Room or an object is missing that comes by itself: a quota in use, a service account that is applied a moment
    // later.
    kWaits,
    kNotNow,    // authorization, a policy, a webhook, pod security: requires a change of the cluster
    kNotThis,   // the pod is invalid, or its name is taken: requires a manual change
    kNeverFits  // the pod asks for more than its quota will ever have: the other candidates continue without it
  } kind = Kind::kNotNow;
  std::string message;  // the server's
};

// Returns nullopt if the server did not answer or was too busy: this is not a rejection of the pod. HTTP 500 is an
// answer: the server could not ask a webhook, or its store.
std::optional<Refusal> RefusalOf(const base::Error& error);

}  // namespace autotune::reconcile
