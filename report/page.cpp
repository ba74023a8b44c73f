#include "report/page.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "report/page_parts.h"
#include "report/plot.h"
#include "report/task_words.h"
#include "text/table.h"

namespace autotune::report {
namespace {

int RankOf(const ResultRow& row) {
  if (row.best) return 0;
  if (row.score && !row.cannot_win) return 1;
  switch (row.experiment->state) {
    case api::ExperimentState::kSucceeded:
      return 2;
    case api::ExperimentState::kFailed:
      return 3;
    case api::ExperimentState::kMeasuring:
      return 4;
    case api::ExperimentState::kStarting:
      return 5;
    case api::ExperimentState::kPending:
      return 6;
  }
  return 7;
}

// The page as far as a browser may go: nothing is loaded, nothing runs, nothing is sent.
Markup Head(std::string_view title) {
  return Element(
      "head",
      Element("meta", {{"charset", "utf-8"}}, Markup()) +
          Element("meta", {{"name", "viewport"}, {"content", "width=device-width, initial-scale=1"}}, Markup()) +
          Element("meta",
                  {{"http-equiv", "Content-Security-Policy"},
                   {"content", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"}},
                  Markup()) +
          Element("meta", {{"name", "color-scheme"}, {"content", "light dark"}}, Markup()) +
          Element("title", std::string(title) + " \u00b7 autotune") + Element("style", PageStyle()));
}

Markup Header(const PageData& data) {
  const api::AutotuneTask& task = data.task;
  const std::string state = task.status.state.empty() ? "not started" : task.status.state;
  Markup out = Element("h1", Text(task.metadata.name) + Text(" ") + Element("span", {{"class", "state"}}, state));
  std::string about = text::Joined(ModelTexts(task), "; ");
  if (const std::string gpus = api::GpuProductsText(task.status); !gpus.empty()) {
    about += " on " + std::string(IsSimulated(task.status) ? "a simulated " : "") + gpus;
  }
  out += Paragraph("about", about);
  if (!task.spec.description.empty()) out += Paragraph("about", task.spec.description);
  if (IsSimulated(task.status)) out += Paragraph("note", kSimulatedNote);
  return Element("header", out);
}

}  // namespace

PageData DataOf(const api::AutotuneTask& task, const quant::RuleSet& rules) {
  PageData data{task, rules, ResultRows(task), {}, {}, {}, {}, nullptr};
  std::vector<std::vector<std::string>> arguments;
  for (const ResultRow& row : data.rows) {
    data.order.push_back(data.order.size());
    arguments.push_back(row.experiment->args);
    if (row.best) data.best = &row;
  }
  const text::ArgumentDifferences differences = text::CompareArguments(arguments);
  data.common = differences.common;
  for (std::size_t i = 0; i < data.rows.size(); ++i) {
    const api::ExperimentStatus& experiment = *data.rows[i].experiment;
    std::string settings = api::ConfigurationName(experiment);
    if (!differences.own[i].empty()) settings += "  " + text::Joined(differences.own[i], " ");
    if (!experiment.options.empty()) settings += "  " + OptionsText(experiment.options);
    data.settings.push_back(settings);
  }
  std::stable_sort(data.order.begin(), data.order.end(), [&](std::size_t a, std::size_t b) {
    const auto key = [&](std::size_t i) {
      return std::make_tuple(RankOf(data.rows[i]), -data.rows[i].score.value_or(-HUGE_VAL));
    };
    return key(a) < key(b);
  });
  // The colours go to the best and to what it is compared with.
  data.styles.assign(data.rows.size(), -1);
  int next = 0;
  const auto give = [&](std::size_t i) {
    if (next < kSeriesStyles && data.styles[i] < 0 && !data.rows[i].experiment->loads.empty()) data.styles[i] = next++;
  };
  if (!data.order.empty()) give(data.order.front());
  for (const std::size_t i : data.order) {
    if (data.rows[i].experiment->baseline) give(i);
  }
  for (const std::size_t i : data.order) {
    if (data.rows[i].pareto || data.rows[i].tied) give(i);
  }
  for (const std::size_t i : data.order) give(i);
  return data;
}

std::string NameOf(const ResultRow& row) {
  const std::string role = RoleText(*row.experiment);
  return row.experiment->name + (role.empty() ? "" : " (" + role + ")");
}

Markup Section(const char* id, const char* title, const Markup& content) {
  if (content.empty()) return {};
  return Element("section", {{"id", id}}, Element("h2", title) + content);
}

Markup Paragraph(const char* style, std::string_view text) { return Element("p", {{"class", style}}, text); }

Markup Scrolling(const Markup& table) { return Element("div", {{"class", "scroll"}}, table); }

Markup Row(const std::vector<Markup>& cells, const char* cell) {
  Markup out;
  for (const Markup& content : cells) out += Element(cell, content);
  return Element("tr", out);
}

Markup Facts(const std::vector<std::pair<std::string, std::string>>& facts) {
  Markup out;
  for (const auto& [name, value] : facts) {
    if (!value.empty()) out += Element("dt", name) + Element("dd", value);
  }
  return out.empty() ? Markup() : Element("dl", out);
}

std::string Document(std::string_view title, const Markup& main) {
  const Markup page = Element("html", {{"lang", "en"}}, Head(title) + Element("body", Element("main", main)));
  return "<!DOCTYPE html>\n" + page.str() + "\n";
}

std::string HtmlReport(const api::AutotuneTask& task, const quant::RuleSet& rules) {
  const PageData data = DataOf(task, rules);
  const Markup main = Header(data) + AnswerSection(data) + ChangesSection(data) + DifferenceSection(data) +
                      ExperimentsSection(data) + CurvesSection(data) + EffectsSection(data) + InsightSection(data) +
                      TimelineSection(data) + CostSection(data) + AbsentSection(data) + ProvenanceSection(data);
  return Document(task.metadata.name, main);
}

}  // namespace autotune::report
