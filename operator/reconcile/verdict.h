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
    kBlocked,      // Ready=False, Stalled=True: retried, but requires a manual change
    kSuspended,    // Ready=False
    kComplete,     // Ready=True
    kFailed,       // Ready=False, Stalled=True: ended until the spec changes
  } kind = Kind::kProgressing;
  std::string state;            // status.state
  std::string reason, message;  // of the condition Ready, and of Reconciling or Stalled
  std::optional<bool> feasible;
  std::string infeasible;  // reason if `feasible` is false
  // Of the condition RecommendationFailed; "" = the condition is absent.
  std::string recommendation_reason, recommendation_message;
  std::string undeleted;  // message for SetUndeleted
};

bool IsOver(const std::string& state);

Verdict Progressing(std::string state, std::string reason, std::string message);
// The task has ended until its spec changes.
Verdict Failed(std::string reason, std::string message);
// A pod is rejected.
Verdict RefusedPod(std::string state, const Refusal& refusal);

// Sets Ready; sets or removes the other conditions according to the verdict.
void SetConditions(const Verdict& verdict, std::int64_t generation, base::WallTime now,
                   std::vector<api::Condition>& conditions);

inline constexpr const char* kPodsNotDeleted = "PodsNotDeleted";
// Sets the condition PodsNotDeleted: the API server does not delete pods. `message` "" removes the condition.
void SetUndeleted(const std::string& message, std::int64_t generation, base::WallTime now,
                  std::vector<api::Condition>& conditions);

}  // namespace autotune::reconcile
