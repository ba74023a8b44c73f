#include "operator/reconcile/confirm.h"

#include <algorithm>
#include <string>

#include "operator/reconcile/track.h"
#include "tuning/judge.h"
#include "tuning/search/confirmation.h"
#include "tuning/search/constants.h"

namespace autotune::reconcile {

int ConfirmationsOf(const api::TaskSpec& spec, const api::TaskStatus& status, const SearchInput& input) {
  if (spec.optimization.confirmations) return *spec.optimization.confirmations;
  if (!IsAdaptive(spec) || !status.best) return 0;
  if (!status.best->tied_with.empty()) return 1;
  // A fresh start has time for the rate that was not measured.
  if (status.best->score_basis == tuning::ScoreBasisName(tuning::ScoreBasis::kEstimate)) return 1;
  // Another day, another node: the answer of this task is started once by it.
  const bool reused = std::ranges::any_of(status.experiments, [&](const api::ExperimentStatus& entry) {
    return entry.name == status.best->experiment && !entry.reused_from.empty();
  });
  if (reused) return 1;
  return tuning::search::ConfirmationsNeeded(input.space, input.bounds, input.observations);
}

std::optional<std::size_t> NextConfirmation(const api::TaskSpec& spec, const api::TaskStatus& status,
                                            const SearchInput& input) {
  if (!status.best) return std::nullopt;
  const auto count = [&](const auto& is_one) {
    return static_cast<std::size_t>(std::count_if(status.experiments.begin(), status.experiments.end(), is_one));
  };
  const std::string& leader = status.best->experiment;
  const std::size_t spent = count([](const api::ExperimentStatus& entry) { return !entry.confirms.empty(); });
  const std::size_t own = count([&](const api::ExperimentStatus& entry) { return entry.confirms == leader; });
  // A leader that was confirmed stays so: that what was measured varies was the reason to start it afresh.
  const auto needed = static_cast<std::size_t>(std::max(ConfirmationsOf(spec, status, input), own > 0 ? 1 : 0));
  if (own >= needed || spent >= needed * tuning::search::constants::kMostFinalists) return std::nullopt;
  if (status.experiments.size() >= api::kMaxExperiments) return std::nullopt;
  const auto found = std::find_if(status.experiments.begin(), status.experiments.end(),
                                  [&](const api::ExperimentStatus& entry) { return entry.name == leader; });
  if (found == status.experiments.end()) return std::nullopt;
  return static_cast<std::size_t>(found - status.experiments.begin());
}

std::string ConfirmingText(const api::TaskStatus& status) {
  for (const api::ExperimentStatus& entry : status.experiments) {
    if (!entry.confirms.empty() && !IsFinished(entry)) return "confirming " + entry.confirms + " with a fresh start";
  }
  return "";
}

}  // namespace autotune::reconcile
