#include "quant/table_listing.h"

#include "quant/engine_table.h"

namespace autotune::quant {
namespace {

std::string ThenText(const Rule& rule) {
  switch (rule.action) {
    case Action::kReject:
      return "reject";
    case Action::kWarn:
      return "warn";
    case Action::kRequire:
      return "requires compute capability " + rule.gpu->ToString();
    case Action::kAccept:
      return "accept";
    case Action::kAdjust:
      break;
  }
  std::string text = "set";
  for (const auto& [flag, value] : rule.set) text.append(" ").append(flag).append(" ").append(value.ToString());
  return text;
}

std::string_view PartText(TileRule::Part part) {
  switch (part) {
    case TileRule::Part::kLinear:
      break;
    case TileRule::Part::kExperts:
      return "an expert";
    case TileRule::Part::kVision:
      return "the tower for images";
  }
  return "linear weights";
}

}  // namespace

std::vector<ListedRule> ListRules(const RuleSet& rules, std::string_view engine) {
  std::vector<ListedRule> listed;
  const EngineTable* table = rules.Find(engine);
  if (table == nullptr) return listed;
  for (const std::vector<Rule>* list : {&table->rules(), &table->schemes(), &table->tensors()}) {
    for (const Rule& rule : *list) {
      listed.push_back({rule.range.since, rule.range.until, GuardText(rule.guard), ThenText(rule), rule.reason,
                        rule.message, rule.source});
    }
  }
  for (const TileRule& rule : table->tiles()) {
    std::string tiles;
    for (const checkpoint::WeightBlock& tile : rule.tiles) tiles += (tiles.empty() ? "" : ", or ") + tile.ToString();
    listed.push_back({rule.range.since, rule.range.until, GuardText(rule.guard), "reject", "WidthNotSupported",
                      "a layer of " + std::string(PartText(rule.part)) +
                          " on one GPU (outputs x inputs) is not a multiple of " + tiles + ": " + rule.kernel,
                      rule.source});
  }
  for (const GuardedRule& rule : table->memory().loaded_whole)
    listed.push_back({rule.range.since, rule.range.until, GuardText(rule.guard), "reject", "ModelDoesNotFit",
                      "the weights must fit into the GPUs before they are quantized", rule.source});
  for (const GuardedRule& rule : table->torn_keys())
    listed.push_back({rule.range.since, rule.range.until, GuardText(rule.guard), "accept", "",
                      "keys on one GPU may end inside a block of weights that share a scale", rule.source});
  for (const SharedExpertRule& rule : table->shared_experts()) {
    listed.push_back({rule.range.since, rule.range.until, GuardText(rule.guard), "accept", "",
                      rule.routed   ? "shared experts of the width of a routed one are computed with the routed experts"
                      : rule.padded ? "shared experts are split into parts of whole blocks"
                                    : "every GPU has the shared experts whole",
                      rule.source});
  }
  return listed;
}

std::vector<Version> ReleasesOfInterest(const RuleSet& rules, std::string_view engine) {
  std::vector<Version> releases;
  const EngineTable* table = rules.Find(engine);
  if (table == nullptr) return releases;
  const std::vector<Version> milestones = table->Milestones();
  for (std::size_t i = 0; i < milestones.size(); ++i) {
    releases.push_back(milestones[i]);
    Version next = milestones[i];
    if (next.stage < 0) {
      ++next.stage;
    } else {
      next.stage = 0;
      ++next.patch;
    }
    if (i + 1 < milestones.size() && next < milestones[i + 1]) releases.push_back(next);
  }
  return releases;
}

}  // namespace autotune::quant
