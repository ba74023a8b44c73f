// Whether the requests in flight of a rate grew over a window, and what a closed loop says about a rate.
//
// A rate is kept up with if as many requests end as arrive. What chance may add to the requests in flight meanwhile
// comes from the arrivals and from the lengths of the answers: of even arrivals and equal answers it is next to
// nothing, so that a few seconds tell.
//
// Pure and thread-safe.
#pragma once

#include <chrono>
#include <span>

#include "measurement/point.h"
#include "measurement/request_record.h"

namespace autotune::measurement {

struct QueueGrowth {
  double requests = 0;   // in flight at the end more than at the begin: of the line through them, least squares
  double deviation = 0;  // that chance makes, with requests that arrive as fast as they are answered
  bool lasts = false;    // the second half still grows: an engine that was idle before only fills up
};

// `records`: in the order of their start. `now`: when those in flight were still in flight. The cost is linear in the
// records.
QueueGrowth QueueGrowthOf(std::span<const RequestRecord> records, std::chrono::nanoseconds begin,
                          std::chrono::nanoseconds end, std::chrono::nanoseconds now);

// Requests/s that ended well from the first third of `ends` on, which is a closed loop's: what all of its places
// together get through. 0 for fewer than `places` of them, or 16. `ends` ascending.
double RateOfEnds(std::span<const std::chrono::nanoseconds> ends, std::size_t places);

// True if `point`, of a rate, lies above what a closed loop with as many places as the rate may use got through
// (`capacity`, requests/s), and its window does not show that more was answered for certain. `answered`: requests/s
// that ended in the window.
bool IsBeyondCapacity(const Point& point, double capacity, double answered);

}  // namespace autotune::measurement
