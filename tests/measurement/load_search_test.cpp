#include "measurement/load_search.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <vector>

#include "measurement/long_run.h"
#include "tests/measurement/synthetic_engine.h"

namespace autotune::measurement {
namespace {

using ::testing::HasSubstr;

constexpr double kNoise = 0.02;

struct Found {
  LoadDecision decision;
  std::vector<Point> points;
  [[nodiscard]] double Limit() const { return decision.best ? points[*decision.best].load.value : 0; }
};

Found SearchOn(const SyntheticEngine& engine, const LoadSearchInput& input, std::uint64_t seed, double noise = kNoise) {
  KeyedRandom random(seed, 3);
  Found found;
  for (;;) {
    found.decision = DecideLoad(input, found.points);
    if (!found.decision.next || found.points.size() > 20) return found;
    found.points.push_back(engine.Measure(input.slo, *found.decision.next, noise, random));
    found.points.back().role = found.decision.role;
  }
}

Point At(const SyntheticEngine& engine, LoadKind kind, double share) {
  const double load =
      kind == LoadKind::kConcurrency ? std::max(2.0, std::round(engine.slots * share)) : engine.Capacity() * share;
  return engine.Truth({}, {kind, load});
}

struct ArrivalMode {
  const char* name;
  LoadMode mode;
  double variability;
};
constexpr ArrivalMode kModes[] = {{"closed loop", LoadMode::kAutoConcurrency, 1},
                                  {"Poisson", LoadMode::kAutoRate, 1},
                                  {"constant", LoadMode::kAutoRate, 0.3},
                                  {"gamma", LoadMode::kAutoRate, 3}};

// SLOs whose limit lies somewhere between 15 % and 100 % of the engine's own.
Slo SloOf(int kind, const SyntheticEngine& engine, LoadKind load, std::uint64_t seed) {
  KeyedRandom random(seed, static_cast<std::uint64_t>(kind) + 10);
  const double share = 0.15 + 0.8 * random.Uniform();
  Slo slo;
  switch (kind) {
    case 0:  // prompts queue before slots do
      slo.bounds = {{Metric::kTtft, Statistic::kP99, At(engine, load, std::min(share * 1.3, 1.0)).ttft.p99}};
      break;
    case 1:
      slo.bounds = {{Metric::kTpot, Statistic::kP90, At(engine, load, share).tpot.p90}};
      break;
    case 2:
      slo.bounds = {{Metric::kTtft, Statistic::kP99, At(engine, load, 1.2).ttft.p99},
                    {Metric::kE2e, Statistic::kP90, At(engine, load, share).e2e.p90}};
      break;
    case 3:  // far above what a request alone takes: only waiting for a slot breaks it
      slo.bounds = {{Metric::kTtft, Statistic::kP90, 2000}};
      break;
    default:
      slo.bounds = {{Metric::kTtft, Statistic::kP99, At(engine, load, share).ttft.p90},
                    {Metric::kTpot, Statistic::kP99, At(engine, load, 1).tpot.p99 * 1.3}};
      slo.attainment = 0.9;
      break;
  }
  return slo;
}

TEST(DecideLoad, FindsWhatAFineSweepFinds) {
  constexpr int kSeeds = 20, kSlos = 5;
  int searches = 0, beyond = 0, more_than_six = 0;
  for (const ArrivalMode& mode : kModes) {
    double points = 0, error = 0;
    for (int kind = 0; kind < kSlos; ++kind) {
      for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        SyntheticEngine engine = SyntheticEngine::Random(seed);
        engine.variability = mode.variability;
        LoadSearchInput input;
        input.plan.mode = mode.mode;
        input.slo = SloOf(kind, engine, KindOf(mode.mode), seed);
        const Found found = SearchOn(engine, input, seed);
        const bool closed = KindOf(mode.mode) == LoadKind::kConcurrency;
        const double truth = engine.BruteForceLimit(input.slo, KindOf(mode.mode), closed ? input.plan.max : 1e9);
        // Requests in flight are whole numbers: one less is as near as 5 % may be.
        const double off = closed && std::abs(found.Limit() - truth) <= 1 ? 0 : found.Limit() / truth - 1;
        ++searches;
        beyond += std::abs(off) > 0.05;
        more_than_six += found.points.size() > 6;
        points += static_cast<double>(found.points.size()) / (kSeeds * kSlos);
        error += std::abs(off) / (kSeeds * kSlos);
        // Whatever the noise does: within what it can move the limit by.
        EXPECT_LT(std::abs(off), 0.17) << mode.name << ", SLO " << kind << ", seed " << seed;
        EXPECT_LE(found.points.size(), 10U);
      }
    }
    std::printf("%s: %.1f points, off by %.1f %% on average\n", mode.name, points, 100 * error);
    EXPECT_LT(points, 6) << mode.name;
    EXPECT_LT(error, 0.03) << mode.name;
  }
  std::printf("%d searches: %d off by more than 5 %%, %d took more than 6 points\n", searches, beyond, more_than_six);
  EXPECT_LT(beyond, searches / 10);
  EXPECT_LT(more_than_six, 3 * searches / 10);
}

TEST(DecideLoad, IsExactWithoutNoise) {
  for (const ArrivalMode& mode : kModes) {
    for (int kind = 0; kind < 5; ++kind) {
      for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        SyntheticEngine engine = SyntheticEngine::Random(seed);
        engine.variability = mode.variability;
        LoadSearchInput input;
        input.plan.mode = mode.mode;
        input.slo = SloOf(kind, engine, KindOf(mode.mode), seed);
        const Found found = SearchOn(engine, input, seed, 0);
        const bool closed = KindOf(mode.mode) == LoadKind::kConcurrency;
        const double truth = engine.BruteForceLimit(input.slo, KindOf(mode.mode), closed ? input.plan.max : 1e9);
        EXPECT_LE(found.Limit(), truth * 1.003) << "a load that meets the SLO";
        EXPECT_GE(found.Limit() + (closed ? 1 : 0), truth * 0.95) << mode.name << ", SLO " << kind << ", seed " << seed;
      }
    }
  }
}

TEST(DecideLoad, GivesTheSameAnswerAgain) {
  for (const ArrivalMode& mode : kModes) {
    const SyntheticEngine engine = SyntheticEngine::Random(4);
    LoadSearchInput input;
    input.plan.mode = mode.mode;
    input.slo = SloOf(0, engine, KindOf(mode.mode), 4);
    const Found one = SearchOn(engine, input, 8);
    const Found two = SearchOn(engine, input, 8);
    EXPECT_EQ(one.points, two.points);
    // ... from any point on: a restarted pod decides as the one before.
    for (std::size_t n = 0; n + 1 < one.points.size(); ++n) {
      const LoadDecision decision = DecideLoad(input, std::span(one.points).first(n));
      ASSERT_TRUE(decision.next);
      EXPECT_EQ(*decision.next, one.points[n].load);
    }
  }
}

