#include "measurement/load_search.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <utility>
#include <vector>

#include "measurement/excess.h"
#include "measurement/long_run.h"
#include "measurement/number_text.h"
#include "measurement/standing_queue.h"

namespace autotune::measurement {
namespace {

constexpr std::pair<StopReason, std::string_view> kReasonNames[] = {
    {StopReason::kFound, "Found"},         {StopReason::kCapacity, "Capacity"},
    {StopReason::kCannotWin, "CannotWin"}, {StopReason::kInfeasible, "Infeasible"},
    {StopReason::kInvalid, "Invalid"},     {StopReason::kLadderDone, "LadderDone"},
    {StopReason::kOutOfTime, "OutOfTime"},
};

constexpr double kFirstConcurrency = 16;  // where nothing is known
constexpr double kOfALoopsRate = 0.9;     // bursts break what an even loop keeps
constexpr double kBeyondCapacity = 1.03;
constexpr double kMoreThanRun = 1.1;
constexpr double kLeastStep = 1.1;  // two points so far apart need one between them
constexpr double kBeyond = 1.05;
constexpr double kPromptsMeet = 2;  // a first token of a full batch, against that of a request alone
constexpr std::size_t kMaxPoints = 10;
constexpr std::size_t kMaxConfirmations = 5;
constexpr std::size_t kMostRates = 12;  // ... downwards, while none meets the SLO
constexpr double kAlone = 0.05;         // requests in flight: hardly one meets another
constexpr int kReservedRates = 2;  // the first one often meets the SLO next to the loop's own; if not, the second one
constexpr int kClientBoundRepeats = 2;
constexpr double kPlateau = 1.03;       // throughput that grows by less, for 1.5 times the load, is the capacity
constexpr double kPlateauAtMost = 1.1;  // ... with certainty
constexpr double kPlateauLoad = 1.5;
constexpr double kFarBeyond = 0.7;  // of ln(actual / limit): throughput may have fallen again
constexpr double kThroughputFall = 0.85;
constexpr double kOfAnotherKind = 1.3;
constexpr double kNearCapacity = 0.93;
constexpr double kEnoughWhileExploring = 0.1;  // of the throughput; no score is read there
constexpr double kOfTheResolution = 0.6;       // what a limit is worth, as precisely as the limit is known
constexpr double kOpenOfTheResolution = 1;     // of a load that an open bound tells
constexpr double kSlopeOfARate = 3;            // ... of a rate near its limit
constexpr double kHalfWidth = 1.96;            // of a 95 % interval, in standard deviations
constexpr double kUsualSlope = 2;              // of ln(latency) over ln(load), where no two points tell
constexpr double kEnoughForAScore = 0.05;      // else the limit's point is measured once more
constexpr double kNearTheLimit = 1.3;          // ... but within such a bracket it may be
constexpr const char* kAllMissed = "every one of as many points misses the SLO: the limit is lower";
constexpr std::int64_t kEnoughAnswers = 60;  // a few more than kFewestAnswers, which some windows hold by chance

struct Seen {
  double load = 0;
  bool kept = false;
  double excess = 0;      // the largest; its sign agrees with `kept`
  bool misleads = false;  // broken for certain, although no number says so: the slow requests were still open
  Excesses excesses;
  std::size_t index = 0;
};

Seen See(const Slo& slo, const Point& point, std::size_t index) {
  Seen seen{point.load.value, MeetsSlo(slo, point), 0, false, ExcessesOf(slo, point), index};
  constexpr double kAtLeast = 0.01;
  seen.excess = seen.excesses.empty() ? -1 : *std::max_element(seen.excesses.begin(), seen.excesses.end());
  seen.misleads = !seen.kept && seen.excess < 0 && !point.saturated && point.verdict == Verdict::kMissed;
  // A verdict looks at more than the estimate: errors, a queue that grows.
  seen.excess = seen.kept ? std::min(seen.excess, -kAtLeast) : std::max(seen.excess, kAtLeast);
  return seen;
}

// The points of a kind of load, sorted by it, and between which of them the limit lies.
struct Bracket {
  std::vector<Seen> seen;
  const Seen* low = nullptr;   // the highest load that is kept, below
  const Seen* high = nullptr;  // the lowest one that is not
};

Bracket BracketOf(const Slo& slo, std::span<const Point> points, LoadKind kind, PointRole role = PointRole::kSearch) {
  Bracket out;
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (IsInvalid(points[i]) || points[i].role != role || IsMeasuredAgain(points, i)) continue;
    Seen seen = See(slo, points[i], i);
    if (points[i].load.kind != kind) {
      // A closed loop in a search by rate: what it gets through a second, open arrivals do at best as well.
      if (kind != LoadKind::kRequestRate || points[i].requests_per_second <= 0) continue;
      seen.load = points[i].requests_per_second;
    }
    out.seen.push_back(std::move(seen));
  }
  // ... but bursts may well keep less than an even loop: what a rate near it has shown counts more.
  double lowest_missed = std::numeric_limits<double>::infinity();
  for (const Seen& seen : out.seen) {
    if (points[seen.index].load.kind == kind && !seen.kept) lowest_missed = std::min(lowest_missed, seen.load);
  }
  std::erase_if(out.seen, [&](const Seen& look) {
    return points[look.index].load.kind != kind && look.kept && lowest_missed < kOfAnotherKind * look.load;
  });
  std::stable_sort(out.seen.begin(), out.seen.end(), [](const Seen& a, const Seen& b) { return a.load < b.load; });
  for (const Seen& seen : out.seen) {
    if (!seen.kept && out.high == nullptr) out.high = &seen;
    if (seen.kept && out.high == nullptr) out.low = &seen;
  }
  return out;
}

// Score at the limit, which lies below this point, cannot be above this.
double HighestScore(const LoadSearchInput& input, const Point& point, double excess) {
  const double gpus = std::max(input.gpus, 1);
  double tokens_per_request = input.mean_output_tokens;
  if (tokens_per_request <= 0 && point.requests > 0) {
    tokens_per_request = static_cast<double>(point.output_tokens) / static_cast<double>(point.requests);
  }
  const double per_request = input.score_metric == ScoreMetric::kOutputTokens ? tokens_per_request : 1;
  // More load gives no less throughput, up to where engines preempt and lose it again.
  double score = std::numeric_limits<double>::infinity();
  if (point.engine.preemptions.value_or(0) == 0) {
    score = input.score_metric == ScoreMetric::kOutputTokens
                ? point.output_tokens_per_second + point.output_tokens_per_second_ci
                : point.requests_per_second;
    if (excess > kFarBeyond) score /= kThroughputFall;
  }
  // Fewer requests/s are not worth more, whatever happened here. What arrived in one window is only near that.
  if (point.load.kind == LoadKind::kRequestRate && per_request > 0) {
    const double offered = point.load.value * per_request;
    score = point.saturated ? std::min(score, offered) : offered;
  }
  return score / gpus;
}

AnswerRule RuleOf(const LoadSearchInput& input) { return {input.slo, input.score_metric, KindOf(input.plan.mode), ""}; }

// Where the bound is crossed, on the chord through two points in (ln load, ln latency).
double Crossing(double x1, double y1, double x2, double y2, double least_slope) {
  const double slope = std::max((y2 - y1) / (x2 - x1), least_slope);
  return x2 - y2 / slope;
}

// Between which loads (ln) the limit lies, if every bound's latency is convex in (ln load, ln latency) up to there, as
// a sum of powers of the load is: not below the zero of the chord through the two points around it, not above that of
// the line through the two points below it.
struct LimitRange {
  double low = 0, high = 0;
};
//
// A bracket whose one end moves again and again has its other end in the way: that end's distance is halved each time
// (the Illinois rule of regula falsi), which moves the chord's zero past the limit.
LimitRange RangeOf(const Bracket& bracket, std::span<const Point> points) {
  constexpr double kFarOff = 1.2;  // what lies farther beyond tells a direction, not a distance
  const Seen& low = *bracket.low;
  const Seen& high = *bracket.high;
  const Point& above = points[high.index];
  const double x1 = std::log(low.load);
  double x2 = std::log(high.load);
  const bool saturated = above.saturated && above.requests_per_second > low.load;
  if (saturated) x2 = std::min(x2, std::log(above.requests_per_second));
  // By time; far-off points were steps to a bracket.
  std::vector<const Seen*> near;
  for (const Seen& seen : bracket.seen) {
    if (std::abs(seen.excess) < kFarOff) near.push_back(&seen);
  }
  std::sort(near.begin(), near.end(), [](const Seen* a, const Seen* b) { return a->index > b->index; });
  double low_weight = 1, high_weight = 1;
  for (std::size_t i = 1; i < near.size() && near[i]->kept == near[0]->kept; ++i) {
    (near[0]->kept ? high_weight : low_weight) /= 2;
  }
  LimitRange range{x2, x2};
  for (std::size_t i = 0; i < low.excesses.size(); ++i) {
    const double y1 = low_weight * std::clamp(low.excesses[i], -kFarOff, -1e-3);
    const double y2 = high_weight * (saturated ? kFarOff : std::min(high.excesses[i], kFarOff));
    if (y2 > 0) range.low = std::min(range.low, x1 - y1 * (x2 - x1) / (y2 - y1));
    const Seen* below = nullptr;
    for (const Seen& seen : bracket.seen) {
      if (seen.kept && seen.load < low.load / 1.08) below = &seen;
    }
    if (below == nullptr) continue;
    const double x = Crossing(std::log(below->load), below->excesses[i], x1, low.excesses[i], 0.15);
    range.high = std::min(range.high, std::max(x, x1));
  }
  if (low.excesses.empty()) range.low = (x1 + x2) / 2;
  // Beyond saturation a latency is only the time that was waited: the chord to it means nothing. Latencies rise last
  // thing before the capacity, so look there, or where the line from below says that they rise earlier.
  if (saturated) range.low = std::max(range.low, std::min(range.high, x2 + std::log(kNearCapacity)));
  range.low = std::min(range.low, range.high);
  return range;
}

double Rounded(LoadKind kind, double load, double max) {
  if (kind == LoadKind::kConcurrency) return std::clamp(std::round(load), 1.0, max);
  // Four digits: a rate that can be said.
  const double scale = std::pow(10, 3 - std::floor(std::log10(load)));
  return std::round(load * scale) / scale;
}

// The statistic of a metric that the search predicts: the bounded one, else the mean.
Statistic PredictedStatistic(const Slo& slo, Metric metric) {
  for (const Bound& bound : slo.bounds) {
    if (bound.metric == metric) return StatisticOf(slo, bound);
  }
  return Statistic::kMean;
}

// Of the values that are predicted, output tokens/s per GPU, to the score of a point, which may be requests/s.
double PredictedPerScore(const LoadSearchInput& input) {
  return input.score_metric == ScoreMetric::kAttainedRequests ? input.prediction->output_tokens : 1;
}

// Points as predicted_load reads them: those of one load are one, with the mean of their logarithms.
std::vector<MeasuredLoad> MeasuredLoads(const LoadSearchInput& input, std::span<const Point> points) {
  std::vector<MeasuredLoad> out;
  for (const Point& point : points) {
    if (point.load.kind != LoadKind::kConcurrency || IsInvalid(point) || !IsUsable(point)) continue;
    MeasuredLoad one;
    one.load = point.load.value;
    one.value = PointScore(input.score_metric, point, input.gpus) * PredictedPerScore(input);
    for (const Violation& violation : CheckSlo(input.slo, point)) {
      const bool predicted = std::any_of(input.slo.bounds.begin(), input.slo.bounds.end(), [&](const Bound& bound) {
        return bound.Field() == violation.bound && bound.metric != Metric::kItl &&
               bound.statistic == PredictedStatistic(input.slo, bound.metric);
      });
      if (!predicted) one.met = false;
    }
    const auto read = [&](Metric metric, Statistic statistic, double noise, double& ln, double& variance) {
      ln = std::log(std::max(point.Get(metric).Get(statistic), 1e-3));
      const double deviation = RelativeDeviation(point, metric).value_or(std::max(noise, kUnknownDeviation));
      variance = deviation * deviation;
    };
    const PredictedLoads& predicted = *input.prediction;
    read(Metric::kTtft, PredictedStatistic(input.slo, Metric::kTtft), predicted.ttft.noise, one.ln_ttft,
         one.ttft_variance);
    read(Metric::kTpot, PredictedStatistic(input.slo, Metric::kTpot), predicted.tpot.noise, one.ln_tpot,
         one.tpot_variance);
    read(Metric::kE2e, PredictedStatistic(input.slo, Metric::kE2e), predicted.e2e ? predicted.e2e->noise : 0,
         one.ln_e2e, one.e2e_variance);
    read(Metric::kE2e, Statistic::kMean, predicted.objective ? predicted.objective->noise : 0, one.ln_objective,
         one.objective_variance);
    const auto same =
        std::find_if(out.begin(), out.end(), [&](const MeasuredLoad& other) { return other.load == one.load; });
    if (same == out.end()) {
      out.push_back(one);
      continue;
    }
    const double n = same->measurements;
    const auto join = [n](double& mean, double value) { mean = (mean * n + value) / (n + 1); };
    join(same->value, one.value);
    join(same->ln_ttft, one.ln_ttft);
    join(same->ln_tpot, one.ln_tpot);
    join(same->ln_e2e, one.ln_e2e);
    join(same->ln_objective, one.ln_objective);
    for (double MeasuredLoad::*variance : {&MeasuredLoad::ttft_variance, &MeasuredLoad::tpot_variance,
                                           &MeasuredLoad::e2e_variance, &MeasuredLoad::objective_variance}) {
      (*same).*variance = ((*same).*variance * n * n + one.*variance) / ((n + 1) * (n + 1));
    }
    same->met = same->met && one.met;
    ++same->measurements;
  }
  return out;
}

class Search {
 public:
  Search(const LoadSearchInput& input, std::span<const Point> points)
      : input_(input),
        points_(points),
        kind_(KindOf(input.plan.mode)),
        rule_(RuleOf(input)),
        bracket_(BracketOf(input.slo, points, kind_)) {}

