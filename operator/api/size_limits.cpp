// Keeps the status inside what etcd takes. What a person can do without goes first: load rows that decided nothing,
// then the tails of texts; never the identity, the state, the score or the reason of an experiment.
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "operator/api/autotune_task.h"

namespace autotune::api {
namespace {

// Below etcd's 1.5 MiB together with the largest spec, metadata and its managed fields (docs/api.md: object below 1
// MiB).
constexpr std::size_t kMaxStatusBytes = 768 * 1024;
constexpr std::size_t kMaxEntryBytes = 2900;
constexpr std::size_t kMaxTaskTextBytes = 1024;
constexpr std::size_t kMaxConditionMessageBytes = 4096;

std::size_t SizeOf(const ExperimentStatus& experiment) {
  return ToJson(experiment).dump(-1, ' ', false, json::error_handler_t::replace).size();
}

// The bytes of U+FFFD where `text` is not UTF-8: engines print what they like, and JSON must be UTF-8.
void MakeValid(std::string& text) {
  if (std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; })) return;
  const json quoted = text;
  const std::string dumped = quoted.dump(-1, ' ', false, json::error_handler_t::replace);
  text = json::parse(dumped).get<std::string>();
}

// Shortens to at most `bytes` bytes, at a character's boundary, with an ellipsis. True when something was cut.
bool Cut(std::string& text, std::size_t bytes) {
  if (text.size() <= bytes) return false;
  static constexpr std::string_view kEllipsis = "...";
  std::size_t end = bytes <= kEllipsis.size() ? 0 : bytes - kEllipsis.size();
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  text.resize(end);
  text += kEllipsis;
  return true;
}

// Rows in the order in which they are given up last. The first `scored` are those that a score counts.
struct RowsByWorth {
  std::vector<std::size_t> order;
  std::size_t scored = 0;
};

// What was measured for a comparison, and per scenario the best point that meets the SLO (what a throughput score
// counts), of the rates that are sustained where there are such; then the next one that broke it (what decided the
// limit), the confirmed rate, the highest (what a latency score of given loads counts), then the others, highest first.
RowsByWorth ByWorth(const std::vector<LoadRow>& loads) {
  using measurement::PointRole;
  std::map<std::string, std::size_t> best, next, highest;
  std::set<std::string> sustained;
  for (const LoadRow& row : loads) {
    if (row.measured.role == PointRole::kSustained) sustained.insert(row.measured.scenario);
  }
  for (std::size_t i = 0; i < loads.size(); ++i) {
    const measurement::Point& row = loads[i].measured;
    if (row.role == PointRole::kConfirmation) continue;  // no score counts it
    if (row.role != PointRole::kSustained && sustained.contains(row.scenario)) continue;
    if (loads[i].meets_slo) {
      const auto [at, added] = best.emplace(row.scenario, i);
      if (!added && row.output_tokens_per_second > loads[at->second].measured.output_tokens_per_second) at->second = i;
    }
    const auto [at, added] = highest.emplace(row.scenario, i);
    if (!added && row.load.value > loads[at->second].measured.load.value) at->second = i;
  }
  for (std::size_t i = 0; i < loads.size(); ++i) {
    const measurement::Point& row = loads[i].measured;
    const auto kept = best.find(row.scenario);
    if (kept != best.end() && row.load.kind != loads[kept->second].measured.load.kind) continue;
    if (loads[i].meets_slo || kept == best.end() || row.load.value < loads[kept->second].measured.load.value) continue;
    const auto [at, added] = next.emplace(row.scenario, i);
    if (!added && row.load.value < loads[at->second].measured.load.value) at->second = i;
  }
  RowsByWorth out;
  const auto add = [&](std::size_t i) {
    if (std::ranges::find(out.order, i) == out.order.end()) out.order.push_back(i);
  };
  const auto add_role = [&](PointRole role) {
    for (std::size_t i = 0; i < loads.size(); ++i) {
      if (loads[i].measured.role == role) add(i);
    }
  };
  add_role(PointRole::kReference);
  for (const auto& [scenario, i] : best) add(i);
  out.scored = out.order.size();
  for (const auto& [scenario, i] : next) add(i);
  add_role(PointRole::kSustained);
  add_role(PointRole::kConfirmation);
  for (const auto& [scenario, i] : highest) add(i);
  for (std::size_t i = loads.size(); i-- > 0;) add(i);
  return out;
}

