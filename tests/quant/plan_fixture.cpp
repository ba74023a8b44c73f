#include "tests/quant/plan_fixture.h"

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>

namespace autotune::quant {

const RuleSet& Rules() {
  static const RuleSet* const kRules = [] {
    base::Result<RuleSet> rules = RuleSet::BuiltIn();
    if (!rules.ok()) {
      std::cerr << rules.error().message << "\n";
      std::abort();
    }
    return new RuleSet(*std::move(rules));
  }();
  return *kRules;
}

checkpoint::ModelFacts Cached(checkpoint::ModelFacts facts) {
  checkpoint::KvCacheGroup group;
  group.layers = facts.full_attention_layers.value_or(0);
  if (facts.latent_attention()) {
    group.elements = *facts.kv_lora_rank + facts.qk_rope_head_dim.value_or(0);
  } else {
    group.kv_heads = facts.kv_heads.value_or(0);
    group.elements = 2 * group.kv_heads * facts.head_dim.value_or(0);
  }
  facts.caches = {group};
  return facts;
}

checkpoint::ModelFacts Latent(checkpoint::ModelFacts facts) {
  facts.kv_lora_rank = 512;
  facts.qk_rope_head_dim = 64;
  return Cached(facts);
}

checkpoint::ModelFacts Dense() {
  checkpoint::ModelFacts facts;
  facts.architecture = "LlamaForCausalLM";
  facts.dtype = "bfloat16";
  facts.layers = facts.full_attention_layers = facts.dense_layers = 32;
  facts.hidden_size = 4096;
  facts.attention_heads = 32;
  facts.kv_heads = 8;
  facts.head_dim = 128;
  facts.intermediate_size = 14336;
  facts.experts = facts.moe_layers = 0;
  return Cached(facts);
}

checkpoint::ModelFacts Moe() {
  checkpoint::ModelFacts facts = Dense();
  facts.architecture = "Qwen3MoeForCausalLM";
  facts.experts = 32;
  facts.experts_per_token = 4;
  facts.moe_layers = facts.layers;
  facts.dense_layers = 0;
  facts.moe_intermediate_size = 768;
  return facts;
}

checkpoint::ModelFacts Quantized(checkpoint::ModelFacts facts, const std::string& method, const std::string& family) {
  facts.quantization = method;
  facts.family = facts.linear_format = family;
  facts.expert_format = facts.experts > 0 ? family : "none";
  return facts;
}

std::map<std::string, FlagValue> Values(const Flags& flags) {
  std::map<std::string, FlagValue> values;
  for (const auto& [name, text] : flags) {
    if (text == "-") {
      values[name] = FlagValue::Unset();
    } else if (text == "true" || text == "false") {
      values[name] = FlagValue::Bool(text == "true");
    } else if (text.starts_with('[') || text.starts_with('{')) {
      values[name] = *FlagValue::FromJson(nlohmann::json::parse(text), name);
    } else {
      values[name] = FlagValue::Text(text);
    }
  }
  return values;
}

LaunchPlan Plan(LaunchRequest request, const QuantConfig& quant, const Flags& flags) {
  request.quant = quant;
  request.parameters = Values(flags);
  return PlanLaunch(Rules(), request);
}

const QuantConfig& Preset(const std::string& name) { return *FindPreset(name); }

LaunchRequest Request(const std::string& engine, const std::string& version, const checkpoint::ModelFacts& model) {
  LaunchRequest request;
  request.release = *Rules().Resolve(engine, "", version);
  request.model = model;
  request.gpu = ComputeCapability{9, 0};
  return request;
}

std::string Joined(const std::vector<std::string>& args) {
  std::string line;
  for (const std::string& arg : args) line += (line.empty() ? "" : " ") + arg;
  return line;
}

std::vector<std::string> Split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::size_t start = 0;
  while (true) {
    const std::size_t end = std::min(text.find(separator, start), text.size());
    std::string part = text.substr(start, end - start);
    part.erase(0, part.find_first_not_of(' '));
    part.erase(part.find_last_not_of(' ') + 1);
    parts.push_back(part);
    if (end == text.size()) return parts;
    start = end + 1;
  }
}

std::string Line(const LaunchPlan& plan) {
  std::string line = Joined(plan.args);
  if (!plan.options_yaml.empty()) {
    std::string yaml = plan.options_yaml.substr(0, plan.options_yaml.size() - 1);
    for (std::size_t at = yaml.find('\n'); at != std::string::npos; at = yaml.find('\n', at + 3))
      yaml.replace(at, 1, " / ");
    line += (line.empty() ? "" : " ") + std::string("YAML: ") + yaml;
  }
  if (plan.rejection) line += (line.empty() ? "" : " ") + std::string("REJECT ") + plan.rejection->reason;
  return line;
}

bool Warns(const LaunchPlan& plan, const std::string& reason) {
  return std::ranges::any_of(plan.warnings, [&](const Warning& warning) { return warning.reason == reason; });
}

}  // namespace autotune::quant
