#include "measurement/slo.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

namespace autotune::measurement {
namespace {

using ::testing::IsEmpty;

Point Measured() {
  Point point;
  point.load = Concurrency(8);
  point.requests = 100;
  point.output_tokens_per_second = 1000;
  point.ttft = {1, 2, 3, 4, 5};
  point.tpot = {10, 20, 30, 40, 50};
  point.itl = {11, 21, 31, 41, 51};
  point.e2e = {100, 200, 300, 400, 500};
  return point;
}

TEST(CheckSlo, ComparesEachBoundWithItsOwnNumber) {
  for (const Metric metric : kMetrics) {
    for (const Statistic statistic : kStatistics) {
      const double actual = Measured().Get(metric).Get(statistic);
      const Bound bound{metric, statistic, 0.5};
      const auto violations = CheckSlo({{bound}, 0.01, std::nullopt}, Measured());
      ASSERT_EQ(violations.size(), 1U);
      EXPECT_EQ(violations[0].bound,
                "slo." + std::string(MetricName(metric)) + "." + std::string(StatisticName(statistic)));
      EXPECT_DOUBLE_EQ(*violations[0].actual, actual);
      EXPECT_DOUBLE_EQ(violations[0].relative, (actual - 0.5) / 0.5);
      EXPECT_THAT(CheckSlo({{{metric, statistic, actual}}, 0.01, std::nullopt}, Measured()), IsEmpty());
    }
  }
}

TEST(CheckSlo, PutsTheWorstViolationFirst) {
  const auto violations =
      CheckSlo({{{Metric::kTtft, Statistic::kP99, 4}, {Metric::kTpot, Statistic::kP95, 10}}, 0.01, {}}, Measured());
  ASSERT_EQ(violations.size(), 2U);
  EXPECT_EQ(violations[0].bound, "slo.tpot.p95");
}

TEST(CheckSlo, CountsErrorsAgainstAllRequests) {
  Point point = Measured();
  point.requests = 98;
  point.errors = 2;
  const auto violations = CheckSlo({}, point);
  ASSERT_EQ(violations.size(), 1U) << "one in a hundred is the default";
  EXPECT_EQ(violations[0].bound, "slo.errorRate");
  EXPECT_DOUBLE_EQ(*violations[0].actual, 0.02);
  point.errors = 0;
  point.requests = 0;
  EXPECT_DOUBLE_EQ(*CheckSlo({}, point).at(0).actual, 1);
}

TEST(CheckSlo, SaysThatABoundWasNotMeasured) {
  Point point = Measured();
  point.itl = {};
  const auto violations = CheckSlo({{{Metric::kItl, Statistic::kP99, 100}}, 0.01, {}}, point);
  ASSERT_EQ(violations.size(), 1U);
  EXPECT_FALSE(violations[0].actual);
}

TEST(CheckSlo, LooksAtTheAttainmentInsteadOfPercentilesWhereItIsBounded) {
  Point point = Measured();
  point.attainment = 0.9;
  const Slo slo{{{Metric::kTtft, Statistic::kP99, 0.1}}, 0.01, 0.95};
  const auto violations = CheckSlo(slo, point);
  ASSERT_EQ(violations.size(), 1U);
  EXPECT_EQ(violations[0].bound, "slo.attainment");
  EXPECT_NEAR(violations[0].relative, 1, 1e-9) << "twice as many fail as may";
  point.attainment = 0.95;
  EXPECT_THAT(CheckSlo(slo, point), IsEmpty());
}

TEST(CheckSlo, SaysThatARateWasNotReached) {
  Point point = Measured();
  point.load = RequestRate(30);
  point.requests_per_second = 20;
  EXPECT_THAT(CheckSlo({}, point), IsEmpty());
  point.saturated = true;
  const auto violations = CheckSlo({}, point);
  ASSERT_EQ(violations.size(), 1U);
  EXPECT_EQ(violations[0].bound, "requestRate");
  EXPECT_DOUBLE_EQ(violations[0].relative, 0.5);
}

TEST(CheckSlo, StaysFinite) {
  Point point = Measured();
  point.ttft.p99 = 1e300;
  for (const Violation& violation :
       CheckSlo({{{Metric::kTtft, Statistic::kP99, 0}, {Metric::kTpot, Statistic::kP50, 0}}, 0, {}}, point)) {
    EXPECT_TRUE(std::isfinite(violation.relative)) << violation.bound;
  }
  point.ttft.p99 = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(IsUsable(point));
}

TEST(MeetsSlo, IsTheVerdictOrWhatTheNumbersSay) {
  Point point = Measured();
  const Slo kept{{{Metric::kTtft, Statistic::kP99, 10}}, 0.01, {}};
  const Slo broken{{{Metric::kTtft, Statistic::kP99, 1}}, 0.01, {}};
  point.verdict = Verdict::kUndecided;
  EXPECT_TRUE(MeetsSlo(kept, point));
  EXPECT_FALSE(MeetsSlo(broken, point));
  point.verdict = Verdict::kMissed;
  EXPECT_FALSE(MeetsSlo(kept, point));
  for (const Verdict invalid : {Verdict::kClientBound, Verdict::kShortAnswers}) {
    point.verdict = invalid;
    EXPECT_FALSE(MeetsSlo(kept, point));
    EXPECT_TRUE(IsInvalid(point));
  }
}

TEST(Names, ReadBack) {
  for (const Verdict verdict :
       {Verdict::kMet, Verdict::kMissed, Verdict::kUndecided, Verdict::kClientBound, Verdict::kShortAnswers}) {
    EXPECT_EQ(VerdictFromName(VerdictName(verdict)), verdict);
  }
  for (const LoadKind kind : {LoadKind::kConcurrency, LoadKind::kRequestRate}) {
    EXPECT_EQ(LoadKindFromName(LoadKindName(kind)), kind);
  }
  for (const ArrivalProcess process :
       {ArrivalProcess::kPoisson, ArrivalProcess::kConstant, ArrivalProcess::kGamma, ArrivalProcess::kTrace}) {
    EXPECT_EQ(ArrivalProcessFromName(ArrivalProcessName(process)), process);
  }
  EXPECT_EQ(Concurrency(32).ToString(), "32 in flight");
  EXPECT_EQ(RequestRate(8.5).ToString(), "8.5 requests/s");
}

TEST(LowerBounds, AreASet) {
  LowerBounds bounds;
  bounds.Add(Metric::kE2e, Statistic::kP99);
  bounds.Add(Metric::kTtft, Statistic::kMean);
  EXPECT_EQ(LowerBounds::FromBits(bounds.bits()), bounds);
  EXPECT_TRUE(bounds.Has(Metric::kE2e, Statistic::kP99));
  EXPECT_FALSE(bounds.Has(Metric::kE2e, Statistic::kP95));
}

TEST(HasLimits, IsMoreThanTheDefaultOfTheErrorRate) {
  Slo slo;
  EXPECT_FALSE(HasLimits(slo));
  slo.max_error_rate = 0.05;
  EXPECT_TRUE(HasLimits(slo));
  slo = {};
  slo.bounds = {{Metric::kTtft, Statistic::kP99, 500}};
  EXPECT_TRUE(HasLimits(slo));
}

// A search by the arrivals of a trace once called 86.8 requests/s kept, of which 71 were answered.
TEST(MeetsSlo, ARateThatWasNotAnsweredIsNotKept) {
  Point point = Measured();
  const Slo slo{{{Metric::kTtft, Statistic::kP99, 1e6}}, 0.01, {}};
  point.verdict = Verdict::kUndecided;
  point.load = RequestRate(86.8);
  point.window_seconds = 4;
  point.requests = 324;
  point.requests_per_second = 71.1;
  point.mean_concurrency = 90;
  EXPECT_TRUE(FellShort(point));
  EXPECT_FALSE(MeetsSlo(slo, point));
  EXPECT_TRUE(IsTooClose(slo, point));
  EXPECT_EQ(ShortfallText(point), "86.8 requests/s were due, 81 were sent in the window and 71.1 answered");
  point.requests_per_second = 83;
  EXPECT_TRUE(MeetsSlo(slo, point));
  point.requests_per_second = 71.1;
  point.window_seconds = 1;
  EXPECT_TRUE(MeetsSlo(slo, point)) << "16 more in flight may be chance";
  point.window_seconds = 4;
  point.requests = 290;
  EXPECT_TRUE(MeetsSlo(slo, point)) << "all but 6 of those that came";
  point.requests = 324;
  EXPECT_FALSE(MeetsSlo(slo, point));
  point.load = Concurrency(90);
  EXPECT_TRUE(MeetsSlo(slo, point)) << "no rate";
}

TEST(NothingAnsweredText, SaysWhetherRequestsWereSent) {
  Point point;
  EXPECT_EQ(NothingAnsweredText(point),
            "no request started in the window: those from before it were still waiting for an answer");
  point.censored = 4;
  EXPECT_EQ(NothingAnsweredText(point), "none of the 4 requests that started in the window was answered");
  point.errors = 3;
  EXPECT_EQ(NothingAnsweredText(point),
            "of the 7 requests that started in the window, 3 failed and the others were not answered");
}

// Windows of arrivals in bursts mostly show too good a p99.
TEST(MeetsSlo, ReadsARarePercentileOfARateCautiously) {
  Point point;
  point.load = RequestRate(10);
  point.requests = 1000;
  point.output_tokens_per_second = 100;
  point.ttft.p99 = 480;
  point.ttft.p90 = 480;
  point.relative_ci[static_cast<std::size_t>(Metric::kTtft)] = 0.196;  // a tenth
  Slo slo;
  slo.bounds = {{Metric::kTtft, Statistic::kP99, 500}};
  EXPECT_DOUBLE_EQ(Cautious(point, slo.bounds[0]), 480 * 1.05);
  EXPECT_FALSE(MeetsSlo(slo, point));
  EXPECT_TRUE(IsTooClose(slo, point)) << "its value is within the limit";
  slo.bounds[0].limit = 470;
  EXPECT_FALSE(IsTooClose(slo, point)) << "missed by its value";
  slo.bounds[0].limit = 510;
  EXPECT_TRUE(MeetsSlo(slo, point));
  EXPECT_FALSE(IsTooClose(slo, point));
  point.verdict = Verdict::kMet;  // sure is sure
  slo.bounds[0].limit = 500;
  EXPECT_TRUE(MeetsSlo(slo, point));
  point.verdict = Verdict::kUndecided;
  slo.bounds[0].statistic = Statistic::kP90;
  EXPECT_TRUE(MeetsSlo(slo, point));
  slo.bounds[0].statistic = Statistic::kP99;
  point.load = Concurrency(10);
  EXPECT_TRUE(MeetsSlo(slo, point)) << "a closed loop has no bursts";
  point.load = RequestRate(10);
  point.relative_ci.fill(0);
  point.ttft.p99 = 440;
  EXPECT_FALSE(MeetsSlo(slo, point)) << "not known is not sure";
}

}  // namespace
}  // namespace autotune::measurement
