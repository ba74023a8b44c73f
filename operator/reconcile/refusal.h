// What the API server says of a pod that it does not take. Nothing of it ends a task: it is shown in the server's words
// and asked again, for as long as it lasts. Pure.
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
    kNotNow,    // authorisation, a policy, a webhook, pod security: somebody has to allow it, perhaps already does
    kNotThis,   // the pod itself is wrong, or its name is taken: only an edit or somebody's hand helps
    kNeverFits  // the pod asks for more than its quota will ever have: the other candidates go on without it
  } kind = Kind::kNotNow;
  std::string message;  // the server's
};

// Nothing where the server did not answer or was too busy: that says nothing about the pod. HTTP 500 is an answer: the
// server could not ask a webhook, or its store.
std::optional<Refusal> RefusalOf(const base::Error& error);

}  // namespace autotune::reconcile
