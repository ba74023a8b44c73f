// One load of an experiment, as measured. See status_json.h for the precision.
#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "operator/api/autotune_task.h"
#include "operator/api/object_reader.h"
#include "operator/api/status_json.h"
#include "operator/api/units.h"

namespace autotune::api {
namespace {

json ToJson(const measurement::Latency& latency) {
  return {{"mean", FormatLatency(latency.mean)},
          {"p50", FormatLatency(latency.p50)},
          {"p90", FormatLatency(latency.p90)},
          {"p95", FormatLatency(latency.p95)},
          {"p99", FormatLatency(latency.p99)}};
}

void ReadLatency(ObjectReader& reader, std::string_view key, measurement::Latency& out) {
  reader.Nested(key, [&](ObjectReader& latency) {
    latency.Milliseconds("mean", out.mean);
    latency.Milliseconds("p50", out.p50);
    latency.Milliseconds("p90", out.p90);
    latency.Milliseconds("p95", out.p95);
    latency.Milliseconds("p99", out.p99);
  });
}

using measurement::kErrorKinds;
using measurement::kMetrics;
using measurement::kStatistics;
using measurement::LoadKind;
using measurement::Point;

// What the engine's counters are called in the API.
struct CounterField {
  const char* name;
  std::optional<double> measurement::EngineCounters::*member;
};
constexpr std::array<CounterField, 6> kCounters = {{
    {"running", &measurement::EngineCounters::running},
    {"waiting", &measurement::EngineCounters::waiting},
    {"kvCacheUse", &measurement::EngineCounters::kv_cache_use},
    {"preemptions", &measurement::EngineCounters::preemptions},
    {"prefixHitRate", &measurement::EngineCounters::prefix_hit_rate},
    {"acceptedDraftTokens", &measurement::EngineCounters::accepted_draft_tokens},
}};

// "ttft.p99"; nullopt for a name of another version.
std::optional<std::pair<measurement::Metric, measurement::Statistic>> StatisticNamed(std::string_view name) {
  const std::size_t dot = std::min(name.find('.'), name.size());
  const auto metric = measurement::MetricFromName(name.substr(0, dot));
  const auto statistic = measurement::StatisticFromName(name.substr(std::min(dot + 1, name.size())));
  if (!metric || !statistic) return std::nullopt;
  return std::pair(*metric, *statistic);
}

std::string NameOf(measurement::Metric metric, measurement::Statistic statistic) {
  return std::string(measurement::MetricName(metric)) + "." + std::string(measurement::StatisticName(statistic));
}

void ReadLowerBounds(ObjectReader& reader, Point& out) {
  std::vector<std::string> names;
  reader.Texts("lowerBounds", names, ObjectReader::kUnbounded);
  for (const std::string& name : names) {
    if (const auto named = StatisticNamed(name)) out.lower_bounds.Add(named->first, named->second);
  }
}

void ReadInWindow(ObjectReader& reader, Point& out) {
  reader.Nested("inWindow", [&](ObjectReader& values) {
    for (const measurement::Metric metric : kMetrics) {
      for (const measurement::Statistic statistic : kStatistics) {
        const std::string name = NameOf(metric, statistic);
        if (values.Get(name) == nullptr) continue;
        out.in_window.push_back({metric, statistic, 0});
        values.Milliseconds(name, out.in_window.back().milliseconds);
      }
    }
  });
}

}  // namespace

void ReadLoadRow(ObjectReader& reader, LoadRow& out) {
  Point& measured = out.measured;
  reader.Text("scenario", measured.scenario);
  std::int64_t concurrency = 0;
  reader.Integer("concurrency", concurrency);
  measured.load = {LoadKind::kConcurrency, static_cast<double>(concurrency)};
  if (reader.Get("requestRate") != nullptr) {
    measured.load.kind = LoadKind::kRequestRate;
    reader.Decimal("requestRate", measured.load.value);
  }
  std::string role;
  reader.Text("role", role);
  measured.role = measurement::PointRoleFromName(role).value_or(measurement::PointRole::kSearch);
  // A status of before verdicts: what it said of the SLO is all there is.
  std::string verdict;
  reader.Text("verdict", verdict);
  measured.verdict = measurement::VerdictFromName(verdict).value_or(measurement::Verdict::kUndecided);
  double window_milliseconds = 0;
  reader.Milliseconds("window", window_milliseconds);
  measured.window_seconds = window_milliseconds / 1000;
  reader.Integer("requests", measured.requests);
  reader.Integer("errors", measured.errors);
  reader.Nested("errorKinds", [&](ObjectReader& kinds) {
    for (std::size_t i = 0; i < kErrorKinds.size(); ++i) {
      kinds.Integer(measurement::RequestOutcomeName(kErrorKinds[i]), measured.errors_by_kind[i]);
    }
  });
  reader.Integer("censored", measured.censored);
  reader.Integer("inputTokens", measured.input_tokens);
  reader.Integer("outputTokens", measured.output_tokens);
  reader.Decimal("outputTokensPerSecond", measured.output_tokens_per_second);
  reader.Decimal("outputTokensPerSecondCi", measured.output_tokens_per_second_ci);
  reader.Decimal("requestsPerSecond", measured.requests_per_second);
  reader.Decimal("inFlight", measured.mean_concurrency);
  reader.Bool("saturated", measured.saturated);
  reader.Bool("standingQueue", measured.standing_queue);
  for (const measurement::Metric metric : kMetrics) {
    ReadLatency(reader, measurement::MetricName(metric), measured.Get(metric));
  }
  ReadLowerBounds(reader, measured);
  ReadInWindow(reader, measured);
  reader.Nested("relativeCi", [&](ObjectReader& widths) {
    for (std::size_t i = 0; i < kMetrics.size(); ++i) {
      widths.Decimal(measurement::MetricName(kMetrics[i]), measured.relative_ci[i]);
    }
  });
  const auto decimal = [](ObjectReader& from, const char* key, std::optional<double>& value) {
    if (from.Get(key) != nullptr) from.Decimal(key, value.emplace());
  };
  decimal(reader, "attainment", measured.attainment);
  reader.Milliseconds("clientLag", measured.client_lag_p99);
  reader.Nested("engine", [&](ObjectReader& engine) {
    for (const CounterField& field : kCounters) decimal(engine, field.name, measured.engine.*field.member);
  });
  reader.Bool("meetsSlo", out.meets_slo);
}

json ToJson(const LoadRow& row) {
  const Point& measured = row.measured;
  json out = {{"scenario", measured.scenario},
              {"verdict", measurement::VerdictName(measured.verdict)},
              {"window", FormatLatency(measured.window_seconds * 1000)},
              {"requests", measured.requests},
              {"errors", measured.errors},
              {"outputTokens", measured.output_tokens},
              {"outputTokensPerSecond", FormatDecimal(measured.output_tokens_per_second, 2)},
              {"outputTokensPerSecondCi", FormatDecimal(measured.output_tokens_per_second_ci, 2)},
              {"requestsPerSecond", FormatDecimal(measured.requests_per_second, 3)},
              {"inFlight", FormatDecimal(measured.mean_concurrency, 1)},
              {"clientLag", FormatLatency(measured.client_lag_p99)},
              {"meetsSlo", row.meets_slo}};
  if (measured.input_tokens > 0) out["inputTokens"] = measured.input_tokens;  // 0 = not known
  if (measured.load.kind == LoadKind::kConcurrency) {
    out["concurrency"] = static_cast<std::int64_t>(measured.load.value);
  } else {
    out["requestRate"] = FormatDecimal(measured.load.value, 4);
  }
  if (measured.role != measurement::PointRole::kSearch) out["role"] = measurement::PointRoleName(measured.role);
  for (std::size_t i = 0; i < kErrorKinds.size(); ++i) {
    if (measured.errors_by_kind[i] == 0) continue;
    out["errorKinds"][std::string(measurement::RequestOutcomeName(kErrorKinds[i]))] = measured.errors_by_kind[i];
  }
  Put(out, "censored", measured.censored);
  Put(out, "saturated", measured.saturated);
  Put(out, "standingQueue", measured.standing_queue);
  for (std::size_t i = 0; i < kMetrics.size(); ++i) {
    const std::string metric(measurement::MetricName(kMetrics[i]));
    out[metric] = ToJson(measured.Get(kMetrics[i]));
    if (measured.relative_ci[i] != 0) out["relativeCi"][metric] = FormatDecimal(measured.relative_ci[i], 4);
    for (const measurement::Statistic statistic : kStatistics) {
      if (!measured.lower_bounds.Has(kMetrics[i], statistic)) continue;
      out["lowerBounds"].push_back(NameOf(kMetrics[i], statistic));
    }
  }
  for (const measurement::WindowValue& value : measured.in_window) {
    out["inWindow"][NameOf(value.metric, value.statistic)] = FormatLatency(value.milliseconds);
  }
  if (measured.attainment) out["attainment"] = FormatDecimal(*measured.attainment, 4);
  for (const CounterField& field : kCounters) {
    const std::optional<double>& value = measured.engine.*field.member;
    if (value) out["engine"][field.name] = FormatDecimal(*value, 3);
  }
  return out;
}

}  // namespace autotune::api