  LoadDecision Decide() {
    if (!points_.empty() && IsInvalid(points_.back())) return Checked(AfterInvalid());
    if (CannotWin()) return Stop(StopReason::kCannotWin, cannot_win_);
    LoadDecision decision = input_.plan.reference_share > 0 ? WithReference() : Planned();
    const auto loop = OnlyTheCapacity();
    if (decision.next && loop && IsTimeForARate(points_[*loop])) {
      decision = Stop(StopReason::kOutOfTime, "the time that is left is for the rate that it sustains");
    }
    if (decision.next) return Checked(decision);
    if (loop) return Checked(AnswerAgain(Sustained(decision, points_[*loop]), PointRole::kSustained));
    return Checked(input_.confirms ? WithRate(decision) : decision);
  }

 private:
  LoadDecision Planned() const { return AnswerAgain(OfTheMode(), PointRole::kSearch); }

  LoadDecision OfTheMode() const {
    switch (input_.plan.mode) {
      case LoadMode::kFixedConcurrency:
      case LoadMode::kFixedRate:
        return Ladder();
      case LoadMode::kAutoConcurrency:
        if (input_.prediction && !LatencyOf(input_.score_metric) && !input_.confirms) return Predicted();
        return input_.slo.bounds.empty() ? Capacity() : Limit();
      case LoadMode::kAutoRate:
        return Limit();
    }
    return Stop(StopReason::kFound, "");
  }