TEST(DecideLoad, NeverFindsLessForALooserSlo) {
  for (const ArrivalMode& mode : kModes) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
      SyntheticEngine engine = SyntheticEngine::Random(seed);
      engine.variability = mode.variability;
      double previous = 0;
      for (const double factor : {1.0, 1.3, 2.0, 4.0}) {
        LoadSearchInput input;
        input.plan.mode = mode.mode;
        input.slo = SloOf(0, engine, KindOf(mode.mode), seed);
        input.slo.bounds[0].limit *= factor;
        const double limit = SearchOn(engine, input, seed, 0).Limit();
        EXPECT_GE(limit, previous * 0.95) << mode.name << ", seed " << seed << ", factor " << factor;
        previous = limit;
      }
    }
  }
}

// Engines that differ in speed around an incumbent, whose limit and score are known.
TEST(Racing, NeverDropsAWinnerAndEndsLosersEarly) {
  for (const ArrivalMode& mode : kModes) {
    int losers = 0, trials = 0, after_two = 0;
    double points_of_losers = 0;
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
      SyntheticEngine incumbent = SyntheticEngine::Random(seed);
      incumbent.variability = mode.variability;
      const LoadKind kind = KindOf(mode.mode);
      const double most = kind == LoadKind::kConcurrency ? 512 : 1e9;
      LoadSearchInput input;
      input.plan.mode = mode.mode;
      input.slo = SloOf(static_cast<int>(seed % 4), incumbent, kind, seed);
      const double limit = incumbent.BruteForceLimit(input.slo, kind, most);
      if (limit == 0) continue;
      input.start = Load{kind, limit};
      input.score_to_beat = PointScore(input.score_metric, incumbent.Truth(input.slo, *input.start), 1);
      input.mean_output_tokens = incumbent.output;

      for (const double speed : {0.5, 0.7, 0.85, 0.95, 1.08, 1.15, 1.3, 2.0}) {
        SyntheticEngine candidate = incumbent;
        candidate.prefill /= speed;
        candidate.step /= speed;
        candidate.per_seq /= speed;
        const double truth = candidate.BruteForceLimit(input.slo, kind, most);
        const double score =
            truth > 0 ? PointScore(input.score_metric, candidate.Truth(input.slo, {kind, truth}), 1) : 0;
        const Found found = SearchOn(candidate, input, seed * 100 + static_cast<std::uint64_t>(speed * 10));
        ++trials;
        if (score > 1.05 * *input.score_to_beat) {
          EXPECT_NE(found.decision.reason, StopReason::kCannotWin)
              << mode.name << ", seed " << seed << ", speed " << speed << ": " << found.decision.why;
          EXPECT_NE(found.decision.reason, StopReason::kInfeasible);
        } else if (score < 0.87 * *input.score_to_beat) {  // no tie, whatever the noise does
          ++losers;
          after_two += found.points.size() > 2;
          points_of_losers += static_cast<double>(found.points.size());
          EXPECT_LE(found.points.size(), 3U)
              << mode.name << ", seed " << seed << ", speed " << speed << ": " << found.decision.why;
          EXPECT_TRUE(found.decision.reason == StopReason::kCannotWin ||
                      found.decision.reason == StopReason::kInfeasible)
              << found.decision.why;
        }
      }
    }
    std::printf("%s: %d trials, %d losers ended after %.2f points\n", mode.name, trials, losers,
                points_of_losers / std::max(losers, 1));
    EXPECT_GT(losers, 50) << mode.name;
    EXPECT_LT(points_of_losers / losers, 1.2) << mode.name;
    EXPECT_LE(after_two, losers / 50) << mode.name;
  }
}

// Within the intervals of both: its score tells whether it ties.
TEST(Racing, ACandidateThatMayTieIsMeasuredToItsLimit) {
  for (const ArrivalMode& mode : kModes) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
      SyntheticEngine incumbent = SyntheticEngine::Random(seed);
      incumbent.variability = mode.variability;
      const LoadKind kind = KindOf(mode.mode);
      const double most = kind == LoadKind::kConcurrency ? 512 : 1e9;
      LoadSearchInput input;
      input.plan.mode = mode.mode;
      input.slo = SloOf(static_cast<int>(seed % 4), incumbent, kind, seed);
      const double limit = incumbent.BruteForceLimit(input.slo, kind, most);
      if (limit < 10) continue;  // one request in flight less is 10 %
      input.start = Load{kind, limit};
      input.score_to_beat = PointScore(input.score_metric, incumbent.Truth(input.slo, *input.start), 1);
      input.score_to_beat_ci = 0.04 * *input.score_to_beat;
      input.mean_output_tokens = incumbent.output;
      SyntheticEngine candidate = incumbent;
      for (double* time : {&candidate.prefill, &candidate.step, &candidate.per_seq}) *time /= 0.985;
      const double truth = candidate.BruteForceLimit(input.slo, kind, most);
      const double score = truth > 0 ? PointScore(input.score_metric, candidate.Truth(input.slo, {kind, truth}), 1) : 0;
      if (score < 0.96 * *input.score_to_beat) continue;
      const Found found = SearchOn(candidate, input, seed, 0.005);
      EXPECT_NE(found.decision.reason, StopReason::kCannotWin)
          << mode.name << ", seed " << seed << ", " << score / *input.score_to_beat << ": " << found.decision.why;
      EXPECT_NEAR(found.Limit() / truth, 1, 0.06) << mode.name << ", seed " << seed;
    }
  }
}

TEST(DecideLoad, MeasuresTheCapacityWhereThereIsNoSlo) {
  const SyntheticEngine engine = SyntheticEngine::Random(3);
  LoadSearchInput input;
  input.admitted = 100;
  const Found found = SearchOn(engine, input, 1);
  ASSERT_EQ(found.points.size(), 1U);
  EXPECT_EQ(found.points[0].load, Concurrency(111)) << "a few more than are let run";
  EXPECT_EQ(found.decision.reason, StopReason::kCapacity);
  input.admitted.reset();
  EXPECT_EQ(DecideLoad(input, {}).next, Concurrency(512));
}

TEST(DecideLoad, SaysThatAnSloIsInfeasible) {
  for (const ArrivalMode& mode : kModes) {
    const SyntheticEngine engine = SyntheticEngine::Random(5);
    LoadSearchInput input;
    input.plan.mode = mode.mode;
    input.slo.bounds = {{Metric::kTtft, Statistic::kP50, 0.1}};
    const Found found = SearchOn(engine, input, 1);
    EXPECT_EQ(found.decision.reason, StopReason::kInfeasible) << mode.name;
    EXPECT_FALSE(found.decision.best);
    EXPECT_LE(found.points.size(), 10U);
  }
}

