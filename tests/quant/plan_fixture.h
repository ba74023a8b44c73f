// Shared by the tests of launch plans: the built-in rules, some models, and a plan in one call. Rules are loaded once.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "quant/launch_plan.h"

namespace autotune::quant {

const RuleSet& Rules();

// The same facts with the KV cache that their heads need in every layer of full attention.
checkpoint::ModelFacts Cached(checkpoint::ModelFacts facts);
// With multi-head latent attention.
checkpoint::ModelFacts Latent(checkpoint::ModelFacts facts);
// A Llama-like dense model and a Qwen3-MoE-like one, as the recorded runs used them: bfloat16, not quantized.
checkpoint::ModelFacts Dense();
checkpoint::ModelFacts Moe();
checkpoint::ModelFacts Quantized(checkpoint::ModelFacts facts, const std::string& method, const std::string& family);

// Flag values as text, "true"/"false" as booleans, "-" = unset, a JSON list or map as such.
using Flags = std::map<std::string, std::string>;
std::map<std::string, FlagValue> Values(const Flags& flags);

LaunchRequest Request(const std::string& engine, const std::string& version,
                      const checkpoint::ModelFacts& model = Dense());
LaunchPlan Plan(LaunchRequest request, const QuantConfig& quant, const Flags& flags = {});
const QuantConfig& Preset(const std::string& name);
// One line: arguments, then the options file with " / " between lines, then "REJECT Reason".
std::string Line(const LaunchPlan& plan);
bool Warns(const LaunchPlan& plan, const std::string& reason);
std::string Joined(const std::vector<std::string>& args);
// The parts between separators, without spaces around them; empty ones too.
std::vector<std::string> Split(const std::string& text, char separator);

}  // namespace autotune::quant
