// How far the limit that a search found may be from the true one.
//
// A search answers with a load that kept the SLO, next to one that did not. The limit lies somewhere around the two:
// each of them was judged by a percentile that a window knows to some ten per cent. Pure and deterministic.
#pragma once

#include <cstddef>
#include <span>

#include "measurement/point.h"
#include "measurement/slo.h"

namespace autotune::measurement {

// Half width of the limit's 95 % interval around the load of points[best], as a share of it; 0 where no point broke the
// SLO above it, so that no limit was found. `points`: of one search; those of other scenarios, kinds of load and roles
// do not count. Method: docs/benchmark.md, "How sure".
double LimitHalfWidth(const Slo& slo, std::span<const Point> points, std::size_t best);

}  // namespace autotune::measurement
