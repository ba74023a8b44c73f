// Builds the candidate space of a task: resolves runtimes and releases, reads the quantization styles, selects the
// GPUs, and expands. Pure. Both `autotune plan` and Decide() use it.
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

// The GPUs of one type of the spec.
struct GpuChoice {
  std::string product;  // "" = no node has GPU labels
  std::optional<quant::ComputeCapability> capability;
  std::int64_t memory_bytes = 0;
  std::string amd_architecture{};  // as in quant::LaunchRequest; "" = NVIDIA, or given by GpuSpec::resource_name
  bool shared = false;             // GpuInfo::shared of a node that the pods may use
};

// GPU products of the nodes that the type allows, in descending order of allocatable GPUs, then by name. Empty if no
// node has labels. MIG partitions whose product no label names count as one product "", with their common
// properties.
std::vector<GpuChoice> GpuChoices(const api::GpuSpec& spec, const std::vector<experiment::NodeView>& nodes);

// True if the type still allows GPUs that were chosen before. Missing or cordoned nodes are ignored: only the spec
// decides, by products, limits, vendor, or a nodeSelector or affinity that no node of that product matches.
bool StillAllowed(const api::GpuSpec& spec, const GpuChoice& chosen, const std::vector<experiment::NodeView>& nodes);

// True if the type allows a node with this product ("" = any) other than the node `name`.
bool HasNodeBesides(const api::GpuSpec& spec, const std::string& product,
                    const std::vector<experiment::NodeView>& nodes, const std::string& name);

// The nodes with this product ("" = any) that the type allows: not cordoned, selected by nodeSelector and affinity,
// with taints that its pods tolerate.
std::vector<const experiment::NodeView*> NodesFor(const api::GpuSpec& spec, const std::string& product,
                                                  const std::vector<experiment::NodeView>& nodes);

// True if the search chooses candidates one by one instead of running all of them.
bool IsAdaptive(const api::TaskSpec& spec);

// A runtime on a type of GPU, with resolved image, engine traits and release.
struct ResolvedRuntime {
  std::size_t gpu = 0;  // index into TaskSpec::gpus
  api::RuntimeSpec spec;
  quant::EngineTraits traits;
  quant::EngineRelease release;
  bool deployed = false;  // used only for the deployed configuration (api::DeployedRuntimeName)
};

// A checkpoint and its facts.
struct ResolvedModel {
  std::string name;  // api::ModelSpec::name
  checkpoint::ModelFacts facts;
};

struct Space {
  std::vector<ResolvedModel> models;   // as in TaskSpec::models
  std::vector<GpuChoice> gpus;         // as in TaskSpec::gpus
  std::vector<std::string> gpu_names;  // GpuSpec::name of `gpus`
  std::vector<ResolvedRuntime> runtimes;
  tuning::Expansion expansion;
  // Indices into expansion.candidates in the order in which they run; for an adaptive search all that may run.
  std::vector<std::size_t> schedule;
  std::vector<quant::Warning> warnings;  // of the task as a whole
};

// Canonical text of a runtime's inputs of a measurement, except for its arguments.
std::string IdentityOf(const api::RuntimeSpec& runtime);

// Every runtime on every type of GPU, type by type; then the runtime of the deployed configuration, if it has its own
// (DeployedRuntime). kInvalid names the field's path.
base::Result<std::vector<ResolvedRuntime>> ResolveRuntimes(const api::TaskSpec& spec, const quant::RuleSet& rules);
// The runtime on which an experiment ran, for its type of GPU; null if the spec no longer has it.
const ResolvedRuntime* RuntimeOf(const std::vector<ResolvedRuntime>& runtimes, const api::TaskSpec& spec,
                                 const api::ExperimentStatus& experiment);
// The image in the spec for a runtime on a type of GPU (index into TaskSpec::gpus): the type's, else the runtime's; ""
// = the engine's default.
const std::string& NamedImage(const api::TaskSpec& spec, const api::RuntimeSpec& runtime, std::size_t gpu);
// Warning: the engine has no log-probabilities of prompts, but a dataset may have questions by choices.
inline constexpr const char* kChoicesNotCompared = "ChoicesNotCompared";

// `models`: facts of TaskSpec::models; kInvalid if they are of different models. `gpus`: of TaskSpec::gpus; empty = not
// known. kInvalid if no runtime can use one of several types.
base::Result<Space> BuildSpace(const api::TaskSpec& spec, const std::vector<checkpoint::ModelFacts>& models,
                               const std::vector<GpuChoice>& gpus, const quant::RuleSet& rules,
                               const experiment::PodEnvironment& environment);

// Selects one product for a type of GPU: the one on which most candidates can run, so that none is pruned because
// weaker GPUs are more numerous; the first of equals. GpuChoice{} if `choices` is empty.
GpuChoice ChooseGpu(const api::TaskSpec& spec, std::size_t gpu, const std::vector<checkpoint::ModelFacts>& models,
                    const std::vector<GpuChoice>& choices, const quant::RuleSet& rules,
                    const experiment::PodEnvironment& environment);

// The facts of the model's inline `facts` (config.json), with `quantization` applied; nullopt if there are none.
base::Result<std::optional<checkpoint::ModelFacts>> InlineFacts(const api::TaskSpec& spec, std::size_t model);

// Input of the pod builder for one candidate of a space.
experiment::Experiment ExperimentOf(const Space& space, const tuning::Candidate& candidate, int attempt);
// Placement of the experiments on a type of GPU.
experiment::Placement PlacementOf(const Space& space, std::size_t gpu);

// Reason, with the field, for which types of GPU cannot be compared by price; "" if they can, or need not be. REQUIRES:
// `status` has their prices.
std::string MissingPrice(const api::TaskSpec& spec, const api::TaskStatus& status);

}  // namespace autotune::reconcile