TEST(DecideLoad, StopsWhereMoreLoadGivesNoMore) {
  SyntheticEngine engine = SyntheticEngine::Random(3);
  engine.slots = 24;
  LoadSearchInput input;
  input.slo.bounds = {{Metric::kTpot, Statistic::kP99, 1e6}};  // never broken
  const Found found = SearchOn(engine, input, 1);
  EXPECT_EQ(found.decision.reason, StopReason::kCapacity);
  EXPECT_LE(found.points.size(), 4U);
}

TEST(DecideLoad, TakesGivenLoadsInOrderAndStopsBeyondSaturation) {
  const SyntheticEngine engine = SyntheticEngine::Random(7);
  LoadSearchInput input;
  input.plan.mode = LoadMode::kFixedConcurrency;
  input.plan.fixed = {1, 8, 32};
  Found found = SearchOn(engine, input, 1);
  ASSERT_EQ(found.points.size(), 3U);
  EXPECT_EQ(found.decision.reason, StopReason::kLadderDone);
  EXPECT_EQ(found.points[1].load, Concurrency(8));
  EXPECT_EQ(found.decision.best, 2U);

  input.plan.mode = LoadMode::kFixedRate;
  const double capacity = engine.Capacity();
  input.plan.fixed = {0.5 * capacity, 1.2 * capacity, 2 * capacity};
  found = SearchOn(engine, input, 1);
  EXPECT_EQ(found.points.size(), 2U);
  EXPECT_EQ(found.decision.reason, StopReason::kLadderDone);
  EXPECT_THAT(found.decision.why, HasSubstr("beyond saturation"));
  EXPECT_EQ(found.decision.best, 0U);
}

TEST(DecideLoad, ConfirmsALimitAndItsRateInFewPoints) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const SyntheticEngine engine = SyntheticEngine::Random(seed);
    LoadSearchInput input;
    input.confirms = true;
    input.slo = SloOf(0, engine, LoadKind::kConcurrency, seed);
    const double closed = std::max(1.0, engine.BruteForceLimit(input.slo, LoadKind::kConcurrency, 512));
    input.start = Load{LoadKind::kConcurrency, closed};
    const Found found = SearchOn(engine, input, seed);
    EXPECT_LE(found.points.size(), 9U);
    ASSERT_TRUE(found.decision.best) << seed;
    EXPECT_NEAR(found.Limit(), closed, std::max(1.0, 0.12 * closed)) << seed;
    // The rate: what the closed loop does, or less where bursts break the SLO.
    const double rate = found.points[*found.decision.best].requests_per_second;
    const double truth = std::min(rate, engine.BruteForceLimit(input.slo, LoadKind::kRequestRate, 1e9));
    double held = 0;
    for (const Point& point : found.points) {
      if (point.role == PointRole::kConfirmation && MeetsSlo(input.slo, point)) held = std::max(held, point.load.value);
    }
    EXPECT_NEAR(held / truth, 1, 0.12) << seed;
  }
}

// A closed loop's numbers with everybody in the queue for a fifth of the time, and a rate's.
Point WithQueue(const Load& load, double requests_per_second, double ttft_ms, Verdict verdict) {
  Point point;
  point.load = load;
  point.requests = 1000;
  point.requests_per_second = requests_per_second;
  point.output_tokens_per_second = 128 * requests_per_second;
  for (const Statistic statistic : kStatistics) {
    point.ttft.Set(statistic, ttft_ms);
    point.e2e.Set(statistic, 4000 + ttft_ms);
  }
  point.mean_concurrency = requests_per_second * point.e2e.mean / 1e3;
  point.window_seconds = 30;
  point.verdict = verdict;
  return point;
}

LoadSearchInput WithWarmUp(double ttft_limit_ms) {
  LoadSearchInput input;
  input.slo.bounds = {{Metric::kTtft, Statistic::kP99, ttft_limit_ms}};
  input.plan.max = 512;
  input.warm_up = {WithQueue(Concurrency(1), 0.25, 30, Verdict::kUndecided)};
  return input;
}

// 512 in flight on an H200: 86 requests/s, each of which waits 1.25 s of 6 s.
TEST(DecideLoad, AsksForTheRateWhereTheQueueOfTheLimitStands) {
  const LoadSearchInput input = WithWarmUp(2000);
  std::vector<Point> points = {WithQueue(Concurrency(512), 86, 1250, Verdict::kMet)};
  LoadDecision decision = DecideLoad(input, points);
  EXPECT_EQ(decision.next, RequestRate(81.9)) << "86 / 1.05";
  EXPECT_EQ(decision.role, PointRole::kSustained);
  EXPECT_THAT(decision.why, HasSubstr("always stands at 512 in flight"));

  const auto measure = [&](double rate, double ttft_ms, Verdict verdict) {
    points.push_back(WithQueue(RequestRate(rate), rate, ttft_ms, verdict));
    points.back().role = PointRole::kSustained;
    decision = DecideLoad(input, points);
  };
  measure(81.9, 9000, Verdict::kMissed);
  ASSERT_TRUE(decision.next);
  EXPECT_NEAR(decision.next->value, 81.9 * 0.7, 0.1) << "far beyond: at most 30 % lower";
  measure(decision.next->value, 300, Verdict::kMet);
  ASSERT_TRUE(decision.next);
  EXPECT_GT(decision.next->value, 57.4);
  EXPECT_LT(decision.next->value, 81.9);
  EXPECT_EQ(decision.best, 2U);
  EXPECT_EQ(decision.limit, 0U);
  measure(78.5, 1500, Verdict::kMet);
  EXPECT_FALSE(decision.next) << "81.9 is 4 % more";
  EXPECT_EQ(decision.best, 3U);
}

TEST(DecideLoad, OneRateIsEnoughJustBelowTheCapacity) {
  const LoadSearchInput input = WithWarmUp(2000);
  std::vector<Point> points = {WithQueue(Concurrency(512), 86, 1250, Verdict::kMet),
                               WithQueue(RequestRate(81.91), 81.91, 300, Verdict::kMet)};
  points.back().role = PointRole::kSustained;
  const LoadDecision decision = DecideLoad(input, points);
  EXPECT_FALSE(decision.next);
  EXPECT_EQ(decision.best, 1U);
  EXPECT_EQ(decision.reason, StopReason::kCapacity);
}

// As on an H200, whose budget ended after three loops that met the SLO and before any rate.
TEST(DecideLoad, KeepsTimeForARateWhereTheLoopReachesTheBestScore) {
  LoadSearchInput input = WithWarmUp(2000);
  input.score_to_beat = 8625;
  std::vector<Point> points = {WithQueue(Concurrency(192), 78, 310, Verdict::kMet)};  // 9984 tokens/s
  input.time_left = std::chrono::seconds(400);
  EXPECT_EQ(DecideLoad(input, points).next->kind, LoadKind::kConcurrency);
  input.time_left = std::chrono::seconds(170);  // three times a window of 30 s, and as much around each
  const LoadDecision rate = DecideLoad(input, points);
  EXPECT_EQ(rate.next, RequestRate(74.29));
  EXPECT_EQ(rate.role, PointRole::kSustained);
  input.score_to_beat = 12'000;
  EXPECT_EQ(DecideLoad(input, points).next->kind, LoadKind::kConcurrency) << "a higher loop may reach it";
  input.score_to_beat = 8625;
  points.push_back(WithQueue(*rate.next, 74.29, 300, Verdict::kMet));
  points.back().role = PointRole::kSustained;
  input.time_left = std::chrono::seconds(110);
  const LoadDecision end = DecideLoad(input, points);
  EXPECT_FALSE(end.next);
  EXPECT_EQ(end.reason, StopReason::kOutOfTime) << "a higher loop was not measured";
  EXPECT_EQ(end.best, 1U);
}

