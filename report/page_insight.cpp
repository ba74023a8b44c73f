#include <algorithm>
#include <cmath>
#include <map>

#include "operator/reconcile/answer.h"
#include "report/changes.h"
#include "report/page_parts.h"
#include "report/plot.h"
#include "report/strip.h"
#include "text/table.h"

namespace autotune::report {
namespace {

using tuning::search::Effect;
using tuning::search::Insight;

std::string Percentage(double share) { return (share > 0 ? "+" : "") + api::FormatDecimal(share * 100, 1) + " %"; }

Markup DrawEffects(const std::string& parameter, const std::vector<const Effect*>& effects, double low, double high) {
  Markup body;
  for (const Effect* effect : effects) {
    const std::string words =
        Percentage(effect->effect) + "  (" + Percentage(effect->low) + " to " + Percentage(effect->high) + ")";
    const std::vector<StripPart> parts = {{StripPart::Kind::kReference, 0, 0, "the mean over all values"},
                                          {StripPart::Kind::kInterval, effect->low, effect->high, words},
                                          {StripPart::Kind::kBestTick, effect->effect, 0, words}};
    body += Element("tr", Element("td", {{"class", "name"}}, effect->value.empty() ? "(not set)" : effect->value) +
                              Element("td", {{"class", "draw wide"}}, Strip(parts, low, high, words)) +
                              Element("td", {{"class", "n"}}, words) +
                              Element("td", {{"class", "n"}},
                                      std::to_string(effect->measured) + " of " + std::to_string(effect->candidates)));
  }
  const Markup head = Row({Text("Value"), Text("Effect"), Text("90 % interval"), Text("Measured")}, "th");
  return Element("figure", Element("figcaption", parameter) + Scrolling(Element("table", head + body)));
}

Markup DrawAllEffects(const std::vector<Effect>& effects) {
  double low = 0, high = 0;
  std::map<std::string, std::vector<const Effect*>> of;
  for (const Effect& effect : effects) {
    if (!std::isfinite(effect.low) || !std::isfinite(effect.high)) continue;
    low = std::min(low, effect.low);
    high = std::max(high, effect.high);
    of[effect.parameter].push_back(&effect);
  }
  // Beyond twice as good or as bad nothing more is told apart.
  low = std::max(low, -1.0) - 0.01;
  high = std::min(high, 1.0) + 0.01;
  Markup figures;
  for (const auto& [parameter, values] : of) figures += DrawEffects(parameter, values, low, high);
  return figures.empty() ? figures : Element("div", {{"class", "pair"}}, figures);
}

Markup DrawPredictions(const PageData& data, const Insight& insight) {
  PlotSeries exact{"as predicted", -1, PlotSeries::Line::kStraight, {}};
  PlotSeries points{"load", 0, PlotSeries::Line::kNone, {}};
  double most = 0;
  for (const Insight::Checked& checked : insight.predictions) {
    const tuning::search::Forecast& value = checked.check.value;
    if (!(value.measured > 0) || !(value.predicted > 0)) continue;
    PlotPoint point;
    point.x = value.measured;
    point.y = value.predicted;
    point.y_margin = std::max(0.0, (value.high - value.low) / 2);
    point.title = checked.experiment + ", " + api::FormatDecimal(checked.check.load, 0) + " in flight: predicted " +
                  api::FormatDecimal(value.predicted, 1) + ", measured " + api::FormatDecimal(value.measured, 1) +
                  ", formulas alone " + api::FormatDecimal(value.prior, 1);
    most = std::max(most, std::max(point.x, point.y));
    points.points.push_back(point);
  }
  if (points.points.size() < 2) return {};
  exact.points = {{0, 0, 0, 0, false, ""}, {most, most, 0, 0, false, "predicted as measured"}};
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

Markup DrawTable(const text::Table& table) {
  const text::Table::Content content = table.Contents();
  const auto row = [](const std::vector<std::string>& cells, const char* cell) {
    std::vector<Markup> texts;
    for (const std::string& text : cells) texts.push_back(Text(text));
    return Row(texts, cell);
  };
  Markup body = row(content.titles, "th");
  for (const std::vector<std::string>& cells : content.rows) body += row(cells, "td");
  return Scrolling(Element("table", body));
}

}  // namespace

Markup ChangesSection(const PageData& data) {
  const std::optional<ComparedChanges> found = ChangesOf(data.task, data.rules);
  if (!found) return {};
  return Section("changes", found->role == "deployed" ? "Against what is deployed" : "Against the baseline",
                 Paragraph("hint", "Setting by setting, against " + found->compared +
                                       ". The worth is by the search's model, everything else equal; a setting that "
                                       "the task does not vary has none of its own.") +
                     DrawTable(ChangeTable(found->changes, found->role)));
}

Markup InsightSection(const PageData& data) {
  const std::optional<Insight> insight = InsightFor(data.task, data.rules);
  if (!insight) return {};
  Markup out;
  if (const Markup effects = DrawAllEffects(insight->effects); !effects.empty()) {
    out += Paragraph("hint",
                     "From the search's model after the last measurement: the score of a value relative to the mean "
                     "over all values, all else equal. A wide interval means few measurements with the value.") +
           effects;
  }
  if (const Markup predictions = DrawPredictions(data, *insight); !predictions.empty()) {
    out += predictions;
    if (insight->error) {
      out += Paragraph("hint", "Predictions of a load before the configuration was measured: " +
                                   api::FormatDecimal(insight->error->predicted * 100, 0) +
                                   " % off as a rule, the formulas alone " +
                                   api::FormatDecimal(insight->error->prior * 100, 0) + " %; " +
                                   api::FormatDecimal(insight->error->within * 100, 0) +
                                   " % of the measured values were inside the 90 % intervals.");
    }
  }
  return Section("insight", "Model of the search", out);
}

}  // namespace autotune::report
