// Expand: computes a task's experiments from its spec and the model's facts, with a record of these inputs.
//
// Pure. The status records the inputs of its experiments (api::ExpandedFor, rules_version, gpus). Only their comparison
// with the current spec decides whether a measurement is still valid.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "operator/api/autotune_task.h"
#include "operator/reconcile/decide.h"
#include "operator/reconcile/space.h"

namespace autotune::reconcile {

// Facts of all checkpoints, in the spec's order. REQUIRES: the inspection of the current spec is in `status`.
std::vector<checkpoint::ModelFacts> FactsOfModels(const api::TaskStatus& status);

// Hash of the identity of a model and its files, but not of how they are accessed.
std::string ModelSourceOf(const api::ModelSpec& model);

// Inputs of the expansion from the current spec. kInvalid names the field's path.
base::Result<api::ExpandedFor> AskedFor(const Observed& observed, const Settings& settings);

// True if a measurement for `was` with this runtime, checkpoint and type of GPU (`with`: api::MeasuredWith) is also
// valid for `asked`.
bool MeasuresTheSame(const api::ExpandedFor& was, const api::ExpandedFor& asked, const std::string& with);

// True if `asked` gives the same experiments as `was`, with the same rules and hash scheme.
bool AsksTheSame(const api::ExpandedFor& was, const api::ExpandedFor& asked);

// True if the experiments of `status` are those of the current spec and can continue. Newer rules or hash schemes do
// not affect a search without experiments left to start.
bool IsExpanded(const api::TaskSpec& spec, const api::TaskStatus& status, const api::ExpandedFor& asked,
                const Settings& settings);

// For each type of the spec: the GPUs for which `status` was expanded.
std::vector<GpuChoice> GpusOf(const api::TaskSpec& spec, const api::TaskStatus& status);

// The candidate of an experiment, even if its name has an earlier hash scheme; null if there is none.
const tuning::Candidate* CandidateOf(const Space& space, const api::ExperimentStatus& experiment);

// The experiment without results, failures and times, but with the number of its pods.
api::ExperimentStatus Cleared(const api::ExperimentStatus& experiment);

// All members of a status that an expansion sets.
struct Expanded {
  api::ExpandedFor expanded_for;
  std::string rules_version;
  std::vector<api::GpuStatus> gpus;
  api::TaskStatus::Candidates candidates;
  std::vector<api::PrunedReason> pruned_reasons;
  std::vector<quant::Warning> warnings;
  std::vector<api::ExperimentStatus> experiments;
  int reused = 0;                // number of `experiments` with results of other tasks, new in this expansion
  api::GpuSecondsByType let_go;  // cost of experiments that are removed or repeated
  Space space;
};

struct NewExperiment {
  std::size_t candidate = 0;   // index into space.expansion.candidates
  double allowed_seconds = 0;  // as api::ExperimentStatus has it
  std::string confirms;        // experiment of which this is a fresh start; "" = none
};
// Appends an experiment for each entry of `added`. REQUIRES: status.expanded_for is set.
void AddExperiments(const Observed& observed, const Space& space, const std::vector<NewExperiment>& added,
                    base::WallTime now, api::TaskStatus& status);

// The experiments of the current spec: those of `status` that are still valid, with results, and new ones.
base::Result<Expanded> Expand(const Observed& observed, const Settings& settings, const api::TaskStatus& status,
                              const api::ExpandedFor& asked, base::WallTime now);

}  // namespace autotune::reconcile