TEST(DecideLoad, KeepsTimeForARateWhereTheLimitIsBetweenTwoLoops) {
  LoadSearchInput input = WithWarmUp(2000);
  input.time_left = std::chrono::seconds(170);
  std::vector<Point> points = {WithQueue(Concurrency(256), 78, 1000, Verdict::kMet)};
  EXPECT_EQ(DecideLoad(input, points).next->kind, LoadKind::kConcurrency) << "nothing tells how near the limit is";
  points.push_back(WithQueue(Concurrency(320), 80, 3000, Verdict::kMissed));
  EXPECT_EQ(DecideLoad(input, points).next, RequestRate(74.29));
  input.time_left.reset();
  EXPECT_EQ(DecideLoad(input, points).next->kind, LoadKind::kConcurrency);
}

TEST(DecideLoad, BeginsLowerWhereFewPlacesMakeABurstLong) {
  const LoadSearchInput input = WithWarmUp(230);
  // 1 - ln(100) * 4 s / (2 * 128 * 0.2 s)
  const std::vector<Point> points = {WithQueue(Concurrency(128), 30, 200, Verdict::kMet),
                                     WithQueue(Concurrency(129), 30, 240, Verdict::kMissed)};
  const LoadDecision decision = DecideLoad(input, points);
  ASSERT_TRUE(decision.next);
  EXPECT_NEAR(decision.next->value, 30 * 0.70, 0.01) << "not below 70 %";
  LoadSearchInput loose = WithWarmUp(530);
  loose.plan.max = 256;
  EXPECT_NEAR(DecideLoad(loose, std::vector{WithQueue(Concurrency(256), 60, 500, Verdict::kMet)}).next->value,
              60 * (1 - std::log(100) * 4 / (2 * 256 * 0.5)), 0.1);
}

TEST(DecideLoad, AsksForNoRateWhereNobodyWaitsNothingIsLimitedOrItCannotWin) {
  const std::vector<Point> points = {WithQueue(Concurrency(512), 86, 1250, Verdict::kMet)};
  EXPECT_TRUE(DecideLoad(WithWarmUp(2000), points).next);
  EXPECT_FALSE(DecideLoad(WithWarmUp(2000), std::vector{WithQueue(Concurrency(512), 86, 31, Verdict::kMet)}).next);
  LoadSearchInput input = WithWarmUp(2000);
  input.score_to_beat = 1.2 * 86 * 128;
  EXPECT_FALSE(DecideLoad(input, points).next) << "what it answers at most ties with nothing";
  input.score_to_beat = 1.02 * 86 * 128;
  EXPECT_TRUE(DecideLoad(input, points).next);
  input = WithWarmUp(2000);
  input.slo.bounds.clear();
  EXPECT_FALSE(DecideLoad(input, points).next) << "without an SLO the capacity is the answer";
  input = WithWarmUp(2000);
  input.warm_up.clear();
  EXPECT_FALSE(DecideLoad(input, points).next) << "what a request alone takes is not known";
}

// As for long prompts with short answers: each waits for the one before it, and the tail needs a nearly empty server.
TEST(DecideLoad, GoesOnDownwardsUntilARateMeetsTheSlo) {
  const LoadSearchInput input = WithWarmUp(500);
  std::vector<Point> points = {WithQueue(Concurrency(3), 4.4, 450, Verdict::kMet)};
  constexpr double kTruth = 0.6;
  LoadDecision decision = DecideLoad(input, points);
  while (decision.next) {
    ASSERT_LT(points.size(), 14U);
    const double rate = decision.next->value;
    const double ttft = rate > kTruth ? 550 + 50 * rate : 450;  // its numbers say little of how far the limit is
    points.push_back(WithQueue(*decision.next, rate, ttft, rate > kTruth ? Verdict::kMissed : Verdict::kMet));
    points.back().mean_concurrency = rate / 4;
    points.back().role = decision.role;
    decision = DecideLoad(input, points);
  }
  ASSERT_TRUE(decision.best);
  EXPECT_LE(points[*decision.best].load.value, kTruth);
  EXPECT_GE(points[*decision.best].load.value, kTruth / 1.3);
}

LoadDecision WhereEveryRateMisses(double mean_concurrency, std::vector<Point>& points) {
  const LoadSearchInput input = WithWarmUp(2000);
  points = {WithQueue(Concurrency(512), 86, 1250, Verdict::kMet)};
  LoadDecision decision = DecideLoad(input, points);
  while (decision.next && points.size() < 20) {
    points.push_back(WithQueue(*decision.next, decision.next->value / 2, 9000, Verdict::kMissed));
    points.back().mean_concurrency = mean_concurrency;
    points.back().role = decision.role;
    decision = DecideLoad(input, points);
  }
  return decision;
}

TEST(DecideLoad, EveryRateThatMissesTheSloIsABound) {
  std::vector<Point> points;
  const LoadDecision decision = WhereEveryRateMisses(20, points);
  EXPECT_EQ(decision.reason, StopReason::kOutOfTime);
  EXPECT_THAT(decision.why, HasSubstr("the limit is lower"));
  EXPECT_FALSE(decision.best);
  EXPECT_EQ(points.size(), 13U);
}

TEST(DecideLoad, IsInfeasibleWhereRequestsThatArriveAloneMissTheSlo) {
  std::vector<Point> points;
  EXPECT_EQ(WhereEveryRateMisses(0.04, points).reason, StopReason::kInfeasible);
  EXPECT_EQ(points.size(), 2U);
}

// A rate with less than one request in flight: two that arrive together miss the limit that one alone meets.
TEST(DecideLoad, ASearchByRateGoesOnDownwardsWhereASingleRequestMeetsTheSlo) {
  LoadSearchInput input = WithWarmUp(500);
  input.plan.mode = LoadMode::kAutoRate;
  std::vector<Point> points = {WithQueue(RequestRate(2), 2, 650, Verdict::kMissed)};
  points.back().mean_concurrency = 0.4;
  ASSERT_TRUE(DecideLoad(input, points).next);
  EXPECT_LT(DecideLoad(input, points).next->value, 2);
  input.warm_up.front().ttft.Set(Statistic::kP99, 600);
  EXPECT_EQ(DecideLoad(input, points).reason, StopReason::kInfeasible);
  input = WithWarmUp(500);
  input.plan.mode = LoadMode::kAutoRate;
  while (points.size() < 10) {
    points.push_back(WithQueue(RequestRate(0.8 * points.back().load.value), 1, 650, Verdict::kMissed));
    points.back().mean_concurrency = 0.4;
  }
  EXPECT_EQ(DecideLoad(input, points).reason, StopReason::kOutOfTime) << "the limit is lower, and no verdict";
}

