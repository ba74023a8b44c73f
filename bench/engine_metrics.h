// Metrics of the engine over a point, from its /metrics endpoint: they explain a result.
//
// Pure. Names differ between engines and releases: one table in the .cpp.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "measurement/point.h"

namespace autotune::bench {

// Paths of the metrics page, in the order in which to try them.
inline constexpr std::string_view kMetricsPaths[] = {"/metrics", "/prometheus/metrics"};

// One reading. Counters are totals since the engine's start; nullopt if the engine does not report them.
struct EngineReading {
  std::optional<double> running, waiting, kv_cache_use;
  std::optional<double> preemptions;                  // total
  std::optional<double> prefix_hits, prefix_queries;  // totals, in tokens
  std::optional<double> prefix_hit_rate;              // for engines without such totals
  std::optional<double> accepted_drafts, drafts;      // totals, in tokens
  std::optional<double> draft_acceptance;             // for engines without such totals
  [[nodiscard]] bool IsEmpty() const { return *this == EngineReading(); }
  bool operator==(const EngineReading&) const = default;
};

// Parses the Prometheus text format. Several series of one name (data-parallel ranks) are summed; for shares the
// highest value counts.
EngineReading ReadEngineMetrics(std::string_view text);

// Means of the readings, and differences of totals between the first and the last reading.
measurement::EngineCounters SummarizeReadings(const std::vector<EngineReading>& readings);

}  // namespace autotune::bench