enum class Rows { kAll, kScored, kOne };  // that an entry keeps however large it is

// Drops rows, the least worthy first and never the last one, until the entry is small enough.
void FitRows(ExperimentStatus& experiment, Rows keep) {
  std::size_t size = SizeOf(experiment);
  if (size <= kMaxEntryBytes || experiment.loads.size() <= 1) return;
  std::vector<std::size_t> order = ByWorth(experiment.loads).order;
  const std::size_t least = keep == Rows::kOne ? 1 : std::max<std::size_t>(1, ByWorth(experiment.loads).scored);
  if (order.size() <= least) return;
  if (!experiment.truncated) size += std::string_view(R"(,"truncated":true)").size();
  experiment.truncated = true;
  // A row of a list of several costs itself and a comma.
  for (; size > kMaxEntryBytes && order.size() > least; order.pop_back()) {
    size -= ToJson(experiment.loads[order.back()]).dump(-1, ' ', false, json::error_handler_t::replace).size() + 1;
  }
  std::ranges::sort(order);
  std::vector<LoadRow> kept;
  for (const std::size_t i : order) kept.push_back(std::move(experiment.loads[i]));
  experiment.loads = std::move(kept);
}

// Shortens texts, the longest free text first, until the entry with `counted` as its rows is small enough.
void FitTexts(ExperimentStatus& experiment, std::vector<LoadRow> counted) {
  std::swap(experiment.loads, counted);
  // Each pass halves every allowance, so a handful of passes brings any entry down; texts that are short stay whole.
  for (std::size_t allowance = 512; allowance >= 8 && SizeOf(experiment) > kMaxEntryBytes; allowance /= 2) {
    bool cut = Cut(experiment.options, allowance);
    const std::size_t keep_warnings = std::max<std::size_t>(1, allowance / 128);
    if (experiment.warnings.size() > keep_warnings) {
      experiment.warnings.resize(keep_warnings);
      cut = true;
    }
    for (quant::Warning& warning : experiment.warnings) {
      cut = Cut(warning.message, allowance / 2) || cut;
      cut = Cut(warning.field, std::max<std::size_t>(allowance / 2, 64)) || cut;
      cut = Cut(warning.reason, 64) || cut;
    }
    const std::size_t keep_args = std::max<std::size_t>(4, allowance / 8);
    if (experiment.args.size() > keep_args) {
      experiment.args.resize(keep_args - 1);
      experiment.args.emplace_back("...");
      cut = true;
    }
    for (std::string& arg : experiment.args) cut = Cut(arg, std::max<std::size_t>(allowance / 4, 16)) || cut;
    // The cause of a failure is what people read first: cut last and least.
    cut = Cut(experiment.message, allowance) || cut;
    experiment.truncated = experiment.truncated || cut;
  }
  std::swap(experiment.loads, counted);
}

// What can never fit goes at once, so that the searching below measures kilobytes and not megabytes.
void CapEntry(ExperimentStatus& experiment) {
  bool cut = Cut(experiment.options, kMaxEntryBytes);
  cut = Cut(experiment.message, kMaxEntryBytes) || cut;
  std::size_t bytes = 0, fit = 0;
  while (fit < experiment.args.size() && bytes <= kMaxEntryBytes) bytes += experiment.args[fit++].size() + 3;
  if (fit < experiment.args.size()) {
    experiment.args.resize(fit);
    experiment.args.emplace_back("...");
    cut = true;
  }
  for (std::string& arg : experiment.args) cut = Cut(arg, kMaxEntryBytes) || cut;
  if (experiment.warnings.size() > 16) {
    experiment.warnings.resize(16);
    cut = true;
  }
  cut = Cut(experiment.image_id, 512) || cut;
  cut = Cut(experiment.engine_version, 128) || cut;
  for (quant::Warning& warning : experiment.warnings) {
    for (std::string* text : {&warning.field, &warning.reason, &warning.message}) cut = Cut(*text, 512) || cut;
  }
  experiment.truncated = experiment.truncated || cut;
}