// Of 512 in flight the engine runs 256; what is more only waits.
TEST(DecideLoad, TheCapacityIsMeasuredAtAFewMoreThanTheEngineRuns) {
  LoadSearchInput input = WithWarmUp(0);
  input.slo.bounds.clear();
  input.warm_up.push_back(WithQueue(Concurrency(512), 64, 4000, Verdict::kUndecided));
  std::vector<Point> points;
  LoadDecision decision = DecideLoad(input, points);
  ASSERT_TRUE(decision.next);
  EXPECT_NEAR(decision.next->value, 1.1 * 64 * 4.03, 2) << "4 s for the answer of each, and its own prompt";
  points.push_back(WithQueue(*decision.next, 64, 400, Verdict::kMet));
  EXPECT_FALSE(DecideLoad(input, points).next) << "requests wait there";
  points.back() = WithQueue(points.back().load, 64, 30, Verdict::kMet);
  EXPECT_EQ(DecideLoad(input, points).next, Concurrency(512)) << "the warm-up saw fewer run than can";
  points.back().engine.waiting = 12;
  EXPECT_FALSE(DecideLoad(input, points).next) << "by the engine's own counters";
}

TEST(DecideLoad, LooksForALowerLimitWhereAFreshStartDoesNotHoldIt) {
  const SyntheticEngine engine = SyntheticEngine::Random(3);
  LoadSearchInput input;
  input.confirms = true;
  input.slo = SloOf(1, engine, LoadKind::kConcurrency, 3);
  const double truth = engine.BruteForceLimit(input.slo, LoadKind::kConcurrency, 512);
  input.start = Load{LoadKind::kConcurrency, std::round(1.5 * truth)};
  const Found found = SearchOn(engine, input, 3);
  EXPECT_NEAR(found.Limit(), truth, std::max(1.0, 0.1 * truth));
}

// What a latency objective asks for, on an engine and with what is known.
Found SearchWithReference(const SyntheticEngine& engine, LoadSearchInput input, std::uint64_t seed) {
  input.plan.reference_share = 0.7;
  return SearchOn(engine, input, seed);
}

TEST(DecideLoad, EndsWithAPointAtAShareOfTheLimit) {
  for (const LoadMode mode : {LoadMode::kAutoConcurrency, LoadMode::kAutoRate}) {
    for (const int kind : {0, 1, 2}) {
      const SyntheticEngine engine = SyntheticEngine::Random(5);
      LoadSearchInput input;
      input.plan.mode = mode;
      input.slo = SloOf(kind, engine, KindOf(mode), 5);
      const Found plain = SearchOn(engine, input, 5);
      const Found found = SearchWithReference(engine, input, 5);
      ASSERT_EQ(found.points.size(), plain.points.size() + 1);
      EXPECT_EQ(found.decision.best, plain.decision.best) << "the limit is the same";
      EXPECT_EQ(found.decision.reason, plain.decision.reason);
      const Point& reference = found.points.back();
      EXPECT_EQ(reference.role, PointRole::kReference);
      EXPECT_EQ(reference.load.kind, LoadKind::kRequestRate);
      const Point& limit = found.points[*found.decision.best];
      const double rate = mode == LoadMode::kAutoRate ? limit.load.value : limit.requests_per_second;
      EXPECT_NEAR(reference.load.value / rate, 0.7, 0.001);
    }
  }
}

TEST(DecideLoad, ComparesBelowTheCapacityWithoutAnSlo) {
  const SyntheticEngine engine = SyntheticEngine::Random(5);
  const Found found = SearchWithReference(engine, {}, 5);
  ASSERT_EQ(found.points.size(), 2U);
  EXPECT_NEAR(found.points[1].load.value / engine.Capacity(), 0.7, 0.05);
  EXPECT_EQ(found.decision.reason, StopReason::kCapacity);
}

TEST(DecideLoad, ComparesAtTheLowestLoadWhereTheSloIsNeverKept) {
  const SyntheticEngine engine = SyntheticEngine::Random(5);
  LoadSearchInput input;
  input.slo.bounds = {{Metric::kTtft, Statistic::kP99, 0.001}};
  const Found found = SearchWithReference(engine, input, 5);
  EXPECT_EQ(found.decision.reason, StopReason::kInfeasible);
  EXPECT_EQ(found.points.back().role, PointRole::kReference);
  EXPECT_FALSE(found.decision.best);
}

TEST(DecideLoad, BeginsWithTheReferenceThatIsKnown) {
  const SyntheticEngine engine = SyntheticEngine::Random(5);
  LoadSearchInput input;
  input.slo = SloOf(0, engine, LoadKind::kConcurrency, 5);
  input.score_metric = ScoreMetric::kTpot;
  input.reference = 0.3 * engine.Capacity();
  Found found = SearchWithReference(engine, input, 5);
  ASSERT_GT(found.points.size(), 2U) << "the limit is wanted, too";
  EXPECT_EQ(found.points.front().role, PointRole::kReference);
  EXPECT_NEAR(found.points.front().load.value, *input.reference, 1e-3 * *input.reference);
  EXPECT_TRUE(found.decision.best);
  for (std::size_t i = 1; i < found.points.size(); ++i) EXPECT_EQ(found.points[i].role, PointRole::kSearch);

  // Racing: slower than the leader for certain, so its limit is of no interest.
  input.score_to_beat = 0.5 * PointScore(ScoreMetric::kTpot, found.points.front(), 1);
  found = SearchWithReference(engine, input, 5);
  EXPECT_EQ(found.points.size(), 1U);
  EXPECT_EQ(found.decision.reason, StopReason::kCannotWin);
  EXPECT_THAT(found.decision.why, HasSubstr("tpot p50 is "));
  // With an interval that overlaps it may tie.
  input.score_to_beat_ci = -0.6 * PointScore(ScoreMetric::kTpot, found.points.front(), 1);
  EXPECT_GT(SearchWithReference(engine, input, 5).points.size(), 2U);
  input.score_to_beat_ci = 0;
  input.score_to_beat = 1.5 * PointScore(ScoreMetric::kTpot, found.points.front(), 1);
  EXPECT_GT(SearchWithReference(engine, input, 5).points.size(), 2U);

  input.score_to_beat.reset();
  input.reference = 3 * engine.Capacity();
  found = SearchWithReference(engine, input, 5);
  EXPECT_EQ(found.points.size(), 1U);
  EXPECT_EQ(found.decision.reason, StopReason::kInfeasible);
}

