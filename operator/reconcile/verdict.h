// What a look at a task comes to, for people and for kstatus: status.state and the conditions. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "operator/api/conditions.h"
#include "operator/reconcile/refusal.h"

namespace autotune::reconcile {

struct Verdict {
  enum class Kind {
    kProgressing,  // Ready=Unknown, Reconciling=True
    kBlocked,      // Ready=False, Stalled=True: tried again all the same, and somebody has to do something
    kSuspended,    // Ready=False
    kComplete,     // Ready=True
    kFailed,       // Ready=False, Stalled=True: over until the spec changes
  } kind = Kind::kProgressing;
  std::string state;            // status.state
  std::string reason, message;  // of Ready, and of Reconciling or Stalled
  std::optional<bool> feasible;
  std::string infeasible;  // why
  // Of the condition RecommendationFailed; "" = there is none.
  std::string recommendation_reason, recommendation_message;
  std::string undeleted;  // of SetUndeleted
};

bool IsOver(const std::string& state);

Verdict Progressing(std::string state, std::string reason, std::string message);
// The task is over until its spec changes.
Verdict Failed(std::string reason, std::string message);
// While a pod is refused.
Verdict RefusedPod(std::string state, const Refusal& refusal);

// Ready always; every other condition exactly as the verdict says.
void SetConditions(const Verdict& verdict, std::int64_t generation, base::WallTime now,
                   std::vector<api::Condition>& conditions);

inline constexpr const char* kPodsNotDeleted = "PodsNotDeleted";
// This condition: pods have to go, and the API server does not delete them. "" = there are none.
void SetUndeleted(const std::string& message, std::int64_t generation, base::WallTime now,
                  std::vector<api::Condition>& conditions);

}  // namespace autotune::reconcile