void LimitEntry(ExperimentStatus& experiment, Rows keep) {
  CapEntry(experiment);
  for (std::string* text : {&experiment.options, &experiment.message, &experiment.node, &experiment.gpu_product,
                            &experiment.driver, &experiment.image_id, &experiment.engine_version}) {
    MakeValid(*text);
  }
  for (std::string& arg : experiment.args) MakeValid(arg);
  for (quant::Warning& warning : experiment.warnings) MakeValid(warning.message);

  if (keep != Rows::kAll) FitRows(experiment, keep);
  std::vector<LoadRow> one_row;
  if (!experiment.loads.empty()) one_row.push_back(experiment.loads[ByWorth(experiment.loads).order.front()]);
  FitTexts(experiment, std::move(one_row));
}

// Somebody's Deployment may have any number of arguments, of any length.
void LimitDifference(Difference& difference) {
  constexpr std::size_t kMaxLines = 64, kMaxValueBytes = 512;
  MakeValid(difference.message);
  Cut(difference.message, kMaxTaskTextBytes);
  if (difference.lines.size() > kMaxLines) {
    difference.message = std::to_string(difference.lines.size() - kMaxLines) +
                         " more lines do not fit into the status; `autotune diff` shows all";
    difference.lines.resize(kMaxLines);
  }
  for (Difference::Line& line : difference.lines) {
    MakeValid(line.field);
    Cut(line.field, 256);
    for (std::optional<std::string>* value : {&line.running, &line.recommended}) {
      if (!*value) continue;
      MakeValid(**value);
      Cut(**value, kMaxValueBytes);
    }
  }
}

}  // namespace

void EnforceSizeLimits(TaskStatus& status, const std::vector<std::string>& keep_all_loads) {
  for (Condition& condition : status.conditions) {
    MakeValid(condition.message);
    Cut(condition.message, kMaxConditionMessageBytes);
  }
  const auto limit_list = [](auto& list, std::size_t items) {
    if (list.size() > items) list.resize(items);
  };
  limit_list(status.warnings, 32);
  for (quant::Warning& warning : status.warnings) {
    MakeValid(warning.message);
    Cut(warning.message, kMaxTaskTextBytes);
    Cut(warning.field, 256);
    Cut(warning.reason, 128);
  }
  limit_list(status.pruned_reasons, 64);
  for (PrunedReason& pruned : status.pruned_reasons) {
    MakeValid(pruned.example);
    Cut(pruned.example, 512);
    Cut(pruned.reason, 128);
  }
  if (status.difference) LimitDifference(*status.difference);
  for (ModelStatus& model : status.models) {
    MakeValid(model.inspection.message);
    Cut(model.inspection.message, kMaxTaskTextBytes);
    if (!model.facts) continue;
    limit_list(model.facts->notes, 16);
    for (std::string& note : model.facts->notes) {
      MakeValid(note);
      Cut(note, kMaxTaskTextBytes);
    }
  }

  const std::set<std::string> keep(keep_all_loads.begin(), keep_all_loads.end());
  for (ExperimentStatus& experiment : status.experiments) {
    LimitEntry(experiment, keep.contains(experiment.name) ? Rows::kAll : Rows::kScored);
  }

  // So many kept rows that the object would grow too large: they go too, from the least important name on; then those
  // of several scenarios, from the last experiment on.
  std::size_t total = ToJson(status).dump(-1, ' ', false, json::error_handler_t::replace).size();
  const auto shrink = [&](ExperimentStatus& experiment, Rows rows) {
    const std::size_t before = SizeOf(experiment);
    LimitEntry(experiment, rows);
    total -= before - SizeOf(experiment);
  };
  for (auto name = keep_all_loads.rbegin(); name != keep_all_loads.rend() && total > kMaxStatusBytes; ++name) {
    for (ExperimentStatus& experiment : status.experiments) {
      if (experiment.name == *name) shrink(experiment, Rows::kScored);
    }
  }
  for (std::size_t i = status.experiments.size(); i-- > 0 && total > kMaxStatusBytes;) {
    shrink(status.experiments[i], Rows::kOne);
  }
}

}  // namespace autotune::api
