// Propose: which candidates run next, as tuning/search decides, from what a status holds.
//
// Pure and deterministic: the same spec, status and space give the same proposal after any restart, because nothing but
// the status is remembered. Used where spec.optimization.strategy is Adaptive; Grid and Random plan everything at once.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "operator/api/autotune_task.h"
#include "operator/reconcile/expand.h"
#include "operator/reconcile/space.h"
#include "tuning/search/decide.h"

namespace autotune::reconcile {

// When spec.optimization.budget.deadline is over; nothing without one.
std::optional<base::WallTime> DeadlineOf(const api::TaskSpec& spec, const api::TaskStatus& status, base::WallTime now);
// "spec.optimization.budget.deadline: 10m after the start of the task are over". REQUIRES: there is one.
std::string DeadlineText(const api::TaskSpec& spec);

// A task as the search sees it. `candidates[i]` is space.expansion.candidates[i].
struct SearchInput {
  tuning::search::Space space;
  tuning::search::Bounds bounds;
  tuning::search::Prior prior;
  tuning::search::Observations observations;
  tuning::search::Limits limits;
  base::WallTime now{};
};
// `now`: for spec.optimization.budget.deadline.
SearchInput SearchInputOf(const api::TaskSpec& spec, const api::TaskStatus& status, const Space& space,
                          base::WallTime now);

struct Proposal {
  std::vector<ToAdd> start;  // to be added to the experiments
  // Set: nothing more is started. The experiments that run go on.
  std::optional<tuning::search::Reason> stopped;
  double expected_gain = 0;              // with `stopped`: of the best candidate that is left, as a share of the leader
  std::vector<api::NotTried> not_tried;  // with `stopped`: candidates that were left out, most first
  std::string refused;  // with `stopped`: nothing was started at all, and why the limits do not let anything start
};
// Fills the free places (PlacesOf); when the search has ended, with a fresh start of the leader. `status` has its
// answer. `input`: of the same. `gpus`: GpusByNode.
Proposal Propose(const api::TaskSpec& spec, const api::TaskStatus& status, const Space& space, SearchInput input,
                 const std::map<std::string, int>& gpus);

// "no candidate that is left is expected to gain 5 % (the best one 1.2 %)", for people.
std::string WhyStopped(const Proposal& proposal);

// What another attempt of `entry` (of candidate `candidate`) may take, in seconds; 0 where nothing is limited. Nothing:
// what the budget has left is not enough.
std::optional<double> AllowedAgain(const SearchInput& input, const api::ExperimentStatus& entry, std::size_t candidate);

// What the pod of `entry` is told of the search: the score to beat, what is expected of it, what the budget has for it.
// `input` is null where the search is not adaptive.
experiment::BenchHints HintsFor(const api::TaskSpec& spec, const api::TaskStatus& status, const SearchInput* input,
                                const Space& space, const api::ExperimentStatus& entry,
                                const tuning::Candidate& candidate);

}  // namespace autotune::reconcile
