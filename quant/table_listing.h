// A compatibility table as text: the releases at which it changes, and its cross-field rules. Pure and thread-safe;
// PlanLaunch applies the table.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "quant/rules.h"
#include "quant/version.h"

namespace autotune::quant {

struct ListedRule {
  std::optional<Version> since, until;  // first release; first release without it
  std::string when;                     // GuardText
  std::string then;  // "reject", "warn", "set quantization fp8_per_tensor", "needs compute capability 8.9"
  std::string reason, message, source;  // with placeholders: "{--quantization} needs a checkpoint"
};

// In the order of their application. Empty for an unknown engine.
std::vector<ListedRule> ListRules(const RuleSet& rules, std::string_view engine);

// Releases at which a plan may change, ascending, from the oldest known one. The successor of each recorded release is
// included, because between two recorded releases a flag may be known from only one of them.
std::vector<Version> ReleasesOfInterest(const RuleSet& rules, std::string_view engine);

}  // namespace autotune::quant
