#include <algorithm>
#include <cmath>

#include "report/comparison.h"
#include "report/curves.h"
#include "report/page_parts.h"
#include "report/plot.h"
#include "report/strip.h"
#include "report/task_words.h"
#include "text/table.h"

namespace autotune::report {
namespace {

using text::Table;

int StyleOf(std::size_t task) { return task < static_cast<std::size_t>(kSeriesStyles) ? static_cast<int>(task) : -1; }

// A table with a drawing at the end of each row, where there are drawings.
Markup HtmlTable(const Table& table, const std::vector<Markup>& drawings = {}) {
  const Table::Content content = table.Contents();
  const auto cell = [&](std::size_t column) {
    return content.aligns[column] == Table::Align::kRight ? "n" : content.titles[column] == "TASK" ? "name" : "";
  };
  Markup head;
  for (std::size_t i = 0; i < content.titles.size(); ++i) {
    // A task's name keeps its letters; titles of the program are in capitals for the terminal.
    head += Element("th", {{"class", cell(i)}}, content.titles[i]);
  }
  if (!drawings.empty()) head += Element("th", "");
  Markup rows = Element("tr", head);
  for (std::size_t i = 0; i < content.rows.size(); ++i) {
    Markup row;
    for (std::size_t column = 0; column < content.titles.size(); ++column) {
      const bool settings = content.titles[column].starts_with("ARGUMENTS");
      row += Element("td", {{"class", settings ? "mono" : cell(column)}}, content.rows[i][column]);
    }
    if (!drawings.empty()) row += Element("td", {{"class", "draw"}}, drawings[i]);
    rows += Element("tr", row);
  }
  return Scrolling(Element("table", rows));
}

// The score with its interval, beside the first task's.
Markup ScoreStrip(const Comparison& comparison, const ComparedTask& task) {
  double scale = 0;
  for (const ComparedTask& one : comparison.tasks) scale = std::max(scale, std::abs(one.score) + one.ci);
  const double score = std::abs(task.score);
  const std::string words = task.name + ": " + ScoreText(comparison.score, task.score);
  std::vector<StripPart> parts = {{StripPart::Kind::kBar, 0, score, words}};
  if (task.ci > 0) parts.push_back({StripPart::Kind::kInterval, score - task.ci, score + task.ci, "95 % interval"});
  parts.push_back({StripPart::Kind::kReference, std::abs(comparison.tasks.front().score), 0, "the first task"});
  return Strip(parts, 0, scale > 0 ? scale * 1.02 : 1, words);
}

Markup Curves(const Comparison& comparison) {
  std::vector<Curve> curves;
  Markup legend;
  for (std::size_t i = 0; i < comparison.tasks.size(); ++i) {
    const ComparedTask& task = comparison.tasks[i];
    curves.push_back({task.name, StyleOf(i), task.gpus, task.loads});
    legend += Element("li", Swatch(StyleOf(i)) + Text(task.name + ": " + task.experiment));
  }
  Markup out;
  for (const std::string& scenario : ScenariosOf(curves)) {
    Markup figures;
    for (const measurement::Bound& bound : comparison.bounds) figures += DrawCurves(curves, scenario, bound);
    if (!figures.empty()) out += Element("h3", scenario) + Element("div", {{"class", "pair"}}, figures);
  }
  if (out.empty()) return out;
  return out + Element("ul", {{"class", "legend"}}, legend) +
         Paragraph("hint",
                   "The best configuration of each task, one mark per load. Further right is more output tokens/s per "
                   "GPU, lower is less latency. Hollow marks miss the SLO; lines through a mark are 95 % intervals.");
}

}  // namespace

std::string ComparisonPage(const Comparison& comparison) {
  std::string title;
  for (const ComparedTask& task : comparison.tasks) title += (title.empty() ? "" : ", ") + task.name;
  std::vector<Markup> strips;
  for (const ComparedTask& task : comparison.tasks) strips.push_back(ScoreStrip(comparison, task));
  Markup main = Element("h1", title + " compared");
  main += Paragraph("about", "Score: " + ScoreUnit(comparison.score) +
                                 "; the tasks measured the same workload under the same SLO. Dashed: the first task.");
  if (comparison.simulated) main += Paragraph("note", kSimulatedNote);
  Markup bests = HtmlTable(BestTable(comparison), strips);
  if (const std::string note = EstimateNote(comparison); !note.empty()) bests += Paragraph("hint", note);
  main += Section("best", kComparedBest, bests);
  main += Section("curves", "Latency and throughput", Curves(comparison));
  Markup same;
  if (const std::string except = SameExceptText(comparison); !except.empty()) same += Paragraph("hint", except);
  same +=
      comparison.configurations.empty() ? Paragraph("", kNothingInCommon) : HtmlTable(ConfigurationTable(comparison));
  main += Section("same", kComparedSame, same);
  return Document(title + " compared", main);
}

}  // namespace autotune::report