  // The load at which latencies are compared: first of all where it is known, because it decides, else once the limit
  // that it is a share of is found.
  LoadDecision WithReference() const {
    const auto reference = std::find_if(points_.begin(), points_.end(), [](const Point& point) {
      return point.role == PointRole::kReference && !IsInvalid(point);
    });
    if (reference == points_.end() && input_.reference) {
      return MeasureReference(*input_.reference, "the reference load");
    }
    if (reference != points_.end() && input_.reference && !MeetsSlo(input_.slo, *reference)) {
      return Stop(StopReason::kInfeasible, "misses the SLO at the reference load");
    }
    // Nothing but the reference load is compared.
    if (reference != points_.end() && input_.confirms)
      return Stop(StopReason::kFound, "the reference load is measured");
    LoadDecision decision = Planned();
    if (decision.next || reference != points_.end()) return decision;
    const double rate = input_.plan.reference_share * RateAtLimit(decision.best);
    return rate > 0 ? MeasureReference(rate, "the reference load: a share of the limit") : decision;
  }

  LoadDecision MeasureReference(double rate, std::string why) const {
    constexpr LoadKind kKind = LoadKind::kRequestRate;
    LoadDecision decision = Measure({kKind, Rounded(kKind, rate, rate)}, std::move(why));
    decision.role = PointRole::kReference;
    return decision;
  }

  // Where the SLO is never kept: of the lowest load.
  [[nodiscard]] double RateAtLimit(std::optional<std::size_t> best) const {
    if (!best && bracket_.seen.empty()) return 0;
    const Point& limit = points_[best.value_or(bracket_.seen.empty() ? 0 : bracket_.seen.front().index)];
    return limit.load.kind == LoadKind::kRequestRate && best ? limit.load.value : limit.requests_per_second;
  }

  // A client that was late once may have been disturbed: the same load again, a bounded number of times.
  LoadDecision AfterInvalid() {
    const Point& last = points_.back();
    int tries = 0;
    for (auto point = points_.rbegin(); point != points_.rend() && IsInvalid(*point) && point->load == last.load;
         ++point) {
      ++tries;
    }
    if (last.verdict == Verdict::kShortAnswers) {
      return Stop(StopReason::kInvalid, "the answers were shorter than requested");
    }
    if (tries > kClientBoundRepeats) return Stop(StopReason::kInvalid, "the load generator sent late each time");
    LoadDecision again = Measure(last.load, "again: the load generator sent late");
    again.role = last.role;
    return again;
  }

