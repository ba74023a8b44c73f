// How far a point is from the limits of an SLO, in logarithms, and which points of a search count.
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

// ln(actual / limit) of each bound, in their order; of an attainment one, of the share that may fail. Negative where
// kept.
using Excesses = std::vector<double>;
Excesses ExcessesOf(const Slo& slo, const Point& point);

// A later point of the same scenario, load and role says what this one said, and says it better: a look on the way is
// measured again for its score. Never both: the better of two would be the luckier one.
bool IsMeasuredAgain(std::span<const Point> points, std::size_t index);

// Of the bound that is nearest to being broken, or broken most; nothing without bounds.
struct WorstExcess {
  double excess = 0;
  double deviation = 0;  // of the excess: kUnknownDeviation where the point does not say
};
std::optional<WorstExcess> WorstExcessOf(const Slo& slo, const Point& point);

}  // namespace autotune::measurement
