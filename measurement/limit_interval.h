// Confidence interval of the highest load that a search found.
//
// A search returns a load that met the SLO, next to one that missed it. The true highest load is near both: each
// verdict depends on a percentile that a window estimates to about 10 %.
#pragma once

#include <cstddef>
#include <span>

#include "measurement/point.h"
#include "measurement/slo.h"

namespace autotune::measurement {

// Half-width of the limit's 95 % interval, as a share of the load of points[best]; 0 if no higher point missed the SLO,
// so no limit was found. `points`: of one search; other scenarios, kinds of load and roles are ignored. Method:
// docs/benchmark.md, "How sure".
double LimitHalfWidth(const Slo& slo, std::span<const Point> points, std::size_t best);

}  // namespace autotune::measurement