  LoadDecision Stop(StopReason reason, std::string why) const {
    LoadDecision decision;
    decision.reason = reason;
    decision.best = AnswerOf(rule_, points_);
    decision.limit = LimitOf(rule_, points_);
    decision.why = std::move(why);
    return decision;
  }

  // The search is over; its answer is a score, which a look on the way may not be.
  LoadDecision Finish(StopReason reason, std::string why) const {
    LoadDecision stop = Stop(reason, std::move(why));
    const std::optional<std::size_t> limit = LimitOf(rule_, points_);
    if (!limit) return stop;
    const Point& best = points_[*limit];
    const auto measured = std::count_if(points_.begin(), points_.end(), [&](const Point& point) {
      return point.load == best.load && point.role == best.role;
    });
    if (measured > 1 || best.load.kind != LoadKind::kConcurrency ||
        best.output_tokens_per_second_ci <= kEnoughForAScore * best.output_tokens_per_second) {
      return stop;
    }
    return Measure(best.load, "the limit, with the precision of a score", ScorePrecision());
  }

  // The search is over, and its answer is a rate of few requests: once more for longer, if there is time for that.
  LoadDecision AnswerAgain(LoadDecision stop, PointRole role) const {
    const bool over = stop.reason == StopReason::kFound || stop.reason == StopReason::kCapacity;
    if (stop.next || !over || !stop.best || input_.slo.bounds.empty()) return stop;
    const Point& best = points_[*stop.best];
    if (best.role != role) return stop;
    const auto measured = std::count_if(points_.begin(), points_.end(), [&](const Point& point) {
      return point.load == best.load && point.role == best.role && !IsInvalid(point);
    });
    if (best.load.kind != LoadKind::kRequestRate || best.requests >= kFewestAnswers || measured > 1) return stop;
    if (input_.plan.mode == LoadMode::kFixedRate) return stop;
    if (input_.time_left) {
      // A ramp and a drain, too.
      const double seconds = 1.5 * static_cast<double>(kEnoughAnswers) / best.load.value;
      if (std::chrono::duration<double>(*input_.time_left).count() < seconds) return stop;
    }
    Precision precision = ScorePrecision();
    precision.answers = kEnoughAnswers;
    LoadDecision again = Measure(best.load, "the answer, of few requests: once more for longer", precision);
    again.role = best.role;
    return again;
  }

  LoadDecision Measure(Load load, std::string why, Precision precision = {}) const {
    LoadDecision decision;
    decision.next = load;
    decision.precision = precision;
    decision.best = AnswerOf(rule_, points_);
    decision.limit = LimitOf(rule_, points_);
    decision.why = std::move(why);
    return decision;
  }

  // Time and the number of points, whatever is asked.
  LoadDecision Checked(LoadDecision decision) const {
    if (!decision.next || HasTimeFor(1)) return decision;
    return Stop(StopReason::kOutOfTime, "no time for another point");
  }

  // Whether so many more points fit into the time that is left, if each takes as long as the longest so far. Its ramp
  // and its drain take about as long as its window.
  [[nodiscard]] bool HasTimeFor(int points) const {
    if (!input_.time_left) return true;
    double longest = 0;
    for (const Point& point : points_) longest = std::max(longest, point.window_seconds);
    return input_.time_left->count() > 0 &&
           std::chrono::duration<double>(*input_.time_left).count() >= 2 * longest * points;
  }

  // Whether another closed loop would take the time of the rates after it, and this one is near enough to the limit: a
  // load not far above it misses the SLO, or it reaches the best score. A rate is worth more than one more loop.
  [[nodiscard]] bool IsTimeForARate(const Point& loop) const {
    if (HasTimeFor(1 + kReservedRates)) return false;
    const double score = PointScore(input_.score_metric, loop, input_.gpus);
    if (input_.score_to_beat) return score >= *input_.score_to_beat;
    return bracket_.low != nullptr && bracket_.high != nullptr &&
           bracket_.high->load <= kNearTheLimit * bracket_.low->load;
  }

  // The least score whose interval overlaps with that of the score to beat. `half_width`: of this configuration's.
  // REQUIRES: input_.score_to_beat.
  [[nodiscard]] double LeastTie(double half_width) const {
    return *input_.score_to_beat - std::hypot(input_.score_to_beat_ci, half_width);
  }
  // ... while its limit is searched: it will be known to the resolution.
  [[nodiscard]] double LeastTie() const { return LeastTie(input_.plan.resolution * *input_.score_to_beat); }

  bool CannotWin() {
    if (!input_.score_to_beat) return false;
    const double to_beat = *input_.score_to_beat;
    if (const auto latency = LatencyOf(input_.score_metric)) return IsTooSlow(*latency, -to_beat);
    for (const Point& point : points_) {
      if (IsInvalid(point) || MeetsSlo(input_.slo, point)) continue;
      if (point.load.kind != kind_ && kind_ == LoadKind::kRequestRate) continue;
      const double highest = HighestScore(input_, point, See(input_.slo, point, 0).excess);
      if (highest >= LeastTie()) continue;
      cannot_win_ = "misses the SLO at " + point.load.ToString() + ", where the score is at most " +
                    FourDigits(highest) + " per GPU; the best score is " + FourDigits(to_beat);
      return true;
    }
    return false;
  }

  // Of latency objectives: the reference load alone decides.
  bool IsTooSlow(Metric latency, double to_beat) {
    for (const Point& point : points_) {
      if (IsInvalid(point) || point.role != PointRole::kReference) continue;
      const double p50 = point.Get(latency).p50;
      const double deviation = RelativeDeviation(point, latency).value_or(kUnknownDeviation);
      const double half_width = kHalfWidth * deviation * p50;
      if (-p50 >= LeastTie(half_width)) continue;
      char half_widths[2][32];
      std::snprintf(half_widths[0], sizeof half_widths[0], "%.2g", half_width);
      std::snprintf(half_widths[1], sizeof half_widths[1], "%.2g", input_.score_to_beat_ci);
      cannot_win_ = std::string(MetricName(latency)) + " p50 is " + FourDigits(p50) + " ms (±" + half_widths[0] +
                    ") at " + point.load.ToString() + "; the best is " + FourDigits(to_beat) + " ms (±" +
                    half_widths[1] + ")";
      return true;
    }
    return false;
  }

