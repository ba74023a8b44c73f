// Latencies that a long run of open arrivals would show, estimated from one window.
//
// Waiting times depend on the bursts that occurred, and large bursts are rarer than a window is long: most windows
// have a lower p99 than a long run, a few a much higher one. The arrival time and the lengths of each request are
// known, so a simple model of the engine is fitted to these requests and then simulates many more of the same
// kind. The unexplained part of single requests is sampled as well. Method and evidence: docs/benchmark.md,
// "Bursts".
//
// Pure, deterministic and thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "measurement/latency.h"
#include "measurement/load.h"
#include "measurement/point.h"
#include "measurement/request_record.h"
#include "measurement/slo.h"

namespace autotune::measurement {

struct WindowOfArrivals {
  std::span<const RequestRecord> records;  // all of the point, in the order of their start
  Arrival arrival;                         // no trace
  double rate = 0;                         // requests/s
  double max_running_requests = 0;         // MaxRunningRequests(); 0 = not known
};

// Number of requests that an engine runs at once, by Little's law from its warm-up: one request alone, and as many as
// may be sent. 0 = not known.
double MaxRunningRequests(std::span<const Point> warm_up);
// The same, or the number that closed loops among `points` show if it is higher: requests of equal length that start
// together, as in a warm-up, hardly fill an engine that alternates prefill and decode.
double MaxRunningRequests(std::span<const Point> warm_up, std::span<const Point> points);

// Minimum number of answers for a long run.
inline constexpr std::int64_t kFewestAnswers = 50;

// By kMetrics, in milliseconds, without ITL. nullopt for a trace, unknown `max_running_requests`, or fewer than
// kFewestAnswers answers. The cost is about 60 ms (one core, -O2) for any window.
std::optional<std::array<Latency, kMetrics.size()>> LongRunOf(const WindowOfArrivals& window);

// Replaces the window's TTFT, TPOT and E2E by those of a long run if `slo` limits one of them, so they are of the
// same requests. The limited statistics of the window stay in `in_window`. A verdict that the long run contradicts
// becomes kUndecided. A queue that grew (`saturated`) counts as a burst if the long run meets the SLO and its
// waits end. The point is unchanged without a long run, if the queue also grows in the long run, and with an
// attainment.
void ShowLongRun(const Slo& slo, const WindowOfArrivals& window, Point& point);

}  // namespace autotune::measurement
