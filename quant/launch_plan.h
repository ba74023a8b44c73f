// From what a user asks to what an engine is started with: quantization mapping, user parameters, parallel sizes.
//
// Pure and thread-safe. Every field of the quantization configuration ends in exactly one verdict and nothing is
// dropped silently. User parameters always win over everything mapped, whatever alias or spelling they use; each
// override is recorded. This file knows how rules are applied and nothing about any engine.
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
  kAlreadySo,        // the engine does that without an argument
  kWarn,             // runs, but the setting has no effect there
  kNeedsCheckpoint,  // only a checkpoint that carries it: satisfied when the facts say so, else a rejection
  kReject,           // would not start, or would measure something else under this name
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
  std::string mapped;  // what the mapping wanted
  std::string user;    // what runs
};

struct Rejection {
  std::string field;   // the field or parameter that cannot be honoured
  std::string reason;  // CamelCase, counted in status.prunedReasons
  std::string message;
};

using gpu::ComputeCapability;

// Parallel sizes asked for by spec.parallelConfig; absent = not set by it. parameters win over these too.
struct ParallelSizes {
  std::optional<int> tensor, pipeline, data, expert;
  bool operator==(const ParallelSizes&) const = default;
};

// What a benchmark sends: settings whose effect depends on the text are warned of.
enum class Prompts {
  kRandom,    // no two begin alike
  kShared,    // random, and some begin alike
  kRecorded,  // of a dataset: nothing is known of them
};

struct LaunchRequest {
  EngineRelease release;
  checkpoint::ModelFacts model;
  std::optional<ComputeCapability> gpu;  // of the GPUs the task will run on; nothing = not known, or AMD
  // AMD GPUs have no CUDA compute capability: what they are called instead, "gfx942" (MI300), or "gfx" when that is not
  // known. Empty for NVIDIA. Rules about compute capabilities do not hold there, and the plan warns that they were not
  // checked.
  std::string amd_architecture;
  std::int64_t gpu_memory_bytes = 0;  // per GPU, 0 = not known
  QuantConfig quant;
  std::map<std::string, FlagValue> parameters;  // as the user spells the flags
  ParallelSizes parallel;
  std::vector<std::string> extra_args;  // runtimes[].args, appended as they are
  // Of the model; refused where the release cannot be told which one to load, since it would silently load another.
  std::string revision;
  Prompts prompts = Prompts::kRandom;
};

// What the final arguments mean for speed: read by the search's model of an engine, never by rules. 0 = the engine
// decides, or it is not known.
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
  // Hash of arguments, options and environment without what only decides how the KV cache is stored.
  std::string apart_from_cache;
  std::vector<Verdict> verdicts;  // one per field, in the order of kFields
  std::vector<Warning> warnings;
  std::vector<Override> overrides;
  std::optional<Rejection> rejection;  // set: never start this
  int gpus = 1;                        // world size of the final arguments
  LaunchShape shape;
  std::optional<ComputeCapability> min_capability;  // what the final arguments need at least
};

LaunchPlan PlanLaunch(const RuleSet& rules, const LaunchRequest& request);

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
