// Latencies that a long run of open arrivals would show, estimated from one window.
//
// Waiting times depend on the bursts that occurred, and large bursts are rarer than a window is long: most windows show
// a better p99 than a long run has, a few show a much worse one. But the arrival time and the lengths of each request
// are known. So a simple model of the engine is fitted to these requests, and many more requests of the same kind are
// sent to the model. The part of single requests that the model does not explain is sampled with them. Method and
// evidence: docs/benchmark.md, "Bursts".
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
  double places = 0;                       // requests that the engine runs at once: PlacesOf; 0 = not known
};

// How many requests an engine runs at once, from its warm-up: a request alone, and as many as may be sent. By Little's
// law, of those that did not wait. 0 = not known.
double PlacesOf(std::span<const Point> warm_up);
// As many, or what closed loops among `points` show to run at once if that is more: requests of equal length that start
// together, as in a warm-up, hardly fill an engine that computes prompts apart from answers.
double PlacesOf(std::span<const Point> warm_up, std::span<const Point> points);

// Fewer do not tell of a long run.
inline constexpr std::int64_t kFewestAnswers = 50;

// By kMetrics, in milliseconds; ITL stays empty. Returns nullopt for a trace, for unknown places, and for fewer than
// kFewestAnswers. The cost is about 60 ms (one core, -O2), whatever the window.
std::optional<std::array<Latency, kMetrics.size()>> LongRunOf(const WindowOfArrivals& window);

// Puts a long run's TTFT, TPOT and E2E into the place of the window's if `slo` bounds one of them: a point's latencies
// are then those of the same requests. The bounded statistics of the window stay in `in_window`. A verdict that the
// long run contradicts becomes Undecided. A queue that grew (`saturated`) was a burst where the long run meets the SLO
// and its waits have an end. A point stays as it is where no long run is known, where the queue grows in the long run
// too, and under an attainment.
void ShowLongRun(const Slo& slo, const WindowOfArrivals& window, Point& point);

}  // namespace autotune::measurement
