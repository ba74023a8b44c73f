#include "report/curves.h"

#include <algorithm>
#include <cmath>

#include "operator/experiment/pod_builder.h"
#include "report/plot.h"
#include "report/result_view.h"
#include "report/task_words.h"
#include "text/table.h"

namespace autotune::report {
namespace {

using measurement::Metric;
using measurement::Point;
using measurement::Statistic;

constexpr std::size_t kMostScenarios = 3, kMostLatencies = 4;

std::string TickLatency(double milliseconds) {
  return milliseconds >= 1000 ? TickNumber(milliseconds / 1000) + " s" : TickNumber(milliseconds) + " ms";
}

double PerGpu(int gpus, double value) { return value / std::max(gpus, 1); }

PlotSeries SeriesOf(const Curve& curve, const std::string& scenario, const measurement::Bound& bound) {
  PlotSeries series;
  series.name = curve.name;
  series.style = curve.style;
  std::vector<const api::LoadRow*> loads;
  for (const api::LoadRow* load : CountingLoads(curve.loads)) {
    if (load->measured.scenario == scenario) loads.push_back(load);
  }
  std::stable_sort(loads.begin(), loads.end(), [](const api::LoadRow* a, const api::LoadRow* b) {
    return a->measured.load.value < b->measured.load.value;
  });
  for (const api::LoadRow* load : loads) {
    const Point& point = load->measured;
    PlotPoint mark;
    mark.x = PerGpu(curve.gpus, point.output_tokens_per_second);
    mark.x_margin = PerGpu(curve.gpus, point.output_tokens_per_second_ci);
    mark.y = point.Get(bound.metric).Get(bound.statistic);
    mark.y_margin = mark.y * point.relative_ci.at(static_cast<std::size_t>(bound.metric));
    mark.hollow = !load->meets_slo;
    mark.label = LoadText(point.load);
    mark.title = PointTitle(curve.name, curve.gpus, point, load->meets_slo);
    series.points.push_back(mark);
  }
  return series;
}

}  // namespace

std::string TickNumber(double value) { return api::FormatDecimal(value, value < 10 ? 2 : value < 100 ? 1 : 0); }

std::string PointTitle(const std::string& name, int gpus, const Point& point, bool meets_slo) {
  std::string title = name + ", " + point.load.ToString() + ": " +
                      text::TokensPerSecond(PerGpu(gpus, point.output_tokens_per_second)) + " tok/s per GPU";
  if (point.output_tokens_per_second_ci > 0) {
    title += " \u00b1 " + text::TokensPerSecond(PerGpu(gpus, point.output_tokens_per_second_ci));
  }
  for (const Metric metric : {Metric::kTtft, Metric::kTpot}) {
    for (const Statistic statistic : {Statistic::kP50, Statistic::kP99}) {
      title += ", " + MetricTitle(metric) + " " + std::string(measurement::StatisticName(statistic)) + " " +
               LatencyText(point, metric, statistic);
    }
  }
  return title + ", " + std::to_string(point.requests) + " requests, " +
         (meets_slo ? "meets the SLO" : "misses the SLO");
}

Markup Figure(const std::string& caption, const Markup& drawing) {
  return drawing.empty() ? Markup() : Element("figure", Element("figcaption", caption) + drawing);
}

std::vector<measurement::Bound> DrawnLatencies(const api::SloSpec& slo) {
  std::vector<measurement::Bound> bounds = experiment::SloOf(slo).bounds;
  if (bounds.empty()) bounds = {{Metric::kTtft, Statistic::kP50, 0}, {Metric::kTpot, Statistic::kP50, 0}};
  if (bounds.size() > kMostLatencies) bounds.resize(kMostLatencies);
  return bounds;
}

std::vector<std::string> ScenariosOf(const std::vector<Curve>& curves) {
  std::vector<std::string> scenarios;
  for (const Curve& curve : curves) {
    for (const api::LoadRow& load : curve.loads) {
      if (std::find(scenarios.begin(), scenarios.end(), load.measured.scenario) == scenarios.end()) {
        scenarios.push_back(load.measured.scenario);
      }
    }
  }
  if (scenarios.size() > kMostScenarios) scenarios.resize(kMostScenarios);
  return scenarios;
}

Markup DrawCurves(const std::vector<Curve>& curves, const std::string& scenario, const measurement::Bound& bound) {
  const std::string latency =
      MetricTitle(bound.metric) + " " + std::string(measurement::StatisticName(bound.statistic));
  Plot plot;
  plot.label = latency + " over throughput, " + scenario;
  plot.x_title = "output tok/s per GPU";
  plot.y_title = latency;
  plot.x_text = TickNumber;
  plot.y_text = TickLatency;
  double low = HUGE_VAL, high = 0;
  for (const Curve& curve : curves) {
    PlotSeries series = SeriesOf(curve, scenario, bound);
    for (const PlotPoint& point : series.points) {
      if (point.y > 0) low = std::min(low, point.y);
      high = std::max(high, point.y);
    }
    if (!series.points.empty()) plot.series.push_back(std::move(series));
  }
  if (bound.limit > 0) plot.rules.push_back({bound.limit, "SLO " + TickLatency(bound.limit)});
  plot.y_log = high > 15 * low;
  plot.from_zero = true;  // where it is not logarithmic
  return Figure(latency, Draw(plot));
}

}  // namespace autotune::report
