// Service level objectives, and the check of a measured point.
//
// Pure values.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "measurement/latency.h"
#include "measurement/point.h"

namespace autotune::measurement {

struct Bound {
  Metric metric = Metric::kTtft;
  Statistic statistic = Statistic::kP99;
  double limit = 0;  // milliseconds

  [[nodiscard]] std::string Field() const;  // "slo.ttft.p99"
  bool operator==(const Bound&) const = default;
};

struct Slo {
  std::vector<Bound> bounds;
  double max_error_rate = 0.01;  // of requests; a server that sheds load must not win
  // Set: the limits apply to single requests instead of their statistics, and this share of requests must meet all of
  // them. (A request's own ITL is the bound's statistic of its gaps.)
  std::optional<double> attainment;

  bool operator==(const Slo&) const = default;
};

// False where only the default limit of the error rate applies: a point that "meets" it says nothing.
bool HasLimits(const Slo& slo);

// The statistic by which a search predicts whether a bound is met. Where a share of the requests has to meet all
// bounds, it is the percentile of that share: the largest one that is reported, so that a point which keeps its
// attainment keeps these.
Statistic StatisticOf(const Slo& slo, const Bound& bound);

struct Violation {
  std::string bound;  // the field of the spec: "slo.ttft.p99", "slo.attainment", "slo.errorRate", "requestRate"
  double limit = 0;
  std::optional<double> actual;  // nullopt: the value was not measured
  double relative = 0;           // how far beyond, as a share of the limit; > 0
};

// All limits that the point's measured values miss, worst first. A point without a completed request misses
// slo.errorRate (actual 1); a rate that was not reached misses "requestRate". `relative` is finite: a limit of 0 counts
// as 0.001 of its unit, and the maximum is 1e6.
std::vector<Violation> CheckSlo(const Slo& slo, const Point& point);

// True if the point's numbers are usable: a request completed, and every number is finite.
bool IsUsable(const Point& point);

// A rare percentile of arrivals that do not wait for each other.
bool ComesInBursts(const Point& point, const Bound& bound);
// Value of a point for a limit, as a search uses it. Most windows of bursty arrivals contain no large burst and show a
// better p95 or p99 than a long run, so for a rate half a standard deviation is added to them.
double Cautious(const Point& point, const Bound& bound);

// The verdict if one was reached, otherwise the measured values with Cautious(), of a rate that did not fall short.
bool KeepsSlo(const Slo& slo, const Point& point);

// Undecided, and it does not count as met although every measured value is within its limit: by less than half of its
// standard deviation (Cautious()), or because of FellShort().
bool IsTooClose(const Slo& slo, const Point& point);

// Of a rate: of the requests that came in the window, as many as 5 % of the rate were not answered in it, which is more
// than chance explains; or the client held requests back. A recorded trace has pauses, in which its rate is not tried,
// and bursts, after which answers lag behind.
bool FellShort(const Point& point);
// "84.4 requests/s were due, 81 were sent in the window and 71.1 answered".
std::string ShortfallText(const Point& point);

// Of a rate: what chance makes of the requests in flight is more than a tenth of the requests that were due, so that a
// rate which is a tenth too high would look the same.
bool IsTooShortToTell(const Point& point);
inline constexpr std::string_view kTooShortText =
    "the window is too short to tell whether the rate is kept up with; use a longer duration";

// Why a point has no completed request: "none of the 12 requests that started in the window was answered".
std::string NothingAnsweredText(const Point& point);

}  // namespace autotune::measurement
