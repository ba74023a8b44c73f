// Launch plan of an engine: computes its arguments from quantization configuration, user parameters and parallel sizes.
//
// Pure and thread-safe. Every field of the quantization configuration gets exactly one verdict; nothing is dropped
// silently. User parameters always take precedence over generated values, under any alias, and each override is
// recorded. Independent of engines: only applies rules.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/model_facts.h"
#include "gpu/compute_capability.h"
#include "quant/flag_value.h"
#include "quant/quant_config.h"
#include "quant/rules.h"

namespace autotune::quant {

enum class VerdictKind {
  kMap,              // arguments were generated
  kAlreadySo,        // the engine's default already does this
  kWarn,             // runs, but the setting has no effect
  kNeedsCheckpoint,  // requires a checkpoint of this format: satisfied by the facts, else a rejection
  kReject,           // would not start, or would measure another configuration
};
std::string_view VerdictKindName(VerdictKind kind);  // "map" "already-so" "warn" "needs-checkpoint" "reject"

struct Verdict {
  Field field = Field::kGemm;
  std::string value;
  VerdictKind kind = VerdictKind::kAlreadySo;
  std::string reason;   // CamelCase, stable: "KvDtypeNeedsOtherWeights"
  std::string message;  // one sentence for people
  std::string source;   // where the rule comes from: "observed on H100", "parser", "source"
};

struct Warning {
  std::string field;   // "attentionDtype", "parameters.kv-cache-dtype", "runtime"
  std::string reason;  // CamelCase
  std::string message;
  bool operator==(const Warning&) const = default;
};

// A user parameter that replaced a generated value.
struct Override {
  std::string flag;    // canonical
  std::string mapped;  // generated value from quantConfig or parallelConfig
  std::string user;    // value that is used
};

struct Rejection {
  std::string field;   // field or parameter that cannot be supported
  std::string reason;  // CamelCase, counted in status.prunedReasons
  std::string message;
};

using gpu::ComputeCapability;

// Parallel sizes of spec.parallelConfig; nullopt = not set. `parameters` take precedence.
struct ParallelSizes {
  std::optional<int> tensor, pipeline, data, expert;
  bool operator==(const ParallelSizes&) const = default;
};

// Prompts of the benchmark: settings whose effect depends on the text get a warning.
enum class Prompts {
  kRandom,    // without common prefixes
  kShared,    // random, some with a common prefix
  kRecorded,  // from a dataset
};

struct LaunchRequest {
  EngineRelease release;
  checkpoint::ModelFacts model;
  std::optional<ComputeCapability> gpu;  // of the task's GPUs; nullopt = not known, or AMD
  // Architecture of AMD GPUs, which have no CUDA compute capability: "gfx942" (MI300), or "gfx" if it is not known.
  // Empty for NVIDIA. Rules about compute capabilities do not apply to AMD, and the plan warns that they were not
  // checked.
  std::string amd_architecture;
  std::int64_t gpu_memory_bytes = 0;  // per GPU, 0 = not known
  bool gpu_memory_bound = false;      // gpu_memory_bytes is an upper limit, because the CPU shares it
  bool gpu_shared = false;            // each GPU of the pod is a share of a card that other pods use too
  QuantConfig quant;
  std::map<std::string, FlagValue> parameters;  // as the user spells the flags
  ParallelSizes parallel;
  std::vector<std::string> extra_args;  // runtimes[].args, appended as they are
  // Revision of the model. Rejected if the release cannot load a specific one: it would silently load another.
  std::string revision;
  Prompts prompts = Prompts::kRandom;
  std::int64_t longest_request = 0;  // of the benchmark, input and output tokens; 0 = not known
};

// Performance-relevant values of the final arguments, for the search's model of an engine; rules do not use them. 0 =
// the engine decides, or not known.
struct LaunchShape {
  int tensor = 1, pipeline = 1, data = 1, expert = 1;
  int max_sequences = 0;   // maximum number computed concurrently
  int batched_tokens = 0;  // maximum number computed at once
  int draft_tokens = 0;    // speculative decoding
  bool eager = false;      // without CUDA graphs
  double memory_share = 0;
  int weight_bits = 0;  // of weights with online quantization; 0 = as in the checkpoint
  double kv_element_bytes = 0;
};

struct LaunchPlan {
  std::vector<std::string> args;           // tuned arguments in canonical order, extra_args at the end
  std::string options_yaml;                // TensorRT-LLM's options file; empty = none
  std::map<std::string, std::string> env;  // set by the mapping
  // `args` and `options_yaml` without a dtype that equals the engine's choice. Plans with equal distinct_args,
  // distinct_yaml and `env` run the same.
  std::vector<std::string> distinct_args;
  std::string distinct_yaml;
  // Hash of arguments, options and environment, without settings that only determine how the KV cache is stored.
  std::string apart_from_cache;
  std::vector<Verdict> verdicts;  // one per field, in the order of kFields
  std::vector<Warning> warnings;
  std::vector<Override> overrides;
  std::optional<Rejection> rejection;  // if set, never start this plan
  int gpus = 1;                        // world size of the final arguments
  LaunchShape shape;
  std::optional<ComputeCapability> min_capability;  // minimum of the final arguments
};

LaunchPlan PlanLaunch(const RuleSet& rules, const LaunchRequest& request);

// Reason why it is unknown whether a model fits into a GPU: its memory is unknown, or only an upper limit is known. ""
// = the memory is known, or nothing is known of the GPU. `product`: "" = not known; `memory_bytes`: 0 = not known.
std::string MemoryDoubt(const std::string& product, const std::optional<ComputeCapability>& capability,
                        const std::string& amd_architecture, std::int64_t memory_bytes);

// The engine's whole argv: traits.command with filled placeholders, revision, options file, plan.args.
struct StartContext {
  std::string model;  // hub id, or path in the container
  std::string revision;
  std::string host = "0.0.0.0";
  std::string port = "8000";  // text: local mode passes "$(AUTOTUNE_PORT)", expanded per process as by a kubelet
  std::string options_file;   // path in the container; used if plan.options_yaml is not empty
};
std::vector<std::string> StartCommand(const EngineTraits& traits, const StartContext& context, const LaunchPlan& plan);

}  // namespace autotune::quant
