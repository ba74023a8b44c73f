// Evaluation of a running point: from its records so far to "continue" or a finished Point.
//
// Pure and thread-safe; call again at Progress::check_again_at. The phases of a point:
//   ramp    until as many requests have ended as are in flight; nothing counts. It takes at least 2 s, at most the
//           maximum length of the window, and at a rate at most three usual lengths of a request
//   window  output tokens that arrive in it give the throughput, requests that start in it the latencies
//   drain   requests of the window are followed to their end, at most for PointSpec::drain. The load continues, so
//           they end under the load under which they started; requests that start now do not count.
// The window ends when every limit is decided, or known as precisely as Precision::bounds requires, and the throughput
// is precise enough. At a rate it lasts at least a quarter of PointSpec::duration, or half of it near a limit of a p95,
// p99 or attainment. It ends after PointSpec::duration at the latest, extended (at most threefold) to four usual
// lengths of a request. A missed point is drained only as far as its verdict needs.
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
  double throughput = 0.01;  // half-width of the throughput's 95 % interval, as a share of the throughput
  bool decide_slo = true;    // false: throughput alone ends the window, and nothing is drained
  // Half-width of a limited statistic's interval, as a share of it, at which the limit may stay undecided, because the
  // point is near enough to the limit. 0: only decided limits end the window.
  double bounds = 0;
  // For a rate: minimum number of answers in the window, unless a limit is certainly missed. The maximum window is
  // extended for them, at most to three times PointSpec::duration.
  std::int64_t answers = 0;
  bool operator==(const Precision&) const = default;
};

struct PointSpec {
  std::string scenario;
  Load load;
  Slo slo;
  Precision precision;
  std::chrono::nanoseconds duration = std::chrono::seconds(60);  // maximum window, unless requests are long
  std::chrono::nanoseconds drain = std::chrono::seconds(30);
  bool steady_rate = true;   // false: arrivals of a trace, as recorded
  double client_lag_ms = 5;  // send lag up to which a client is never the limit
};

enum class Phase { kRamp, kWindow, kDrain, kDone };

struct Progress {
  Phase phase = Phase::kRamp;
  std::chrono::nanoseconds window_start{};  // from kWindow on
  std::chrono::nanoseconds window_end{};    // from kDrain on
  std::chrono::nanoseconds check_again_at{};
  bool was_precise = false;  // throughput precise at the last check: a single check may be by chance
  Point point;               // result so far; complete in kDone. The caller adds engine counters.
  std::string why;           // in kDone, for people: Why()
};

// Text for people: "met after 12.4 s", without an SLO "measured in 12.4 s", "missed after 4.1 s: ttft.p99 is 612 ms,
// the limit 500 ms". `took`: duration of the point.
std::string Why(const Slo& slo, const Point& point, std::chrono::nanoseconds took);

// `records`: all requests of the point that have started, in order of their start. `now`: on the point's clock.
// `previous`: the last result, which has the begin and the end of the window. The cost is linear in the window's output
// events: about 7 ms per million, with a limit on ITL 50 ms, and 70 ms once at the end (one core, -O2).
Progress Evaluate(const PointSpec& spec, std::span<const RequestRecord> records, std::chrono::nanoseconds now,
                  const Progress& previous);

// Estimate from a closed-loop warm-up, from the requests that ended in its last wave (as many as `concurrency`):
// requests/s, and latencies without ITL. Imprecise, without a verdict. Returns nullopt if fewer than two waves have
// ended.
std::optional<Point> Glimpse(int concurrency, std::span<const RequestRecord> records);

}  // namespace autotune::measurement
