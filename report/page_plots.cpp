#include <algorithm>
#include <cmath>
#include <set>

#include "base/clock.h"
#include "operator/experiment/pod_builder.h"
#include "operator/reconcile/answer.h"
#include "report/curves.h"
#include "report/page_parts.h"
#include "report/plot.h"
#include "report/task_words.h"
#include "text/table.h"

namespace autotune::report {
namespace {

using measurement::Metric;
using measurement::Point;
using measurement::Statistic;

double PerGpu(const api::ExperimentStatus& experiment, double value) { return value / std::max(experiment.gpus, 1); }

Markup Legend(const PageData& data, const std::vector<std::size_t>& shown, bool pale) {
  Markup items;
  for (const std::size_t i : shown) {
    items += Element("li", Swatch(data.styles[i]) + Text(NameOf(data.rows[i]) + (data.rows[i].best ? " (best)" : "") +
                                                         "  " + text::Shortened(data.settings[i], 120)));
  }
  if (pale) items += Element("li", Swatch(-1) + Text("the others"));
  return Element("ul", {{"class", "legend"}}, items);
}

// What loads that meet the SLO give against time per token.
enum class Gives { kThroughput, kPrice };

// Points that meet the SLO and that none of the others beats in both.
std::vector<PlotPoint> FrontOf(std::vector<PlotPoint> points, Gives gives) {
  const auto better = [&](double a, double b) { return gives == Gives::kPrice ? a < b : a > b; };
  std::sort(points.begin(), points.end(),
            [&](const PlotPoint& a, const PlotPoint& b) { return a.x != b.x ? a.x < b.x : better(a.y, b.y); });
  std::vector<PlotPoint> front;
  for (const PlotPoint& point : points) {
    if (front.empty() || better(point.y, front.back().y)) front.push_back(point);
  }
  return front;
}

// Scores that have a course: with fewer the table says the same.
constexpr std::size_t kFewest = 4;

// The best score so far over time; nothing where the first one stayed the best, or too few have a score.
Markup DrawTrajectory(const PageData& data) {
  const std::string& started = data.task.status.started_at;
  if (started.empty()) return {};
  std::vector<const ResultRow*> rows;
  for (const ResultRow& row : data.rows) {
    if (row.score && !row.experiment->finished_at.empty()) rows.push_back(&row);
  }
  std::stable_sort(rows.begin(), rows.end(), [](const ResultRow* a, const ResultRow* b) {
    return a->experiment->finished_at < b->experiment->finished_at;
  });
  if (rows.size() < kFewest) return {};
  PlotSeries leader{"best so far", 0, PlotSeries::Line::kSteps, {}}, others{"", -1, PlotSeries::Line::kNone, {}};
  double best = -HUGE_VAL;
  const ScoreKind kind = ScoreKindOf(data.task);
  for (const ResultRow* row : rows) {
    const auto since = base::ParseRfc3339(row->experiment->finished_at) - base::ParseRfc3339(started);
    PlotPoint point;
    point.x = std::chrono::duration<double>(since).count() / 60;
    point.y = std::abs(*row->score);
    point.title = NameOf(*row) + ": " + ScoreText(kind, *row->score);
    if (*row->score > best) {
      best = *row->score;
      leader.points.push_back(point);
    } else {
      others.points.push_back(point);
    }
  }
  if (leader.points.size() < 2) return {};
  Plot plot;
  plot.label = "Best score over time";
  plot.x_title = "minutes since the start";
  plot.y_title = "score: " + ScoreUnit(kind);
  plot.x_text = TickNumber;
  plot.y_text = TickNumber;
  plot.from_zero = true;
  plot.series = {others, leader};
  return Figure("Best score over time", Draw(plot));
}

Markup DrawPareto(const PageData& data, const std::string& scenario, Gives gives) {
  const bool by_price = gives == Gives::kPrice;
  const std::string what = by_price ? "Price" : "Throughput";
  Plot plot;
  plot.label = what + " over time per token, " + scenario;
  plot.x_title = "TPOT p50 [ms]";
  plot.y_title = by_price ? "price per million output tokens" : "output tok/s per GPU";
  plot.x_text = TickNumber;
  plot.y_text = TickNumber;
  plot.from_zero = true;
  std::vector<PlotPoint> all;
  for (std::size_t i = 0; i < data.rows.size(); ++i) {
    const ResultRow& row = data.rows[i];
    if (row.experiment->state != api::ExperimentState::kSucceeded || !row.meets_quality) continue;
    PlotSeries series{NameOf(row), data.styles[i], PlotSeries::Line::kNone, {}};
    const double hour = reconcile::PricePerHour(data.task.spec, data.task.status, row.experiment->gpu).value_or(0);
    for (const api::LoadRow* counting : CountingLoads(row.experiment->loads)) {
      const api::LoadRow& load = *counting;
      if (load.measured.scenario != scenario || !load.meets_slo) continue;
      PlotPoint point;
      point.x = load.measured.tpot.p50;
      point.y = PerGpu(*row.experiment, load.measured.output_tokens_per_second);
      point.y_margin = PerGpu(*row.experiment, load.measured.output_tokens_per_second_ci);
      if (by_price) {
        if (!(point.y > 0)) continue;
        const double price = hour / api::kSecondsPerHour * 1e6 / point.y;
        point.y_margin *= price / point.y;
        point.y = price;
      }
      point.title = PointTitle(NameOf(row), row.experiment->gpus, load.measured, true);
      point.label = LoadText(load.measured.load);
      series.points.push_back(point);
      all.push_back(point);
    }
    if (!series.points.empty()) plot.series.push_back(std::move(series));
  }
  if (all.size() < 2) return {};
  PlotSeries front{"Pareto front", kLineOnly, PlotSeries::Line::kSteps, FrontOf(all, gives)};
  plot.series.insert(plot.series.begin(), front);
  return Figure(what + " against time per token, with the Pareto front" +
                    (data.task.spec.benchmark.scenarios.size() > 1 ? ", " + scenario : ""),
                Draw(plot));
}

// "D(256,64): 256 prompt tokens in, 64 out".
std::string TitleOf(const std::string& scenario) {
  const std::string words = ScenarioText(scenario);
  return words == scenario ? scenario : scenario + ": " + words;
}

}  // namespace

Markup CurvesSection(const PageData& data) {
  std::vector<std::size_t> shown;
  bool pale = false;
  for (const std::size_t i : data.order) {
    if (data.rows[i].experiment->loads.empty()) continue;
    if (data.styles[i] >= 0) shown.push_back(i);
    pale = pale || data.styles[i] < 0;
  }
  std::vector<Curve> curves;
  for (std::size_t i = 0; i < data.rows.size(); ++i) {
    const api::ExperimentStatus& experiment = *data.rows[i].experiment;
    curves.push_back({NameOf(data.rows[i]), data.styles[i], experiment.gpus, experiment.loads});
  }
  const std::vector<std::string> scenarios = ScenariosOf(curves);
  Markup out;
  const Markup trajectory = DrawTrajectory(data);
  const bool priced = reconcile::ComparesPrices(data.task.spec, data.task.status);
  for (const std::string& scenario : scenarios) {
    Markup figures;
    for (const measurement::Bound& bound : DrawnLatencies(data.task.spec.slo)) {
      figures += DrawCurves(curves, scenario, bound);
    }
    figures += DrawPareto(data, scenario, Gives::kThroughput);
    if (priced) figures += DrawPareto(data, scenario, Gives::kPrice);
    if (&scenario == &scenarios.back()) figures += trajectory;
    if (figures.empty()) continue;
    out += Element("h3", TitleOf(scenario)) + Element("div", {{"class", "pair"}}, figures);
  }
  if (out.empty()) return {};
  out += Legend(data, shown, pale);
  out += Paragraph(
      "hint",
      "Each mark is one load, the number beside it: requests in flight (N/s: requests per second); lines through it "
      "are 95 % intervals. "
      "Hollow marks miss the SLO. Latency: further right and lower is better. Pareto front: the loads that "
      "meet the SLO; more throughput (up) costs time per token (right), and the dotted line joins the loads that "
      "no other load beats in both. " +
          std::string(priced
                          ? "The types of GPU have prices: a load that is below the line for throughput may be on the "
                            "line for the price (down is cheaper), and its experiment on the Pareto front. "
                          : "") +
          std::string(trajectory.empty() ? "" : "Best score over time: the highest score after each experiment."));
  return Section("curves", "Latency, throughput, trade-off", out);
}

}  // namespace autotune::report