  LoadDecision Ladder() const {
    const std::vector<double>& fixed = input_.plan.fixed;
    if (!bracket_.seen.empty() && points_[bracket_.seen.back().index].saturated) {
      return Stop(StopReason::kLadderDone, "the last rate is beyond saturation");
    }
    // Of those that say something: an invalid one was measured again.
    const std::size_t measured = bracket_.seen.size();
    if (measured >= fixed.size()) return Stop(StopReason::kLadderDone, "all loads are measured");
    return Measure({kind_, fixed[measured]}, "the next of the given loads");
  }

  // A closed loop's limit, as a rate: bursts break what an even loop keeps. The limit's own rate first, then down by
  // the tail's ratio and between.
  LoadDecision WithRate(const LoadDecision& limit) const {
    if (!limit.best || kind_ != LoadKind::kConcurrency || input_.plan.reference_share > 0) return limit;
    const Bracket rates = BracketOf(input_.slo, points_, LoadKind::kRequestRate, PointRole::kConfirmation);
    if (rates.seen.empty()) {
      return MeasureRate(points_[*limit.best].requests_per_second, "the limit as a rate", rates);
    }
    const bool enough = rates.seen.size() >= kMaxConfirmations;
    if (rates.high == nullptr || enough) return limit;
    const double high = rates.high->load;
    if (rates.low != nullptr) {
      const double low = rates.low->load;
      const double step = 1 + input_.plan.resolution;
      if (high <= low * step) return limit;
      const double middle = std::sqrt(high * low);
      const double crossing = std::exp(RangeOf(rates, points_).low);
      // No nearer to what is known than tells something.
      const bool wide = high > low * step * step;
      return MeasureRate(wide ? std::clamp(crossing, low * step, high / step) : middle, "between two rates", rates);
    }
    // A tail grows faster than the rate.
    const double factor =
        std::clamp(std::exp(-rates.high->excess / kSlopeOfARate), 0.7, 1 / (1 + input_.plan.resolution));
    return MeasureRate(high * factor, "lower by the ratio of the tail latencies", rates);
  }

  LoadDecision MeasureRate(double rate, std::string why, const Bracket& rates,
                           PointRole role = PointRole::kConfirmation) const {
    LoadDecision decision = Measure({LoadKind::kRequestRate, Rounded(LoadKind::kRequestRate, rate, rate)},
                                    std::move(why), ScorePrecision(SlopeOf(rates)));
    decision.role = role;
    return decision;
  }

  // The limit of a search by concurrency within an SLO, if its queue stands.
  [[nodiscard]] std::optional<std::size_t> OnlyTheCapacity() const {
    if (input_.plan.mode != LoadMode::kAutoConcurrency || input_.plan.reference_share > 0) return std::nullopt;
    if (input_.slo.bounds.empty() || input_.warm_up.empty()) return std::nullopt;
    const auto limit = LimitOf(rule_, points_);
    if (!limit || !QueueStands(points_[*limit], input_.warm_up.front().ttft.mean)) return std::nullopt;
    return limit;
  }

  // Which rate the SLO holds at, below the requests/s of the loop: between two rates, or a rate and the loop's, that
  // are `resolution` apart.
  LoadDecision Sustained(const LoadDecision& limit, const Point& loop) const {
    const Bracket rates = BracketOf(input_.slo, points_, LoadKind::kRequestRate, PointRole::kSustained);
    const double capacity = loop.requests_per_second, step = 1 + input_.plan.resolution;
    if (rates.seen.empty()) {
      // As it is more than what a rate sustains, nothing else has to be known of what cannot win.
      if (input_.score_to_beat && PointScore(input_.score_metric, loop, input_.gpus) < LeastTie()) return limit;
      return MeasureRate(capacity * FirstShare(loop),
                         "the queue always stands at " + loop.load.ToString() + ": what rate meets the SLO?", rates,
                         PointRole::kSustained);
    }
    const double high = rates.high != nullptr ? rates.high->load : capacity;
    if (rates.low == nullptr) {
      if (points_[rates.high->index].mean_concurrency < kAlone) {
        return Stop(StopReason::kInfeasible, "requests that arrive alone miss the SLO");
      }
      if (rates.seen.size() >= kMostRates) return Stop(StopReason::kOutOfTime, kAllMissed);
      // A tail grows faster than the rate. Where one after the other is missed by little, the steps grow.
      const double least = std::pow(step, -static_cast<double>(rates.seen.size()));
      const double factor = std::clamp(std::exp(-rates.high->excess / kSlopeOfARate), std::min(0.7, least), least);
      return MeasureRate(high * factor, "lower by the ratio of the tail latencies", rates, PointRole::kSustained);
    }
    const double low = rates.low->load;
    const bool enough = rates.seen.size() >= kMaxConfirmations && high <= kNearTheLimit * low;
    if (enough || rates.seen.size() >= kMostRates || high <= low * step * 1.0001) return limit;
    double rate = std::sqrt(high * low);
    // No nearer to what is known than tells something.
    if (rates.high != nullptr && high > low * step * step) {
      rate = std::clamp(std::exp(RangeOf(rates, points_).low), low * step, high / step);
    }
    return MeasureRate(rate, "between two rates", rates, PointRole::kSustained);
  }

