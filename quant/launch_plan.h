// Launch plan of an engine: from quantization configuration, user parameters and parallel sizes to arguments.
//
// Pure and thread-safe. Every field of the quantization configuration ends in exactly one verdict and nothing is
// dropped silently. User parameters always take precedence over mapped values, under any alias; each override is
// recorded. This file applies rules and contains no knowledge about engines.
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
  kMap,              // arguments were emitted
  kAlreadySo,        // the engine's default
  kWarn,             // runs, but the setting has no effect there
  kNeedsCheckpoint,  // requires a checkpoint of this format: satisfied according to the facts, else a rejection
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

// A user parameter replaced something that the mapping had set.
struct Override {
  std::string flag;    // canonical
  std::string mapped;  // value from quantConfig or parallelConfig
  std::string user;    // value that is used
};

struct Rejection {
  std::string field;   // the field or parameter that cannot be honoured
  std::string reason;  // CamelCase, counted in status.prunedReasons
  std::string message;
};

using gpu::ComputeCapability;

// Parallel sizes of spec.parallelConfig; absent = not set. parameters take precedence over them.
struct ParallelSizes {
  std::optional<int> tensor, pipeline, data, expert;
  bool operator==(const ParallelSizes&) const = default;
};

// Kind of prompts of the benchmark: settings whose effect depends on the text get a warning.
enum class Prompts {
  kRandom,    // no two begin alike
  kShared,    // random, and some begin alike
  kRecorded,  // from a dataset
};

struct LaunchRequest {
  EngineRelease release;
  checkpoint::ModelFacts model;
  std::optional<ComputeCapability> gpu;  // of the GPUs the task will run on; nullopt = not known, or AMD
  // Architecture of AMD GPUs, which have no CUDA compute capability: "gfx942" (MI300), or "gfx" when that is not known.
  // Empty for NVIDIA. Rules about compute capabilities do not hold there, and the plan warns that they were not
  // checked.
  std::string amd_architecture;
  std::int64_t gpu_memory_bytes = 0;  // per GPU, 0 = not known
  bool gpu_memory_bound = false;      // the GPU has at most gpu_memory_bytes: the CPU shares them
  bool gpu_shared = false;            // a GPU of the pod is a share of a card that other pods use too
  QuantConfig quant;
  std::map<std::string, FlagValue> parameters;  // as the user spells the flags
  ParallelSizes parallel;
  std::vector<std::string> extra_args;  // runtimes[].args, appended as they are
  // Revision of the model; rejected if the release cannot load a specific one, because it would silently load another.
  std::string revision;
  Prompts prompts = Prompts::kRandom;
  std::int64_t longest_request = 0;  // of the benchmark, tokens in and out; 0 = not known
};

// Performance-relevant values of the final arguments, for the search's model of an engine; rules do not use them. 0 =
// the engine decides, or not known.
struct LaunchShape {
  int tensor = 1, pipeline = 1, data = 1, expert = 1;
  int max_sequences = 0;   // that are computed at a time
  int batched_tokens = 0;  // that are computed at a time
  int draft_tokens = 0;    // speculative decoding
  bool eager = false;      // without CUDA graphs
  double memory_share = 0;
  int weight_bits = 0;  // of weights that are quantized while loading; 0 = as the checkpoint has them
  double kv_element_bytes = 0;
};

struct LaunchPlan {
  std::vector<std::string> args;           // tuned arguments in canonical order, extra_args at the end
  std::string options_yaml;                // TensorRT-LLM's options file; empty = none
  std::map<std::string, std::string> env;  // set by the mapping
  // `args` and `options_yaml` without a dtype that the engine computes in anyway: plans that agree in these and in
  // `env` run the same, whatever is written on their command lines.
  std::vector<std::string> distinct_args;
  std::string distinct_yaml;
  // Hash of arguments, options and environment without the settings that only decide how the KV cache is stored.
  std::string apart_from_cache;
  std::vector<Verdict> verdicts;  // one per field, in the order of kFields
  std::vector<Warning> warnings;
  std::vector<Override> overrides;
  std::optional<Rejection> rejection;  // set: never start this
  int gpus = 1;                        // world size of the final arguments
  LaunchShape shape;
  std::optional<ComputeCapability> min_capability;  // minimum of the final arguments
};

LaunchPlan PlanLaunch(const RuleSet& rules, const LaunchRequest& request);

// Why it is not known whether a model fits into such a GPU: its memory is not known, or only a bound of it. "" = its
// memory is known, or nothing is known of the GPU. `product`: its name, "" = not known; `memory_bytes`: 0 = not known.
std::string MemoryDoubt(const std::string& product, const std::optional<ComputeCapability>& capability,
                        const std::string& amd_architecture, std::int64_t memory_bytes);

// The engine's whole argv around a plan: traits.command with placeholders filled, revision, options file, plan.args.
struct StartContext {
  std::string model;  // hub id or path as the container sees it
  std::string revision;
  std::string host = "0.0.0.0";
  std::string port = "8000";  // text: local mode passes "$(AUTOTUNE_PORT)", expanded per process as a kubelet does
  std::string options_file;   // path in the container; used only if plan.options_yaml is not empty
};
std::vector<std::string> StartCommand(const EngineTraits& traits, const StartContext& context, const LaunchPlan& plan);

}  // namespace autotune::quant
