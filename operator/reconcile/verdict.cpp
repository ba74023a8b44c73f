#include "operator/reconcile/verdict.h"

#include <utility>

#include "operator/reconcile/short_text.h"

namespace autotune::reconcile {
namespace {

// Of Kubernetes' 32768; people read the first lines.
constexpr std::size_t kMaxMessage = 4096;

}  // namespace

bool IsOver(const std::string& state) { return state == "Complete" || state == "Failed"; }

Verdict Progressing(std::string state, std::string reason, std::string message) {
  Verdict verdict;
  verdict.state = std::move(state);
  verdict.reason = std::move(reason);
  verdict.message = std::move(message);
  return verdict;
}

Verdict Failed(std::string reason, std::string message) {
  Verdict verdict = Progressing("Failed", std::move(reason), std::move(message));
  verdict.kind = Verdict::Kind::kFailed;
  return verdict;
}

Verdict RefusedPod(std::string state, const Refusal& refusal) {
  switch (refusal.kind) {
    case Refusal::Kind::kWaits:
      return Progressing(std::move(state), "WaitingForResources", refusal.message);
    case Refusal::Kind::kNotNow:
      return Progressing(std::move(state), "PodRefused", refusal.message);
    case Refusal::Kind::kNotThis:
    case Refusal::Kind::kNeverFits:
      break;
  }
  Verdict verdict = Progressing(std::move(state), "PodRefused", refusal.message);
  verdict.kind = Verdict::Kind::kBlocked;
  return verdict;
}

void SetUndeleted(const std::string& message, std::int64_t generation, base::WallTime now,
                  std::vector<api::Condition>& conditions) {
  if (message.empty()) {
    api::RemoveCondition(conditions, kPodsNotDeleted);
  } else {
    api::SetCondition(conditions,
                      {kPodsNotDeleted, "True", "DeleteRefused", Short(message, kMaxMessage), generation, ""},
                      base::FormatRfc3339(now));
  }
}

void SetConditions(const Verdict& verdict, std::int64_t generation, base::WallTime now,
                   std::vector<api::Condition>& conditions) {
  const auto set = [&](const char* type, const char* status, const std::string& reason, const std::string& message) {
    api::SetCondition(conditions, {type, status, reason, Short(message, kMaxMessage), generation, ""},
                      base::FormatRfc3339(now));
  };
  const auto only_if = [&](bool holds, const char* type, const std::string& reason, const std::string& message) {
    if (holds) {
      set(type, "True", reason, message);
    } else {
      api::RemoveCondition(conditions, type);
    }
  };
  using Kind = Verdict::Kind;
  const char* ready = "False";
  if (verdict.kind == Kind::kProgressing) ready = "Unknown";
  if (verdict.kind == Kind::kComplete) ready = "True";
  set("Ready", ready, verdict.reason, verdict.message);
  only_if(verdict.kind == Kind::kProgressing, "Reconciling", verdict.reason, verdict.message);
  only_if(verdict.kind == Kind::kBlocked || verdict.kind == Kind::kFailed, "Stalled", verdict.reason, verdict.message);
  only_if(!verdict.recommendation_reason.empty(), "RecommendationFailed", verdict.recommendation_reason,
          verdict.recommendation_message);
  SetUndeleted(verdict.undeleted, generation, now, conditions);
  if (!verdict.feasible) {
    api::RemoveCondition(conditions, "Feasible");
  } else if (*verdict.feasible) {
    set("Feasible", "True", "Found", "status.best meets the SLO");
  } else {
    set("Feasible", "False", "NoFeasibleConfiguration", verdict.infeasible);
  }
}

}  // namespace autotune::reconcile
