// Distance of a point from the limits of an SLO, as logarithms, and which points of a search count.
//
// Pure values.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "measurement/point.h"
#include "measurement/slo.h"

namespace autotune::measurement {

// ln(actual / limit) of each limit, in their order; for an attainment, of the share of requests that may miss. Negative
// if the limit is met.
using Excesses = std::vector<double>;
Excesses ExcessesOf(const Slo& slo, const Point& point);

// True if another valid point of the same scenario, load and role replaces this one: the one whose tokens/s have an
// interval narrower by more than 1 %, else the later one. A coarse point of the search is measured again for the score;
// counting both would favour the luckier one.
bool IsMeasuredAgain(std::span<const Point> points, std::size_t index);

// The excess of the limit that is missed most, or closest to being missed; nullopt without limits.
struct WorstExcess {
  double excess = 0;
  double deviation = 0;  // standard deviation of `excess`; kUnknownDeviation if the point has none
};
std::optional<WorstExcess> WorstExcessOf(const Slo& slo, const Point& point);

}  // namespace autotune::measurement
