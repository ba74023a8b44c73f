// Propose: the next candidates of an adaptive search (tuning/search), computed from the status.
//
// Pure and deterministic: equal spec, status and space give the same proposal after any restart, because the status is
// the only state. For strategy Adaptive; Grid and Random schedule all experiments at once.
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

// Time at which spec.optimization.budget.deadline ends; nullopt if it is not set.
std::optional<base::WallTime> DeadlineOf(const api::TaskSpec& spec, const api::TaskStatus& status, base::WallTime now);
// "spec.optimization.budget.deadline: 10m since the start of the task have passed". REQUIRES: the spec has a deadline.
std::string DeadlineText(const api::TaskSpec& spec);

// A node that experiments on a type of GPU may run on.
struct NodeGpus {
  std::size_t type = 0;  // index into TaskSpec::gpus
  std::string node;
  int gpus = 0;  // including those in use by other tasks: a pod that waits for them reports it
};

// True if results and costs on this type of GPU (index into spec.gpus) are predicted: not on a share of a card, a
// partition or a virtual GPU.
bool IsPredicted(const api::TaskSpec& spec, const api::TaskStatus& status, std::size_t type);

// Input of the search for a task. `candidates[i]` corresponds to space.expansion.candidates[i].
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
  std::vector<NewExperiment> start;  // to be added to the experiments
  // If set, no further experiment starts; running ones continue.
  std::optional<tuning::search::Reason> stopped;
  double expected_gain = 0;              // with `stopped`: gain of the best remaining one, share of the leader
  double stop_gain = 0;                  // with `stopped`: the gain below which the search stops
  std::vector<api::NotTried> not_tried;  // with `stopped`: candidates without an experiment, most frequent reason first
  std::string short_of;  // with `stopped` by the budget: what is left of it and what is needed, for people; may be ""
  std::string refused;   // with `stopped`: reason for which the limits allow no experiment; "" once one has started
};
// Experiments to start until as many run as ParallelismOf allows; after the end of the search, a fresh start of the
// leader. `input`: of `status`. `gpus`: from GpusByNode. With several types of GPU, a type for which a pod waits gets
// no further pod: the experiments are for types with free GPUs. REQUIRES: Answer() has filled `status`.
Proposal Propose(const api::TaskSpec& spec, const api::TaskStatus& status, const Space& space, SearchInput input,
                 const std::vector<NodeGpus>& gpus);

// Reason for the end of a search, for people.
std::string WhyStopped(const Proposal& proposal);

// Maximum seconds of another attempt of `entry` (experiment of `candidate`); 0 = no limit; nullopt if the remaining
// budget is not enough.
std::optional<double> AllowedAgain(const SearchInput& input, const api::ExperimentStatus& entry, std::size_t candidate);

// Hints for the pod of `entry`: the score to beat, the prediction, and its part of the budget. `input`: null if the
// search is not adaptive.
experiment::BenchHints HintsFor(const api::TaskSpec& spec, const api::TaskStatus& status, const SearchInput* input,
                                const Space& space, const api::ExperimentStatus& entry,
                                const tuning::Candidate& candidate);

}  // namespace autotune::reconcile
