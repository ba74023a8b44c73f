// Listing of a compatibility table for people: the releases where it changes, and its cross-field rules as text. Pure
// and thread-safe; PlanLaunch applies the table.
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

// Releases at which a plan may change, ascending, from the oldest known one. The release after a recorded one is listed
// too, because between two recorded releases a flag may be known from only one of them.
std::vector<Version> ReleasesOfInterest(const RuleSet& rules, std::string_view engine);

}  // namespace autotune::quant
