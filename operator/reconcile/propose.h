// Propose: which candidates run next, as tuning/search decides, from what a status holds.
//
// Pure and deterministic: the same spec, status and space give the same proposal after any restart, because nothing but
// the status is remembered. Used where spec.optimization.strategy is Adaptive; Grid and Random plan everything at once.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "operator/api/autotune_task.h"
#include "operator/reconcile/space.h"
#include "tuning/search/decide.h"

namespace autotune::reconcile {

// A task as the search sees it. `candidates[i]` is space.expansion.candidates[i].
struct SearchInput {
  tuning::search::Space space;
  tuning::search::Bounds bounds;
  tuning::search::Prior prior;
  tuning::search::Observations observations;
  tuning::search::Limits limits;
};
// `now`: for spec.optimization.budget.deadline.
SearchInput SearchInputOf(const api::TaskSpec& spec, const api::TaskStatus& status, const Space& space,
                          base::WallTime now);

struct Proposal {
  std::vector<std::size_t> start;  // indices into space.expansion.candidates, to be added to the experiments
  // Set: nothing more is started. The experiments that run go on.
  std::optional<tuning::search::Reason> stopped;
  double expected_gain = 0;  // with `stopped`: of the best candidate that is left, as a share of the leader
};
// Fills the free places of spec.parallelism.
Proposal Propose(const api::TaskSpec& spec, const api::TaskStatus& status, const Space& space, base::WallTime now);

// "no candidate that is left is expected to gain 5 % (the best one 1.2 %)", for people.
std::string WhyStopped(const Proposal& proposal);

// What a pod's bench is told of the search: the score to beat, and how many requests the engine can run at a time.
experiment::BenchHints HintsFor(const api::TaskSpec& spec, const api::TaskStatus& status, const Space& space,
                                const tuning::Candidate& candidate);

}  // namespace autotune::reconcile
