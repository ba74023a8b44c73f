// Expand: from the spec and the model's facts to the experiments of a task, and what they were expanded for.
//
// Pure. What the experiments of a status belong to is a recorded fact (api::ExpandedFor, rules_version, gpu_*); it is
// compared with what the present spec asks for, and nothing else says whether a measurement still counts.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "operator/api/autotune_task.h"
#include "operator/reconcile/decide.h"
#include "operator/reconcile/space.h"

namespace autotune::reconcile {

// Facts of all checkpoints, in the spec's order. REQUIRES: `status` is one of an inspection of the present spec.
std::vector<checkpoint::ModelFacts> FactsOfModels(const api::TaskStatus& status);

// Hash of what says which model it is and what its files are; not of what it takes to get at them.
std::string ModelSourceOf(const api::ModelSpec& model);

// What the present spec asks for. kInvalid names the field's path.
base::Result<api::ExpandedFor> AskedFor(const Observed& observed, const Settings& settings);

// Whether a measurement with this runtime and checkpoint (api::MeasuredWith), made for `was`, is one for `asked` too.
bool MeasuresTheSame(const api::ExpandedFor& was, const api::ExpandedFor& asked, const std::string& with);

// Whether `asked` wants the experiments that were expanded for `was`, under the rules and the hashes of then.
bool AsksTheSame(const api::ExpandedFor& was, const api::ExpandedFor& asked);

// Whether the experiments of `status` are those of the present spec and can be gone on with: newer rules or hashes do
// not touch a search that has nothing left to start.
bool IsExpanded(const api::TaskSpec& spec, const api::TaskStatus& status, const api::ExpandedFor& asked,
                const Settings& settings);

// The GPUs that `status` was expanded for.
GpuChoice GpuOf(const api::TaskStatus& status);

// The candidate that an experiment measures, also where it was named by an earlier scheme of hashes; null if none.
const tuning::Candidate* CandidateOf(const Space& space, const api::ExperimentStatus& experiment);

// The experiment as it was before its first attempt that counts: numbers, causes and times are gone, the count of its
// pods is not.
api::ExperimentStatus Cleared(const api::ExperimentStatus& experiment);

// Everything of a status that an expansion decides.
struct Expanded {
  api::ExpandedFor expanded_for;
  std::string rules_version;
  GpuChoice gpu;
  api::TaskStatus::Candidates candidates;
  std::vector<api::PrunedReason> pruned_reasons;
  std::vector<quant::Warning> warnings;
  std::vector<api::ExperimentStatus> experiments;
  int reused = 0;          // of them, results of other tasks that are new here
  api::GpuSeconds let_go;  // paid for what is not among them any more, or is run again
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

// The experiments of the present spec: those of `status` that it still asks for, with what they measured, and new ones.
base::Result<Expanded> Expand(const Observed& observed, const Settings& settings, const api::TaskStatus& status,
                              const api::ExpandedFor& asked, base::WallTime now);

}  // namespace autotune::reconcile
