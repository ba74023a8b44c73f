#include "measurement/window.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>
#include <numeric>
#include <vector>

#include "measurement/number_text.h"
#include "measurement/queue_growth.h"
#include "measurement/statistics.h"

namespace autotune::measurement {
namespace {

using std::chrono::nanoseconds;

constexpr nanoseconds kMinRamp = std::chrono::seconds(2);
constexpr nanoseconds kMinWindow = std::chrono::seconds(2);
constexpr nanoseconds kLeastOfAMissedRate = std::chrono::seconds(4);
constexpr double kMostParts = 30;         // of a window that may end before its shortest length
constexpr std::size_t kBins = 20;         // of the window's gaps
constexpr std::size_t kFineBins = 120;    // of its throughput
constexpr double kScorePrecision = 0.05;  // a throughput that has to be known better is a score
constexpr double kLookPrecision = 0.1;    // of one that is not
constexpr std::size_t kEnoughEvents = 8;  // of a request in flight, to know its TPOT
constexpr std::int64_t kMinEnded = 10;    // before anything is decided
constexpr double kMaxShort = 0.01;        // share of answers that may be shorter than asked
constexpr double kClientLagShare = 0.05;
constexpr double kOf95Percent = 1.96;  // half-width of an interval, in standard deviations
constexpr double kRateReached = 0.97;  // of the arrivals must have left, else the queue may have grown

double Seconds(nanoseconds time) { return std::chrono::duration<double>(time).count(); }
double Milliseconds(nanoseconds time) { return std::chrono::duration<double, std::milli>(time).count(); }

// Tokens of one output event: an engine may send several at a time.
class TokensPerEvent {
 public:
  explicit TokensPerEvent(std::span<const RequestRecord> records) {
    double tokens = 0, events = 0;
    for (const RequestRecord& record : records) {
      if (record.output_tokens <= 0) continue;
      tokens += record.output_tokens;
      events += static_cast<double>(record.events.size());
    }
    if (events > 0 && tokens > 0) usual_ = tokens / events;
  }
  [[nodiscard]] double usual() const { return usual_; }
  [[nodiscard]] double Of(const RequestRecord& record) const {
    if (record.output_tokens <= 0 || record.events.empty()) return usual_;
    return record.output_tokens / static_cast<double>(record.events.size());
  }

 private:
  double usual_ = 1;
};

// What is known of one request's latencies, in milliseconds.
struct Known {
  std::optional<Sample> ttft, tpot, e2e;
};

// What the window holds, at one time.
struct Window {
  const PointSpec& spec;
  std::span<const RequestRecord> all;
  std::span<const RequestRecord> started;  // in it
  nanoseconds begin, end, now;
  nanoseconds usual;       // length of a request
  double tokens_each = 1;  // of an output event
  bool early = false;      // of a rate: shorter than its shortest window, and no queue that surely grows