  // Of the loop's requests/s: where the first token's tail meets its limit if requests wait for one of as many places
  // as the loop has requests, and each takes equally long: P(wait > t) = exp(-2 (1 - share) places t / length), heavy
  // traffic of several servers (Koellerstroem, Journal of Applied Probability 11, 1974).
  [[nodiscard]] double FirstShare(const Point& loop) const {
    constexpr double kLeast = 0.7;
    const double most = 1 / (1 + input_.plan.resolution);
    double share = most;
    for (const Bound& bound : input_.slo.bounds) {
      if (bound.metric != Metric::kTtft) continue;
      const Statistic statistic = StatisticOf(input_.slo, bound);
      const double beyond = statistic == Statistic::kMean ? 0.37 : 1 - measurement::Share(statistic);
      const double wait = std::max(bound.limit - input_.warm_up.front().ttft.mean, 1e-3);
      const double length = std::max(loop.e2e.mean - loop.ttft.mean, 0.0);
      share = std::min(share, 1 - std::log(1 / beyond) * length / (2 * loop.load.value * wait));
    }
    return std::max(share, kLeast);
  }

  LoadDecision Predicted() const {
    const std::vector<MeasuredLoad> measured = MeasuredLoads(input_, points_);
    const double to_beat = input_.score_to_beat ? std::max(LeastTie(), 0.0) * PredictedPerScore(input_) : 0;
    const NextLoad next = ChooseNextLoad(*input_.prediction, measured, to_beat, input_.seed);
    if (next.action != LoadAction::kStop && points_.size() < kMaxPoints) {
      return Measure({kind_, Rounded(kind_, next.load, Most())}, std::string(LoadReasonName(next.reason)),
                     ScorePrecision());
    }
    // Where no load would win, the lower ones were not tried: whether they meet the limits is not known.
    if (bracket_.low == nullptr && next.reason != LoadReason::kNoGain) {
      return Stop(StopReason::kInfeasible, std::string(LoadReasonName(next.reason)));
    }
    if (input_.score_to_beat && MostAtLimit() < LeastTie()) {
      return Stop(StopReason::kCannotWin, "no load is expected to reach the best score");
    }
    // It leads, or may tie: the limit between the loads of the prediction is its score.
    return input_.slo.bounds.empty() ? Stop(StopReason::kCapacity, "no SLO: the capacity") : Limit();
  }

  // Score at the highest load at which the limit may be: the loads of a prediction are up to half apart.
  [[nodiscard]] double MostAtLimit() const {
    constexpr double kLoadsApart = 1.5;
    const auto score = [&](const Seen& seen) {
      return PointScore(input_.score_metric, points_[seen.index], input_.gpus);
    };
    // As much more or less load as its latency has room, with the usual slope.
    const auto room = [](const Seen& seen) { return std::exp(-seen.excess / kUsualSlope); };
    double most = 0;
    for (const Seen& seen : bracket_.seen) {
      if (seen.kept) most = std::max(most, score(seen));
    }
    if (input_.slo.bounds.empty()) return most;
    if (bracket_.low == nullptr) return bracket_.high == nullptr ? 0 : score(*bracket_.high) * room(*bracket_.high);
    if (bracket_.high != nullptr) return std::max(most, score(*bracket_.high));
    return most * std::min(room(*bracket_.low), kLoadsApart);
  }

  // Whether the server has more requests than it runs at once: by its counters, else by the wait for the first token.
  [[nodiscard]] bool IsFull(const Point& loop) const {
    constexpr double kWaiting = 1;
    if (loop.engine.waiting && *loop.engine.waiting >= kWaiting) return true;
    return !input_.warm_up.empty() && QueueStands(loop, input_.warm_up.front().ttft.mean);
  }

  // No bound: as much as is let run at once.
  LoadDecision Capacity() const {
    const double most = input_.plan.max;
    const double places = MaxRunningRequests(input_.warm_up);
    if (bracket_.seen.empty()) {
      // A few more than run, so that none runs dry: far more would only wait.
      double load = most;
      if (places > 0) load = std::min(load, std::ceil(places * kMoreThanRun));
      if (input_.admitted) load = std::min(most, std::ceil(*input_.admitted * kMoreThanRun));
      return Measure({kind_, std::max(load, 1.0)}, "no SLO: the capacity");
    }
    // The warm-up may have seen fewer run than can.
    const Seen& last = bracket_.seen.back();
    if (!input_.admitted && bracket_.seen.size() == 1 && last.load < most && !IsFull(points_[last.index])) {
      return Measure({kind_, most}, "no request waits there: as many as may be in flight");
    }
    return Stop(bracket_.low != nullptr ? StopReason::kCapacity : StopReason::kInfeasible, "no SLO: the capacity");
  }

  [[nodiscard]] double Most() const {
    return kind_ == LoadKind::kConcurrency ? input_.plan.max : std::numeric_limits<double>::infinity();
  }

  // What the warm-up knows, as closed loops in between: one request, as many as run at once, and the many that were
  // sent. Up to the second a batch grows its steps, beyond it requests wait.
  [[nodiscard]] std::vector<Point> Known() const {
    if (input_.warm_up.size() < 2) return {};
    const Point& one = input_.warm_up.front();
    const Point& many = input_.warm_up.back();
    Point full = many;
    full.load.value = MaxRunningRequests(input_.warm_up);
    if (full.load.value <= one.load.value || full.load.value >= many.load.value) return {one, many};
    for (const Statistic statistic : kStatistics) {
      const double first = kPromptsMeet * one.ttft.Get(statistic);
      full.ttft.Set(statistic, first);
      full.e2e.Set(statistic, std::max(many.e2e.Get(statistic) - many.ttft.Get(statistic), 0.0) + first);
    }
    return {one, full, many};
  }

  // The closed loop at which the limit is, if latencies rise evenly between those that are known.
  [[nodiscard]] double ExpectedLimit(std::span<const Point> known) const {
    double load = known.back().load.value;
    for (const Bound& bound : input_.slo.bounds) {
      for (std::size_t i = 1; i < known.size(); ++i) {
        const double here = known[i - 1].Get(bound.metric).Get(bound.statistic);
        const double there = known[i].Get(bound.metric).Get(bound.statistic);
        if (there <= bound.limit) continue;
        const double from = known[i - 1].load.value, to = known[i].load.value;
        const double share = there > here ? std::clamp((bound.limit - here) / (there - here), 0.0, 1.0) : 0;
        load = std::min(load, from + share * (to - from));
        break;
      }
    }
    return load;
  }

