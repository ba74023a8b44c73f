// Summary of a reconcile for people and kstatus: status.state and the conditions. Pure.
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
    kBlocked,      // Ready=False, Stalled=True: retried, and requires a manual change
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
// While a pod is rejected.
Verdict RefusedPod(std::string state, const Refusal& refusal);

// Ready is always set; other conditions follow the verdict.
void SetConditions(const Verdict& verdict, std::int64_t generation, base::WallTime now,
                   std::vector<api::Condition>& conditions);

inline constexpr const char* kPodsNotDeleted = "PodsNotDeleted";
// Sets the condition PodsNotDeleted: the API server does not delete pods. "" = removes it.
void SetUndeleted(const std::string& message, std::int64_t generation, base::WallTime now,
                  std::vector<api::Condition>& conditions);

}  // namespace autotune::reconcile
