// Whether the number of requests in flight at a request rate grew over a window, and the capacity that a closed loop
// shows for a rate.
//
// A server keeps up with a rate if as many requests end as arrive. The random variation follows from the arrivals and
// the lengths of the answers; with constant arrivals and equal answers it is nearly zero, so a few seconds are enough
// for a decision.
//
// Pure and thread-safe.
#pragma once

#include <chrono>
#include <span>

#include "measurement/point.h"
#include "measurement/request_record.h"

namespace autotune::measurement {

struct QueueGrowth {
  double requests = 0;   // increase of the requests in flight from begin to end, by a least-squares line
  double deviation = 0;  // its standard deviation by chance, if requests are answered as fast as they arrive
  bool lasts = false;    // the second half still grows; otherwise an idle engine only filled up
};

// `records`: in order of their start. `now`: time at which requests without an end were still in flight. The cost is
// linear in the records.
QueueGrowth QueueGrowthOf(std::span<const RequestRecord> records, std::chrono::nanoseconds begin,
                          std::chrono::nanoseconds end, std::chrono::nanoseconds now);

// Throughput of a closed loop in requests/s: of the ends after the first third of `ends`. 0 for fewer than
// max(`places`, 16) ends. REQUIRES: `ends` is ascending; only requests that ended well.
double RateOfEnds(std::span<const std::chrono::nanoseconds> ends, std::size_t places);

// True if `point` is a rate above `capacity` (requests/s of a closed loop with as many places as the rate may
// use), and its window does not certainly show a higher throughput. `answered`: requests/s that ended in the
// window.
bool IsBeyondCapacity(const Point& point, double capacity, double answered);

}  // namespace autotune::measurement
