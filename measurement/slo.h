// Service level objectives, and the check of a measured point against them.
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
  double max_error_rate = 0.01;  // share of requests that may fail, so a server that sheds load cannot win
  // If set, limits apply to each request instead of to statistics, and this share of requests must meet all of them. (A
  // request's own ITL is the given statistic of its gaps.)
  std::optional<double> attainment;

  bool operator==(const Slo&) const = default;
};

// False if only the default error rate is limited: meeting it is then not informative.
bool HasLimits(const Slo& slo);

// The statistic by which a search predicts whether a limit is met. With an attainment it is the
// largest reported percentile of at most that share: a point that meets the attainment meets these
// statistics.
Statistic StatisticOf(const Slo& slo, const Bound& bound);

struct Violation {
  std::string bound;  // the field of the spec: "slo.ttft.p99", "slo.attainment", "slo.errorRate", "requestRate"
  double limit = 0;
  std::optional<double> actual;  // nullopt: the value was not measured
  double relative = 0;           // distance beyond the limit as a share of it; > 0
};

// All limits that the point's measured values miss, worst first. A point without a completed request misses
// slo.errorRate (actual 1). A rate that was not reached misses "requestRate". `relative` is finite: a limit of 0 counts
// as 0.001 of its unit, and the maximum is 1e6.
std::vector<Violation> CheckSlo(const Slo& slo, const Point& point);

// True if the point's numbers are usable: a request completed, and every number is finite.
bool IsUsable(const Point& point);

// True for p95 or p99 of a rate's latency: bursts of arrivals determine such rare percentiles.
bool ComesInBursts(const Point& point, const Bound& bound);
// Value of a point for a limit, as a search uses it. Most windows of bursty arrivals have no large burst, and show a
// lower p95 or p99 than a long run: for an undecided rate half a standard deviation is added.
double Cautious(const Point& point, const Bound& bound);

// Whether the point meets the SLO: its verdict if decided, else by its values with Cautious() and not FellShort().
bool MeetsSlo(const Slo& slo, const Point& point);

// True if an undecided point does not count as met although every value is within its limit: by less than half a
// standard deviation (Cautious()), or because of FellShort().
bool IsTooClose(const Slo& slo, const Point& point);

// For a rate: true if requests of the window that make up 5 % of the rate were not answered in it, more than chance
// explains; or if the client held requests back. Recorded traces have pauses, in which their rate is not tested, and
// bursts, after which answers lag behind.
bool FellShort(const Point& point);
// "84.4 requests/s were due, 81 were sent in the window and 71.1 answered".
std::string ShortfallText(const Point& point);

// For a rate: true if the requests in flight vary by chance by more than a tenth of the requests that were due, so a
// rate that is 10 % too high would look the same.
bool IsTooShortToTell(const Point& point);
inline constexpr std::string_view kTooShortText =
    "the window is too short to tell whether the rate is kept up with; use a longer duration";

// Reason for which a point has no completed request: "none of the 12 requests that started in the window was answered".
std::string NothingAnsweredText(const Point& point);

}  // namespace autotune::measurement
