// The candidate space: checkpoints x GPU types x runtimes x quantization configurations x parameters. Flags are
// generated, invalid candidates pruned, duplicates merged, and the rest ordered.
//
// Pure. Nothing is dropped silently: total = duplicates + pruned + candidates.size().
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

// A runtime on a type of GPU: images of one runtime, and so its releases, differ between vendors.
struct RuntimeInput {
  std::string name;
  quant::EngineRelease release;
  std::vector<std::string> extra_args;
  std::string identity;        // canonical text of this runtime's other inputs (image, command, env), for the hash
  std::size_t gpu = 0;         // index into SpaceInput::gpus
  bool only_deployed = false;  // its only configuration is the deployed one
};

// One checkpoint of the model.
struct ModelInput {
  std::string name{};  // "" = there is only one
  checkpoint::ModelFacts facts{};
  std::string revision{};  // as in LaunchRequest
  // By type of GPU: everything else that influences a result (experiment::HashedContext).
  std::vector<std::string> contexts{""};
};

// The baseline that spec.optimization.baseline names.
struct NamedBaseline {
  std::string runtime;  // "" = the baseline of every runtime
  std::optional<quant::QuantConfig> quant;
  std::map<std::string, quant::FlagValue> parameters;  // take precedence over the parameters of the space
  // The deployed configuration: its engine gets only `parameters` and `env`, nothing of the space or the runtime. It
  // has one runtime and one checkpoint; the reference has its own baselines if that is another checkpoint.
  bool deployed = false;
  std::map<std::string, std::string> env{};
  int gpus = 0;                                      // number of GPUs of its server; 0 = as many as it uses
  std::size_t model = 0;                             // index into SpaceInput::models
  std::string field = "spec.optimization.baseline";  // for messages
};

struct SpaceInput {
  std::vector<ModelInput> models = std::vector<ModelInput>(1);
  std::size_t reference = 0;  // index into `models`: the checkpoint whose baselines are measured
  std::vector<GpuInput> gpus = std::vector<GpuInput>(1);
  std::size_t baseline_gpu = 0;        // index into `gpus`: see ExpandCandidates
  std::vector<RuntimeInput> runtimes;  // each on every type of GPU that it supports
  std::vector<quant::QuantConfig> quants;
  std::map<std::string, std::vector<quant::FlagValue>> parameters;                      // axis values, never empty
  std::vector<int> tensor_parallel, pipeline_parallel, data_parallel, expert_parallel;  // empty = not set
  std::optional<NamedBaseline> baseline;
  quant::Prompts prompts = quant::Prompts::kRandom;
  std::int64_t longest_request = 0;  // input and output tokens; 0 = not known
};

struct Candidate {
  std::string hash;         // first 16 hexadecimal digits of SHA-256 over the final configuration and the context
  std::size_t model = 0;    // index into SpaceInput::models
  std::size_t gpu = 0;      // index into SpaceInput::gpus
  std::size_t runtime = 0;  // index into SpaceInput::runtimes
  quant::QuantConfig quant;
  std::map<std::string, quant::FlagValue> parameters;  // values of this candidate
  quant::ParallelSizes parallel;
  quant::LaunchPlan plan;
  bool baseline = false;
  bool deployed = false;  // as NamedBaseline's; then `baseline` is true as well
  int idle_gpus = 0;      // GPUs of plan.gpus that a deployed server has and does not use
  int duplicates = 0;     // other combinations with the same final configuration
};

struct Pruned {
  std::string model;
  std::string gpu;
  std::string runtime;
  quant::QuantConfig quant;
  std::map<std::string, quant::FlagValue> parameters;
  quant::ParallelSizes parallel;
  quant::Rejection rejection;
  bool baseline = false;  // this runtime then has no baseline to compare with
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
  std::string reason;  // why it runs the same, if the engine replaces a value; else ""
};

struct Expansion {
  int total = 0;
  int duplicates = 0;
  // Unique. Baselines first, then the grid in the order models, GPU types, runtimes, quants, parallel sizes,
  // parameters; the last key varies fastest.
  std::vector<Candidate> candidates;
  std::vector<Pruned> pruned;
  std::vector<Duplicate> duplicate_of;  // one per duplicate, for people; at most kMaxListedDuplicates
};
inline constexpr std::size_t kMaxListedDuplicates = 1000;

// Version of the computation of Candidate::hash; only increases. Running tasks have hashes of the operator that
// expanded them. Increase it with every change of the hashed text, here or in experiment::HashedContext; a test pins
// the hash of one task.
inline constexpr int kHashScheme = 2;

// Maximum number of combinations; more are kInvalid, with the number in the message.
inline constexpr std::size_t kMaxCombinations = 100'000;

// Plans every combination. Each runtime's baseline is the reference checkpoint with the engine's own defaults: preset
// "default", parameters with one value set to it, and the others unset; if the engine does not start so, their first
// values. `total` includes it even if it is not one of the combinations. Combinations with the same final
// configuration as a baseline are its duplicates, wherever they are in the grid. The deployed configuration is a
// baseline of its checkpoint too, with all GPUs of its server. A runtime has its baseline on one type of GPU:
// `baseline_gpu`, or the first other type on which its baseline starts. kInvalid: the engine does not start with a
// named baseline.
base::Result<Expansion> ExpandCandidates(const quant::RuleSet& rules, const SpaceInput& input);

}  // namespace autotune::tuning
