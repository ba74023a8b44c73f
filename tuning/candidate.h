// The candidate space: checkpoints x GPU types x runtimes x quantization configurations x parameters, mapped, pruned,
// made unique and ordered.
//
// Pure: (input) -> expansion. Nothing is dropped silently: total = duplicates + pruned + candidates.size().
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "quant/launch_plan.h"

namespace autotune::tuning {

// A type of GPU.
struct GpuInput {
  std::string name{};  // "" = there is only one
  std::optional<quant::ComputeCapability> capability{};
  std::int64_t memory_bytes = 0;
  std::string amd_architecture{};  // as in LaunchRequest; empty for NVIDIA
  bool shared = false;             // as in LaunchRequest
  bool memory_bound = false;       // as in LaunchRequest
};

// A runtime on a type of GPU: images of the same runtime, hence releases, differ between vendors.
struct RuntimeInput {
  std::string name;
  quant::EngineRelease release;
  std::vector<std::string> extra_args;
  std::string identity;        // canonical text of other inputs of this runtime (image, command, env), for the hash
  std::size_t gpu = 0;         // index into SpaceInput::gpus
  bool only_deployed = false;  // what is deployed is its only configuration
};

// One checkpoint of the model.
struct ModelInput {
  std::string name{};  // "" = there is only one
  checkpoint::ModelFacts facts{};
  std::string revision{};  // as in LaunchRequest
  // By GPU type, experiment::HashedContext: everything else that influences a result.
  std::vector<std::string> contexts{""};
};

// The baseline of spec.optimization.baseline.
struct NamedBaseline {
  std::string runtime;  // "" = every runtime's
  std::optional<quant::QuantConfig> quant;
  std::map<std::string, quant::FlagValue> parameters;  // take precedence over those of the space
  // What is deployed today: `parameters` and `env` are all that its engine gets, nothing of the space or the runtime is
  // added. It is of one runtime and one checkpoint; the reference has baselines of its own where it is of another.
  bool deployed = false;
  std::map<std::string, std::string> env{};
  int gpus = 0;                                      // that its server has; 0 = as many as it uses
  std::size_t model = 0;                             // index into SpaceInput::models
  std::string field = "spec.optimization.baseline";  // for messages
};

struct SpaceInput {
  std::vector<ModelInput> models = std::vector<ModelInput>(1);
  std::size_t reference = 0;  // index into `models`: whose baselines are measured
  std::vector<GpuInput> gpus = std::vector<GpuInput>(1);
  std::size_t baseline_gpu = 0;        // index into `gpus`: see Expand
  std::vector<RuntimeInput> runtimes;  // each on each type of GPU that it is for
  std::vector<quant::QuantConfig> quants;
  std::map<std::string, std::vector<quant::FlagValue>> parameters;                      // axis values, never empty
  std::vector<int> tensor_parallel, pipeline_parallel, data_parallel, expert_parallel;  // empty = not set
  std::optional<NamedBaseline> baseline;
  quant::Prompts prompts = quant::Prompts::kRandom;
  std::int64_t longest_request = 0;  // tokens in and out; 0 = not known
};

struct Candidate {
  std::string hash;         // first 16 hexadecimal digits of SHA-256 over the *final* configuration and the context
  std::size_t model = 0;    // index into SpaceInput::models
  std::size_t gpu = 0;      // index into SpaceInput::gpus
  std::size_t runtime = 0;  // index into SpaceInput::runtimes
  quant::QuantConfig quant;
  std::map<std::string, quant::FlagValue> parameters;  // this candidate's point
  quant::ParallelSizes parallel;
  quant::LaunchPlan plan;
  bool baseline = false;
  bool deployed = false;  // as NamedBaseline's; then also `baseline`
  int idle_gpus = 0;      // of plan.gpus: that a deployed server has and does not use
  int duplicates = 0;     // other combinations that end in the same final configuration
};

struct Pruned {
  std::string model;
  std::string gpu;
  std::string runtime;
  quant::QuantConfig quant;
  std::map<std::string, quant::FlagValue> parameters;
  quant::ParallelSizes parallel;
  quant::Rejection rejection;
  bool baseline = false;  // nothing to compare with on this runtime
};

// A combination of the spec with the same final configuration as an earlier one.
struct Duplicate {
  std::string model;
  std::string gpu;
  std::string runtime;
  quant::QuantConfig quant;
  std::map<std::string, quant::FlagValue> parameters;
  quant::ParallelSizes parallel;
  std::size_t of = 0;  // index into Expansion::candidates
  std::string reason;  // why it runs the same, where the engine replaces a value; else ""
};

struct Expansion {
  int total = 0;
  int duplicates = 0;
  // Unique. Baselines first, then the grid: models, GPU types, runtimes, quants, parallel sizes, parameters. The last
  // key varies fastest.
  std::vector<Candidate> candidates;
  std::vector<Pruned> pruned;
  std::vector<Duplicate> duplicate_of;  // one per duplicate, for people; the first kMaxListedDuplicates
};
inline constexpr std::size_t kMaxListedDuplicates = 1000;

// Version of the computation of Candidate::hash; only increases. Running tasks have hashes of the operator that
// expanded them. Increase it with every change of the hashed text, here or in experiment::HashedContext; a test has the
// hash of one task for this number.
inline constexpr int kHashScheme = 2;

// Maximum number of combinations; more is kInvalid with the product in the message.
inline constexpr std::size_t kMaxCombinations = 100'000;

// Maps every combination. The baseline of each runtime is the reference checkpoint with the engine's own defaults:
// preset "default" with the values of axes that have one, and no value of the others; where the engine is not started
// so, their first values. It is counted in `total` where it is not one of the combinations. What ends in the same final
// configuration as a baseline is a duplicate of the baseline, wherever it stands in the grid. What is deployed is a
// baseline of its checkpoint, too. It runs with as many GPUs as its server has, if these are more than it uses. A
// runtime has its baseline on one type of GPU: `baseline_gpu`, or the first other type on which the runtime starts so.
// kInvalid: a named baseline that its engine is not started with.
base::Result<Expansion> ExpandCandidates(const quant::RuleSet& rules, const SpaceInput& input);

}  // namespace autotune::tuning