  [[nodiscard]] nanoseconds Length() const { return end - begin; }
  [[nodiscard]] bool InFlight(const RequestRecord& record) const { return record.outcome == RequestOutcome::kInFlight; }
  [[nodiscard]] double Age(const RequestRecord& record) const {
    return Milliseconds((InFlight(record) ? now : record.end) - record.start);
  }
  // A request that the client gave up on was slow, not absent: it counts with its age, as one in flight does.
  [[nodiscard]] Known Know(const RequestRecord& record) const {
    Known known;
    const bool open = InFlight(record) || record.outcome == RequestOutcome::kTimedOut;
    if (!open && record.outcome != RequestOutcome::kOk) return known;
    const std::size_t events = record.events.size();
    if (events > 0) known.ttft = Sample{record.events.front() / 1e3};
    if (events > 0 && !open) known.e2e = Sample{record.events.back() / 1e3};
    if (open) {
      const Sample age{Age(record), true};
      if (events == 0) known.ttft = age;
      known.e2e = age;
    }
    const double tokens = open ? static_cast<double>(events) * tokens_each : record.output_tokens;
    if (events >= (open ? kEnoughEvents : 2) && tokens >= 2) {
      known.tpot = Sample{(record.events.back() - record.events.front()) / 1e3 / (tokens - 1)};
    }
    return known;
  }
};

std::optional<Sample> Of(const Known& known, Metric metric) {
  switch (metric) {
    case Metric::kTtft:
      return known.ttft;
    case Metric::kTpot:
      return known.tpot;
    case Metric::kE2e:
      return known.e2e;
    case Metric::kItl:
      break;
  }
  return std::nullopt;
}

std::span<const RequestRecord> StartedIn(std::span<const RequestRecord> records, nanoseconds begin, nanoseconds end) {
  const auto before = [](const RequestRecord& record, nanoseconds time) { return record.start < time; };
  const auto first = std::lower_bound(records.begin(), records.end(), begin, before);
  const auto last = std::lower_bound(first, records.end(), end, before);
  return {first, last};
}

// Output tokens/s by equal parts of the window.
std::vector<double> ThroughputByBin(const Window& window) {
  std::vector<double> bins(kFineBins, 0.0);
  const double length = Seconds(window.Length());
  if (length <= 0) return bins;
  const TokensPerEvent tokens(window.all);
  for (const RequestRecord& record : window.all) {
    if (record.events.empty() || record.start >= window.end) continue;
    const double offset = Seconds(record.start - window.begin);
    if (offset + record.events.back() / 1e6 < 0) continue;
    const double each = tokens.Of(record);
    for (const std::uint32_t event : record.events) {
      const double at = (offset + event / 1e6) / length;
      if (at >= 0 && at < 1) bins[static_cast<std::size_t>(at * kFineBins)] += each;
    }
  }
  for (double& bin : bins) bin /= length / kFineBins;
  return bins;
}

// Half-width of the throughput's 95 % interval. In a closed loop requests move in waves of their own length, which a
// window holds a few of: cosines that are slower than those waves do not take them for what the engine does. A window
// ends when this is small, so rather when chance has made it too small: the widest of three, and two looks in a row.
double ThroughputCi(const Window& window, const std::vector<double>& bins) {
  constexpr double kOfAWave = 1.5;
  constexpr double kMost = 12;  // more see less of what neighbours have in common
  double cosines = kMost;
  if (window.spec.load.kind == LoadKind::kConcurrency && window.usual.count() > 0) {
    cosines = std::min(kOfAWave * Seconds(window.Length()) / Seconds(window.usual), kMost);
  }
  double widest = 0;
  for (const double share : {1.0, 0.67, 0.45}) {
    widest = std::max(widest, WaveInterval(bins, static_cast<std::size_t>(share * cosines)).HalfWidth());
  }
  return widest;
}

// Gaps between the output events of the window's requests, in milliseconds, by the part of time in which they end.
std::vector<std::vector<double>> Gaps(const Window& window) {
  std::vector<std::vector<double>> bins(kBins);
  nanoseconds last = window.end;
  std::size_t events = 0;
  for (const RequestRecord& record : window.started) {
    events += record.events.size();
    if (!record.events.empty()) last = std::max(last, record.start + std::chrono::microseconds(record.events.back()));
  }
  for (std::vector<double>& bin : bins) bin.reserve(events / kBins + events / (4 * kBins));
  const double length = std::max(Seconds(last - window.begin), 1e-9);
  for (const RequestRecord& record : window.started) {
    const double offset = Seconds(record.start - window.begin);
    for (std::size_t i = 1; i < record.events.size(); ++i) {
      const double at = (offset + record.events[i] / 1e6) / length;
      bins[std::min(static_cast<std::size_t>(std::max(at, 0.0) * kBins), kBins - 1)].push_back(
          (record.events[i] - record.events[i - 1]) / 1e3);
    }
  }
  return bins;
}

Estimate EstimateGaps(std::vector<std::vector<double>>& bins, Statistic statistic) {
  if (statistic != Statistic::kMean) return EstimatePooledQuantile(bins, Share(statistic));
  Estimate out;
  double sum = 0, count = 0;
  std::vector<double> means;
  for (const std::vector<double>& bin : bins) {
    if (bin.empty()) continue;
    const double total = std::accumulate(bin.begin(), bin.end(), 0.0);
    sum += total;
    count += static_cast<double>(bin.size());
    means.push_back(total / static_cast<double>(bin.size()));
  }
  if (count == 0) return out;
  out.value = sum / count;
  if (means.size() < kMinBatches) return out;
  const double half = MeanInterval(means).HalfWidth();
  out.interval = {out.value - half, out.value + half};
  return out;
}

Side SideOfInterval(const Interval& interval, double limit) {
  if (interval.high <= limit) return Side::kBelow;
  if (interval.low > limit) return Side::kAbove;
  return Side::kOpen;
}

// Does a request keep the bound: 1, 0, or nothing while that is open.
std::optional<double> Keeps(const Window& window, const RequestRecord& record, const Bound& bound) {
  if (bound.metric == Metric::kItl) {
    std::vector<double> gaps;
    for (std::size_t i = 1; i < record.events.size(); ++i)
      gaps.push_back((record.events[i] - record.events[i - 1]) / 1e3);
    if (window.InFlight(record) || gaps.empty()) return std::nullopt;
    if (bound.statistic == Statistic::kMean) {
      return std::accumulate(gaps.begin(), gaps.end(), 0.0) / static_cast<double>(gaps.size()) <= bound.limit;
    }
    std::sort(gaps.begin(), gaps.end());
    return Quantile(gaps, Share(bound.statistic)) <= bound.limit;
  }
  const std::optional<Sample> sample = Of(window.Know(record), bound.metric);
  if (!sample) return std::nullopt;
  if (sample->value > bound.limit) return 0;
  if (sample->at_least) return std::nullopt;
  return 1;
}

// In the order of their starts, up to the first request whose answer is still open: to skip that one and take later
// ones would count the fast and leave out the slow.
template <typename Decide>
std::vector<double> DecidedPrefix(const Window& window, Decide decide) {
  std::vector<double> out;
  for (const RequestRecord& record : window.started) {
    const std::optional<double> keeps = decide(record);
    if (keeps) {
      out.push_back(*keeps);
    } else if (window.InFlight(record)) {
      break;
    }
  }
  return out;
}

std::optional<double> Attains(const Window& window, const RequestRecord& record) {
  if (IsError(record.outcome)) return 0;
  bool open = false;
  for (const Bound& bound : window.spec.slo.bounds) {
    const std::optional<double> keeps = Keeps(window, record, bound);
    if (keeps && *keeps == 0) return 0;
    // Ended without such a number, as a TPOT of one token: nothing to break.
    open = open || (!keeps && window.InFlight(record));
  }
  if (open) return std::nullopt;
  return 1;
}

std::vector<Sample> SamplesOf(const Window& window, Metric metric) {
  std::vector<Sample> samples;
  for (const RequestRecord& record : window.started) {
    if (const auto sample = Of(window.Know(record), metric)) samples.push_back(*sample);
  }
  return samples;
}

// Before a rate's shortest window is over, requests that miss a limit may all be of one burst. They tell if parts of
// the window that are at least as long as a request usually takes, which depend on each other little, show the miss as
// well: `value` of a request, nullopt where it has none, is more than `limit` in the mean.
template <typename Value>
bool IsSpread(const Window& window, double limit, Value value) {
  const double length = Seconds(window.Length());
  const double part = std::max(Seconds(window.usual), length / kMostParts);
  const auto count = static_cast<std::size_t>(length / std::max(part, 1e-9));
  if (count < kMinBatches) return false;
  std::vector<double> sums(count), numbers(count);
  for (const RequestRecord& record : window.started) {
    const std::optional<double> known = value(record);
    if (!known) continue;
    const double at = Seconds(record.start - window.begin) / length * static_cast<double>(count);
    const std::size_t bin = std::min(static_cast<std::size_t>(at), count - 1);
    sums[bin] += *known;
    numbers[bin] += 1;
  }
  std::vector<double> means;
  for (std::size_t i = 0; i < count; ++i) {
    if (numbers[i] > 0) means.push_back(sums[i] / numbers[i]);
  }
  return means.size() >= kMinBatches && MeanInterval(means).low > limit;
}

// The mean of requests that started early enough to be known, whatever they are.
Side SideOfMean(const Window& window, const Bound& bound) {
  double longest = 0;
  for (const RequestRecord& record : window.started) {
    const auto sample = Of(window.Know(record), bound.metric);
    if (sample && !sample->at_least) longest = std::max(longest, sample->value);
  }
  std::vector<Sample> samples;
  for (const RequestRecord& record : window.started) {
    auto sample = Of(window.Know(record), bound.metric);
    if (!sample) continue;
    if (sample->at_least && window.InFlight(record)) {
      if (sample->value <= longest) continue;
      sample->at_least = false;  // already the longest: its age stands for it
    }
    samples.push_back(*sample);
  }
  return SideOfInterval(EstimateMean(samples).interval, bound.limit);
}

Side SideOfBound(const Window& window, const Bound& bound, std::vector<std::vector<double>>& gaps) {
  if (bound.metric == Metric::kItl) {
    const Estimate estimate = EstimateGaps(gaps, bound.statistic);
    return estimate.value > 0 ? SideOfInterval(estimate.interval, bound.limit) : Side::kOpen;
  }
  if (bound.statistic == Statistic::kMean) return SideOfMean(window, bound);
  const std::vector<double> within =
      DecidedPrefix(window, [&](const RequestRecord& record) { return Keeps(window, record, bound); });
  std::vector<double> values;
  // Arrivals that do not wait come in bursts, of which a window may have seen none.
  if (window.spec.load.kind == LoadKind::kRequestRate) {
    for (const Sample& sample : SamplesOf(window, bound.metric)) values.push_back(sample.value);
  }
  return SideOf(within, Share(bound.statistic), values);
}

// Whether a miss of the bound is spread over an early window. Open requests count as fast, or with their age.
bool IsSpread(const Window& window, const Bound& bound) {
  if (bound.statistic == Statistic::kMean && bound.metric != Metric::kItl) {
    return IsSpread(window, bound.limit, [&](const RequestRecord& record) -> std::optional<double> {
      const auto sample = Of(window.Know(record), bound.metric);
      return sample ? std::optional(sample->value) : std::nullopt;
    });
  }
  // A request's own mean of gaps is beyond the limit, or one of its gaps as often as the percentile leaves.
  const double rare = bound.statistic == Statistic::kMean ? 0.5 : 1 - Share(bound.statistic);
  return IsSpread(window, rare, [&](const RequestRecord& record) -> std::optional<double> {
    return 1 - Keeps(window, record, bound).value_or(1);
  });
}

Side SideOfErrors(const Window& window) {
  double errors = 0, ended = 0;
  for (const RequestRecord& record : window.started) {
    if (window.InFlight(record)) continue;
    ended += 1;
    if (IsError(record.outcome)) errors += 1;
  }
  if (errors == 0) return Side::kBelow;
  const double limit = window.spec.slo.max_error_rate;
  // Asked after every few answers: one early error of a server that keeps the limit must not decide.
  constexpr double kByChance = 0.005;
  if (ChanceOfAtLeast(errors, ended, limit) < kByChance) {
    const auto failed = [](const RequestRecord& record) -> std::optional<double> { return IsError(record.outcome); };
    return !window.early || IsSpread(window, limit, failed) ? Side::kAbove : Side::kOpen;
  }
  return ShareInterval(errors, ended).high < limit ? Side::kBelow : Side::kOpen;
}

struct Sides {
  bool any_above = false, all_below = true;
  double open_width = 0;  // the widest interval of what is open, as a share of its value

