// `autotune explain`: verdict of every quantization field in one engine release, and the resulting arguments. Explain()
// may read files and the hub; the rest is pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/model_source.h"
#include "quant/launch_plan.h"
#include "quant/rules.h"

namespace autotune::cli {

struct ExplainOptions {
  // "gemmDtype=fp8", "preset=dynamic-fp8", or an engine flag "max-num-seqs=64" / "--max-num-seqs=64".
  std::vector<std::string> settings;
  // A pasted engine command: words, or one line for a shell. Empty = none. `settings` override it.
  std::vector<std::string> command{};
  std::string engine = "vllm";     // "vllm:0.24.0"; without a version, that of the default image
  bool engine_is_default = false;  // `engine` was not given: the engine of `command` is used
  std::string gpu;                 // "h100" or a compute capability; "" = not known
  std::string model;  // directory, config.json, GGUF file, ModelFacts as JSON, or hub id; "" = dense, bfloat16
  HubAccess hub{};
};

struct Explanation {
  quant::LaunchRequest request;
  quant::EngineTraits traits;
  quant::LaunchPlan plan;
  bool assumed_model = false;
  bool unknown_model = false;      // a command names a model whose files cannot be read
  std::string model = "MODEL";     // as named by the command
  std::vector<std::string> notes;  // how the rest of the command was treated
  std::vector<std::string> kept;   // words of the command that are not interpreted: --config x.yaml
};

// kInvalid names the setting or flag and the allowed values.
base::Result<Explanation> Explain(const quant::RuleSet& rules, const ExplainOptions& options);

std::string ExplanationText(const Explanation& explanation);
// {engine, version, rejected: null | {field, reason, message}, args, keptArgs, yaml, env, gpus, minComputeCapability,
// verdicts[], warnings[], overrides[], notes[], modelKnown}.
nlohmann::json ExplanationJson(const Explanation& explanation);

}  // namespace autotune::cli
