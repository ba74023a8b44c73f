// From a task's spec to its candidate space: resolves runtimes and releases, reads the quantization styles, picks the
// GPUs, and expands. Pure. `autotune plan` shows exactly this result, and Decide() runs it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "operator/api/autotune_task.h"
#include "operator/experiment/node_view.h"
#include "operator/experiment/pod_builder.h"
#include "quant/rules.h"
#include "tuning/candidate.h"

namespace autotune::reconcile {

// The GPUs that a type of the spec stands for.
struct GpuChoice {
  std::string product;  // "" = no node carries GPU labels
  std::optional<quant::ComputeCapability> capability;
  std::int64_t memory_bytes = 0;
  std::string amd_architecture{};  // as in quant::LaunchRequest; "" = NVIDIA, or as in GpuSpec::resource_name
  bool shared = false;             // GpuInfo::shared of a node that the pods may run on
};

// The products of the nodes that the type allows, the one with the most allocatable GPUs first (ties by name). Empty
// where no node is labelled. Partitions (MIG) whose product no label names count as one product "", with what is known
// of all of them.
std::vector<GpuChoice> GpuChoices(const api::GpuSpec& spec, const std::vector<experiment::NodeView>& nodes);

// Whether the type still allows GPUs that were chosen before. Missing or cordoned nodes do not matter: only the spec
// does, by its products, limits, vendor, or a nodeSelector that no node of that product has.
bool StillAllowed(const api::GpuSpec& spec, const GpuChoice& chosen, const std::vector<experiment::NodeView>& nodes);

// Whether the type allows a node with these GPUs ("" = any) apart from the one of this name.
bool HasNodeBesides(const api::GpuSpec& spec, const std::string& product,
                    const std::vector<experiment::NodeView>& nodes, const std::string& name);

// The nodes that the type allows with GPUs of this product ("" = any).
std::vector<const experiment::NodeView*> NodesFor(const api::GpuSpec& spec, const std::string& product,
                                                  const std::vector<experiment::NodeView>& nodes);

// Whether the search chooses candidates one after the other, instead of running all of them.
bool IsAdaptive(const api::TaskSpec& spec);

// A runtime on a type of GPU, with everything resolved: image, engine traits, release.
struct ResolvedRuntime {
  std::size_t gpu = 0;  // index into TaskSpec::gpus
  api::RuntimeSpec spec;
  quant::EngineTraits traits;
  quant::EngineRelease release;
  bool deployed = false;  // of what is deployed, and of nothing else: api::DeployedRuntimeName
};

// A checkpoint and its facts.
struct ResolvedModel {
  std::string name;  // api::ModelSpec::name
  checkpoint::ModelFacts facts;
};

struct Space {
  std::vector<ResolvedModel> models;   // as in TaskSpec::models
  std::vector<GpuChoice> gpus;         // as in TaskSpec::gpus
  std::vector<std::string> gpu_names;  // GpuSpec::name of these
  std::vector<ResolvedRuntime> runtimes;
  tuning::Expansion expansion;
  // Indices into expansion.candidates: candidates to run, in this order; for an adaptive search those that may run.
  std::vector<std::size_t> schedule;
  std::vector<quant::Warning> warnings;  // of the task as a whole
};

// Canonical text of a runtime's inputs of a measurement, apart from its arguments.
std::string IdentityOf(const api::RuntimeSpec& runtime);

// Every runtime on every type of GPU, the types one after the other, and behind them that of what is deployed, if it
// has one of its own (DeployedRuntime). kInvalid names the field's path.
base::Result<std::vector<ResolvedRuntime>> ResolveRuntimes(const api::TaskSpec& spec, const quant::RuleSet& rules);
// Of these the one that an experiment ran on its type of GPU; null if the spec no longer has it.
const ResolvedRuntime* RuntimeOf(const std::vector<ResolvedRuntime>& runtimes, const api::TaskSpec& spec,
                                 const api::ExperimentStatus& experiment);
// The image that the spec names for a runtime on a type of GPU (index into TaskSpec::gpus): the type's own, else the
// runtime's; "" = the engine's default.
const std::string& NamedImage(const api::TaskSpec& spec, const api::RuntimeSpec& runtime, std::size_t gpu);
// Warning of an engine without log-probabilities of prompts and a dataset that may have questions by choices.
inline constexpr const char* kChoicesNotCompared = "ChoicesNotCompared";

// `models`: the facts of TaskSpec::models. Checkpoints of different models are kInvalid. `gpus`: of TaskSpec::gpus;
// empty = nothing is known of them. A type of several that no runtime can use is kInvalid.
base::Result<Space> BuildSpace(const api::TaskSpec& spec, const std::vector<checkpoint::ModelFacts>& models,
                               const std::vector<GpuChoice>& gpus, const quant::RuleSet& rules,
                               const experiment::PodEnvironment& environment);

// One product for a type of GPU: the one on which most candidates can run, so that no candidate is pruned because
// weaker GPUs are more numerous; the first of equals. GpuChoice{} if there is no choice.
GpuChoice ChooseGpu(const api::TaskSpec& spec, std::size_t gpu, const std::vector<checkpoint::ModelFacts>& models,
                    const std::vector<GpuChoice>& choices, const quant::RuleSet& rules,
                    const experiment::PodEnvironment& environment);

// The facts of a model's `facts` (inline config.json), with its `quantization` applied; nullopt if not inline.
base::Result<std::optional<checkpoint::ModelFacts>> InlineFacts(const api::TaskSpec& spec, std::size_t model);

// The builder's input for one candidate of a space.
experiment::Experiment ExperimentOf(const Space& space, const tuning::Candidate& candidate, int attempt);
// Of the experiments on a type of GPU.
experiment::Placement PlacementOf(const Space& space, std::size_t gpu);

// Reason for which the types of GPU cannot be compared by price, with the field; "" if they can, or need not be.
// `status` has their prices.
std::string MissingPrice(const api::TaskSpec& spec, const api::TaskStatus& status);

}  // namespace autotune::reconcile