// A miss that is certain ends while its slow requests are open: their mean then seems to be all but kept, and a search
// that believed it crept down from far above, two requests at a time.
TEST(DecideLoad, HalvesTheBracketWhereAMissDoesNotSayHowFarItIs) {
  LoadSearchInput input;
  input.slo.bounds = {{Metric::kE2e, Statistic::kMean, 1658}};
  const auto point = [](int load, double mean, Verdict verdict) {
    Point out;
    out.load = Concurrency(load);
    out.requests = 100;
    out.output_tokens_per_second = 100 * load;
    out.e2e = {mean, mean, mean, mean, mean};
    out.verdict = verdict;
    return out;
  };
  std::vector<Point> points = {point(28, 1152, Verdict::kMet), point(104, 1643, Verdict::kMissed)};
  EXPECT_EQ(DecideLoad(input, points).next, Concurrency(54));
  // Whatever the numbers say: what does not close the bracket in two steps is halved.
  points = {point(16, 1000, Verdict::kMet), point(28, 1152, Verdict::kMet), point(104, 1700, Verdict::kMissed),
            point(100, 1690, Verdict::kMissed), point(97, 1680, Verdict::kMissed)};
  EXPECT_EQ(DecideLoad(input, points).next, Concurrency(52));
}

// What a warm-up knows: TPOT grows by 0.1 ms with each request in flight.
std::vector<Point> WarmUp() {
  Point one, many;
  one.load = Concurrency(1);
  one.tpot.p90 = 10;
  one.e2e.mean = 1280;
  many.load = Concurrency(401);
  many.tpot.p90 = 50;
  many.e2e.mean = 6400;
  many.requests_per_second = 62;
  return {one, many};
}

TEST(DecideLoad, LooksFirstWhereTheWarmUpSaysThatTheLimitIs) {
  LoadSearchInput input;
  input.slo.bounds = {{Metric::kTpot, Statistic::kP90, 20}};
  input.warm_up = WarmUp();
  EXPECT_EQ(*DecideLoad(input, {}).next, Concurrency(101));
  // 101 of 2.56 s each, and a little less for bursts.
  input.plan.mode = LoadMode::kAutoRate;
  EXPECT_NEAR(DecideLoad(input, {}).next->value, 0.9 * 101 / 2.56, 0.01);
  // A bound that the many keep, and one that a request alone breaks.
  input.plan.mode = LoadMode::kAutoConcurrency;
  input.slo.bounds[0].limit = 60;
  EXPECT_EQ(*DecideLoad(input, {}).next, Concurrency(401));
  input.slo.bounds[0].limit = 5;
  EXPECT_EQ(*DecideLoad(input, {}).next, Concurrency(1));
}

// vLLM 0.24.0 on an H200 (docs/verified/2026-11-29-h200-search.md): 8160 tokens/s at 128 in flight, 7800 at 192, 9000
// at 512.
TEST(DecideLoad, TakesNoDipOfTheThroughputForTheCapacity) {
  LoadSearchInput input;
  input.slo.bounds = {{Metric::kTtft, Statistic::kP99, 1000}};
  input.warm_up = WarmUp();
  const auto point = [](int load, double throughput) {
    Point out;
    out.load = Concurrency(load);
    out.requests = 100;
    out.output_tokens_per_second = throughput;
    out.ttft = {100, 100, 100, 100, 100};
    out.verdict = Verdict::kMet;
    return out;
  };
  std::vector<Point> points = {point(128, 8160), point(192, 7801)};
  EXPECT_EQ(DecideLoad(input, points).next, Concurrency(401));
  points.push_back(point(401, 8200));
  EXPECT_EQ(DecideLoad(input, points).reason, StopReason::kCapacity) << "all places give no more either";
  points.back().output_tokens_per_second = 9000;
  EXPECT_EQ(DecideLoad(input, points).next, Concurrency(512)) << "more than before: on to the maximum";
  input.warm_up.clear();
  points.pop_back();
  EXPECT_EQ(DecideLoad(input, points).reason, StopReason::kCapacity) << "the number of places is not known";
}

TEST(DecideLoad, AsksNoRateFarBeyondWhatAllPlacesGetThrough) {
  LoadSearchInput input;
  input.plan.mode = LoadMode::kAutoRate;
  input.slo.bounds = {{Metric::kTtft, Statistic::kP99, 1000}};
  input.warm_up = WarmUp();
  const SyntheticEngine engine;
  Point point = engine.Truth(input.slo, RequestRate(50));
  point.verdict = Verdict::kMet;
  point.ttft.p99 = 20;
  EXPECT_NEAR(DecideLoad(input, std::vector{point}).next->value, 1.03 * 62, 0.1);
}

// Seen on an H200: the warm-up ended before its second wave, and each rate was only 10 % above the one before. After
// ten points the highest was called the limit, 16 % below it.
TEST(DecideLoad, IsNotHeldBackByAWarmUpOfASingleRequest) {
  LoadSearchInput input;
  input.plan.mode = LoadMode::kAutoRate;
  input.slo.bounds = {{Metric::kTtft, Statistic::kP99, 2000}};
  input.warm_up = {WarmUp().front()};
  input.warm_up[0].requests_per_second = 1.2;
  const auto point = [](double rate) {
    Point out;
    out.load = RequestRate(rate);
    out.requests = 100;
    out.requests_per_second = rate;
    out.output_tokens_per_second = 128 * rate;
    out.ttft = {80, 80, 80, 80, 80};
    out.verdict = Verdict::kMet;
    return out;
  };
  EXPECT_GT(DecideLoad(input, std::vector{point(18)}).next->value, 2 * 18);
  std::vector<Point> points;
  for (int i = 0; i < 10; ++i) points.push_back(point(18 + i));
  const LoadDecision decision = DecideLoad(input, points);
  EXPECT_FALSE(decision.next);
  EXPECT_EQ(decision.reason, StopReason::kOutOfTime) << "nothing missed the SLO: the limit is higher";
  EXPECT_EQ(decision.best, 9u);
}

// Seen on an H200: a look at 174 in flight kept the SLO, the point for its score broke it, and 174 was the answer.
TEST(DecideLoad, BelievesALoadThatWasMeasuredAgain) {
  LoadSearchInput input;
  input.slo.bounds = {{Metric::kTtft, Statistic::kP99, 2000}};
  const SyntheticEngine engine;
  std::vector<Point> points;
  for (const auto& [load, ttft] : {std::pair(100, 1500.0), {174, 1808.0}, {182, 2356.0}, {174, 2287.0}}) {
    Point point = engine.Truth(input.slo, Concurrency(load));
    point.ttft.p99 = ttft;
    point.verdict = ttft <= 2000 ? Verdict::kMet : Verdict::kMissed;
    points.push_back(point);
  }
  const LoadDecision decision = DecideLoad(input, points);
  ASSERT_TRUE(decision.next);
  EXPECT_GT(decision.next->value, 100);
  EXPECT_LT(decision.next->value, 174);
  EXPECT_EQ(decision.best, 0U);
}

