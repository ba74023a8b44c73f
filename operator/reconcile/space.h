// From a task's spec to its candidate space: resolves runtimes and releases, reads the quantization styles, picks the
// GPUs, and expands. Pure. `autotune plan` shows exactly what this returns, and decide() runs exactly that.
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

// The GPUs that a task is expanded for.
struct GpuChoice {
  std::string product;  // "" = no node carries GPU labels
  std::optional<quant::ComputeCapability> capability;
  std::int64_t memory_bytes = 0;
  std::string amd_architecture{};  // as in quant::LaunchRequest; "" = NVIDIA, or what spec.gpu.resourceName says
};

// The products of the nodes that spec.gpu allows, the one with the most allocatable GPUs first (ties by name). Empty
// where no node is labelled.
std::vector<GpuChoice> GpuChoices(const api::GpuSpec& spec, const std::vector<experiment::NodeView>& nodes);

// Whether spec.gpu still allows GPUs that were chosen before. Nodes that are away or cordoned forbid nothing: only the
// spec does, by its products, bounds, vendor, or a nodeSelector that no node of that product has.
bool StillAllowed(const api::GpuSpec& spec, const GpuChoice& chosen, const std::vector<experiment::NodeView>& nodes);

// Whether spec.gpu allows a node with these GPUs ("" = any) apart from the one of this name.
bool HasNodeBesides(const api::GpuSpec& spec, const std::string& product,
                    const std::vector<experiment::NodeView>& nodes, const std::string& name);

// The nodes that spec.gpu allows with GPUs of this product ("" = any).
std::vector<const experiment::NodeView*> NodesFor(const api::GpuSpec& spec, const std::string& product,
                                                  const std::vector<experiment::NodeView>& nodes);

// Whether the search chooses candidates one after the other, instead of running all of them.
bool IsAdaptive(const api::TaskSpec& spec);

// A runtime with everything resolved: image, engine traits, release.
struct ResolvedRuntime {
  api::RuntimeSpec spec;
  quant::EngineTraits traits;
  quant::EngineRelease release;
};

// A checkpoint and what its files say.
struct ResolvedModel {
  std::string name;  // api::ModelSpec::name
  checkpoint::ModelFacts facts;
};

struct Space {
  std::vector<ResolvedModel> models;  // as in TaskSpec::models
  std::vector<ResolvedRuntime> runtimes;
  tuning::Expansion expansion;
  // Indices into expansion.candidates: what runs, in this order; of an adaptive search what may run.
  std::vector<std::size_t> schedule;
  std::vector<quant::Warning> warnings;  // of the task as a whole
};

// "docker.io/vllm/vllm-openai:v0.24.0" and "vllm/vllm-openai@sha256:..." are one repository.
std::string_view RepositoryOf(std::string_view image);

// Canonical text of what makes a runtime measure differently, apart from its arguments.
std::string IdentityOf(const api::RuntimeSpec& runtime);

// kInvalid names the field's path.
base::Result<std::vector<ResolvedRuntime>> ResolveRuntimes(const api::TaskSpec& spec, const quant::RuleSet& rules);
// `models`: the facts of TaskSpec::models. Checkpoints of different models are kInvalid.
base::Result<Space> BuildSpace(const api::TaskSpec& spec, const std::vector<checkpoint::ModelFacts>& models,
                               const GpuChoice& gpu, const quant::RuleSet& rules,
                               const experiment::PodEnvironment& environment);

// One product for the whole task: the one that the most combinations can run on, so that what a task asks for is not
// pruned because weaker GPUs are more numerous; among equals the first. A GpuChoice{} where there is no choice.
GpuChoice ChooseGpu(const api::TaskSpec& spec, const std::vector<checkpoint::ModelFacts>& models,
                    const std::vector<GpuChoice>& choices, const quant::RuleSet& rules,
                    const experiment::PodEnvironment& environment);

// The facts of a model's `facts` (inline config.json), with its `quantization` applied; nothing when not inline.
base::Result<std::optional<checkpoint::ModelFacts>> InlineFacts(const api::TaskSpec& spec, std::size_t model);

// Tokens that every engine's context holds with this checkpoint; nothing where a flag or a scaling of the positions may
// make it another, or no config is in the spec.
std::optional<int> KnownContext(const api::TaskSpec& spec, std::size_t model, const checkpoint::ModelFacts& facts);

// The builder's input for one candidate of a space.
experiment::Experiment ExperimentOf(const Space& space, const tuning::Candidate& candidate, int attempt);
experiment::Placement PlacementOf(const Space& space, const GpuChoice& gpu);

}  // namespace autotune::reconcile