  // Requests/s of a closed loop between those that are known, by Little's law.
  static double RateOfLoop(std::span<const Point> known, double in_flight) {
    std::size_t i = 1;
    while (i + 1 < known.size() && known[i].load.value < in_flight) ++i;
    const Point &below = known[i - 1], &above = known[i];
    const double share = (in_flight - below.load.value) / (above.load.value - below.load.value);
    return in_flight / ((below.e2e.mean + share * (above.e2e.mean - below.e2e.mean)) / 1e3);
  }

  // However wide the interval of the score to beat is.
  [[nodiscard]] double FirstToBeat() const { return std::max(LeastTie(), 0.5 * *input_.score_to_beat); }

  LoadDecision First() const {
    const std::vector<Point> known = Known();
    const double expected = known.empty() ? 0 : ExpectedLimit(known);
    if (kind_ == LoadKind::kConcurrency) {
      double load = expected > 0 ? expected : kFirstConcurrency;
      if (input_.start && input_.start->kind == kind_) load = input_.start->value;
      if (input_.admitted && !input_.start) load = std::min(load, std::max(*input_.admitted, 1.0));
      return Measure({kind_, Rounded(kind_, load, Most())},
                     input_.start ? "the load of the best configuration" : "a first look", Exploring());
    }
    if (input_.score_to_beat && input_.mean_output_tokens > 0 && input_.score_metric == ScoreMetric::kOutputTokens) {
      // Just below what ties with it: a rate that is missed here decides it.
      const double rate = FirstToBeat() * std::max(input_.gpus, 1) / input_.mean_output_tokens * 0.995;
      return Measure({kind_, Rounded(kind_, rate, Most())}, "the rate of the best score", ScorePrecision());
    }
    if (input_.score_to_beat && input_.score_metric == ScoreMetric::kAttainedRequests) {
      const double rate = FirstToBeat() * std::max(input_.gpus, 1) * 0.995;
      return Measure({kind_, Rounded(kind_, rate, Most())}, "the rate of the best score", ScorePrecision());
    }
    if (input_.start && input_.start->kind == kind_) {
      return Measure(*input_.start, "the load of the best configuration", ScorePrecision());
    }
    if (!points_.empty()) return Stop(StopReason::kInfeasible, "no request was answered");
    if (expected > 0) {
      const double rate = kOfALoopsRate * RateOfLoop(known, expected);
      return Measure({kind_, Rounded(kind_, rate, Most())}, "a first look", Exploring());
    }
    // How many requests/s a moderate closed loop gets through: the rate to continue from.
    return Measure(Concurrency(static_cast<int>(std::min(kFirstConcurrency, static_cast<double>(input_.plan.max)))),
                   "a first look", Exploring());
  }

  // Nothing is broken yet: further up.
  LoadDecision Up() const {
    const Seen& last = bracket_.seen.back();
    if (last.load >= Most()) return Finish(StopReason::kCapacity, "the SLO is met at the maximum load");
    const Seen* before = nullptr;  // the nearest lower load
    for (const Seen& seen : bracket_.seen) {
      if (seen.load < last.load) before = &seen;
    }
    double lower = 0;  // the highest throughput of loads that are far enough below
    for (const Seen& seen : bracket_.seen) {
      if (last.load >= kPlateauLoad * seen.load) lower = std::max(lower, points_[seen.index].output_tokens_per_second);
    }
    if (lower > 0 && kind_ == LoadKind::kConcurrency) {
      const Point& point = points_[last.index];
      if (point.output_tokens_per_second < kPlateau * lower &&
          point.output_tokens_per_second + point.output_tokens_per_second_ci < kPlateauAtMost * lower) {
        // Throughput may dip and rise again, with the sizes of batches that the engine's kernels are made for.
        const double places = std::min(MaxRunningRequests(input_.warm_up), Most());
        if (last.load * kPlateauLoad <= places) {
          return Measure({kind_, Rounded(kind_, places, Most())},
                         "no more throughput here: as many as the engine runs at once", Exploring());
        }
        return Finish(StopReason::kCapacity, "more load gives no more throughput");
      }
    }
    double factor = 4;
    const double x2 = std::log(last.load);
    for (std::size_t i = 0; i < last.excesses.size(); ++i) {
      const double x = before == nullptr
                           ? x2 - last.excesses[i] / (kind_ == LoadKind::kRequestRate ? kSlopeOfARate : 1)
                           : Crossing(std::log(before->load), before->excesses[i], x2, last.excesses[i], 0.3);
      factor = std::min(factor, std::exp(x - x2));
    }
    // A little beyond, so that the limit is between two points.
    factor = std::clamp(factor * kBeyond, kLeastStep, 4.0);
    double next = last.load * factor;
    // Hardly more than all places together get through. Where the warm-up knows only a single request, it says nothing.
    if (kind_ == LoadKind::kRequestRate && input_.warm_up.size() >= 2) {
      const double capacity = kBeyondCapacity * input_.warm_up.back().requests_per_second;
      next = std::min(next, std::max(capacity, kLeastStep * last.load));
    }
    double load = Rounded(kind_, next, Most());
    if (load <= last.load) load = Rounded(kind_, last.load + 1, Most());
    return Measure({kind_, load}, "the SLO is met: higher", Exploring());
  }

  // Everything is broken: further down.
  LoadDecision Down() const {
    const Seen& first = bracket_.seen.front();
    const bool alone =
        kind_ == LoadKind::kConcurrency ? first.load <= 1 : points_[first.index].mean_concurrency < MostAlone();
    if (alone) return Stop(StopReason::kInfeasible, "a single request misses the SLO");
    // Of a rate, a tail grows faster than the load.
    double x = std::log(first.load) - first.excess / (kind_ == LoadKind::kRequestRate ? kSlopeOfARate : 1);
    const auto next = std::find_if(bracket_.seen.begin(), bracket_.seen.end(),
                                   [&](const Seen& seen) { return seen.load > first.load; });
    if (next != bracket_.seen.end()) {
      const double slope = (next->excess - first.excess) / (std::log(next->load) - std::log(first.load));
      x = std::log(first.load) - first.excess / std::clamp(slope, 0.1, 3.0);
    }
    const double factor = std::clamp(std::exp(x) / first.load * 0.95, 0.125, 0.85);
    double load = Rounded(kind_, first.load * factor, Most());
    if (kind_ == LoadKind::kConcurrency && load >= first.load) load = first.load - 1;
    return Measure({kind_, load}, "the SLO is missed: lower", Exploring());
  }

