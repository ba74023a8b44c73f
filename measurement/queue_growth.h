// Whether the number of requests in flight at a rate grew over a window, and the limit that a closed loop shows for a
// rate.
//
// A server keeps up with a rate if as many requests end as arrive. The variation by chance is computed from the
// arrivals and the lengths of the answers. With constant arrivals and answers of equal length it is nearly zero, so a
// few seconds are enough for a decision.
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
