// Evaluation of a running point: from its records so far to "continue" or a finished Point.
//
// Pure and thread-safe; the caller asks again at Progress::check_again_at. The phases of a point:
//   ramp    until as many requests have ended as are in flight: nothing counts. It takes at least 2 s, at most the
//           maximum length of the window, and at a rate at most three usual lengths of a request
//   window  output tokens that arrive in it are its throughput, requests that start in it its latencies
//   drain   requests of the window are followed to their end, at most for PointSpec::drain. The load stays on, so that
//           they end under the load they started under; requests that start now do not count.
// The window ends when every limit is decided, or known as well as Precision::bounds requires, and the throughput is
// precise enough. At a rate it ends after a quarter of PointSpec::duration at the earliest, near a limit of a p95, p99
// or attainment after half of it. At the latest it ends after PointSpec::duration, which is extended, at most
// threefold, to four times the usual length of a request. A missed point is not drained further than its verdict needs.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "measurement/load.h"
#include "measurement/point.h"
#include "measurement/request_record.h"
#include "measurement/slo.h"

namespace autotune::measurement {

// Required precision of a point. load_search asks for less where that is enough.
struct Precision {
  double throughput = 0.01;  // half-width of its 95 % interval, as a share of it
  bool decide_slo = true;    // false: throughput alone ends the window, and nothing is drained
  // Half-width of a bounded statistic's interval, as a share of it, at which that bound may stay open: it is then so
  // near its limit that the load is known well enough. 0: only decided limits end the window.
  double bounds = 0;
  // Of a rate: answers that the window holds before it ends, unless a limit is missed for certain. The longest window
  // is extended for them, at most to three times PointSpec::duration.
  std::int64_t answers = 0;
  bool operator==(const Precision&) const = default;
};

struct PointSpec {
  std::string scenario;
  Load load;
  Slo slo;
  Precision precision;
  std::chrono::nanoseconds duration = std::chrono::seconds(60);  // longest window, unless requests are long
  std::chrono::nanoseconds drain = std::chrono::seconds(30);
  bool steady_rate = true;   // false: arrivals of a trace, which are as recorded
  double client_lag_ms = 5;  // a client whose requests start no later than this is never the bound
};

enum class Phase { kRamp, kWindow, kDrain, kDone };

struct Progress {
  Phase phase = Phase::kRamp;
  std::chrono::nanoseconds window_start{};  // from kWindow on
  std::chrono::nanoseconds window_end{};    // from kDrain on
  std::chrono::nanoseconds check_again_at{};
  bool was_precise = false;  // the throughput, at the last look: one look may be precise by chance
  Point point;               // result so far; complete once kDone. Without engine counters: the caller adds them.
  std::string why;           // once kDone, for people: Why()
};

// "met after 12.4 s", without an SLO "measured in 12.4 s", "missed after 4.1 s: ttft.p99 is 612 ms, the limit 500 ms",
// for people. `took`: of the point.
std::string Why(const Slo& slo, const Point& point, std::chrono::nanoseconds took);

// `records`: all requests of the point that have started, in order of their start. `now`: on the point's clock. Pass
// the last answer as `previous`: it remembers when the window began and ended. The cost is linear in the output events
// of the window: about 7 ms a million, with a bound on ITL 50 ms, and once at the end 70 ms (one core, -O2).
Progress Evaluate(const PointSpec& spec, std::span<const RequestRecord> records, std::chrono::nanoseconds now,
                  const Progress& previous);

// Estimate from a warm-up in a closed loop, by the requests that ended in its last wave (as many as there are places):
// latencies without ITL, and requests/s. Imprecise, without a verdict. Returns nullopt if fewer than two waves have
// ended.
std::optional<Point> Glimpse(int places, std::span<const RequestRecord> records);

}  // namespace autotune::measurement
