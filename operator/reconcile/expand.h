// Expand: from the spec and the model's facts to the experiments of a task, with a record of these inputs.
//
// Pure. The inputs of the experiments in a status are recorded (api::ExpandedFor, rules_version, gpu_*). Only their
// comparison with the current spec decides whether a measurement still counts.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "operator/api/autotune_task.h"
#include "operator/reconcile/decide.h"
#include "operator/reconcile/space.h"

namespace autotune::reconcile {

// Facts of all checkpoints, in the spec's order. REQUIRES: `status` is one of an inspection of the current spec.
std::vector<checkpoint::ModelFacts> FactsOfModels(const api::TaskStatus& status);

// Hash of the identity of the model and its files, without the access to them.
std::string ModelSourceOf(const api::ModelSpec& model);

// Inputs of the expansion from the current spec. kInvalid names the field's path.
base::Result<api::ExpandedFor> AskedFor(const Observed& observed, const Settings& settings);

// True if a measurement with this runtime, checkpoint and type of GPU (api::MeasuredWith) for `was` is also valid for
// `asked`.
bool MeasuresTheSame(const api::ExpandedFor& was, const api::ExpandedFor& asked, const std::string& with);

// True if `asked` has the experiments that were expanded for `was`, with the same rules and hashes.
bool AsksTheSame(const api::ExpandedFor& was, const api::ExpandedFor& asked);

// True if the experiments of `status` are those of the current spec and can continue. Newer rules or hashes do not
// affect a search that has nothing left to start.
bool IsExpanded(const api::TaskSpec& spec, const api::TaskStatus& status, const api::ExpandedFor& asked,
                const Settings& settings);

// The GPUs that `status` was expanded for, of each type of the spec.
std::vector<GpuChoice> GpusOf(const api::TaskSpec& spec, const api::TaskStatus& status);

// The candidate that an experiment measures, also where it was named by an earlier scheme of hashes; null if none.
const tuning::Candidate* CandidateOf(const Space& space, const api::ExperimentStatus& experiment);

// The experiment without results, failures and times; the number of its pods is kept.
api::ExperimentStatus Cleared(const api::ExperimentStatus& experiment);

// Everything of a status that an expansion decides.
struct Expanded {
  api::ExpandedFor expanded_for;
  std::string rules_version;
  std::vector<api::GpuStatus> gpus;
  api::TaskStatus::Candidates candidates;
  std::vector<api::PrunedReason> pruned_reasons;
  std::vector<quant::Warning> warnings;
  std::vector<api::ExperimentStatus> experiments;
  int reused = 0;                // of them, results of other tasks that are new here
  api::GpuSecondsByType let_go;  // cost of experiments that were removed or are repeated
  Space space;
};

struct ToAdd {
  std::size_t candidate = 0;   // index into space.expansion.candidates
  double allowed_seconds = 0;  // as api::ExperimentStatus has it
  std::string confirms;        // the experiment of that candidate that this one is a fresh start of; "" = none
};
// Adds an experiment for each of these, after those that are there. REQUIRES: status.expanded_for is set.
void AddExperiments(const Observed& observed, const Space& space, const std::vector<ToAdd>& added, base::WallTime now,
                    api::TaskStatus& status);

// The experiments of the current spec: those of `status` that it still contains, with their results, and new ones.
base::Result<Expanded> Expand(const Observed& observed, const Settings& settings, const api::TaskStatus& status,
                              const api::ExpandedFor& asked, base::WallTime now);

}  // namespace autotune::reconcile
