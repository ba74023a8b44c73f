// Sections of the HTML page and their shared parts. Pure; only page*.cpp include this.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "operator/api/autotune_task.h"
#include "quant/rules.h"
#include "report/markup.h"
#include "report/result_view.h"

namespace autotune::report {

struct PageData {
  const api::AutotuneTask& task;
  const quant::RuleSet& rules;
  std::vector<ResultRow> rows;        // parallel to status.experiments
  std::vector<std::size_t> order;     // indices of rows: best, then by score, missed limits, failed, running
  std::vector<std::string> settings;  // parallel to rows: quantization and arguments that differ between rows
  std::vector<std::string> common;    // arguments of all rows
  std::vector<int> styles;            // parallel to rows: plot style; -1 = pale
  const ResultRow* best = nullptr;    // into rows
};
PageData DataOf(const api::AutotuneTask& task, const quant::RuleSet& rules);

// "e3-572f5e", or with a mark for the baseline.
std::string NameOf(const ResultRow& row);

// A whole page.
std::string Document(std::string_view title, const Markup& main);
// A heading with content; empty if the content is empty.
Markup Section(const char* id, const char* title, const Markup& content);
Markup Paragraph(const char* style, std::string_view text);
// A table in a box that scrolls horizontally: the page itself never does.
Markup Scrolling(const Markup& table);
Markup Row(const std::vector<Markup>& cells, const char* cell = "td");
// Pairs of name and value; pairs with an empty value are left out.
Markup Facts(const std::vector<std::pair<std::string, std::string>>& facts);

Markup AnswerSection(const PageData& data);
Markup ChangesSection(const PageData& data);
Markup DifferenceSection(const PageData& data);
Markup ExperimentsSection(const PageData& data);
Markup CurvesSection(const PageData& data);
Markup InsightSection(const PageData& data);
Markup EffectsSection(const PageData& data);
Markup TimelineSection(const PageData& data);
Markup CostSection(const PageData& data);
Markup AbsentSection(const PageData& data);
Markup ProvenanceSection(const PageData& data);

// The style sheet.
Markup PageStyle();

}  // namespace autotune::report
