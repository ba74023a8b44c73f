#include "measurement/slo.h"

#include <algorithm>
#include <cmath>

#include "measurement/number_text.h"

namespace autotune::measurement {
namespace {

// Where a limit is 0, ratios stay finite.
constexpr double kSmallest = 1e-3;
constexpr double kMaxRelative = 1e6;

double Relative(double actual, double limit) {
  return std::min((actual - limit) / std::max(limit, kSmallest), kMaxRelative);
}

bool IsFinite(const Latency& latency) {
  return std::all_of(kStatistics.begin(), kStatistics.end(), [&](Statistic statistic) {
    const double value = latency.Get(statistic);
    return std::isfinite(value) && value >= 0;
  });
}

// A metric without a value: nobody streams a TTFT of 0, and an answer of one token has no TPOT.
bool IsMeasured(const Point& point, Metric metric) { return point.Get(metric).p99 > 0 || point.Get(metric).mean > 0; }

}  // namespace

std::string Bound::Field() const {
  return "slo." + std::string(MetricName(metric)) + "." + std::string(StatisticName(statistic));
}

bool HasLimits(const Slo& slo) {
  return !slo.bounds.empty() || slo.attainment || slo.max_error_rate != Slo().max_error_rate;
}

bool IsUsable(const Point& point) {
  return point.requests > 0 && point.errors >= 0 && std::isfinite(point.output_tokens_per_second) &&
         point.output_tokens_per_second > 0 &&
         std::all_of(kMetrics.begin(), kMetrics.end(), [&](Metric metric) { return IsFinite(point.Get(metric)); });
}

Statistic StatisticOf(const Slo& slo, const Bound& bound) {
  if (!slo.attainment) return bound.statistic;
  if (*slo.attainment >= 0.99) return Statistic::kP99;
  if (*slo.attainment >= 0.95) return Statistic::kP95;
  return *slo.attainment >= 0.90 ? Statistic::kP90 : Statistic::kP50;
}

std::vector<Violation> CheckSlo(const Slo& slo, const Point& point) {
  if (!IsUsable(point)) return {{"slo.errorRate", slo.max_error_rate, 1, Relative(1, slo.max_error_rate)}};
  std::vector<Violation> violations;
  if (slo.attainment && !slo.bounds.empty()) {
    const double kept = point.attainment.value_or(0);
    // As a share of what may fail, so that 90 % instead of 95 % is as far off as twice a latency.
    if (kept < *slo.attainment) {
      violations.push_back(
          {"slo.attainment", *slo.attainment, point.attainment, Relative(1 - kept, 1 - *slo.attainment)});
    }
  } else {
    for (const Bound& bound : slo.bounds) {
      if (!IsMeasured(point, bound.metric)) {
        violations.push_back({bound.Field(), bound.limit, std::nullopt, kMaxRelative});
        continue;
      }
      const double actual = point.Get(bound.metric).Get(bound.statistic);
      if (actual > bound.limit) {
        violations.push_back({bound.Field(), bound.limit, actual, Relative(actual, bound.limit)});
      }
    }
  }
  const double error_rate =
      static_cast<double>(point.errors) / static_cast<double>(point.requests + point.errors + point.censored);
  if (error_rate > slo.max_error_rate) {
    violations.push_back({"slo.errorRate", slo.max_error_rate, error_rate, Relative(error_rate, slo.max_error_rate)});
  }
  if (point.saturated && point.load.kind == LoadKind::kRequestRate) {
    violations.push_back({"requestRate", point.load.value, point.requests_per_second,
                          Relative(point.load.value, point.requests_per_second)});
  }
  std::stable_sort(violations.begin(), violations.end(),
                   [](const Violation& a, const Violation& b) { return a.relative > b.relative; });
  return violations;
}

bool ComesInBursts(const Point& point, const Bound& bound) {
  constexpr double kRare = 0.95;
  return point.load.kind == LoadKind::kRequestRate && bound.statistic != Statistic::kMean &&
         Share(bound.statistic) >= kRare;
}

double Cautious(const Point& point, const Bound& bound) {
  constexpr double kOfADeviation = 0.5;
  const double value = point.Get(bound.metric).Get(bound.statistic);
  if (!ComesInBursts(point, bound) || point.verdict != Verdict::kUndecided) return value;
  return value * (1 + kOfADeviation * RelativeDeviation(point, bound.metric).value_or(kUnknownDeviation));
}

bool MeetsSlo(const Slo& slo, const Point& point) {
  switch (point.verdict) {
    case Verdict::kMet:
      return IsUsable(point);
    case Verdict::kMissed:
    case Verdict::kClientBound:
    case Verdict::kShortAnswers:
      return false;
    case Verdict::kUndecided:
      break;
  }
  if (!CheckSlo(slo, point).empty() || FellShort(point)) return false;
  return slo.attainment || std::all_of(slo.bounds.begin(), slo.bounds.end(),
                                       [&](const Bound& bound) { return Cautious(point, bound) <= bound.limit; });
}

bool IsTooClose(const Slo& slo, const Point& point) {
  return point.verdict == Verdict::kUndecided && !MeetsSlo(slo, point) && CheckSlo(slo, point).empty();
}

bool FellShort(const Point& point) {
  constexpr double kShare = 0.95, kDeviations = 2;
  constexpr std::int64_t kEnough = 10;
  if (point.load.kind != LoadKind::kRequestRate) return false;
  // No chance: the client held requests back.
  if (point.held > 0 && point.requests_per_second < kShare * point.load.value) return true;
  if (point.requests < kEnough) return false;
  // Random arrivals bring fewer requests than the rate into some windows: those that came are what was to be answered.
  const double due = point.load.value * point.window_seconds;
  const auto sent = static_cast<double>(point.requests + point.errors + point.censored);
  const double lacking = std::min(due, sent) - point.requests_per_second * point.window_seconds;
  // By which the numbers of requests in flight at the window's two ends differ by chance.
  const double chance = std::sqrt(2 * point.mean_concurrency + 1);
  return lacking > (1 - kShare) * due && lacking > kDeviations * chance;
}

bool IsTooShortToTell(const Point& point) {
  constexpr double kShare = 0.1;
  if (point.load.kind != LoadKind::kRequestRate || point.saturated || !(point.window_seconds > 0)) return false;
  return std::sqrt(2 * point.mean_concurrency + 1) > kShare * point.load.value * point.window_seconds;
}

std::string ShortfallText(const Point& point) {
  const auto sent = static_cast<double>(point.requests + point.errors + point.censored);
  return FourDigits(point.load.value) + " requests/s were due, " +
         FourDigits(sent / std::max(point.window_seconds, kSmallest)) + " were sent in the window and " +
         FourDigits(point.requests_per_second) + " answered";
}

std::string NothingAnsweredText(const Point& point) {
  const std::string sent = std::to_string(point.errors + point.censored);
  if (point.errors + point.censored == 0) {
    return "no request started in the window: those from before it were still waiting for an answer";
  }
  if (point.errors == 0) return "none of the " + sent + " requests that started in the window was answered";
  if (point.censored == 0) return "all " + sent + " requests that started in the window failed";
  return "of the " + sent + " requests that started in the window, " + std::to_string(point.errors) +
         " failed and the others were not answered";
}

}  // namespace autotune::measurement
