// Propose: the next candidates of an adaptive search (tuning/search), from the status.
//
// Pure and deterministic: the same spec, status and space give the same proposal after any restart, because the status
// is the only state. Used where spec.optimization.strategy is Adaptive; Grid and Random plan everything at once.
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

// End of spec.optimization.budget.deadline; nullopt without one.
std::optional<base::WallTime> DeadlineOf(const api::TaskSpec& spec, const api::TaskStatus& status, base::WallTime now);
// "spec.optimization.budget.deadline: 10m since the start of the task have passed". REQUIRES: the spec has a deadline.
std::string DeadlineText(const api::TaskSpec& spec);

// A node that experiments on a type of GPU may run on.
struct NodeGpus {
  std::size_t type = 0;  // index into TaskSpec::gpus
  std::string node;
  int gpus = 0;  // those in use by other tasks included: a pod that waits for them reports it
};

// Whether results and costs on this type of GPU, an index of spec.gpus, are predicted: not on a share of a card, a
// partition or a virtual GPU.
bool IsPredicted(const api::TaskSpec& spec, const api::TaskStatus& status, std::size_t type);

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
  // Set: no further experiment starts; running ones continue.
  std::optional<tuning::search::Reason> stopped;
  double expected_gain = 0;              // with `stopped`: of the best candidate that is left, as a share of the leader
  double stop_gain = 0;                  // with `stopped`: the gain below which the search stops
  std::vector<api::NotTried> not_tried;  // with `stopped`: candidates that were left out, most first
  std::string refused;  // with `stopped`: no experiment has started, and the reason for which the limits allow none
};
// Fills the free places (PlacesOf); when the search has ended, with a fresh start of the leader. `status` has its
// answer. `input`: of the same. `gpus`: GpusByNode. With several types of GPU, one of which a pod waits gets no other
// pod: the places are for the types that have GPUs.
Proposal Propose(const api::TaskSpec& spec, const api::TaskStatus& status, const Space& space, SearchInput input,
                 const std::vector<NodeGpus>& gpus);

// Reason of the end of a search, for people.
std::string WhyStopped(const Proposal& proposal);

// Seconds that another attempt of `entry` (of candidate `candidate`) may take; 0 without a limit; nullopt if the rest
// of the budget is not enough.
std::optional<double> AllowedAgain(const SearchInput& input, const api::ExperimentStatus& entry, std::size_t candidate);

// Hints for the pod of `entry`: the score to beat, the prediction, and its part of the budget. `input` is null where
// the search is not adaptive.
experiment::BenchHints HintsFor(const api::TaskSpec& spec, const api::TaskStatus& status, const SearchInput* input,
                                const Space& space, const api::ExperimentStatus& entry,
                                const tuning::Candidate& candidate);

}  // namespace autotune::reconcile