  // `width` is asked for what is open.
  template <typename Width>
  void Add(Side side, Width width) {
    any_above = any_above || side == Side::kAbove;
    all_below = all_below && side == Side::kBelow;
    if (side == Side::kOpen) open_width = std::max(open_width, width());
  }
};

// Half-width as a share of the value; where the upper end is not known, by the lower half, which is the shorter one. 0:
// not known.
double RelativeCi(const Estimate& estimate) {
  if (!(estimate.value > 0) || !std::isfinite(estimate.interval.low)) return 0;
  constexpr double kLonger = 1.5;
  const double half = std::isfinite(estimate.interval.high) ? estimate.interval.HalfWidth()
                                                            : kLonger * (estimate.value - estimate.interval.low);
  return std::max(half / estimate.value, kSmallestCi);
}

double WidthOf(const Estimate& estimate) {
  const double relative = RelativeCi(estimate);
  return relative > 0 ? relative : std::numeric_limits<double>::infinity();
}

double WidthOfBound(const Window& window, const Bound& bound, std::vector<std::vector<double>>& gaps) {
  if (bound.metric == Metric::kItl) return WidthOf(EstimateGaps(gaps, bound.statistic));
  const std::vector<Sample> samples = SamplesOf(window, bound.metric);
  // Too few to decide a percentile, and nowhere near the limit.
  constexpr std::size_t kEnough = 100;
  constexpr double kFarBelow = 0.8;
  const auto slowest = std::max_element(samples.begin(), samples.end(),
                                        [](const Sample& a, const Sample& b) { return a.value < b.value; });
  if (samples.size() >= kEnough && slowest->value <= kFarBelow * bound.limit) return 0;
  return WidthOf(bound.statistic == Statistic::kMean ? EstimateMean(samples)
                                                     : EstimateQuantile(samples, Share(bound.statistic)));
}

// Of the share of requests that break a bound.
double WidthOfFailures(std::span<const double> attained) {
  std::vector<Sample> failed;
  for (const double one : attained) failed.push_back({1 - one});
  return WidthOf(EstimateMean(failed));
}

Sides Decide(const Window& window, std::vector<std::vector<double>>& gaps) {
  Sides sides;
  sides.Add(SideOfErrors(window), [] { return std::numeric_limits<double>::infinity(); });
  const Slo& slo = window.spec.slo;
  if (slo.attainment && !slo.bounds.empty()) {
    const std::vector<double> attained =
        DecidedPrefix(window, [&](const RequestRecord& record) { return Attains(window, record); });
    Side side = SideOf(attained, *slo.attainment);
    const auto fails = [&](const RequestRecord& record) -> std::optional<double> {
      return 1 - Attains(window, record).value_or(1);
    };
    if (side == Side::kAbove && window.early && !IsSpread(window, 1 - *slo.attainment, fails)) side = Side::kOpen;
    sides.Add(side, [&] { return WidthOfFailures(attained); });
    return sides;
  }
  for (const Bound& bound : slo.bounds) {
    Side side = SideOfBound(window, bound, gaps);
    if (side == Side::kAbove && window.early && !IsSpread(window, bound)) side = Side::kOpen;
    sides.Add(side, [&] { return WidthOfBound(window, bound, gaps); });
  }
  return sides;
}

bool BoundsItl(const Slo& slo) {
  return std::any_of(slo.bounds.begin(), slo.bounds.end(),
                     [](const Bound& bound) { return bound.metric == Metric::kItl; });
}

// All statistics of a metric, in kStatistics' order. Of ITL from `gaps`, which it reorders.
std::vector<Estimate> EstimatesOf(const Window& window, Metric metric, std::vector<std::vector<double>>* gaps) {
  std::vector<Estimate> out;
  if (metric == Metric::kItl) {
    for (const Statistic statistic : kStatistics) out.push_back(EstimateGaps(*gaps, statistic));
    return out;
  }
  const std::vector<Sample> samples = SamplesOf(window, metric);
  std::vector<double> shares;
  for (const Statistic statistic : kStatistics) {
    if (statistic != Statistic::kMean) shares.push_back(Share(statistic));
  }
  out = EstimateQuantiles(samples, shares);
  static_assert(kStatistics.front() == Statistic::kMean);
  out.insert(out.begin(), EstimateMean(samples));
  return out;
}

// A request that was cut off counts in the TPOT with its pace so far, by which bounds are decided. The finished point
// marks what such a request may still raise.
void MarkCutOffTpot(const Window& window, std::vector<Estimate>& estimates) {
  std::vector<Sample> samples;
  for (const RequestRecord& record : window.started) {
    auto sample = window.Know(record).tpot;
    if (!sample) continue;
    sample->at_least = record.outcome != RequestOutcome::kOk;
    samples.push_back(*sample);
  }
  const bool cut_off =
      std::any_of(samples.begin(), samples.end(), [](const Sample& sample) { return sample.at_least; });
  for (std::size_t i = 0; cut_off && i < kStatistics.size(); ++i) {
    const Statistic statistic = kStatistics[i];
    estimates[i].at_least = statistic == Statistic::kMean || EstimateQuantile(samples, Share(statistic)).at_least;
  }
}

void FillLatency(const Window& window, Metric metric, std::vector<std::vector<double>>* gaps, Point& point) {
  std::vector<Estimate> estimates = EstimatesOf(window, metric, gaps);
  if (metric == Metric::kTpot && gaps != nullptr) MarkCutOffTpot(window, estimates);
  const std::vector<Bound>& bounds = window.spec.slo.bounds;
  const bool bounded =
      std::any_of(bounds.begin(), bounds.end(), [&](const Bound& bound) { return bound.metric == metric; });
  double& relative = point.relative_ci[static_cast<std::size_t>(metric)];
  for (std::size_t i = 0; i < kStatistics.size(); ++i) {
    const Statistic statistic = kStatistics[i];
    point.Get(metric).Set(statistic, estimates[i].value);
    if (estimates[i].at_least) point.lower_bounds.Add(metric, statistic);
    const bool counts =
        bounded
            ? std::any_of(bounds.begin(), bounds.end(),
                          [&](const Bound& bound) { return bound.metric == metric && bound.statistic == statistic; })
            : statistic == Statistic::kP50;
    if (counts) relative = std::max(relative, RelativeCi(estimates[i]));
  }
}

// Requests in flight at the window's begin, after each third of it.
std::array<double, 4> QueueByThirds(const Window& window) {
  std::array<double, 4> out{};
  for (std::size_t i = 0; i < out.size(); ++i) {
    const nanoseconds time = window.begin + (window.end - window.begin) * static_cast<int>(i) / 3;
    out[i] = static_cast<double>(std::count_if(window.all.begin(), window.all.end(), [&](const RequestRecord& record) {
      return record.start < time && (window.InFlight(record) || record.end >= time);
    }));
  }
  return out;
}

// Did arrivals outrun answers.
enum class Outrun { kNo, kByItsNumbers, kForCertain };

// For certain: the queue is longer at the end than two independent readings of a stable one would be (requests slow
// each other down, so it varies by more than random arrivals do), and grows in every third of the window. An engine
// that was idle before fills up at first, at any rate. Even arrivals tell by less: by how much chance explains of them.
Outrun OutrunOf(const Window& window) {
  if (window.spec.load.kind != LoadKind::kRequestRate) return Outrun::kNo;
  const std::array<double, 4> queue = QueueByThirds(window);
  const double grown = queue[3] - queue[0];
  const auto arrived = static_cast<double>(window.started.size());
  bool in_every_third = true;
  for (std::size_t i = 1; i < queue.size(); ++i) {
    in_every_third = in_every_third && queue[i] - queue[i - 1] > grown / 8;
  }
  constexpr double kDeviations = 3.5;
  if (in_every_third && grown > kDeviations * std::sqrt(queue[0] + queue[3] + 1) &&
      grown > (1 - kRateReached) * arrived) {
    return Outrun::kForCertain;
  }
  // A trace has its bursts where they were recorded.
  if (!window.spec.steady_rate || !in_every_third) return Outrun::kNo;
  const QueueGrowth growth = QueueGrowthOf(window.all, window.begin, window.end, window.now);
  constexpr double kProbably = 2, kLeastShare = 0.05;
  if (!growth.lasts || growth.requests <= kProbably * growth.deviation || growth.requests <= kLeastShare * arrived) {
    return Outrun::kNo;
  }
  return growth.requests > kDeviations * growth.deviation ? Outrun::kForCertain : Outrun::kByItsNumbers;
}

// Not certain, but worth a longer look: bounds that no queue breaks, as those of the TPOT, do not tell. Without the
// first third, in which an engine that was idle before still fills up.
bool MayOutrun(const Window& window) {
  const bool searched = window.spec.precision.bounds > 0;
  const double deviations = searched ? 1 : 1.5;
  const std::array<double, 4> queue = QueueByThirds(window);
  const double before = queue[searched ? 1 : 0];
  return queue[3] - before > deviations * std::sqrt(before + queue[3] + 1);
}

// The tokens/s and requests/s of a window are those of its rate only if nothing says otherwise: an end before the
// requests' own, or a queue that grows by more than a stable one usually does after the first third, and still does at
// the end. That of an engine that was idle before grows at first, at any rate.
bool ShowsItsRate(const Window& window, const Point& point) {
  constexpr double kOpen = 0.05, kUsual = 2.5;
  if (static_cast<double>(point.censored) > kOpen * static_cast<double>(window.started.size())) return false;
  const std::array<double, 4> queue = QueueByThirds(window);
  if (queue[3] - queue[1] <= kUsual * std::sqrt(queue[1] + queue[3] + 1)) return true;
  return !QueueGrowthOf(window.all, window.begin, window.end, window.now).lasts;
}

// A rate that is kept up with is answered as it comes: its tokens/s are those of a request times the rate, which one
// window's arrivals only come near. The interval is that of what was answered: the window shows this up to what the
// queue grew by, of which its two ends tell no more than the difference of two readings of a stable queue.
void FillThroughputOfRate(const Window& window, Point& point) {
  std::vector<double> tokens;
  for (const RequestRecord& record : window.started) {
    if (record.outcome == RequestOutcome::kOk) tokens.push_back(record.output_tokens);
  }
  // A few are enough if all of them have ended.
  if (point.requests < kMinEnded && (point.censored > 0 || point.requests < 2)) return;
  const double mean = std::accumulate(tokens.begin(), tokens.end(), 0.0) / static_cast<double>(tokens.size());
  const double ended = static_cast<double>(point.requests + point.errors);
  const double answered = window.spec.load.value * static_cast<double>(point.requests) / ended;
  const double failed = window.spec.load.value * ShareInterval(static_cast<double>(point.errors), ended).HalfWidth();
  const std::array<double, 4> queue = QueueByThirds(window);
  const double unseen =
      std::max(std::abs(queue[3] - queue[0]), kOf95Percent * std::sqrt(queue[0] + queue[3] + 1)) / point.window_seconds;
  point.requests_per_second = answered;
  point.output_tokens_per_second = answered * mean;
  point.output_tokens_per_second_ci = std::hypot(answered * StudentInterval(tokens, 0.95).HalfWidth(), unseen * mean,
                                                 point.errors > 0 ? failed * mean : 0);
}

// Of a trace: a window with a burst in it answers more than the trace brings on average, which a longer one would not.
void HoldToRate(Point& point) {
  const double rate = point.load.value;
  point.requests_per_second = std::min(point.requests_per_second, rate);
  if (point.requests == 0) return;
  const double most = rate * static_cast<double>(point.output_tokens) / static_cast<double>(point.requests);
  if (point.output_tokens_per_second <= most) return;
  point.output_tokens_per_second_ci *= most / point.output_tokens_per_second;
  point.output_tokens_per_second = most;
}

// Everything but the verdict. ITL is left out where `gaps` is null: it is the expensive one.
Point Summarize(const Window& window, const std::vector<double>& throughput, std::vector<std::vector<double>>* gaps) {
  Point point;
  point.scenario = window.spec.scenario;
  point.load = window.spec.load;
  point.window_seconds = Seconds(window.Length());
  std::vector<double> lags, attained;
  for (const RequestRecord& record : window.started) {
    if (record.outcome == RequestOutcome::kOk) {
      ++point.requests;
      point.input_tokens += record.input_tokens;
      point.output_tokens += record.output_tokens;
    } else if (IsError(record.outcome)) {
      ++point.errors;
      const auto kind = std::find(kErrorKinds.begin(), kErrorKinds.end(), record.outcome);
      ++point.errors_by_kind[static_cast<std::size_t>(kind - kErrorKinds.begin())];
    } else {
      ++point.censored;
    }
    lags.push_back(Milliseconds(record.lag));
    if (!window.spec.slo.bounds.empty()) {
      // Open at the very end: it does not keep a bound on its whole, and so far every other.
      if (const auto attains = Attains(window, record)) {
        attained.push_back(*attains);
      } else if (window.now >= window.end + window.spec.drain) {
        attained.push_back(0);
      }
    }
  }
  std::sort(lags.begin(), lags.end());
  point.client_lag_p99 = Quantile(lags, 0.99);
  if (!attained.empty()) {
    point.attainment = std::accumulate(attained.begin(), attained.end(), 0.0) / static_cast<double>(attained.size());
  }
  if (point.window_seconds > 0) {
    const double seconds = point.window_seconds;
    double ended = 0, in_flight = 0;
    for (const RequestRecord& record : window.all) {
      const nanoseconds end = window.InFlight(record) ? window.now : record.end;
      if (record.outcome == RequestOutcome::kOk && end >= window.begin && end < window.end) ended += 1;
      in_flight += std::max(0.0, Seconds(std::min(end, window.end) - std::max(record.start, window.begin)));
    }
    point.requests_per_second = ended / seconds;
    point.mean_concurrency = in_flight / seconds;
    point.output_tokens_per_second =
        std::accumulate(throughput.begin(), throughput.end(), 0.0) / static_cast<double>(throughput.size());
    point.output_tokens_per_second_ci = ThroughputCi(window, throughput);
  }
  const bool in_one_piece = CameInOnePiece(window.started);
  for (const Metric metric : kMetrics) {
    if (metric == Metric::kItl && gaps == nullptr) continue;
    // When its first token was there is not known, either.
    if (in_one_piece && metric != Metric::kE2e) continue;
    FillLatency(window, metric, gaps, point);
  }
  point.saturated = OutrunOf(window) != Outrun::kNo;
  if (window.spec.load.kind == LoadKind::kRequestRate && window.spec.steady_rate && !point.saturated &&
      ShowsItsRate(window, point)) {
    FillThroughputOfRate(window, point);
  }
  if (window.spec.load.kind == LoadKind::kRequestRate && !window.spec.steady_rate) HoldToRate(point);
  return point;
}

Verdict VerdictOf(const Window& window, const Point& point, const Sides& sides) {
  double answers = 0, shorter = 0;
  for (const RequestRecord& record : window.started) {
    if (record.outcome != RequestOutcome::kOk) continue;
    answers += 1;
    if (record.output_tokens < record.asked_tokens) shorter += 1;
  }
  // A request's clock starts when it is sent, so lateness falsifies no latency: it distorts the arrivals, or leaves a
  // place of the closed loop empty for that share of its time.
  const bool of_first = window.spec.load.kind == LoadKind::kRequestRate && point.ttft.p50 > 0;
  const double scale = of_first ? point.ttft.p50 : point.e2e.p50;
  if (point.client_lag_p99 > std::max(window.spec.client_lag_ms, kClientLagShare * scale)) return Verdict::kClientBound;
  if (shorter > kMaxShort * answers) return Verdict::kShortAnswers;
  if (sides.any_above || point.requests == 0) return Verdict::kMissed;
  if (point.saturated) return OutrunOf(window) == Outrun::kForCertain ? Verdict::kMissed : Verdict::kUndecided;
  // A search looks again, at other rates.
  const bool too_short = window.spec.precision.bounds == 0 && window.spec.steady_rate && IsTooShortToTell(point);
  return sides.all_below && !FellShort(point) && !too_short ? Verdict::kMet : Verdict::kUndecided;
}

// The longest window, and the longest ramp of a closed loop: where requests are long, `duration` holds too few of them,
// one after the other, for a throughput that is not a wave's.
// Of a search by rate half as long, a quarter on its way: a limit is known better by two points on its two sides than
// by one that stays open.
nanoseconds LongestWindow(const PointSpec& spec, nanoseconds usual) {
  constexpr int kLengths = 4, kMost = 3;
  const bool searched = spec.load.kind == LoadKind::kRequestRate && spec.precision.bounds > 0;
  const bool score = spec.precision.throughput <= kScorePrecision;
  const nanoseconds asked = searched ? spec.duration / (score ? 2 : 4) : spec.duration;
  const double for_answers =
      spec.load.kind == LoadKind::kRequestRate ? static_cast<double>(spec.precision.answers) / spec.load.value : 0;
  const nanoseconds answered = std::chrono::ceil<nanoseconds>(std::chrono::duration<double>(for_answers));
  return std::clamp<nanoseconds>(std::max(kLengths * usual, answered), asked, kMost * spec.duration);
}

// Of open arrivals: a look on the way is short. Near a limit the bursts that make a p99 are rarer than those that make
// a mean.
nanoseconds ShortestOfRate(const PointSpec& spec) {
  constexpr double kRare = 0.95;
  const bool rare = spec.slo.attainment.value_or(0) >= kRare ||
                    std::any_of(spec.slo.bounds.begin(), spec.slo.bounds.end(), [](const Bound& bound) {
                      return bound.statistic != Statistic::kMean && Share(bound.statistic) >= kRare;
                    });
  if (spec.precision.throughput > kScorePrecision) return spec.duration / 8;
  return spec.duration / (rare ? 2 : 4);
}

// The median time that a request took, of all that ended well.
nanoseconds UsualLength(std::span<const RequestRecord> records) {
  std::vector<double> lengths;
  for (const RequestRecord& record : records) {
    if (record.outcome == RequestOutcome::kOk) lengths.push_back(Seconds(record.end - record.start));
  }
  std::sort(lengths.begin(), lengths.end());
  return std::chrono::duration_cast<nanoseconds>(std::chrono::duration<double>(Quantile(lengths, 0.5)));
}

Progress Finish(const Window& window, Progress progress) {
  std::vector<std::vector<double>> gaps = Gaps(window);
  const Sides sides = Decide(window, gaps);
  progress.point = Summarize(window, ThroughputByBin(window), &gaps);
  progress.point.verdict = VerdictOf(window, progress.point, sides);
  progress.phase = Phase::kDone;
  progress.why = Why(window.spec.slo, progress.point, window.now);
  return progress;
}

Progress InRamp(const PointSpec& spec, std::span<const RequestRecord> records, nanoseconds now, Progress progress) {
  const auto in_flight = std::count_if(records.begin(), records.end(), [](const RequestRecord& record) {
    return record.outcome == RequestOutcome::kInFlight;
  });
  const auto ended = static_cast<std::ptrdiff_t>(records.size()) - in_flight;
  progress.check_again_at =
      std::max({std::min(kMinRamp, spec.duration), now + std::chrono::milliseconds(100), now + now / 20});
  // Beyond saturation an open loop never gets there, and its requests take ever longer: the first ones tell. A closed
  // one does as soon as every place has ended once.
  constexpr int kLengths = 3;
  constexpr std::size_t kFirst = 32;
  const nanoseconds usual = UsualLength(records.first(std::min(records.size(), kFirst)));
  const nanoseconds longest = spec.load.kind == LoadKind::kRequestRate
                                  ? std::min(spec.duration, usual.count() > 0 ? kLengths * usual : spec.duration)
                                  : LongestWindow(spec, nanoseconds::max() / 8);
  if (now < std::min(kMinRamp, spec.duration) || (ended < std::max<std::ptrdiff_t>(in_flight, 1) && now < longest)) {
    return progress;
  }
  progress.phase = Phase::kWindow;
  progress.window_start = now;
  progress.check_again_at = now + std::min(kMinWindow, spec.duration);
  return progress;
}

Progress InWindow(const PointSpec& spec, std::span<const RequestRecord> records, nanoseconds now, Progress progress) {
  const nanoseconds usual = UsualLength(records);
  const nanoseconds longest = LongestWindow(spec, usual);
  const nanoseconds end = std::min(now, progress.window_start + longest);
  const bool rate = spec.load.kind == LoadKind::kRequestRate;
  const bool time_over = end < now || end - progress.window_start >= longest;
  Window window{spec,
                records,
                StartedIn(records, progress.window_start, end),
                progress.window_start,
                end,
                now,
                usual,
                TokensPerEvent(records).usual()};
  // A queue that grows in every part of the window has no convoy as its cause.
  window.early =
      rate && !time_over && window.Length() < ShortestOfRate(spec) && OutrunOf(window) != Outrun::kForCertain;
  progress.check_again_at = std::min(now + std::max<nanoseconds>(window.Length() / 10, std::chrono::milliseconds(250)),
                                     std::max(now, progress.window_start + longest) + nanoseconds(1));

  std::vector<std::vector<double>> gaps;
  if (BoundsItl(spec.slo)) gaps = Gaps(window);
  const std::vector<double> throughput = ThroughputByBin(window);
  const Sides sides = Decide(window, gaps);
  progress.point = Summarize(window, throughput, nullptr);

  // Of a search's point that breaks a bound by its numbers no score is read.
  const bool broken = spec.precision.bounds > 0 && !BoundsItl(spec.slo) && !CheckSlo(spec.slo, progress.point).empty();
  const double throughput_asked = std::max(spec.precision.throughput, broken ? kLookPrecision : 0);
  // A phase of one request's length is a convoy's, not the engine's.
  const bool score = throughput_asked <= kScorePrecision;
  const bool enough = window.Length() >= std::max(kMinWindow, (score ? 2 : 1) * usual) &&
                      progress.point.requests + progress.point.errors >= kMinEnded;
  const bool precise =
      progress.point.output_tokens_per_second_ci <= throughput_asked * progress.point.output_tokens_per_second &&
      (!score || window.Length() >= 4 * usual);
  const bool twice = precise && progress.was_precise;
  progress.was_precise = precise;
  // Where requests take ever longer, a window of a rate would never hold one.
  const bool missed_rate = rate && window.Length() >= std::min(kLeastOfAMissedRate, ShortestOfRate(spec)) &&
                           progress.point.requests + progress.point.errors >= kMinEnded;
  if ((rate ? missed_rate : enough) && sides.any_above) {
    progress.window_end = end;
    return Finish(window, std::move(progress));
  }
  if (!time_over && !enough) return progress;
  if (!time_over) {
    switch (spec.load.kind) {
      case LoadKind::kConcurrency:
        if (!twice) return progress;
        break;
      case LoadKind::kRequestRate:
        // Its throughput is the rate's; what takes time to see are bursts, and a queue that grows slowly.
        if (spec.slo.bounds.empty() || window.Length() < ShortestOfRate(spec) || window.Length() < 4 * usual ||
            progress.point.requests < spec.precision.answers || MayOutrun(window)) {
          return progress;
        }
        break;
    }
    const bool near = spec.precision.bounds > 0 && sides.open_width <= spec.precision.bounds;
    if (spec.precision.decide_slo && !sides.all_below && !near) return progress;
  }
  progress.window_end = end;
  if (!spec.precision.decide_slo) return Finish(window, std::move(progress));
  progress.phase = Phase::kDrain;
  progress.check_again_at = now;
  return progress;
}

Progress InDrain(const PointSpec& spec, std::span<const RequestRecord> records, nanoseconds now, Progress progress) {
  const Window window{spec,
                      records,
                      StartedIn(records, progress.window_start, progress.window_end),
                      progress.window_start,
                      progress.window_end,
                      now,
                      UsualLength(records),
                      TokensPerEvent(records).usual()};
  const nanoseconds deadline = progress.window_end + spec.drain;
  progress.check_again_at = std::min(now + std::chrono::milliseconds(100), std::max(now, deadline));
  const bool ended = std::none_of(window.started.begin(), window.started.end(),
                                  [&](const RequestRecord& record) { return window.InFlight(record); });
  if (!ended && now < deadline) return progress;
  return Finish(window, std::move(progress));
}

// "ttft.p99 is 612 ms, the limit 500 ms".
std::string ViolationText(const Violation& violation) {
  constexpr std::string_view kSlo = "slo.";
  const std::string& field = violation.bound;
  const bool of_slo = field.starts_with(kSlo);
  const bool latency = of_slo && field.find('.', kSlo.size()) != std::string::npos;
  const std::string name = of_slo ? field.substr(kSlo.size()) : field;
  if (!of_slo && violation.actual) {
    return FourDigits(*violation.actual) + " of " + FourDigits(violation.limit) +
           " requests/s were answered, and the queue grew";
  }
  const std::string unit = latency ? " ms" : "";
  const std::string limit = ", the limit " + FourDigits(violation.limit) + unit;
  return name + (violation.actual ? " is " + FourDigits(*violation.actual) + unit : " is not measured") + limit;
}

// Of an undecided point: what it counts as, and by which numbers.
std::string OpenText(const Slo& slo, const Point& point) {
  if (point.held > 0 && !MeetsSlo(slo, point)) {
    char text[160];
    std::snprintf(text, sizeof text, "%.0f %% of the requests waited in the client, while the server had room",
                  100 * point.held);
    return text;
  }
  const std::string numbers = point.in_window.empty() ? "its numbers" : "the numbers of a long run";
  if (const std::vector<Violation> violations = CheckSlo(slo, point); !violations.empty()) {
    return "missed by " + numbers + ": " + ViolationText(violations.front());
  }
  if (MeetsSlo(slo, point)) {
    const std::string met = HasLimits(slo) ? "met by " + numbers : "measured";
    return IsTooShortToTell(point) ? met + "; " + std::string(kTooShortText) : met;
  }
  if (FellShort(point)) return ShortfallText(point) + ": too few to count as met";
  for (const Bound& bound : slo.bounds) {
    if (Cautious(point, bound) <= bound.limit) continue;
    const Violation near{bound.Field(), bound.limit, point.Get(bound.metric).Get(bound.statistic)};
    return ViolationText(near) + ": too close to count as met";
  }
  return "missed by " + numbers;
}

}  // namespace

std::string Why(const Slo& slo, const Point& point, nanoseconds took) {
  char text[160];
  switch (point.verdict) {
    case Verdict::kMet:
      std::snprintf(text, sizeof text, HasLimits(slo) ? "met after %.1f s" : "measured in %.1f s", Seconds(took));
      return text;
    case Verdict::kUndecided:
      std::snprintf(text, sizeof text, "undecided after %.1f s: ", Seconds(took));
      return text + OpenText(slo, point);
    case Verdict::kMissed: {
      std::snprintf(text, sizeof text, "missed after %.1f s", Seconds(took));
      if (point.requests == 0) return std::string(text) + ": " + NothingAnsweredText(point);
      const std::vector<Violation> violations = CheckSlo(slo, point);
      return violations.empty() ? text : std::string(text) + ": " + ViolationText(violations.front());
    }
    case Verdict::kClientBound:
      std::snprintf(text, sizeof text, "the load generator sent late: p99 of the delay is %.1f ms",
                    point.client_lag_p99);
      return text;
    case Verdict::kShortAnswers:
      return "answers were shorter than requested";
  }
  return "";
}

Progress Evaluate(const PointSpec& spec, std::span<const RequestRecord> records, nanoseconds now,
                  const Progress& previous) {
  switch (previous.phase) {
    case Phase::kRamp:
      return InRamp(spec, records, now, previous);
    case Phase::kWindow:
      return InWindow(spec, records, now, previous);
    case Phase::kDrain:
      return InDrain(spec, records, now, previous);
    case Phase::kDone:
      break;
  }
  return previous;
}

std::optional<Point> Glimpse(int concurrency, std::span<const RequestRecord> records) {
  std::vector<const RequestRecord*> ended;
  for (const RequestRecord& record : records) {
    if (record.outcome == RequestOutcome::kOk && !record.events.empty()) ended.push_back(&record);
  }
  const auto wave = static_cast<std::size_t>(std::max(concurrency, 1));
  if (ended.size() < 2 * wave) return std::nullopt;
  std::stable_sort(ended.begin(), ended.end(),
                   [](const RequestRecord* a, const RequestRecord* b) { return a->end < b->end; });
  Point point;
  point.load = Concurrency(concurrency);
  // From the middle of a wave to that of the next: requests of equal length end together.
  const std::size_t middle = ended.size() - 1 - wave / 2;
  const double seconds = Seconds(ended[middle]->end - ended[middle - wave]->end);
  if (!(seconds > 0)) return std::nullopt;
  point.requests_per_second = static_cast<double>(wave) / seconds;
  std::vector<double> ttft, tpot, e2e;
  for (const RequestRecord* record : std::span(ended).last(wave)) {
    const double first = record->events.front() / 1e3, last = record->events.back() / 1e3;
    ttft.push_back(first);
    e2e.push_back(last);
    if (record->output_tokens >= 2) tpot.push_back((last - first) / (record->output_tokens - 1));
  }
  for (auto [metric, values] : {std::pair(Metric::kTtft, &ttft), {Metric::kTpot, &tpot}, {Metric::kE2e, &e2e}}) {
    if (values->empty()) continue;
    std::sort(values->begin(), values->end());
    for (const Statistic statistic : kStatistics) {
      const double mean = std::accumulate(values->begin(), values->end(), 0.0) / static_cast<double>(values->size());
      point.Get(metric).Set(statistic, statistic == Statistic::kMean ? mean : Quantile(*values, Share(statistic)));
    }
  }
  return point;
}

}  // namespace autotune::measurement
