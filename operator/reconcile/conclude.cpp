#include "operator/reconcile/conclude.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "operator/deploy/difference.h"
#include "operator/reconcile/answer.h"
#include "operator/reconcile/estimate.h"
#include "operator/reconcile/expand.h"
#include "operator/reconcile/recommendation.h"
#include "operator/reconcile/short_text.h"
#include "operator/reconcile/track.h"

namespace autotune::reconcile {
namespace {

using api::ExperimentState;
using nlohmann::json;

std::string MostFrequentCause(const api::TaskStatus& status) {
  std::map<std::string, int> counts;
  std::map<std::string, std::string> examples;
  for (const api::ExperimentStatus& entry : status.experiments) {
    ++counts[entry.reason];
    examples.emplace(entry.reason, entry.message);
  }
  if (counts.empty()) {
    if (status.pruned_reasons.empty()) return "The search space is empty: check quantConfig, parameters and runtimes";
    const api::PrunedReason& reason = status.pruned_reasons.front();
    return "Every candidate was pruned; " + std::to_string(reason.count) + " by " + reason.reason + ": " +
           reason.example;
  }
  const auto most =
      std::max_element(counts.begin(), counts.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  return std::to_string(most->second) + " of " + std::to_string(status.experiments.size()) +
         " experiments failed with " + most->first + ": " + examples.at(most->first);
}

std::string BaselineProblem(const api::TaskStatus& status, const std::string& runtime) {
  const api::ExperimentStatus* baseline = api::ComparedWith(status.experiments, runtime);
  if (baseline == nullptr) return "the baseline was pruned";
  if (baseline->state != ExperimentState::kFailed) return "the baseline does not meet the SLO";
  return "the baseline failed: " + baseline->reason + ": " + baseline->message;
}

std::string BestMessage(const api::AutotuneTask& task, const api::TaskStatus& status,
                        const api::ExperimentStatus& experiment) {
  const bool less = LessIsBetter(task.spec.optimization.objective);
  std::string message = "Best: " + experiment.name + " (" + experiment.runtime + ", " +
                        api::ConfigurationName(experiment) + "), score " + status.best->score;
  const api::ExperimentStatus* compared = api::ComparedWith(status.experiments, experiment.runtime);
  if (&experiment == compared) {
    return message + "; it is " + (experiment.deployed ? "what is deployed" : "the baseline") +
           ", and no other configuration is better";
  }
  if (!status.best->improvement_over_baseline.empty()) {
    message += ", " + GainWords(status.best->improvement_over_baseline, less) + ComparedWords(compared, less);
    const std::string taken = ComparedWithEstimate(status);
    return message + (taken.empty() ? "" : "; " + taken);
  }
  return message + "; no improvement is given because " + BaselineProblem(status, experiment.runtime);
}

// The last attempt failed: the condition, and when to try again.
void NotRecommended(const Memory::Recommended& tried, const api::TaskStatus& status, Conclusion& out) {
  const bool taken = tried.error->code == base::Code::kAlreadyExists;
  out.verdict.recommendation_reason = taken ? "AlreadyOwned" : "NotWritten";
  out.verdict.recommendation_message = tried.error->message;
  out.wake_at = tried.at + std::chrono::duration_cast<std::chrono::milliseconds>(RefusalDelay(tried.times));
  const api::Condition* told = api::FindCondition(status.conditions, "RecommendationFailed");
  if (told == nullptr || told->reason != out.verdict.recommendation_reason) {
    out.events.push_back({true, "RecommendationFailed", "Recommend", Short(tried.error->message, kMaxNote)});
  }
}

// What the Deployment that the task names runs otherwise. False while it has to be read first.
bool CompareWithRunning(const Observed& observed, const Settings& settings, const deploy::ServerSpec& server,
                        base::WallTime now, Conclusion& out) {
  const auto& named = observed.task.spec.recommendation.diff_against;
  if (!named) return true;
  const auto& deployment = observed.memory.deployment;
  if (!deployment) {
    out.read_deployment = named->deployment;
    out.wake_at = now;
    return false;
  }
  if (*deployment) {
    out.difference = deploy::DifferenceFrom(**deployment, named->container, server, *settings.rules);
  } else {
    const bool denied = deployment->error().code == base::Code::kDenied;
    out.difference.emplace().message =
        deployment->error().message + (denied ? "; autotune diff reads it with your own permissions" : "");
  }
  out.difference->deployment = named->deployment;
  out.difference->read_at = base::FormatRfc3339(now);
  return true;
}

// Fills what there is to say of the ConfigMap; false while it has not been tried.
bool Recommend(const Observed& observed, const Settings& settings, const api::TaskStatus& status, const Space& space,
               const api::ExperimentStatus& experiment, base::WallTime now, Conclusion& out) {
  if (!status.recommendation_config_map.empty()) {
    out.recommendation = status.recommendation_config_map;
    out.difference = status.difference;
    return true;
  }
  const tuning::Candidate* candidate = CandidateOf(space, experiment);
  if (candidate == nullptr) {
    out.verdict.recommendation_reason = "NotReproducible";
    out.verdict.recommendation_message = "The compatibility tables of this operator give " + experiment.name +
                                         " other arguments than the measured ones; edit the task to measure it again";
    return true;
  }
  const deploy::ServerSpec best =
      deploy::ServerSpecOf(observed.task, experiment, ExperimentOf(space, *candidate, experiment.attempts),
                           PlacementOf(space, candidate->gpu), settings.environment);
  if (!CompareWithRunning(observed, settings, best, now, out)) return false;
  json config_map = Recommendation(observed.task, best);
  const std::optional<Memory::Recommended>& tried = observed.memory.recommended;
  if (!tried || tried->digest != DigestOf(config_map)) {
    out.config_map = std::move(config_map);
    out.wake_at = now;  // what came of it is seen at the next look
    return false;
  }
  if (!tried->error) {
    out.recommendation = deploy::ServerName(observed.task);
    return true;
  }
  NotRecommended(*tried, status, out);
  if (*out.wake_at <= now) out.config_map = std::move(config_map);
  return true;
}

// What the engine's release does not take of spec.parameters, each field once; "" where that is not why nothing runs.
std::string RefusedParameters(const Space& space) {
  std::set<std::string> told;
  std::string text;
  for (const tuning::Pruned& pruned : space.expansion.pruned) {
    if (!pruned.rejection.field.starts_with("parameters.") || !told.insert(pruned.rejection.field).second) continue;
    text += (text.empty() ? "spec." : "; spec.") + pruned.rejection.field + ": " + pruned.rejection.message;
  }
  return text;
}

}  // namespace

Conclusion Conclude(const Observed& observed, const Settings& settings, const api::TaskStatus& status,
                    const Space& space, const std::string& infeasible, base::WallTime now) {
  Conclusion out;
  const bool any = std::any_of(status.experiments.begin(), status.experiments.end(),
                               [](const auto& entry) { return entry.state == ExperimentState::kSucceeded; });
  if (!any) {
    const std::string refused = status.experiments.empty() ? RefusedParameters(space) : "";
    out.verdict =
        refused.empty() ? Failed("AllExperimentsFailed", MostFrequentCause(status)) : Failed("InvalidSpec", refused);
    out.events.push_back({true, out.verdict.reason, "Reconcile", Short(out.verdict.message, kMaxNote)});
    return out;
  }
  out.verdict.kind = Verdict::Kind::kComplete;
  out.verdict.state = "Complete";
  out.verdict.feasible = status.best.has_value();
  const bool told = status.state == "Complete";
  if (!status.best) {
    out.verdict.reason = "NoFeasibleConfiguration";
    out.verdict.message = out.verdict.infeasible = infeasible;
    if (!told) out.events.push_back({true, "NoFeasibleConfiguration", "Search", Short(infeasible, kMaxNote)});
    return out;
  }
  const auto experiment = std::find_if(status.experiments.begin(), status.experiments.end(),
                                       [&](const auto& entry) { return entry.name == status.best->experiment; });
  out.verdict.reason = "Succeeded";
  out.verdict.message = BestMessage(observed.task, status, *experiment);
  if (!told) out.events.push_back({false, "TaskComplete", "Search", Short(out.verdict.message, kMaxNote)});
  if (!Recommend(observed, settings, status, space, *experiment, now, out)) {
    out.verdict = Progressing("Searching", "Progressing", "Every experiment has ended; writing the recommendation");
    out.events.clear();
  }
  return out;
}

}  // namespace autotune::reconcile
