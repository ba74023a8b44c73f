// Confidence interval of the highest load that a search found.
//
// A search returns a load that met the SLO, next to one that missed it. The true highest load is near both: each
// verdict depends on a percentile that a window knows to about ten percent. Pure and deterministic.
#pragma once

#include <cstddef>
#include <span>

#include "measurement/point.h"
#include "measurement/slo.h"

namespace autotune::measurement {

// Half-width of the limit's 95 % interval around the load of points[best], as a share of it; 0 where no point missed
// the SLO above it, so that no limit was found. `points`: of one search; those of other scenarios, kinds of load and
// roles do not count. Method: docs/benchmark.md, "How sure".
double LimitHalfWidth(const Slo& slo, std::span<const Point> points, std::size_t best);

}  // namespace autotune::measurement