TEST(DecideLoad, MeasuresAnAnswerOfFewRequestsOnceMoreForLonger) {
  LoadSearchInput input;
  input.plan.mode = LoadMode::kAutoRate;
  input.slo.bounds = {{Metric::kTtft, Statistic::kP99, 1000}};
  const auto point = [](double rate, double ttft_ms, std::int64_t requests, Verdict verdict) {
    Point one;
    one.load = RequestRate(rate);
    one.requests = requests;
    one.window_seconds = static_cast<double>(requests) / rate;
    one.requests_per_second = rate;
    one.output_tokens_per_second = rate * 100;
    one.output_tokens_per_second_ci = rate * 300 / std::sqrt(static_cast<double>(requests));
    one.ttft = {ttft_ms / 2, ttft_ms / 2, ttft_ms, ttft_ms, ttft_ms};
    one.relative_ci = {0.1, 0.1, 0.1, 0.1};
    one.mean_concurrency = 2 * rate;
    one.verdict = verdict;
    return one;
  };
  std::vector<Point> points = {point(1.04, 2000, 30, Verdict::kMissed), point(1, 500, 30, Verdict::kUndecided)};
  LoadDecision decision = DecideLoad(input, points);
  EXPECT_EQ(decision.next, RequestRate(1));
  EXPECT_GE(decision.precision.answers, kFewestAnswers);
  EXPECT_EQ(decision.role, PointRole::kSearch);

  input.time_left = std::chrono::seconds(65);
  decision = DecideLoad(input, points);
  EXPECT_FALSE(decision.next) << "no time for 60 answers, a ramp and a drain";
  EXPECT_EQ(decision.reason, StopReason::kFound);
  EXPECT_EQ(decision.best, 1U);
  input.time_left.reset();

  std::vector<Point> kept = points;
  kept.push_back(point(1, 700, 45, Verdict::kUndecided));
  decision = DecideLoad(input, kept);
  EXPECT_FALSE(decision.next) << "once";
  EXPECT_EQ(decision.best, 2U);

  // A miss that was certain early is less precise than what it replaces.
  points.push_back(point(1, 1500, 12, Verdict::kMissed));
  decision = DecideLoad(input, points);
  ASSERT_TRUE(decision.next);
  EXPECT_LT(decision.next->value, 1);
  EXPECT_FALSE(decision.best);

  EXPECT_FALSE(
      DecideLoad(input, std::vector{point(1.04, 2000, 60, Verdict::kMissed), point(1, 500, 60, Verdict::kUndecided)})
          .next)
      << "enough";
  input.plan.mode = LoadMode::kFixedRate;
  input.plan.fixed = {1};
  EXPECT_FALSE(DecideLoad(input, std::vector{point(1, 500, 30, Verdict::kUndecided)}).next) << "as it was asked for";
}

TEST(DecideLoad, MeasuresAgainWhereTheClientWasLate) {
  const SyntheticEngine engine = SyntheticEngine::Random(7);
  LoadSearchInput input;
  input.slo.bounds = {{Metric::kTtft, Statistic::kP99, 1000}};
  std::vector<Point> points = {engine.Truth(input.slo, Concurrency(4))};
  for (int i = 0; i < 3; ++i) {
    points.push_back(engine.Truth(input.slo, Concurrency(16)));
    points.back().verdict = Verdict::kClientBound;
    const LoadDecision decision = DecideLoad(input, points);
    EXPECT_EQ(decision.best, 0U);
    if (i < 2) {
      EXPECT_EQ(decision.next, Concurrency(16));
    } else {
      EXPECT_FALSE(decision.next);
      EXPECT_EQ(decision.reason, StopReason::kInvalid);
    }
  }
  // A ladder goes on where it was.
  input.plan.mode = LoadMode::kFixedConcurrency;
  input.plan.fixed = {4, 16, 32};
  points.resize(2);
  points.push_back(engine.Truth(input.slo, Concurrency(16)));
  EXPECT_EQ(DecideLoad(input, points).next, Concurrency(32));
}

TEST(DecideLoad, EndsWithShortAnswers) {
  const SyntheticEngine engine = SyntheticEngine::Random(7);
  LoadSearchInput input;
  input.slo.bounds = {{Metric::kTtft, Statistic::kP99, 1000}};
  std::vector<Point> points = {engine.Truth(input.slo, Concurrency(4)), engine.Truth(input.slo, Concurrency(16))};
  points[1].verdict = Verdict::kShortAnswers;
  const LoadDecision decision = DecideLoad(input, points);
  EXPECT_FALSE(decision.next);
  EXPECT_EQ(decision.reason, StopReason::kInvalid);
  EXPECT_EQ(decision.best, 0U);
}

TEST(DecideLoad, DoesNotBeginWhatDoesNotFit) {
  const SyntheticEngine engine = SyntheticEngine::Random(7);
  LoadSearchInput input;
  input.slo.bounds = {{Metric::kTtft, Statistic::kP99, 1e6}};
  const std::vector<Point> points = {engine.Truth(input.slo, Concurrency(4))};
  input.time_left = std::chrono::seconds(300);
  EXPECT_TRUE(DecideLoad(input, points).next);
  input.time_left = std::chrono::seconds(30);  // its window was 20 s
  EXPECT_EQ(DecideLoad(input, points).reason, StopReason::kOutOfTime);
}

// What an engine does at loads that are `step` apart, with little doubt.
PredictedLoads PredictionOf(const SyntheticEngine& engine, const Slo& slo, double step) {
  PredictedLoads prediction;
  prediction.output_tokens = engine.output;
  for (double load = 1; load <= 512; load = std::ceil(load * step)) {
    prediction.loads.push_back(load);
    prediction.u.push_back(std::log(load));
    const Point truth = engine.Truth({}, {LoadKind::kConcurrency, load});
    prediction.ttft.mean.push_back(std::log(truth.ttft.mean));
    prediction.tpot.mean.push_back(std::log(truth.tpot.mean));
  }
  for (PredictedMetric* metric : {&prediction.ttft, &prediction.tpot}) {
    metric->level_variance = 0.01;
    metric->roughness = 0.03;
    metric->noise = 0.02;
  }
  for (const Bound& bound : slo.bounds) {
    (bound.metric == Metric::kTtft ? prediction.ttft : prediction.tpot).ln_bound = std::log(bound.limit);
  }
  return prediction;
}

