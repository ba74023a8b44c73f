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
  std::vector<std::size_t> order;     // of rows: the best, by score, missed limits, failed, running
  std::vector<std::string> settings;  // parallel to rows: quantization and arguments that not all have
  std::vector<std::string> common;    // arguments that all have
  std::vector<int> styles;            // parallel to rows: how plots draw it; -1 = pale
  const ResultRow* best = nullptr;    // into rows
};
PageData DataOf(const api::AutotuneTask& task, const quant::RuleSet& rules);

// "e3-572f5e", or with the baseline's mark.
std::string NameOf(const ResultRow& row);

// A whole page.
std::string Document(std::string_view title, const Markup& main);
// A heading with content; nothing where there is no content.
Markup Section(const char* id, const char* title, const Markup& content);
Markup Paragraph(const char* style, std::string_view text);
// In a box that scrolls by itself: the page never does.
Markup Scrolling(const Markup& table);
Markup Row(const std::vector<Markup>& cells, const char* cell = "td");
// Name and value, name and value, ...; values that are empty are left out.
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
