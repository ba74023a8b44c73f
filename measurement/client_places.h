// What of a rate's latencies is a wait in the client, which holds a request back while as many as it may have are in
// flight, and whether the server was the limit.
//
// Such a wait counts in the latencies: if the server queues itself, the request would have waited there instead. If it
// does not, more in flight might have been answered as fast, and the rate that is missed is a limit of the client only.
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

// Share in [0, 1] of the requests that were due in [begin, end) and waited for one of the client's places.
double HeldShare(std::span<const RequestRecord> records, std::chrono::nanoseconds begin, std::chrono::nanoseconds end);

// `point` is that of `records`, whose window `progress` has, and has the engine's counters. Of a rate of whose requests
// more than 1 % were held back although the server had room: sets `held`, and a verdict that these waits made is
// kUndecided instead. The server is full if it misses the SLO without the waits, or if requests wait in it: by its
// counters, or, without them, by a TTFT that is half as long again as `alone_ms` (of a request alone; nullopt = not
// known) and makes up a tenth of a request's time.
void JudgeHeld(const PointSpec& spec, std::span<const RequestRecord> records, const Progress& progress,
               std::chrono::nanoseconds took, std::optional<double> alone_ms, Point& point);

}  // namespace autotune::measurement
