#include "measurement/answer_point.h"

#include <gtest/gtest.h>

#include <vector>

namespace autotune::measurement {
namespace {

Slo TtftBelow(double limit_ms) {
  Slo slo;
  slo.bounds = {{Metric::kTtft, Statistic::kP99, limit_ms}};
  return slo;
}

Point PointAt(Load load, double tokens, double ttft_ms, PointRole role = PointRole::kSearch) {
  Point point;
  point.scenario = "s";
  point.load = load;
  point.role = role;
  point.requests = 1000;
  point.requests_per_second = tokens / 100;
  point.output_tokens_per_second = tokens;
  point.ttft.p99 = ttft_ms;
  point.output_tokens_per_second_ci = 0.02 * tokens;
  return point;
}

AnswerRule Rule() { return {TtftBelow(500), ScoreMetric::kOutputTokens, std::nullopt, "s"}; }

TEST(AnswerOf, IsTheHighestLoadThatMeetsTheSloNotTheLuckiest) {
  const std::vector<Point> points = {PointAt(Concurrency(32), 1010, 100), PointAt(Concurrency(64), 1000, 400),
                                     PointAt(Concurrency(128), 1200, 900)};
  EXPECT_EQ(AnswerOf(Rule(), points), 1U);
}

TEST(AnswerOf, IsALowerLoadThatIsCertainlyWorthMore) {
  std::vector<Point> points = {PointAt(Concurrency(32), 1100, 100), PointAt(Concurrency(64), 1000, 400)};
  EXPECT_EQ(AnswerOf(Rule(), points), 0U);
  points[1].output_tokens_per_second_ci = 150;
  EXPECT_EQ(AnswerOf(Rule(), points), 1U);
}

TEST(AnswerOf, WithoutLimitsIsTheLowestLoadThatTies) {
  AnswerRule rule = Rule();
  rule.slo.bounds.clear();
  std::vector<Point> points = {PointAt(Concurrency(128), 900, 100), PointAt(Concurrency(256), 995, 400),
                               PointAt(Concurrency(282), 1010, 500), PointAt(Concurrency(512), 1000, 5000)};
  EXPECT_EQ(AnswerOf(rule, points), 1U);
  for (Point& point : points) point.output_tokens_per_second_ci = 200;
  EXPECT_EQ(AnswerOf(rule, points), 1U) << "a tenth less is no tie, however little is known";
  points[1].output_tokens_per_second_ci = points[2].output_tokens_per_second_ci = 1;
  EXPECT_EQ(AnswerOf(rule, points), 1U);
}

TEST(AnswerOf, OfASearchByRateIsNoClosedLoop) {
  const std::vector<Point> points = {PointAt(Concurrency(16), 5000, 100), PointAt(RequestRate(10), 1000, 100)};
  EXPECT_EQ(AnswerOf(Rule(), points), 1U);
  AnswerRule rule = Rule();
  rule.kind = LoadKind::kRequestRate;
  EXPECT_EQ(AnswerOf(rule, std::span(points).first(1)), std::nullopt);
}

TEST(AnswerOf, IsTheRateThatIsSustainedWhereTheQueueOfTheLimitStood) {
  std::vector<Point> points = {PointAt(Concurrency(64), 1000, 400), PointAt(Concurrency(80), 1000, 900),
                               PointAt(RequestRate(9.5), 950, 2000, PointRole::kSustained)};
  EXPECT_EQ(AnswerOf(Rule(), points), std::nullopt) << "no rate that was tried meets the SLO";
  points.push_back(PointAt(RequestRate(8), 800, 300, PointRole::kSustained));
  points.push_back(PointAt(RequestRate(8.7), 870, 400, PointRole::kSustained));
  EXPECT_EQ(AnswerOf(Rule(), points), 4U);
  EXPECT_EQ(LimitOf(Rule(), points), 0U);
}

TEST(AnswerOf, DoesNotAskConfirmationsOrOtherScenarios) {
  std::vector<Point> points = {PointAt(Concurrency(64), 1000, 400),
                               PointAt(RequestRate(8), 800, 300, PointRole::kConfirmation)};
  points.push_back(PointAt(RequestRate(7), 700, 300, PointRole::kSustained));
  points.back().scenario = "another";
  EXPECT_EQ(AnswerOf(Rule(), points), 0U);
}

TEST(AnswerOf, AnInvalidRateDecidesNothing) {
  std::vector<Point> points = {PointAt(Concurrency(64), 1000, 400),
                               PointAt(RequestRate(9), 900, 300, PointRole::kSustained)};
  points.back().verdict = Verdict::kClientBound;
  EXPECT_EQ(AnswerOf(Rule(), points), 0U);
}

}  // namespace
}  // namespace autotune::measurement
