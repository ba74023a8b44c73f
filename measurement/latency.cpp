#include "measurement/latency.h"

#include <utility>

namespace autotune::measurement {
namespace {

constexpr std::pair<Metric, std::string_view> kMetricNames[] = {
    {Metric::kTtft, "ttft"}, {Metric::kTpot, "tpot"}, {Metric::kItl, "itl"}, {Metric::kE2e, "e2eLatency"}};
constexpr std::pair<Statistic, std::string_view> kStatisticNames[] = {{Statistic::kMean, "mean"},
                                                                      {Statistic::kP50, "p50"},
                                                                      {Statistic::kP90, "p90"},
                                                                      {Statistic::kP95, "p95"},
                                                                      {Statistic::kP99, "p99"}};

}  // namespace

std::string_view MetricName(Metric metric) { return kMetricNames[static_cast<std::size_t>(metric)].second; }

std::optional<Metric> MetricFromName(std::string_view name) {
  for (const auto& [metric, known] : kMetricNames) {
    if (known == name) return metric;
  }
  return std::nullopt;
}

std::string_view StatisticName(Statistic statistic) {
  return kStatisticNames[static_cast<std::size_t>(statistic)].second;
}

std::optional<Statistic> StatisticFromName(std::string_view name) {
  for (const auto& [statistic, known] : kStatisticNames) {
    if (known == name) return statistic;
  }
  return std::nullopt;
}

double Share(Statistic statistic) {
  switch (statistic) {
    case Statistic::kMean:
      break;
    case Statistic::kP50:
      return 0.5;
    case Statistic::kP90:
      return 0.9;
    case Statistic::kP95:
      return 0.95;
    case Statistic::kP99:
      return 0.99;
  }
  return 0;
}

double Latency::Get(Statistic statistic) const {
  switch (statistic) {
    case Statistic::kMean:
      return mean;
    case Statistic::kP50:
      return p50;
    case Statistic::kP90:
      return p90;
    case Statistic::kP95:
      return p95;
    case Statistic::kP99:
      return p99;
  }
  return 0;
}

void Latency::Set(Statistic statistic, double milliseconds) {
  switch (statistic) {
    case Statistic::kMean:
      mean = milliseconds;
      break;
    case Statistic::kP50:
      p50 = milliseconds;
      break;
    case Statistic::kP90:
      p90 = milliseconds;
      break;
    case Statistic::kP95:
      p95 = milliseconds;
      break;
    case Statistic::kP99:
      p99 = milliseconds;
      break;
  }
}

}  // namespace autotune::measurement
