// A point: measurement of one scenario at one load, which lasts until its verdict is certain or its time is over.
//
// Pure value. The load generator reports it (bench/result.h), the status shows it, and load search and tuning use it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "measurement/latency.h"
#include "measurement/load.h"
#include "measurement/request_record.h"

namespace autotune::measurement {

enum class Verdict {
  kMet,          // every limit is met, with 95 % confidence
  kMissed,       // a limit is missed, with 95 % confidence
  kUndecided,    // the time was over before either was certain; MeetsSlo() compares the measured values
  kClientBound,  // invalid: the load generator sent requests too late
  kShortAnswers  // invalid: more than 1 % of the answers were shorter than requested
};
std::string_view VerdictName(Verdict verdict);  // "Met", ...
std::optional<Verdict> VerdictFromName(std::string_view name);

// Purpose of a point.
enum class PointRole {
  kSearch,        // search for the highest load
  kReference,     // latency at the reference load, which all configurations measure
  kConfirmation,  // after a fresh start: the highest load of the first start, as a request rate
  kSustained,     // search for the sustained rate, because requests wait in the closed loop of the highest load
};
std::string_view PointRoleName(PointRole role);  // "Search", ...
std::optional<PointRole> PointRoleFromName(std::string_view name);

// Metrics that the engine reports during a point. nullopt if the engine does not report them.
struct EngineCounters {
  std::optional<double> running, waiting;       // mean number of requests
  std::optional<double> kv_cache_use;           // maximum share in use, in [0, 1]
  std::optional<double> preemptions;            // number during the point
  std::optional<double> prefix_hit_rate;        // share in [0, 1]
  std::optional<double> accepted_draft_tokens;  // share of the drafted tokens, in [0, 1]
  bool operator==(const EngineCounters&) const = default;
};

// Set of the latencies (metric and statistic) that are lower bounds: the true value is at least the measured one.
class LowerBounds {
 public:
  [[nodiscard]] bool Has(Metric metric, Statistic statistic) const { return (bits_ & Bit(metric, statistic)) != 0; }
  void Add(Metric metric, Statistic statistic) { bits_ |= Bit(metric, statistic); }
  [[nodiscard]] std::uint32_t bits() const { return bits_; }
  static LowerBounds FromBits(std::uint32_t bits);
  bool operator==(const LowerBounds&) const = default;

 private:
  static std::uint32_t Bit(Metric metric, Statistic statistic) {
    return 1U << (static_cast<unsigned>(metric) * kStatistics.size() + static_cast<unsigned>(statistic));
  }
  std::uint32_t bits_ = 0;
};

// Smallest known value of Point::relative_ci: that of measurements without variation. 0 means "not known".
inline constexpr double kSmallestCi = 1e-4;

// A latency of the requests in the window, as opposed to that of a long run.
struct WindowValue {
  Metric metric = Metric::kTtft;
  Statistic statistic = Statistic::kP99;
  double milliseconds = 0;
  bool operator==(const WindowValue&) const = default;
};

struct Point {
  std::string scenario;  // "D(512,128)"
  Load load;
  PointRole role = PointRole::kSearch;
  double window_seconds = 0;  // length of the window, without ramp and drain

  // Requests that started in the window.
  std::int64_t requests = 0;  // completed
  std::int64_t errors = 0;    // of all kinds
  std::array<std::int64_t, kErrorKinds.size()> errors_by_kind{};
  std::int64_t censored = 0;  // unfinished at the end of the drain; their age then counts as their latency
  std::int64_t input_tokens = 0, output_tokens = 0;

  // Throughput per second: output tokens that arrived in the window, of any request, and requests that completed in it.
  // At a request rate that the engine keeps up with, the known rate replaces the count: the rate times the share of
  // completed requests, and this times the mean number of output tokens.
  double output_tokens_per_second = 0;
  double output_tokens_per_second_ci = 0;  // half-width of the 95 % interval
  double requests_per_second = 0;
  double mean_concurrency = 0;  // requests in flight, mean over the window
  bool saturated = false;       // of a request rate: the queue grew, because more requests arrived than completed
  // Of a closed loop: requests always wait in the engine (standing_queue.h), so a rate sustains less than this loop.
  bool standing_queue = false;

  Latency ttft, tpot, itl, e2e;
  // Set if TTFT, TPOT and E2E above are those of a long run (measurement/long_run.h): the latencies in the window, for
  // the statistics that the SLO limits. Empty = all latencies above are those of the window.
  std::vector<WindowValue> in_window;
  LowerBounds lower_bounds;
  // Half-width of the 95 % interval of each metric, as a share of its value, in the order of kMetrics. It is that of
  // the statistic that the SLO limits (of several, the least certain one), otherwise of the p50. 0 = not known, as for
  // a single request.
  std::array<double, kMetrics.size()> relative_ci{};

  std::optional<double> attainment;  // share of requests that meet every limit; nullopt without limits
  // Of a request rate: share of requests that waited in the client, because max_in_flight was reached although the
  // engine was not full (measurement/client_queue.h). 0 if the engine was full, or at most 1 % waited.
  double held = 0;
  double client_lag_p99 = 0;  // send lag in ms: from the time that a request is due to the time that it is sent
  EngineCounters engine;
  Verdict verdict = Verdict::kUndecided;

  [[nodiscard]] const Latency& Get(Metric metric) const;
  // The value in `in_window`; nullopt if Get() already is the latency in the window.
  [[nodiscard]] std::optional<double> InWindow(Metric metric, Statistic statistic) const;
  Latency& Get(Metric metric);
  bool operator==(const Point&) const = default;
};

// Standard deviation of a metric's value, as a share of the value: computed from `relative_ci`; nullopt if that is not
// known.
std::optional<double> RelativeDeviation(const Point& point, Metric metric);
// Substitute for an unknown relative deviation: typical of a point with a few requests.
inline constexpr double kUnknownDeviation = 0.3;

// True if the numbers do not describe the engine: the load generator or the answers were at fault.
inline bool IsInvalid(const Point& point) {
  return point.verdict == Verdict::kClientBound || point.verdict == Verdict::kShortAnswers;
}

}  // namespace autotune::measurement
