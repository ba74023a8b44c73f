#include "measurement/limit_interval.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <vector>

#include "measurement/keyed_random.h"

namespace autotune::measurement {
namespace {

constexpr double kLimit = 20;  // in flight; whole numbers do not matter here
const Slo kSlo = {
    .bounds = {{Metric::kTtft, Statistic::kP99, 500}}, .max_error_rate = 0.01, .attainment = std::nullopt};

// A percentile that is a power of the load, and off by a log-normal error whose size the point knows.
Point PointAt(double rate, double slope, double deviation, double error) {
  Point point;
  point.scenario = "s";
  point.load = {LoadKind::kConcurrency, rate};
  point.requests = 1000;
  point.output_tokens_per_second = rate * 128;
  point.ttft.p99 = 500 * std::exp(slope * std::log(rate / kLimit) + deviation * error);
  point.relative_ci[static_cast<std::size_t>(Metric::kTtft)] = 1.96 * deviation;
  for (Metric metric : {Metric::kTpot, Metric::kE2e}) point.Get(metric).p99 = 10;
  return point;
}

struct Answer {
  std::vector<Point> points;
  std::size_t best = 0;
};

// Bisection, as far as a search goes.
Answer Bisect(double slope, double deviation, std::uint64_t seed) {
  KeyedRandom random(seed);
  Answer answer;
  double low = kLimit * (0.5 + 0.3 * random.Uniform()), high = kLimit * (1.2 + 0.5 * random.Uniform());
  for (double rate : {low, high}) answer.points.push_back(PointAt(rate, slope, deviation, random.Normal()));
  while (high > 1.05 * low) {
    const double rate = std::sqrt(low * high);
    answer.points.push_back(PointAt(rate, slope, deviation, random.Normal()));
    (MeetsSlo(kSlo, answer.points.back()) ? low : high) = rate;
  }
  for (std::size_t i = 0; i < answer.points.size(); ++i) {
    if (answer.points[i].load.value == low) answer.best = i;
  }
  return answer;
}

// The queue of the loop stands at 100 requests/s: that much no rate sustains.
TEST(LimitHalfWidth, OfARateBelowAClosedLoopEndsAtWhatTheLoopGetsDone) {
  Point loop = PointAt(64, 4, 0.02, 0);
  loop.ttft.p99 = 450;
  loop.requests_per_second = 100;
  loop.output_tokens_per_second = 12'800;
  loop.output_tokens_per_second_ci = 128;
  Point rate = loop;
  rate.load = RequestRate(95);
  rate.role = PointRole::kSustained;
  rate.requests_per_second = 95;
  rate.ttft.p99 = 200;
  rate.verdict = Verdict::kMet;
  const std::vector<Point> points = {loop, rate};
  const double half_width = LimitHalfWidth(kSlo, points, 1);
  EXPECT_GT(half_width, 0.02);
  EXPECT_GE(95 * (1 + half_width), 99);
  std::vector<Point> alone = {rate};
  EXPECT_EQ(LimitHalfWidth(kSlo, alone, 0), 0) << "nothing is known above it";
}

TEST(LimitHalfWidth, HoldsTheLimitAsOftenAsItSays) {
  constexpr int kRuns = 400;
  for (const double slope : {1.5, 4.0, 9.0}) {
    for (const double deviation : {0.02, 0.08, 0.2}) {
      int held = 0;
      double width = 0;
      for (std::uint64_t seed = 1; seed <= kRuns; ++seed) {
        const Answer answer = Bisect(slope, deviation, seed);
        const double half = LimitHalfWidth(kSlo, answer.points, answer.best);
        held += std::abs(kLimit / answer.points[answer.best].load.value - 1) <= half;
        width += half / kRuns;
      }
      std::printf("slope %.1f, deviation %.2f: %.1f %% held, +- %.1f %%\n", slope, deviation, 100.0 * held / kRuns,
                  100 * width);
      EXPECT_GE(held, 0.9 * kRuns) << slope << ' ' << deviation;
      EXPECT_LE(width, 0.05 + 4 * deviation / slope) << slope << ' ' << deviation;
    }
  }
}

TEST(LimitHalfWidth, IsWiderWhereAPointDoesNotSayHowSureItIs) {
  Answer answer = Bisect(4, 0.05, 1);
  const double known = LimitHalfWidth(kSlo, answer.points, answer.best);
  for (Point& point : answer.points) point.relative_ci.fill(0);
  EXPECT_GT(LimitHalfWidth(kSlo, answer.points, answer.best), known);
}

// A window of arrivals that do not wait may have seen none of the bursts that make a long run's p99.
TEST(LimitHalfWidth, IsWiderForARarePercentileOfARate) {
  Answer answer = Bisect(4, 0.05, 1);
  for (Point& point : answer.points) point.load.kind = LoadKind::kRequestRate;
  const double rare = LimitHalfWidth(kSlo, answer.points, answer.best);
  Slo slo = kSlo;
  slo.bounds[0].statistic = Statistic::kP90;
  for (Point& point : answer.points) point.ttft.p90 = point.ttft.p99;
  EXPECT_GT(rare, 1.5 * LimitHalfWidth(slo, answer.points, answer.best));
}

// vLLM 0.24.0 on an H200 (docs/verified/2026-11-30-h200-formats.md): first tokens of 0.4 to 0.6 s up to 68.65
// requests/s, and a queue that grows at 72. A line through these points said +-30 %.
TEST(LimitHalfWidth, IsNotBeyondLoadsThatAreSure) {
  const Slo slo = {
      .bounds = {{Metric::kTtft, Statistic::kP99, 2000}}, .max_error_rate = 0.01, .attainment = std::nullopt};
  const auto point = [](double rate, double p99, double relative_ci) {
    Point out = PointAt(rate, 1, 0, 0);
    out.load.kind = LoadKind::kRequestRate;
    out.ttft.p99 = p99;
    out.relative_ci[static_cast<std::size_t>(Metric::kTtft)] = relative_ci;
    return out;
  };
  std::vector<Point> points = {point(57.1, 375.4, 0.085), point(65.45, 625.3, 0.0911), point(72, 1767, 0.728),
                               point(68.65, 494.2, 0.219)};
  points[2].saturated = true;
  points[2].verdict = Verdict::kMissed;
  EXPECT_NEAR(LimitHalfWidth(slo, points, 3), std::log(72 / 68.65), 1e-9);
  points[2].saturated = false;
  points[2].ttft.p99 = 2100;
  EXPECT_GT(LimitHalfWidth(slo, points, 3), 0.06) << "2.1 s of 2 s, known to 73 %, is not missed for sure";
}

TEST(LimitHalfWidth, IsThatOfOneSearch) {
  Answer answer = Bisect(4, 0.05, 1);
  const double half = LimitHalfWidth(kSlo, answer.points, answer.best);
  for (int i = 0; i < 3; ++i) answer.points.push_back(PointAt(kLimit, 4, 0.3, 2));
  answer.points[answer.points.size() - 3].scenario = "another one";
  answer.points[answer.points.size() - 2].role = PointRole::kConfirmation;
  answer.points[answer.points.size() - 1].verdict = Verdict::kClientBound;
  EXPECT_EQ(LimitHalfWidth(kSlo, answer.points, answer.best), half);
}

TEST(LimitHalfWidth, IsNothingWhereNoLoadBrokeTheSlo) {
  const std::vector<Point> points = {PointAt(10, 4, 0.05, 0), PointAt(15, 4, 0.05, 0)};
  EXPECT_EQ(LimitHalfWidth(kSlo, points, 1), 0);
}

}  // namespace
}  // namespace autotune::measurement
