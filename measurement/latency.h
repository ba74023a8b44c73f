// Latencies of one measured point in milliseconds, by metric and statistic.
//
// Pure values. Definitions: docs/benchmark.md.
#pragma once

#include <array>
#include <optional>
#include <string_view>

namespace autotune::measurement {

enum class Metric {
  kTtft,  // time to the first token: request start to first output event
  kTpot,  // time per output token after the first, mean within a request
  kItl,   // time between two consecutive output events of a request, pooled over all requests
  kE2e,   // request start to last output event
};
inline constexpr std::array<Metric, 4> kMetrics = {Metric::kTtft, Metric::kTpot, Metric::kItl, Metric::kE2e};
std::string_view MetricName(Metric metric);  // the API's field: "ttft" "tpot" "itl" "e2eLatency"
std::optional<Metric> MetricFromName(std::string_view name);

enum class Statistic { kMean, kP50, kP90, kP95, kP99 };
inline constexpr std::array<Statistic, 5> kStatistics = {Statistic::kMean, Statistic::kP50, Statistic::kP90,
                                                         Statistic::kP95, Statistic::kP99};
std::string_view StatisticName(Statistic statistic);  // "mean" "p50" ...
std::optional<Statistic> StatisticFromName(std::string_view name);
// 0.99 for kP99. REQUIRES: not kMean.
double Share(Statistic statistic);

// Milliseconds, pooled over all requests that count (ITL: over all gaps). 0 without values.
struct Latency {
  double mean = 0, p50 = 0, p90 = 0, p95 = 0, p99 = 0;

  [[nodiscard]] double Get(Statistic statistic) const;
  void Set(Statistic statistic, double milliseconds);
  bool operator==(const Latency&) const = default;
};

}  // namespace autotune::measurement
