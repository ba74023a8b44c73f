// What a rule table says, for people who read it instead of applying it: the releases where it changes and its
// cross-field rules, in words. Pure and thread-safe; nothing here decides anything (that is PlanLaunch).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "quant/rules.h"
#include "quant/version.h"

namespace autotune::quant {

struct ListedRule {
  std::optional<Version> since, until;  // first release, first release without
  std::string when;                     // GuardText
  std::string then;  // "reject", "warn", "set quantization fp8_per_tensor", "needs compute capability 8.9"
  std::string reason, message, source;  // the message with its placeholders: "{--quantization} needs a checkpoint"
};

// In the order in which they are applied. Empty for an unknown engine.
std::vector<ListedRule> ListRules(const RuleSet& rules, std::string_view engine);

// Every release at which a plan may change, ascending; the first is the oldest that the rules know. Between two of them
// the release after the first is listed too where a flag is known from one recorded neighbour only.
std::vector<Version> ReleasesOfInterest(const RuleSet& rules, std::string_view engine);

}  // namespace autotune::quant
