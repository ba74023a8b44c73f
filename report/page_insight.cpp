#include <algorithm>
#include <cmath>

#include "base/ascii_case.h"
#include "operator/reconcile/answer.h"
#include "report/changes.h"
#include "report/page_parts.h"
#include "report/plot.h"
#include "text/table.h"

namespace autotune::report {
namespace {

using tuning::search::Insight;

// The starts of the configuration that measured the load. The model has one value for all of them.
std::string MeasuredBy(const PageData& data, const Insight::Checked& checked) {
  std::vector<std::string> names;
  std::size_t count = 0;
  for (const ResultRow& row : data.rows) {
    const api::ExperimentStatus& one = *row.experiment;
    if (one.name != checked.experiment && one.confirms != checked.experiment) continue;
    const auto there = std::count_if(one.loads.begin(), one.loads.end(), [&](const api::LoadRow& load) {
      return load.measured.load.kind == measurement::LoadKind::kConcurrency &&
             std::abs(load.measured.load.value - checked.check.load) < 0.5;
    });
    if (there > 0) names.push_back(one.name);
    count += static_cast<std::size_t>(there);
  }
  if (names.empty()) return checked.experiment;
  return text::Joined(names, " and ") + (count > 1 ? " (mean of " + std::to_string(count) + " measurements)" : "");
}

// Tokens/s, or the inverse of milliseconds.
std::string ValueText(double value) { return value < 10 ? api::FormatDecimal(value, 4) : text::TokensPerSecond(value); }

Markup DrawPredictions(const PageData& data, const Insight& insight) {
  PlotSeries exact{"as predicted", kLineOnly, PlotSeries::Line::kStraight, {}};
  PlotSeries points{"load", 0, PlotSeries::Line::kNone, {}};
  double most = 0;
  for (const Insight::Checked& checked : insight.predictions) {
    const tuning::search::Forecast& value = checked.check.value;
    if (!(value.measured > 0) || !(value.predicted > 0)) continue;
    PlotPoint point;
    point.x = value.measured;
    point.y = value.predicted;
    point.y_low = value.low;
    point.y_high = value.high;
    point.title = MeasuredBy(data, checked) + ", " + api::FormatDecimal(checked.check.load, 0) +
                  " in flight: predicted " + ValueText(value.predicted) + " (90 % interval " + ValueText(value.low) +
                  " to " + ValueText(value.high) + "), measured " + ValueText(value.measured) + ", formulas alone " +
                  ValueText(value.prior);
    most = std::max(most, std::max(point.x, point.y));
    points.points.push_back(point);
  }
  if (points.points.size() < 2) return {};
  exact.points = {{.x = 0, .y = 0, .title = ""}, {.x = most, .y = most, .title = "predicted as measured"}};
  Plot plot;
  plot.label = "Predicted and measured values";
  const bool latency = tuning::ComparesAtOneLoad(reconcile::ObjectiveOf(data.task.spec));
  plot.x_title = latency ? "measured, 1 / latency" : "measured, tok/s per GPU";
  plot.y_title = latency ? "predicted, 1 / latency" : "predicted, tok/s per GPU";
  plot.x_text = plot.y_text = [](double value) { return api::FormatDecimal(value, value < 10 ? 4 : 0); };
  plot.from_zero = true;
  plot.series = {exact, points};
  return Element("figure", Element("figcaption", "Predicted and measured") + Draw(plot));
}

// How far the predictions were from what was measured, and what that says of the search's end.
std::string PredictionErrorText(const api::TaskStatus& status, const Insight& insight) {
  const tuning::search::PredictionError& error = *insight.error;
  const auto percent = [](double share) { return api::FormatDecimal(share * 100, 0) + " %"; };
  const std::size_t count = insight.predictions.size();
  const auto inside = static_cast<std::size_t>(std::lround(error.within * static_cast<double>(count)));
  std::string text =
      "Each mark is one measured load. Up: what the search predicts for it from the other experiments alone, with the "
      "90 % interval. Right: what was measured. On the dotted line both are equal. " +
      std::to_string(inside) + " of " + std::to_string(count) +
      " measured values are inside their interval (nine of ten are expected). The predictions are wrong by " +
      percent(error.predicted) + " (root mean square); the formulas alone, without any measurement, by " +
      percent(error.prior) + ".";
  if (error.predicted > error.prior) text += " So few other experiments predict worse than the formulas here.";
  if (status.search && status.candidates.not_run > 0) {
    text += " This is how far to trust that the " + std::to_string(status.candidates.not_run) +
            " candidates that did not run would not have won; optimization.strategy: Grid measures all.";
  }
  return text;
}

Markup DrawTable(const text::Table& table) {
  const text::Table::Content content = table.Contents();
  const auto row = [](const std::vector<std::string>& cells, const char* cell) {
    std::vector<Markup> texts;
    for (const std::string& text : cells) texts.push_back(Text(text));
    return Row(texts, cell);
  };
  std::vector<std::string> titles = content.titles;  // in capitals, for terminals
  for (std::string& title : titles) {
    title.replace(1, std::string::npos, base::AsciiLower(std::string_view(title).substr(1)));
  }
  Markup body = row(titles, "th");
  for (const std::vector<std::string>& cells : content.rows) body += row(cells, "td");
  return Scrolling(Element("table", body));
}

}  // namespace

Markup ChangesSection(const PageData& data) {
  const std::optional<ComparedChanges> found = ChangesOf(data.task, data.rules);
  if (!found) return {};
  return Section(
      "changes", found->role == "deployed" ? "Against what is deployed" : "Against the baseline",
      Paragraph("hint", "Setting by setting, against " + found->compared + ". " + WorthNote(found->changes)) +
          DrawTable(ChangeTable(found->changes, found->role)));
}

Markup InsightSection(const PageData& data) {
  const std::optional<Insight> insight = InsightFor(data.task, data.rules);
  if (!insight) return {};
  Markup out = DrawPredictions(data, *insight);
  if (out.empty()) return {};
  if (insight->error) out += Paragraph("hint", PredictionErrorText(data.task.status, *insight));
  return Section("insight", "Model of the search", out);
}

}  // namespace autotune::report
