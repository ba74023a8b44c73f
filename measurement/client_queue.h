// Requests at a rate that wait in the client because max_in_flight is reached: their share, and whether the server was
// the limit.
//
// Such a wait counts in the latencies: if the server queues, the request would have waited there instead. If it does
// not, more requests in flight might have been answered as fast, and only the client limits the rate.
//
// Pure and thread-safe.
#pragma once

#include <chrono>
#include <optional>
#include <span>

#include "measurement/point.h"
#include "measurement/request_record.h"
#include "measurement/window.h"

namespace autotune::measurement {

// Share in [0, 1] of the requests due in [begin, end) that waited in the client.
double HeldShare(std::span<const RequestRecord> records, std::chrono::nanoseconds begin, std::chrono::nanoseconds end);

// For a rate: if more than 1 % of the requests were held back although the server was not full, sets `held`, and
// replaces a verdict that depends on these waits by kUndecided. The server is full if it misses the SLO without the
// waits, or if requests wait in it: by its counters, or without them by a TTFT of at least 1.5 times `alone_ms` (of a
// request alone; nullopt = not known) that is a tenth of a request's time. `point`: of `records` and the window of
// `progress`, with counters.
void JudgeHeld(const PointSpec& spec, std::span<const RequestRecord> records, const Progress& progress,
               std::chrono::nanoseconds took, std::optional<double> alone_ms, Point& point);

}  // namespace autotune::measurement