TEST(DecideLoad, FollowsAPrediction) {
  const SyntheticEngine engine = SyntheticEngine::Random(9);
  LoadSearchInput input;
  input.slo.bounds = {{Metric::kTtft, Statistic::kMean, At(engine, LoadKind::kConcurrency, 0.6).ttft.mean}};
  input.prediction = PredictionOf(engine, input.slo, 2);
  const double truth = engine.BruteForceLimit(input.slo, LoadKind::kConcurrency, 512);
  const Found found = SearchOn(engine, input, 5);
  EXPECT_NEAR(found.Limit() / truth, 1, 0.05);
  ASSERT_FALSE(found.points.empty());
  EXPECT_GT(found.points[0].load.value, truth / 2.1) << "the first point is where the prediction is worth most";
  EXPECT_LE(found.points.size(), 6U);

  // Against an incumbent that is twice as good, no load is worth going on for.
  input.score_to_beat =
      2 * PointScore(input.score_metric, engine.Truth(input.slo, Concurrency(static_cast<int>(truth))), 1);
  const Found loser = SearchOn(engine, input, 5);
  EXPECT_LE(loser.points.size(), 2U);
  EXPECT_EQ(loser.decision.reason, StopReason::kCannotWin);
  // So lower loads are not tried after one that breaks the bounds: that is not the same as infeasible.
  const LoadDecision unknown = DecideLoad(input, std::vector<Point>{engine.Truth(input.slo, Concurrency(512))});
  EXPECT_EQ(unknown.next, std::nullopt);
  EXPECT_EQ(unknown.reason, StopReason::kCannotWin);
}

// A prediction is of tokens, the score of a goodput is of requests: both are compared in one unit, and by the
// percentile that the attainment asks for.
TEST(DecideLoad, FollowsAPredictionToTheGoodput) {
  std::size_t points = 0;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE(seed);
    const SyntheticEngine engine = SyntheticEngine::Random(seed);
    LoadSearchInput input;
    input.score_metric = ScoreMetric::kAttainedRequests;
    input.slo.bounds = {{Metric::kTtft, Statistic::kP99, At(engine, LoadKind::kConcurrency, 0.6).ttft.p95}};
    input.slo.attainment = 0.95;
    input.prediction = PredictionOf(engine, input.slo, 2);
    for (std::size_t i = 0; i < input.prediction->loads.size(); ++i) {
      const Point truth = engine.Truth({}, {LoadKind::kConcurrency, input.prediction->loads[i]});
      input.prediction->ttft.mean[i] = std::log(truth.ttft.p95);
    }
    const Found alone = SearchOn(engine, input, seed);
    ASSERT_TRUE(alone.decision.best) << alone.decision.why;
    const double score = PointScore(input.score_metric, alone.points[*alone.decision.best], 1);
    // Against twice its score it is given up at once, against half of it its limit is found.
    input.score_to_beat = 2 * score;
    const Found loser = SearchOn(engine, input, seed);
    EXPECT_LE(loser.points.size(), 2U);
    EXPECT_EQ(loser.decision.reason, StopReason::kCannotWin);
    input.score_to_beat = 0.5 * score;
    const Found winner = SearchOn(engine, input, seed);
    EXPECT_NE(winner.decision.reason, StopReason::kCannotWin);
    points += alone.points.size() + winner.points.size();
  }
  EXPECT_LE(points, 2U * 10 * 7) << "seven for a limit on average";
}

// The loads of a prediction are up to half apart: what is kept at 128 and missed at 192 may have its limit at 190.
TEST(Racing, TheLimitBetweenTwoLoadsOfAPredictionDecides) {
  int within = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const SyntheticEngine engine = SyntheticEngine::Random(seed);
    LoadSearchInput input;
    input.slo.bounds = {{Metric::kTpot, Statistic::kMean, At(engine, LoadKind::kConcurrency, 0.7).tpot.mean}};
    const double truth = engine.BruteForceLimit(input.slo, LoadKind::kConcurrency, 512);
    input.prediction = PredictionOf(engine, input.slo, 1.5);
    const double score =
        PointScore(input.score_metric, engine.Truth(input.slo, Concurrency(static_cast<int>(truth))), 1);
    for (const double share : {0.95, 1.02}) {  // it wins, it ties
      input.score_to_beat = share * score;
      const Found found = SearchOn(engine, input, seed, 0.005);
      EXPECT_NE(found.decision.reason, StopReason::kCannotWin) << "seed " << seed << ": " << found.decision.why;
      EXPECT_NEAR(found.Limit() / truth, 1, 0.06) << "seed " << seed;
      ++within;
    }
    input.score_to_beat = 1.2 * score;
    EXPECT_EQ(SearchOn(engine, input, seed, 0.005).decision.reason, StopReason::kCannotWin) << "seed " << seed;
  }
  EXPECT_EQ(within, 40);
}

TEST(PointScore, CountsPerGpuAndOnlyWhatIsAttained) {
  Point point;
  point.output_tokens_per_second = 3000;
  point.requests_per_second = 30;
  point.requests = 90;
  point.errors = 10;
  point.attainment = 0.8;  // of all 100
  EXPECT_DOUBLE_EQ(PointScore(ScoreMetric::kOutputTokens, point, 2), 1500);
  EXPECT_DOUBLE_EQ(PointScore(ScoreMetric::kAttainedRequests, point, 2), 30.0 / 0.9 * 0.8 / 2);
}

// 15 and 17 in flight both meet the SLO: which has more goodput is chance, unless their intervals tell.
TEST(DecideLoad, TheHighestLoadWinsUnlessALowerOneCertainlyHasMoreGoodput) {
  LoadSearchInput input;
  input.plan.mode = LoadMode::kFixedConcurrency;
  input.plan.fixed = {15, 17};
  input.slo.bounds = {{Metric::kTtft, Statistic::kP99, 500}};
  input.slo.attainment = 0.9;
  input.score_metric = ScoreMetric::kAttainedRequests;
  std::vector<Point> points(2);
  for (std::size_t i = 0; i < points.size(); ++i) {
    points[i].load = Concurrency(static_cast<int>(input.plan.fixed[i]));
    points[i].requests = 100;
    points[i].output_tokens_per_second = 1000;
    points[i].output_tokens_per_second_ci = 20;
    points[i].attainment = 0.95;
    points[i].verdict = Verdict::kMet;
  }
  points[0].requests_per_second = 10.2;
  points[1].requests_per_second = 10;
  EXPECT_EQ(DecideLoad(input, points).best, 1u) << "2 % more, each is known to 2 %";
  points[0].requests_per_second = 11;
  EXPECT_EQ(DecideLoad(input, points).best, 0u);
  input.score_metric = ScoreMetric::kOutputTokens;
  EXPECT_EQ(DecideLoad(input, points).best, 1u);
}

TEST(StopReason, HasANameThatReadsBack) {
  for (const StopReason reason :
       {StopReason::kFound, StopReason::kCapacity, StopReason::kCannotWin, StopReason::kInfeasible,
        StopReason::kInvalid, StopReason::kLadderDone, StopReason::kOutOfTime}) {
    EXPECT_EQ(StopReasonFromName(StopReasonName(reason)), reason);
  }
  EXPECT_FALSE(StopReasonFromName("Nothing"));
}

}  // namespace
}  // namespace autotune::measurement
