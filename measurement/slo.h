// Service level objectives, and whether a measured point keeps them.
//
// Pure values.
#pragma once

#include <optional>
#include <string>
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
  // Set: every bound holds for single requests, whatever its statistic, and this share of requests must keep all of
  // them. (A request's own ITL is the bound's statistic of its gaps.)
  std::optional<double> attainment;

  bool operator==(const Slo&) const = default;
};

struct Violation {
  std::string bound;  // the field of the spec: "slo.ttft.p99", "slo.attainment", "slo.errorRate", "requestRate"
  double limit = 0;
  std::optional<double> actual;  // nothing: what is bounded was not measured
  double relative = 0;           // how far beyond, as a share of the limit; > 0
};

// Every bound that the point's own numbers break, worst first. A point without a completed request breaks slo.errorRate
// (actual 1); a rate that was not reached breaks "requestRate". `relative` is finite: a limit of 0 counts as 0.001 of
// its unit, and nothing is above 1e6.
std::vector<Violation> CheckSlo(const Slo& slo, const Point& point);

// Do the point's numbers count: a request completed, and every number is finite.
bool IsUsable(const Point& point);

// A rare percentile of arrivals that do not wait for each other.
bool ComesInBursts(const Point& point, const Bound& bound);
// The bounded number of a point, as a search reads it. Most windows of arrivals that come in bursts show a better p95
// or p99 than a long run: they hold no large burst. So of a rate these count with half of their standard deviation
// more.
double Cautious(const Point& point, const Bound& bound);

// The verdict where one was reached, else what the numbers say, read cautiously.
bool KeepsSlo(const Slo& slo, const Point& point);

}  // namespace autotune::measurement