  // Requests in flight at a rate whose misses are those of a single request. Where that one meets the limits, two that
  // arrive together may be what misses them, and lower rates have fewer of these.
  [[nodiscard]] double MostAlone() const {
    constexpr double kHardlyMeeting = 0.5;
    if (input_.warm_up.empty()) return kHardlyMeeting;
    const Excesses one = ExcessesOf(input_.slo, input_.warm_up.front());
    const bool meets = !one.empty() && std::all_of(one.begin(), one.end(), [](double excess) { return excess <= 0; });
    return meets ? kAlone : kHardlyMeeting;
  }

  // Where a number says nothing of how far the limit is, or the last two points have hardly closed the bracket.
  [[nodiscard]] bool IsStuck() const {
    if (bracket_.high->misleads) return true;
    constexpr std::size_t kLast = 2;
    constexpr double kClosed = 0.5;  // of the bracket before them, in ln(load)
    if (bracket_.seen.size() <= kLast + 1) return false;
    std::vector<std::size_t> order;
    for (const Seen& seen : bracket_.seen) order.push_back(seen.index);
    std::sort(order.begin(), order.end());
    const Bracket before = BracketOf(input_.slo, points_.first(order[order.size() - kLast]), kind_);
    if (before.low == nullptr || before.high == nullptr) return false;
    const auto width = [](const Bracket& bracket) { return std::log(bracket.high->load / bracket.low->load); };
    return width(bracket_) > kClosed * width(before);
  }

  LoadDecision Limit() const {
    if (bracket_.seen.empty()) return First();
    if (points_.size() >= kMaxPoints) {
      if (bracket_.low == nullptr) return Stop(StopReason::kOutOfTime, kAllMissed);
      // Nothing was broken: the limit is higher.
      if (bracket_.high == nullptr) return Stop(StopReason::kOutOfTime, "every one of as many points meets the SLO");
      return Stop(StopReason::kFound, "enough points");
    }
    if (input_.confirms && input_.start && bracket_.low != nullptr && bracket_.low->load >= input_.start->value) {
      return Finish(StopReason::kFound, "the limit is confirmed by a fresh start");
    }
    if (bracket_.high == nullptr) return Up();
    if (bracket_.low == nullptr) return Down();
    const double low = bracket_.low->load, high = bracket_.high->load;
    const double step = 1 + input_.plan.resolution;
    const bool neighbours = kind_ == LoadKind::kConcurrency && high - low <= 1;
    const bool is_load = points_[bracket_.low->index].load.kind == kind_;
    if (is_load && (neighbours || high <= low * step * 1.0001)) return Finish(StopReason::kFound, "between two points");

    const LimitRange range = RangeOf(bracket_, points_);
    if (is_load && std::exp(range.high) <= low * (1 + 0.6 * input_.plan.resolution))
      return Finish(StopReason::kFound, "the limit is within the resolution");
    const double half = std::sqrt(step);
    double load = std::sqrt(low * high);
    if (high > low * step * step && !IsStuck()) load = std::exp(range.low);
    // No nearer to what is known than tells something.
    if (high > low * step) load = std::clamp(load, low * half, high / half);
    load = Rounded(kind_, load, Most());
    if (kind_ == LoadKind::kConcurrency) load = std::clamp(load, low + 1, high - 1);
    const bool exploring = high > low * kNearTheLimit;
    return Measure({kind_, load}, "between two points", exploring ? Exploring() : ScorePrecision(SlopeOf(bracket_)));
  }

  // How steeply the bound that is broken first rises between two points, of ln(latency) over ln(load).
  static double SlopeOf(const Bracket& bracket) {
    constexpr double kFlattest = 1, kSteepest = 8;
    if (bracket.low == nullptr || bracket.high == nullptr) return kUsualSlope;
    const Seen& low = *bracket.low;
    const Seen& high = *bracket.high;
    const auto binding = std::max_element(high.excesses.begin(), high.excesses.end());
    if (binding == high.excesses.end() || high.misleads) return kUsualSlope;
    const double rise = *binding - low.excesses[static_cast<std::size_t>(binding - high.excesses.begin())];
    return std::clamp(rise / std::log(high.load / low.load), kFlattest, kSteepest);
  }

  [[nodiscard]] Precision Exploring() const {
    return {kEnoughWhileExploring, true, kOpenOfTheResolution * input_.plan.resolution * kUsualSlope};
  }

  // A latency that is known to `slope` times a share of the load tells that share of the load.
  [[nodiscard]] Precision ScorePrecision(double slope = kUsualSlope) const {
    const double share = kOfTheResolution * input_.plan.resolution;
    return {std::max(Precision().throughput, share), true, kOpenOfTheResolution * input_.plan.resolution * slope};
  }

  const LoadSearchInput& input_;
  std::span<const Point> points_;
  LoadKind kind_;
  AnswerRule rule_;
  Bracket bracket_;
  std::string cannot_win_;
};

}  // namespace

std::string_view StopReasonName(StopReason reason) { return kReasonNames[static_cast<std::size_t>(reason)].second; }

std::optional<StopReason> StopReasonFromName(std::string_view name) {
  for (const auto& [reason, known] : kReasonNames) {
    if (known == name) return reason;
  }
  return std::nullopt;
}

LoadDecision DecideLoad(const LoadSearchInput& input, std::span<const Point> points) {
  return Search(input, points).Decide();
}

}  // namespace autotune::measurement
