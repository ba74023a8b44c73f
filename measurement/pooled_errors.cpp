#include "measurement/pooled_errors.h"

#include <algorithm>
#include <vector>

#include "measurement/statistics.h"

namespace autotune::measurement {
namespace {

constexpr double kSureOfMore = 0.005, kLeftToChance = 0.005;  // on each side

double Ended(const Point& point) { return static_cast<double>(point.requests + point.errors); }

bool IsOfShare(const Point& point, double share) {
  const auto errors = static_cast<double>(point.errors);
  const double ended = Ended(point);
  const double as_many = ChanceOfAtLeast(errors, ended, share), as_few = 1 - ChanceOfAtLeast(errors + 1, ended, share);
  return std::min(as_many, as_few) >= kLeftToChance;
}

}  // namespace

std::optional<PooledErrors> ErrorsAtEveryLoad(const Slo& slo, std::span<const Point> points, std::size_t answer) {
  const double answered = Ended(points[answer]);
  if (!(answered > 0) || static_cast<double>(points[answer].errors) > slo.max_error_rate * answered)
    return std::nullopt;
  PooledErrors out;
  std::vector<const Point*> counted;
  for (const Point& point : points) {
    const std::vector<Violation> violations = CheckSlo(slo, point);
    const bool overload = std::any_of(violations.begin(), violations.end(),
                                      [](const Violation& violation) { return violation.bound != "slo.errorRate"; });
    if (IsInvalid(point) || overload) continue;
    counted.push_back(&point);
    out.errors += point.errors;
    out.ended += point.requests + point.errors;
  }
  const auto errors = static_cast<double>(out.errors), ended = static_cast<double>(out.ended);
  if (ChanceOfAtLeast(errors, ended, slo.max_error_rate) >= kSureOfMore) return std::nullopt;
  const bool same =
      std::all_of(counted.begin(), counted.end(), [&](const Point* point) { return IsOfShare(*point, out.Share()); });
  return same ? std::optional(out) : std::nullopt;
}

}  // namespace autotune::measurement
