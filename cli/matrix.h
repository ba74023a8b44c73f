// `autotune matrix`: the verdict of every value of quantConfig in every release of an engine.
//
// Pure. Each outcome comes from PlanLaunch, for every release at which the compatibility table changes; adjacent
// releases with equal outcomes form a range. docs/engines.md is the result as Markdown.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/model_source.h"
#include "quant/launch_plan.h"
#include "quant/rules.h"
#include "quant/table_listing.h"

namespace autotune::cli {

struct MatrixOptions {
  std::string engine;        // "" = all engines
  std::string releases;      // "0.24.0" or "0.20-0.26": only ranges that include them; "" = all
  std::string gpu = "h100";  // or a compute capability; "" = not known
  std::string model;         // as ExplainOptions::model; "" = a dense model and an MoE model
  HubAccess hub{};
};

struct CellOutcome {
  // "map", "already-so", "warn", "needs-checkpoint" or "reject"; "starts" for rows that are not fields.
  std::string verdict;
  std::vector<std::string> args;
  std::string yaml;
  std::map<std::string, std::string> env;
  std::string reason, message, source;
  std::vector<quant::Warning> warnings;  // in addition to the verdict's message
  bool derived = false;                  // inferred from release dates instead of recorded
};

// Releases with equal outcomes: from `since` (nullopt: the oldest known release) to before `until` (nullopt: the
// newest, whose rules also apply to later releases).
struct OutcomeRange {
  std::optional<quant::Version> since, until;
  CellOutcome outcome;
};

struct MatrixRow {
  std::string field, value;
  std::string model;  // "dense" or "experts" if they differ; "" = both, or the given model
  std::vector<OutcomeRange> ranges;
};

struct EngineMatrix {
  std::string engine, title, oldest, newest;
  std::string gpu;                  // "compute capability 9.0"; "" = not known
  std::vector<std::string> models;  // descriptions of the models
  std::vector<MatrixRow> fields;    // ordered by field, then by value
  std::vector<MatrixRow> presets;   // field is "preset"
  // Pairs of values whose effect differs from that of both values alone: "gemmDtype + kvcacheDtype", "fp8 + fp8_e5m2".
  std::vector<MatrixRow> together;
  std::vector<MatrixRow> checkpoints;  // quantized checkpoints without settings; field is "checkpoint"
  std::vector<quant::ListedRule> rules;
};

// kInvalid names the option.
base::Result<std::vector<EngineMatrix>> MakeMatrix(const quant::RuleSet& rules, const MatrixOptions& options);

// "all", "up to 0.19", "0.20+", "0.18–0.19".
std::string RangeText(const std::optional<quant::Version>& since, const std::optional<quant::Version>& until);

// Lines of at most `width` characters; longer cells wrap.
std::string MatrixText(const std::vector<EngineMatrix>& engines, std::size_t width);
// docs/engines.md, with a header that contains the command.
std::string MatrixMarkdown(const std::vector<EngineMatrix>& engines);
nlohmann::json MatrixJson(const std::vector<EngineMatrix>& engines, const std::string& rules_version);

}  // namespace autotune::cli
