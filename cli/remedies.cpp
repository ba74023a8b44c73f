#include "cli/remedies.h"

#include <algorithm>
#include <optional>
#include <regex>
#include <vector>

#include "base/ascii_case.h"
#include "base/result.h"
#include "bench/cause_rules.h"
#include "quant/engine_table.h"
#include "quant/rules.h"

namespace autotune::cli {

std::string_view FailuresPage();

namespace {

using Row = std::vector<std::string>;

// A Markdown table's cell without its links: "see [the check](quality.md#sanity)".
std::string WithoutLinks(std::string cell) {
  for (std::size_t middle = cell.find("]("); middle != std::string::npos; middle = cell.find("](")) {
    const std::size_t open = cell.rfind('[', middle);
    const std::size_t close = cell.find(')', middle);
    if (open == std::string::npos || close == std::string::npos) break;
    cell = cell.substr(0, open) + cell.substr(open + 1, middle - open - 1) + cell.substr(close + 1);
  }
  return cell;
}

// The rows of the table under a heading of the page, from its header on.
std::vector<Row> TableOf(std::string_view heading) {
  std::vector<Row> rows;
  std::string_view page = FailuresPage();
  page.remove_prefix(std::min(page.find(heading), page.size()));
  while (!page.empty()) {
    const std::size_t end = std::min(page.find('\n'), page.size());
    std::string_view line = page.substr(0, end);
    page.remove_prefix(std::min(end + 1, page.size()));
    if (!line.starts_with("| ")) {
      if (!rows.empty() && !line.starts_with('|')) break;
      continue;
    }
    Row& row = rows.emplace_back();
    for (line.remove_prefix(2); !line.empty();) {
      const std::size_t bar = std::min(line.find(" |"), line.size());
      row.push_back(WithoutLinks(std::string(line.substr(0, bar))));
      line.remove_prefix(std::min(bar + 3, line.size()));
    }
  }
  return rows;
}

// A message of the table as a pattern of cause_rules.h.
std::string PatternOf(std::string_view message) {
  constexpr std::string_view kGap = "...";
  std::string pattern;
  while (!message.empty()) {
    if (message.starts_with(kGap)) {
      pattern += '*';
      message.remove_prefix(kGap.size());
    } else {
      pattern += base::AsciiLower(message[0]);
      message.remove_prefix(1);
    }
  }
  return pattern;
}

// Whether one of the messages in a cell, each between backquotes, is in `message`.
bool CellFits(std::string_view cell, std::string_view message) {
  for (std::size_t open = cell.find('`'); open != std::string_view::npos;) {
    const std::size_t close = cell.find('`', open + 1);
    if (close == std::string_view::npos) break;
    if (bench::MatchesPattern(message, PatternOf(cell.substr(open + 1, close - open - 1)))) return true;
    open = cell.find('`', close + 1);
  }
  return false;
}

// The meaning of a message in one phase; "" = the table does not have it.
std::string MeaningIn(std::string_view message, bool was_ready) {
  constexpr std::size_t kPhase = 1;
  constexpr std::size_t kMeaning = 2;
  const std::string_view phase = was_ready ? "serving" : "before ready";
  for (const Row& row : TableOf("\n## Cryptic engine messages\n")) {
    if (row.size() > kMeaning && (row[kPhase] == "any" || row[kPhase] == phase) && CellFits(row[0], message))
      return row[kMeaning];
  }
  return "";
}

// How the newest release that has this flag or option writes it; "" = no release has it.
std::string SpellingOf(const std::string& name, const std::vector<std::string>& engines) {
  static const base::Result<quant::RuleSet> rules = quant::RuleSet::BuiltIn();
  if (!rules.ok()) return "";
  for (const std::string& engine : engines.empty() ? rules->engines() : engines) {
    const quant::EngineTable* table = rules->Find(engine);
    if (table == nullptr) continue;
    for (auto release = table->releases().rbegin(); release != table->releases().rend(); ++release) {
      const std::optional<quant::FlagUse> use = table->Find(name, *release);
      if (use && use->shape != nullptr) return use->shape->spelling;
    }
  }
  return "";
}

}  // namespace

std::string RemedyOf(bench::FailureReason reason) {
  constexpr std::size_t kRemedy = 2;
  const std::string name = "`" + std::string(bench::FailureReasonName(reason)) + "`";
  for (const Row& row : TableOf("\n## Failed experiments\n")) {
    if (row.size() > kRemedy && row[0] == name) return row[kRemedy];
  }
  return "";
}

std::string AdviceOf(std::string_view message, const std::vector<std::string>& engines) {
  static const std::regex kAdvice(
      "\\b(increas(?:e|ing)|decreas(?:e|ing)|rais(?:e|ing)|lower(?:ing)?|reduc(?:e|ing)|set(?:ting)?|adjust(?:ing)?|"
      "us(?:e|ing)|enabl(?:e|ing)|disabl(?:e|ing)|add(?:ing)?|pass(?:ing)?|specify(?:ing)?|remov(?:e|ing)|try)"
      "(?: the| a| an| flag| argument| option| value| of| larger| smaller| to| server){0,4} "
      "(?:[`'\"]?(--[a-z][a-z0-9_.-]*[a-z0-9])|`([a-z]+(?:_[a-z0-9]+)+)`)",
      std::regex::icase);
  constexpr std::size_t kLongest = 2000;  // std::regex needs stack for every character
  const std::string text(message.substr(0, kLongest));
  std::string advice;
  std::vector<std::string> flags;
  for (std::sregex_iterator at(text.begin(), text.end(), kAdvice), end; at != end; ++at) {
    const std::string written = (*at)[2].str();
    // `gpu_memory_utilization` is the name of the engine's own argument, or of a library's.
    const std::string spelling = SpellingOf(written.empty() ? (*at)[3].str() : written, engines);
    if (spelling.empty()) continue;
    const std::string& flag = written.empty() ? spelling : written;
    if (std::ranges::find(flags, flag) != flags.end()) continue;
    flags.push_back(flag);
    advice += (advice.empty() ? "" : ", ") + base::AsciiLower((*at)[1].str()) + " " + flag;
  }
  return advice;
}

std::string MeaningOf(std::string_view message, std::optional<bool> was_ready) {
  if (was_ready) return MeaningIn(message, *was_ready);
  const std::string before = MeaningIn(message, false);
  const std::string serving = MeaningIn(message, true);
  if (before == serving) return before;
  if (serving.empty()) return "if the engine was not ready yet: " + before;
  if (before.empty()) return "if it was serving: " + serving;
  return "if the engine was not ready yet: " + before + ". If it was serving: " + serving;
}

}  // namespace autotune::cli
