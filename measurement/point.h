// One measured point: one scenario at one offered load, held until its verdict is certain or its time is over.
//
// Pure value: bench/result.h transports it, status shows it, load_search and tuning use it.
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
  kUndecided,    // the time was over: the measured values decide
  kClientBound,  // invalid: the load generator sent late
  kShortAnswers  // invalid: more than 1 % of the answers were shorter than requested
};
std::string_view VerdictName(Verdict verdict);  // "Met", ...
std::optional<Verdict> VerdictFromName(std::string_view name);

// Purpose of a point.
enum class PointRole {
  kSearch,        // the limit
  kReference,     // the one load at which latency objectives compare configurations
  kConfirmation,  // the limit of a finalist after a fresh start, as a rate
  kSustained,     // the rate that arrivals sustain, where the limit's closed loop only showed the capacity
};
std::string_view PointRoleName(PointRole role);  // "Search", ...
std::optional<PointRole> PointRoleFromName(std::string_view name);

// Metrics of the engine over the point. nullopt if the engine does not report them.
struct EngineCounters {
  std::optional<double> running, waiting;       // requests, mean of the readings
  std::optional<double> kv_cache_use;           // highest share in [0, 1]
  std::optional<double> preemptions;            // how many
  std::optional<double> prefix_hit_rate;        // share in [0, 1]
  std::optional<double> accepted_draft_tokens;  // share in [0, 1] of the drafted ones
  bool operator==(const EngineCounters&) const = default;
};

// A set of (metric, statistic): which numbers are lower bounds, ">= x".
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

inline constexpr double kSmallestCi = 1e-4;

// A latency as the window itself showed it.
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
  double window_seconds = 0;  // steady state only: ramp and drain are not in it

  // Requests that started in the window.
  std::int64_t requests = 0;  // completed
  std::int64_t errors = 0;    // all kinds
  std::array<std::int64_t, kErrorKinds.size()> errors_by_kind{};
  std::int64_t censored = 0;  // had not ended when the drain was over: they count with their age
  std::int64_t input_tokens = 0, output_tokens = 0;

  // Output tokens that arrived in the window, whichever request they belong to, and requests that ended well in it, a
  // second. Of a rate that is kept up with: the rate, less the share of failed requests, and the tokens of these
  // answers.
  double output_tokens_per_second = 0;
  double output_tokens_per_second_ci = 0;  // half-width of the 95 % interval
  double requests_per_second = 0;
  double mean_concurrency = 0;  // requests in flight, mean over the window
  bool saturated = false;       // of a rate: arrivals outran answers and the queue grew
  // Of a closed loop: its requests always wait (standing_queue.h), so its throughput is more than a rate sustains.
  bool standing_queue = false;

  Latency ttft, tpot, itl, e2e;
  // The statistics that the SLO limits, as measured, where TTFT, TPOT and E2E above are those of a long run instead
  // (measurement/long_run.h). Empty = all latencies are those of the window.
  std::vector<WindowValue> in_window;
  LowerBounds lower_bounds;
  // Half-widths of the 95 % intervals as a share of the value: of the statistic that the SLO limits (the least certain
  // of several), otherwise of p50. In kMetrics' order. 0 = not known, as in a point of one request; kSmallestCi for
  // values without variation.
  std::array<double, kMetrics.size()> relative_ci{};

  std::optional<double> attainment;  // share of requests that meet every limit; nullopt without limits
  // Of a rate at which the server had room: share of requests that waited for one of the client's places
  // (measurement/client_places.h). 0 where the server was the limit, or 1 % waited at most.
  double held = 0;
  double client_lag_p99 = 0;  // ms, from when requests should have started to when they did
  EngineCounters engine;
  Verdict verdict = Verdict::kUndecided;

  [[nodiscard]] const Latency& Get(Metric metric) const;
  // From in_window; nullopt where Get() is of the window.
  [[nodiscard]] std::optional<double> InWindow(Metric metric, Statistic statistic) const;
  Latency& Get(Metric metric);
  bool operator==(const Point&) const = default;
};

// Standard deviation of a metric's number as a share of it, from the half-width of its interval; nullopt if that is not
// known.
std::optional<double> RelativeDeviation(const Point& point, Metric metric);
// Substitute for an unknown deviation: that of a few requests of one load.
inline constexpr double kUnknownDeviation = 0.3;

// The numbers are not those of the engine.
inline bool IsInvalid(const Point& point) {
  return point.verdict == Verdict::kClientBound || point.verdict == Verdict::kShortAnswers;
}

}  // namespace autotune::measurement
