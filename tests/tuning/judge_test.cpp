#include "tuning/judge.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "measurement/limit_interval.h"

namespace autotune::tuning {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;

using measurement::Metric;
using measurement::Slo;
using measurement::Statistic;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct Row {
  int concurrency = 1;
  double tokens_per_second = 100;
  double ttft = 50, tpot = 10, e2e = 1000;  // milliseconds, the same for every percentile
  std::string scenario = "D(512,128)";
  std::int64_t requests = 100, errors = 0;
};

measurement::Point Load(const Row& row) {
  measurement::Point load;
  load.scenario = row.scenario;
  load.load = measurement::Concurrency(row.concurrency);
  load.requests = row.requests;
  load.errors = row.errors;
  load.output_tokens_per_second = row.tokens_per_second;
  load.requests_per_second = row.tokens_per_second / 100;
  load.ttft = {row.ttft, row.ttft, row.ttft, row.ttft, row.ttft};
  load.tpot = {row.tpot, row.tpot, row.tpot, row.tpot, row.tpot};
  load.itl = load.tpot;
  load.e2e = {row.e2e, row.e2e, row.e2e, row.e2e, row.e2e};
  return load;
}

Observation Make(const std::string& id, const std::vector<Row>& rows, int gpus = 1) {
  Observation observation;
  observation.id = id;
  observation.gpus = gpus;
  for (const Row& row : rows) observation.loads.push_back(Load(row));
  return observation;
}

constexpr Objective kObjectives[] = {Objective::kMaximizeThroughput, Objective::kMaximizeGoodput,
                                     Objective::kMinimizeCost,       Objective::kMinimizeLatency,
                                     Objective::kMinimizeTtft,       Objective::kMinimizeTpot};

// Every error rate is taken, unless a test says otherwise: rows are made of round numbers.
Slo Bounds(const std::vector<measurement::Bound>& bounds = {}) {
  Slo slo;
  slo.bounds = bounds;
  slo.max_error_rate = 1;
  return slo;
}
Slo TtftBelow(double limit) { return Bounds({{Metric::kTtft, Statistic::kP99, limit}}); }

// Latencies are compared at given loads, unless a test says otherwise.
Criteria By(Objective objective, const Slo& slo = Bounds()) {
  Criteria criteria;
  criteria.objective = objective;
  criteria.slo = slo;
  criteria.fixed_loads = ComparesAtOneLoad(objective);
  return criteria;
}

// A closed loop at the capacity, and the rates that are sustained beside it.
Observation WithRates(const std::string& id, const std::vector<std::pair<double, double>>& rates_and_ttfts) {
  Observation observation = Make(id, {{64, 1000, 400}, {80, 1000, 900}});
  for (const auto& [rate, ttft] : rates_and_ttfts) {
    observation.loads.push_back(Load({1, 100 * rate, ttft}));
    measurement::Point& point = observation.loads.back();
    point.load = measurement::RequestRate(rate);
    point.role = measurement::PointRole::kSustained;
  }
  return observation;
}

TEST(Judge, ScoresTheRateThatIsSustainedWhereTheQueueOfTheLimitStood) {
  Criteria criteria;
  criteria.slo = TtftBelow(500);
  const std::vector<Observation> observations = {WithRates("a", {{9.5, 2000}, {7, 300}, {8, 400}}),
                                                 Make("b", {{64, 900, 400}, {80, 900, 900}}),
                                                 WithRates("c", {{9, 600}})};
  const Judgement judgement = Judge(observations, criteria);
  EXPECT_THAT(judgement.judged[0].score, Optional(DoubleNear(800, 1e-9)));
  EXPECT_THAT(judgement.judged[0].scored, ElementsAre(4));
  // The limit is between 8/s and the 9.5/s that missed it.
  EXPECT_GT(judgement.judged[0].ci, 0);
  EXPECT_FALSE(judgement.judged[2].score) << "no rate that was tried meets the SLO";
  EXPECT_FALSE(judgement.judged[2].violations.empty());
  EXPECT_EQ(judgement.judged[2].scored, std::vector<std::size_t>{2}) << "the rate that is nearest";
  EXPECT_EQ(judgement.best, 1U);
}

// Of one of two starts the queue stood.
TEST(Judge, ShowsTheStartThatAnsweredLeastWhereOnlyOneOfThemIsARate) {
  Criteria criteria;
  criteria.slo = TtftBelow(500);
  std::vector<Observation> observations = {Make("a", {{64, 1000, 400}, {80, 1000, 900}}), WithRates("a", {{9, 400}})};
  observations[1].confirms = 0;
  EXPECT_EQ(Judge(observations, criteria).judged[0].shown, 1U) << "9/s, and 10/s in the closed loop";
  // A load of 4 is no lower than one of 9/s.
  observations[0] = Make("a", {{4, 1000, 400}, {5, 1000, 900}});
  EXPECT_EQ(Judge(observations, criteria).judged[0].shown, 1U);
}

// A closed loop whose queue stands, and no time for a rate beside it.
Observation WithoutRates(const std::string& id, double tokens_per_second) {
  Observation observation = Make(id, {{64, tokens_per_second, 400}, {80, tokens_per_second, 900}});
  observation.loads[0].standing_queue = true;
  observation.stopped = measurement::StopReason::kOutOfTime;
  return observation;
}

Judgement Within500Ms(const std::vector<Observation>& observations,
                      Objective objective = Objective::kMaximizeThroughput) {
  return Judge(observations, By(objective, TtftBelow(500)));
}

TEST(Judge, EstimatesWhatARateSustainsOfALoopFromTheOtherObservations) {
  const std::vector<Observation> observations = {WithRates("a", {{8, 400}, {9.5, 2000}}), WithoutRates("b", 1010)};
  const Judgement judgement = Within500Ms(observations);
  EXPECT_EQ(judgement.judged[0].basis, ScoreBasis::kSustainedRate);
  EXPECT_EQ(judgement.judged[0].bound, std::nullopt);
  const Judged& estimate = judgement.judged[1];
  EXPECT_EQ(estimate.basis, ScoreBasis::kEstimate);
  EXPECT_THAT(estimate.bound, Optional(DoubleNear(1010, 1e-9)));
  EXPECT_THAT(estimate.score, Optional(DoubleNear(808, 1e-9))) << "80 %, as of a's loop";
  EXPECT_GE(*estimate.score + estimate.ci, 0.97 * 1010) << "up to the loop's";
  EXPECT_THAT(Within500Ms(observations, Objective::kMinimizeCost).judged[1].score,
              Optional(DoubleNear(*Within500Ms(observations, Objective::kMinimizeCost).judged[1].bound / 0.8, 1e-9)));
  EXPECT_THAT(GainOver(observations[1], observations[0], By(Objective::kMaximizeThroughput, TtftBelow(500))),
              Optional(DoubleNear(0.01, 1e-9)));
}

TEST(Judge, AnEstimateMayTieButIsBestOnlyIfItIsHigherForCertain) {
  const Observation rate = WithRates("a", {{8, 400}, {9.5, 2000}});
  const Judgement tie = Within500Ms({rate, WithoutRates("b", 1010)});
  EXPECT_THAT(tie.best, Optional(0U)) << "808 is estimated, 800 was measured";
  EXPECT_THAT(tie.tied, ElementsAre(1));
  EXPECT_THAT(Within500Ms({rate, WithoutRates("b", 3000)}).best, Optional(1U));
  EXPECT_THAT(Within500Ms({WithoutRates("a", 900), WithoutRates("b", 1000)}).best, Optional(1U));
}

TEST(Judge, KnowsLittleOfALoopWhereNoRateWasMeasured) {
  const Judged judged = Within500Ms({WithoutRates("a", 1150)}).judged[0];
  EXPECT_THAT(judged.score, Optional(DoubleNear(1000, 1e-9)));
  EXPECT_GT(judged.ci, 130);
  Observation even = WithoutRates("a", 1150);
  even.loads[0].standing_queue = false;
  EXPECT_EQ(Within500Ms({even}).judged[0].basis, ScoreBasis::kLoad);
  EXPECT_THAT(Within500Ms({even}).judged[0].score, Optional(DoubleNear(1150, 1e-9)));
}

TEST(Judge, TakesTheLoopOfACapacityOrOfGivenLoadsAsItIs) {
  Criteria criteria = By(Objective::kMaximizeThroughput);
  Observation capacity = WithoutRates("a", 1000);
  for (measurement::Point& point : capacity.loads) point.standing_queue = true;
  EXPECT_THAT(Judge({capacity}, criteria).judged[0].score, Optional(DoubleNear(1000, 1e-9)));
  criteria = By(Objective::kMaximizeThroughput, TtftBelow(500));
  criteria.fixed_loads = true;
  EXPECT_THAT(Judge({WithoutRates("a", 1000)}, criteria).judged[0].score, Optional(DoubleNear(1000, 1e-9)));
}

TEST(Judge, EstimatesBelowARateThatMissedTheSloWhereTimeEndedTheSearch) {
  Observation cut = WithRates("a", {{9, 600}});
  EXPECT_FALSE(Within500Ms({cut}).judged[0].feasible) << "the search tried as many rates as it tries";
  cut.stopped = measurement::StopReason::kOutOfTime;
  const Judged judged = Within500Ms({cut}).judged[0];
  EXPECT_TRUE(judged.feasible);
  EXPECT_EQ(judged.basis, ScoreBasis::kEstimate);
  EXPECT_THAT(judged.bound, Optional(DoubleNear(900, 1e-9)));
  EXPECT_THAT(judged.score, Optional(DoubleNear(900 / 1.15, 1e-9)));
}

TEST(Judge, ARateOfAFreshStartTakesThePlaceOfAnEstimate) {
  std::vector<Observation> observations = {WithoutRates("a", 1000), WithRates("again", {{8, 400}, {9.5, 2000}})};
  observations[1].confirms = 0;
  const Judged judged = Within500Ms(observations).judged[0];
  EXPECT_THAT(judged.score, Optional(DoubleNear(800, 1e-9)));
  EXPECT_EQ(judged.basis, ScoreBasis::kSustainedRate);
  EXPECT_EQ(judged.bound, std::nullopt);
  EXPECT_EQ(judged.starts, 1);
  EXPECT_EQ(judged.shown, 1U);
}

TEST(Judge, EstimatesWithinTheSharesThatLoopsHave) {
  const auto score = [](double rate) {
    return Within500Ms({WithRates("a", {{rate, 400}, {rate + 0.05, 2000}}), WithoutRates("b", 1000)}).judged[1].score;
  };
  EXPECT_THAT(score(2), Optional(DoubleNear(300, 1e-9))) << "at least 30 %";
  EXPECT_THAT(score(9.9), Optional(DoubleNear(1000 / 1.05, 1e-9))) << "rates are searched to 5 % below the loop's";
}

TEST(Judge, TheIntervalOfAnEstimateHasTheSpreadOfTheShares) {
  const Observation half = WithRates("a", {{5, 400}, {5.2, 2000}}), most = WithRates("b", {{9, 400}, {9.2, 2000}});
  const Observation loop = WithoutRates("c", 1000);
  const double distance = std::log(0.9 / 0.5);
  const Judged of_two = Within500Ms({half, most, loop}).judged[2];
  EXPECT_THAT(of_two.score, Optional(DoubleNear(1000 * std::sqrt(0.5 * 0.9), 1e-9)));
  EXPECT_NEAR(of_two.ci, *of_two.score * 1.96 * distance / std::sqrt(2.0), 1e-9);
  const Judged of_three = Within500Ms({half, most, half, loop}).judged[3];
  EXPECT_NEAR(of_three.ci, *of_three.score * 1.96 * distance / std::sqrt(3.0), 1e-9);
}

TEST(Judge, KnowsNoShareOfALoopThatMissesTheSlo) {
  Observation rates = Make("a", {{64, 1000, 900}, {80, 1000, 1900}});
  rates.loads.push_back(WithRates("", {{8, 400}}).loads.back());
  EXPECT_THAT(Within500Ms({rates, WithoutRates("b", 1150)}).judged[1].score, Optional(DoubleNear(1000, 1e-9)));
}

TEST(Judge, ARateThatMeetsTheSloIsNoEstimateWhateverEndedTheSearch) {
  Observation cut = WithRates("a", {{8, 400}, {9.5, 2000}});
  cut.stopped = measurement::StopReason::kOutOfTime;
  const Judged judged = Within500Ms({cut}).judged[0];
  EXPECT_EQ(judged.basis, ScoreBasis::kSustainedRate);
  EXPECT_THAT(judged.score, Optional(DoubleNear(800, 1e-9)));
}

TEST(Judge, OnlyRatesThatMissedTheSloBoundAnEstimate) {
  Observation observation = WithoutRates("a", 1000);
  observation.loads.push_back(Load({4, 400, 100}));  // a number below the 10 requests/s of the loop
  EXPECT_THAT(Within500Ms({observation}).judged[0].bound, Optional(DoubleNear(1000, 1e-9)));
}

TEST(Judge, EstimatesAPriceAboveThatOfTheLoop) {
  const Judged judged = Within500Ms({WithoutRates("a", 1150)}, Objective::kMinimizeCost).judged[0];
  const double of_loop = 1e6 / 3600 / 1150;  // at a price of 1 per GPU-hour
  EXPECT_THAT(judged.bound, Optional(DoubleNear(-of_loop, 1e-12)));
  EXPECT_THAT(judged.score, Optional(DoubleNear(-of_loop * 1.15, 1e-12)));
}

TEST(Judge, OfSeveralThatTieWithAnEstimateTheHighestMeasuredOneIsBest) {
  const auto rate = [](double tokens) { return WithRates("", {{tokens / 100, 400}, {9.5, 2000}}); };
  const Observation loop = WithoutRates("loop", 1050);
  EXPECT_THAT(Within500Ms({rate(780), rate(800), loop}).best, Optional(1U));
  EXPECT_THAT(Within500Ms({rate(800), rate(780), loop}).best, Optional(0U));
  EXPECT_THAT(Within500Ms({loop, rate(800), rate(800)}).best, Optional(1U)) << "of equals the earlier";
}

TEST(Judge, FewerSettingsMakeAnEstimateBestOnlyAmongEstimates) {
  std::vector<Observation> observations = {WithRates("rate", {{8, 400}, {9.5, 2000}}), WithoutRates("loop", 995)};
  observations[0].settings = 4;
  EXPECT_THAT(Within500Ms(observations).best, Optional(0U)) << "796 is estimated, 800 was measured";
  observations[0] = WithoutRates("loop", 1000);
  observations[0].settings = 4;
  EXPECT_THAT(Within500Ms(observations).best, Optional(1U));
}

TEST(Judge, AnEstimateOfAFreshStartDoesNotCountBesideAMeasuredScore) {
  std::vector<Observation> observations = {WithRates("a", {{8, 400}, {9.5, 2000}}), WithoutRates("again", 700)};
  observations[1].confirms = 0;
  observations[1].stopped = measurement::StopReason::kFound;
  const Judged judged = Within500Ms(observations).judged[0];
  EXPECT_THAT(judged.score, Optional(DoubleNear(800, 1e-9)));
  EXPECT_EQ(judged.starts, 1);
  EXPECT_EQ(judged.shown, 0U);
  EXPECT_TRUE(judged.confirmed);
}

TEST(Judge, OfEstimatesAloneTheBoundIsTheirMean) {
  std::vector<Observation> observations = {WithoutRates("a", 1000), WithoutRates("again", 1210)};
  observations[1].confirms = 0;
  // Time has cut the search of the fresh start off, as that of every estimate: it is no limit.
  EXPECT_THAT(Within500Ms(observations).judged[0].bound, Optional(DoubleNear(1000, 1e-9)));
  observations[1].stopped = measurement::StopReason::kFound;
  const Judged judged = Within500Ms(observations).judged[0];
  EXPECT_EQ(judged.starts, 2);
  EXPECT_THAT(judged.bound, Optional(DoubleNear(1100, 1e-9)));
  EXPECT_THAT(judged.score, Optional(DoubleNear(1100 / 1.15, 1e-9)));
  observations[1] = Make("again", {{64, 1000, 900}});
  observations[1].confirms = 0;
  EXPECT_EQ(Within500Ms(observations).judged[0].bound, std::nullopt) << "the fresh start misses the SLO";
}

TEST(ScoreBasis, HasANameThatIsReadBack) {
  for (const ScoreBasis basis : {ScoreBasis::kLoad, ScoreBasis::kSustainedRate, ScoreBasis::kEstimate}) {
    EXPECT_EQ(ScoreBasisFromName(ScoreBasisName(basis)), basis);
  }
  EXPECT_EQ(ScoreBasisFromName("Capacity"), std::nullopt);
}

TEST(Judge, ScoresThroughputPerGpuOfTheBestStep) {
  const auto judgement = Judge({Make("one-gpu", {{1, 100}, {8, 700}, {32, 650}}), Make("two-gpus", {{8, 1200}}, 2)},
                               By(Objective::kMaximizeThroughput));
  EXPECT_THAT(judgement.judged[0].score, Optional(DoubleNear(700, 1e-9)));
  EXPECT_THAT(judgement.judged[0].scored, ElementsAre(1));
  EXPECT_THAT(judgement.judged[1].score, Optional(DoubleNear(600, 1e-9)));
  EXPECT_THAT(judgement.best, Optional(0U));
}

TEST(Judge, CountsOnlyStepsThatMeetTheSlo) {
  const Slo slo = TtftBelow(100);
  const auto judgement =
      Judge({Make("a", {{1, 100, 20}, {8, 700, 90}, {32, 2000, 400}})}, By(Objective::kMaximizeThroughput, slo));
  EXPECT_THAT(judgement.judged[0].score, Optional(DoubleNear(700, 1e-9)));
  EXPECT_THAT(judgement.judged[0].load_meets_slo, ElementsAre(true, true, false));
}

TEST(Judge, OfGivenLoadsTheOneThatIsWorthMostWithinTheSloCounts) {
  Criteria criteria = By(Objective::kMaximizeThroughput, TtftBelow(100));
  criteria.fixed_loads = true;
  std::vector<Row> rows = {{1, 100, 20}, {8, 700, 90}, {16, 600, 95}, {32, 2000, 400}};
  for (const bool turned : {false, true}) {
    if (turned) std::reverse(rows.begin(), rows.end());
    EXPECT_THAT(Judge({Make("a", rows)}, criteria).judged[0].score, Optional(DoubleNear(700, 1e-9)));
  }
  // Rates that a finalist was asked for are no such load.
  Observation asked = Make("a", {{8, 700, 90}, {16, 900, 95}});
  asked.loads[1].role = measurement::PointRole::kConfirmation;
  EXPECT_THAT(Judge({asked}, criteria).judged[0].scored, ElementsAre(0));
  // Where none is within the SLO, the nearest.
  const Judged missed = Judge({Make("a", {{1, 100, 900}, {8, 700, 130}, {16, 900, 500}})}, criteria).judged[0];
  EXPECT_THAT(missed.scored, ElementsAre(1));
  EXPECT_FALSE(missed.feasible);
}

TEST(Judge, OfScoresOnlyWhatIsConfirmedIsShownAsConfirmed) {
  std::vector<Observation> observations = {Make("first", {{8, 100, 200}}), Make("again", {{8, 90, 50}})};
  observations[1].confirms = 0;
  const Judged judged = Judge(observations, By(Objective::kMaximizeThroughput, TtftBelow(100))).judged[0];
  EXPECT_TRUE(judged.confirmed) << "its fresh start decides";
  EXPECT_THAT(judged.score, Optional(DoubleNear(90, 1e-9)));
  EXPECT_EQ(judged.starts, 1);
  EXPECT_THAT(judged.violations, IsEmpty());
  EXPECT_EQ(judged.relaxed_score, std::nullopt);
}

TEST(Judge, TakesTheVerdictOfASearchAndTheNumbersOfGivenLoads) {
  Observation observation = Make("a", {{8, 700, 50}});
  observation.loads[0].verdict = measurement::Verdict::kMissed;
  Criteria criteria = By(Objective::kMaximizeThroughput, TtftBelow(100));
  EXPECT_FALSE(Judge({observation}, criteria).judged[0].feasible);
  criteria.fixed_loads = true;
  EXPECT_TRUE(Judge({observation}, criteria).judged[0].feasible);
}

TEST(Judge, NamesWhatItJudgesAndTakesNoGpuForOne) {
  const Judged judged = Judge({Make("e7", {{8, 700}}, 0)}, By(Objective::kMaximizeThroughput)).judged[0];
  EXPECT_EQ(judged.id, "e7");
  EXPECT_THAT(judged.score, Optional(DoubleNear(700, 1e-9)));
}

TEST(Judge, ScoresTheSlowestEngine) {
  EXPECT_THAT(Judge({Make("a", {{1, 0.0015}})}, By(Objective::kMaximizeThroughput)).judged[0].score,
              Optional(DoubleNear(0.0015, 1e-12)));
  EXPECT_THAT(Judge({Make("a", {{1, 10, 20, 0.5}})}, By(Objective::kMinimizeTpot)).judged[0].score,
              Optional(DoubleNear(-0.5, 1e-12)));
}

TEST(Judge, ThroughputNeedsNoTimeToFirstToken) {
  EXPECT_THAT(Judge({Make("in one piece", {{8, 700, 0, 0, 1400}})}, By(Objective::kMaximizeThroughput)).judged[0].score,
              Optional(DoubleNear(700, 1e-9)));
}

TEST(Judge, TheIntervalOfALatencyIsThatOfItsPoint) {
  Observation observation = Make("a", {{8, 700, 120}, {4, 500, 60}});
  for (measurement::Point& point : observation.loads) point.relative_ci.fill(0.1);
  EXPECT_NEAR(Judge({observation}, By(Objective::kMinimizeTtft)).judged[0].ci, 12, 1e-9);
  // At the reference load of a search: where its limit is does not matter.
  for (measurement::Point& point : observation.loads) point.role = measurement::PointRole::kReference;
  Criteria criteria = By(Objective::kMinimizeTtft, TtftBelow(100));
  criteria.fixed_loads = false;
  EXPECT_NEAR(Judge({observation}, criteria).judged[0].ci, 6, 1e-9);
}

TEST(Judge, TheIntervalOfTwoScenariosIsThatOfTheirMean) {
  Observation observation = Make("a", {{8, 400}, {8, 100, 50, 10, 1000, "D(2048,256)"}});
  observation.loads[0].output_tokens_per_second_ci = 40;
  observation.loads[1].output_tokens_per_second_ci = 10;
  EXPECT_NEAR(Judge({observation}, By(Objective::kMaximizeThroughput)).judged[0].ci, 200 * 0.1 / std::sqrt(2.0), 1e-9);
}

TEST(Judge, AnExperimentWithoutAUsablePointHasNoScoredOne) {
  const Judged judged = Judge({Make("a", {{.concurrency = 8, .requests = 0, .errors = 9}})},
                              By(Objective::kMaximizeThroughput, TtftBelow(100)))
                            .judged[0];
  EXPECT_THAT(judged.scored, IsEmpty());
  EXPECT_THAT(judged.violations, IsEmpty());
}

TEST(Judge, OfALoadThatASearchMeasuredAgainTheSecondPointCounts) {
  Criteria criteria = By(Objective::kMaximizeThroughput);
  const std::vector<Observation> observations = {Make("again", {{8, 900}, {8, 700}}), Make("once", {{8, 800}})};
  EXPECT_THAT(Judge(observations, criteria).pareto, ElementsAre(1));
  criteria.fixed_loads = true;
  EXPECT_THAT(Judge(observations, criteria).judged[0].score, Optional(DoubleNear(900, 1e-9)));
}

TEST(Judge, ASearchIsScoredAtItsHighestLoadAndGivenLoadsAtTheirHighestValue) {
  Observation observation = Make("a", {{8, 700, 50}, {16, 690, 90}, {32, 600, 150}});
  for (measurement::Point& point : observation.loads) point.output_tokens_per_second_ci = 50;
  Criteria criteria = By(Objective::kMaximizeThroughput, TtftBelow(100));
  EXPECT_THAT(Judge({observation}, criteria).judged[0].scored, ElementsAre(1));
  criteria.fixed_loads = true;
  EXPECT_THAT(Judge({observation}, criteria).judged[0].scored, ElementsAre(0));
}

TEST(Judge, OfEqualPointsTheEarlierOneIsScored) {
  Criteria criteria = By(Objective::kMaximizeThroughput, TtftBelow(100));
  criteria.fixed_loads = true;
  EXPECT_THAT(Judge({Make("a", {{8, 700, 50}, {16, 700, 50}})}, criteria).judged[0].scored, ElementsAre(0));
  EXPECT_THAT(Judge({Make("a", {{8, 700, 150}, {16, 900, 150}})}, criteria).judged[0].scored, ElementsAre(0));
}

// A point may miss the SLO without a value above its limit: not for certain is not enough.
TEST(Judge, TheNearestPointIsTheOneThatMissesNoLimitByItsValues) {
  Observation observation = Make("a", {{8, 700, 50}, {16, 900, 150}});
  observation.loads[0].verdict = measurement::Verdict::kMissed;
  const Judged judged = Judge({observation}, By(Objective::kMaximizeThroughput, TtftBelow(100))).judged[0];
  EXPECT_THAT(judged.scored, ElementsAre(0));
  EXPECT_FALSE(judged.feasible);
}

TEST(Judge, GoodputChoosesItsPointByTheRequestsThatKeepEveryBound) {
  Observation observation = Make("a", {{8, 800, 50}, {16, 1000, 90}});
  observation.loads[0].requests_per_second = 9;
  observation.loads[1].requests_per_second = 5;
  for (const auto& [objective, scored] :
       {std::pair(Objective::kMaximizeGoodput, 0), std::pair(Objective::kMaximizeThroughput, 1)}) {
    EXPECT_THAT(Judge({observation}, By(objective, TtftBelow(100))).judged[0].scored, ElementsAre(scored));
  }
}

TEST(Judge, APointThatMeetsTheSloAddsNoViolation) {
  Observation observation = Make("a", {{8, 100, 150}, {8, 100, 130, 10, 1000, "D(64,64)"}});
  observation.loads[0].verdict = measurement::Verdict::kMet;  // of a long run, say
  const Judged judged = Judge({observation}, By(Objective::kMaximizeThroughput, TtftBelow(100))).judged[0];
  ASSERT_EQ(judged.violations.size(), 1U);
  EXPECT_NEAR(judged.violations[0].relative, 0.3, 1e-9);
}

TEST(Judge, NamesTheWorstViolationOfAllScenariosFirst) {
  const Slo slo = Bounds({{Metric::kTtft, Statistic::kP99, 100}, {Metric::kTpot, Statistic::kP95, 8}});
  const Judged judged = Judge({Make("a", {{8, 100, 110, 5}, {8, 100, 50, 12, 1000, "D(64,64)"}})},
                              By(Objective::kMaximizeThroughput, slo))
                            .judged[0];
  ASSERT_EQ(judged.violations.size(), 2U);
  EXPECT_EQ(judged.violations[0].bound, "slo.tpot.p95");
}

TEST(Judge, IsInfeasibleWithoutTheReferenceOfAScenario) {
  Observation observation = Make("a", {{8, 700}, {8, 700, 50, 10, 1000, "D(64,64)"}});
  observation.loads[0].role = measurement::PointRole::kReference;
  Criteria criteria = By(Objective::kMinimizeTpot);
  criteria.fixed_loads = false;
  EXPECT_FALSE(Judge({observation}, criteria).judged[0].feasible);
  observation.loads[1].role = measurement::PointRole::kReference;
  EXPECT_TRUE(Judge({observation}, criteria).judged[0].feasible);
}

TEST(ComparedLoad, IsTheHighestThatMostObservationsMeasured) {
  const Criteria criteria = By(Objective::kMinimizeTpot);
  const Observation a = Make("a", {{32, 900}, {8, 700}, {1, 100}}), b = Make("b", {{8, 700}, {1, 100}});
  EXPECT_EQ(ComparedLoad({a, b}, criteria), measurement::Concurrency(8));
  EXPECT_EQ(ComparedLoad({a}, criteria), measurement::Concurrency(32));
  EXPECT_EQ(ComparedLoad({Make("none", {})}, criteria), std::nullopt);
  EXPECT_EQ(ComparedLoad({Make("two", {{1, 100}, {8, 100, 50, 10, 1000, "D(64,64)"}})}, criteria), std::nullopt);
}

TEST(Judge, CombinesScenariosByGeometricMean) {
  const auto judgement =
      Judge({Make("a", {{8, 400}, {32, 100, 50, 10, 1000, "D(2048,256)"}})}, By(Objective::kMaximizeThroughput));
  EXPECT_THAT(judgement.judged[0].score, Optional(DoubleNear(200, 1e-9)));
  EXPECT_THAT(judgement.judged[0].scored, ElementsAre(0, 1));
}

TEST(Judge, ScoresLatencyAtTheHighestLoadThatAllMeasured) {
  const auto judgement = Judge({Make("a", {{1, 100, 20, 5}, {8, 700, 60, 12}, {32, 900, 500, 40}}),
                                Make("b", {{1, 100, 30, 8}, {8, 600, 50, 9}})},
                               By(Objective::kMinimizeTpot));
  EXPECT_THAT(judgement.judged[0].score, Optional(DoubleNear(-12, 1e-9)));
  EXPECT_THAT(judgement.judged[1].score, Optional(DoubleNear(-9, 1e-9)));
  EXPECT_THAT(judgement.best, Optional(1U));
}

TEST(Judge, ComparesLatencyAtALoadThatTheFirstMeasuredToo) {
  const auto judgement = Judge({Make("a", {{1, 100, 20, 5}, {8, 700, 60, 12}}),
                                Make("b", {{1, 100, 30, 8}, {8, 600, 50, 9}, {32, 900, 500, 40}})},
                               By(Objective::kMinimizeTpot));
  EXPECT_THAT(judgement.judged[0].score, Optional(DoubleNear(-12, 1e-9)));
  EXPECT_THAT(judgement.judged[1].score, Optional(DoubleNear(-9, 1e-9)));
}

// Nothing is a load of both scenarios: each counts with its own best.
TEST(Judge, WithoutACommonLoadEachScenarioHasItsOwn) {
  const auto judgement =
      Judge({Make("a", {{1, 100, 20, 4}, {8, 700, 60, 9, 1000, "D(64,64)"}})}, By(Objective::kMinimizeTpot));
  EXPECT_THAT(judgement.judged[0].score, Optional(DoubleNear(-6, 1e-9)));
}

TEST(Judge, LooksAtTheMetricOfItsObjective) {
  const std::vector<Observation> one = {Make("a", {{8, 700, 60, 12, 1500}})};
  EXPECT_THAT(Judge(one, By(Objective::kMinimizeTtft)).judged[0].score, Optional(DoubleNear(-60, 1e-9)));
  EXPECT_THAT(Judge(one, By(Objective::kMinimizeTpot)).judged[0].score, Optional(DoubleNear(-12, 1e-9)));
  EXPECT_THAT(Judge(one, By(Objective::kMinimizeLatency)).judged[0].score, Optional(DoubleNear(-1500, 1e-9)));
}

// Answers in one piece have no first token.
TEST(Judge, ALatencyThatWasNotMeasuredIsNotTheLowest) {
  const std::vector<Observation> two = {Make("in one piece", {{8, 700, 0, 0, 1400}}),
                                        Make("b", {{8, 700, 60, 12, 1500}})};
  for (const Objective objective : {Objective::kMinimizeTtft, Objective::kMinimizeTpot}) {
    const auto judgement = Judge(two, By(objective));
    EXPECT_EQ(judgement.judged[0].score, std::nullopt);
    EXPECT_THAT(judgement.best, Optional(1U));
  }
  EXPECT_THAT(Judge(two, By(Objective::kMinimizeLatency)).best, Optional(0U));
}

TEST(Judge, ComparesLatencyAtTheHighestLoadThatAnythingCanServe) {
  // Nobody meets the TTFT bound at 32; at 8 only "slow" does, so the faster tokens of "late" do not count.
  const Slo slo = TtftBelow(100);
  const auto judgement = Judge({Make("late", {{1, 100, 20, 5}, {8, 700, 150, 6}, {32, 900, 500, 8}}),
                                Make("slow", {{1, 100, 30, 8}, {8, 600, 90, 9}, {32, 800, 400, 12}})},
                               By(Objective::kMinimizeTpot, slo));
  EXPECT_FALSE(judgement.judged[0].feasible);
  EXPECT_THAT(judgement.judged[1].score, Optional(DoubleNear(-9, 1e-9)));
  EXPECT_THAT(judgement.best, Optional(1U));
}

// Of searched limits, no two of which need be at the same load.
TEST(Judge, ComparesLatencyAtTheReferencesWhereLimitsWereSearched) {
  const auto with_reference = [](Observation observation, double ttft, double tpot) {
    observation.loads.push_back(Load({1, 300, ttft, tpot}));
    observation.loads.back().load = measurement::RequestRate(3);
    observation.loads.back().role = measurement::PointRole::kReference;
    return observation;
  };
  Criteria criteria = By(Objective::kMinimizeTpot, TtftBelow(100));
  criteria.fixed_loads = false;
  const Observation a = with_reference(Make("a", {{4, 400, 20, 5}, {8, 700, 60, 6}}), 50, 12);
  const Observation b = with_reference(Make("b", {{5, 500, 30, 20}, {9, 600, 50, 30}}), 50, 9);
  const Observation breaks = with_reference(Make("breaks", {{2, 100, 30, 1}}), 150, 1);
  const auto judgement = Judge({a, b, breaks, Make("none", {{1, 100, 10, 1}})}, criteria);
  EXPECT_THAT(judgement.judged[0].score, Optional(DoubleNear(-12, 1e-9)));
  EXPECT_THAT(judgement.judged[0].scored, ElementsAre(2));
  EXPECT_THAT(judgement.judged[1].score, Optional(DoubleNear(-9, 1e-9)));
  EXPECT_FALSE(judgement.judged[2].feasible) << "the SLO holds at its limit, and not at the reference load";
  EXPECT_FALSE(judgement.judged[3].feasible) << "it was not measured there";
  EXPECT_THAT(judgement.best, Optional(1U));
  EXPECT_THAT(GainOver(b, a, criteria), Optional(DoubleNear(0.25, 1e-9)));
}

TEST(Judge, NamesEveryBrokenBoundOfTheNearestConfiguration) {
  const Slo slo = Bounds({{Metric::kTtft, Statistic::kP99, 100}, {Metric::kTpot, Statistic::kP95, 8}});
  const auto judgement =
      Judge({Make("far", {{1, 100, 500, 10}, {8, 900, 900, 20}}), Make("near", {{1, 120, 110, 9}, {8, 800, 130, 12}})},
            By(Objective::kMaximizeThroughput, slo));
  EXPECT_EQ(judgement.best, std::nullopt);
  EXPECT_THAT(judgement.nearest, Optional(1U));
  const Judged& near = judgement.judged[1];
  EXPECT_FALSE(near.feasible);
  EXPECT_EQ(near.score, std::nullopt);
  ASSERT_EQ(near.violations.size(), 2U);
  EXPECT_EQ(near.violations[0].bound, "slo.tpot.p95");  // 12.5 % over at the nearest point, TTFT 10 %
  EXPECT_DOUBLE_EQ(*near.violations[0].actual, 9);
  EXPECT_EQ(near.violations[1].bound, "slo.ttft.p99");
  EXPECT_DOUBLE_EQ(*near.violations[1].actual, 110);
  EXPECT_THAT(near.relaxed_score, Optional(DoubleNear(120, 1e-9)));
}

TEST(Judge, RelaxingWhatIsBrokenMakesTheNearestFeasible) {
  for (unsigned seed = 0; seed < 500; ++seed) {
    std::mt19937 random(seed);
    const auto value = [&](double low, double high) {
      return low + (high - low) * static_cast<double>(random() % 1000) / 1000;
    };
    const std::vector<Observation> observations = {
        Make("a", {{1, 100, value(100, 900), value(8, 60)}, {8, 700, value(100, 900), value(8, 60)}}),
        Make("b", {{1, 100, value(100, 900), value(8, 60)}})};
    Slo slo = Bounds({{Metric::kTtft, Statistic::kP99, 90}, {Metric::kTpot, Statistic::kP95, 7}});
    const auto judgement = Judge(observations, By(Objective::kMaximizeThroughput, slo));
    ASSERT_TRUE(judgement.nearest);
    for (const measurement::Violation& broken : judgement.judged[*judgement.nearest].violations) {
      for (measurement::Bound& bound : slo.bounds) {
        if (bound.Field() == broken.bound) bound.limit = *broken.actual;
      }
    }
    EXPECT_TRUE(Judge(observations, By(Objective::kMaximizeThroughput, slo)).judged[*judgement.nearest].feasible);
  }
}

TEST(Judge, TakesABrokenBoundFromTheScenarioThatMissesMost) {
  const auto judgement =
      Judge({Make("a", {{1, 100, 110}, {1, 100, 150, 10, 1000, "D(2048,256)"}, {1, 100, 90, 10, 1000, "D(64,64)"}})},
            By(Objective::kMaximizeThroughput, TtftBelow(100)));
  ASSERT_EQ(judgement.judged[0].violations.size(), 1U);
  EXPECT_DOUBLE_EQ(judgement.judged[0].violations[0].relative, 0.5);
}

TEST(Judge, ScoresGoodputByRequestsThatKeepEveryBound) {
  Observation observation = Make("a", {{8, 700}}, 2);
  observation.loads[0].requests_per_second = 10;
  observation.loads[0].attainment = 0.9;
  EXPECT_THAT(Judge({observation}, By(Objective::kMaximizeGoodput)).judged[0].score, Optional(DoubleNear(4.5, 1e-9)));
}

TEST(Judge, ScoresCostByThePriceOfAMillionOutputTokens) {
  std::vector<Observation> observations = {Make("a", {{8, 1000}}, 2), Make("b", {{8, 400}})};
  for (Observation& one : observations) one.price_per_gpu_hour = 3.6;
  // 500 tokens/s and GPU: a million take 2,000 GPU-seconds.
  const auto judgement = Judge(observations, By(Objective::kMinimizeCost));
  EXPECT_THAT(judgement.judged[0].score, Optional(DoubleNear(-2, 1e-9)));
  EXPECT_THAT(judgement.best, Optional(0U));
}

TEST(Judge, CoversWhereTheLimitMayBe) {
  Observation observation = Make("a", {{16, 1000, 50}, {20, 1100, 150}, {32, 1500, 300}});
  observation.loads[0].output_tokens_per_second_ci = 10;
  const Slo slo = TtftBelow(100);
  const double of_load = measurement::LimitHalfWidth(slo, observation.loads, 0);
  EXPECT_GT(of_load, std::log(18.0 / 16)) << "the limit is near 18";
  // A quarter more load gives a tenth more throughput.
  const double share = std::log(1.1) / std::log(20.0 / 16);
  EXPECT_NEAR(Judge({observation}, By(Objective::kMaximizeThroughput, slo)).judged[0].ci,
              std::hypot(10, 1000 * share * of_load), 1e-9);
  // The next load that is not sustained counts, in whatever order they were measured, and no rate does.
  Observation turned = observation;
  std::reverse(turned.loads.begin(), turned.loads.end());
  turned.loads.push_back(Load({17, 2000, 150}));
  turned.loads.back().load.kind = measurement::LoadKind::kRequestRate;
  turned.loads.back().role = measurement::PointRole::kReference;
  EXPECT_NEAR(Judge({turned}, By(Objective::kMaximizeThroughput, slo)).judged[0].ci,
              std::hypot(10, 1000 * share * of_load), 1e-9);
  for (measurement::Point& point : observation.loads) point.load.kind = measurement::LoadKind::kRequestRate;
  EXPECT_NEAR(Judge({observation}, By(Objective::kMaximizeThroughput, slo)).judged[0].ci,
              std::hypot(10, 1000 * measurement::LimitHalfWidth(slo, observation.loads, 0)), 1e-9)
      << "each request that arrives brings its tokens";
  Criteria fixed = By(Objective::kMaximizeThroughput, slo);
  fixed.fixed_loads = true;
  EXPECT_NEAR(Judge({observation}, fixed).judged[0].ci, 10, 1e-9);
}

TEST(Judge, TheLimitLiesBeforeTheNextLoadThatMissesTheSlo) {
  const Slo slo = TtftBelow(100);
  const auto judged = [&](const std::vector<Row>& rows) {
    return Judge({Make("a", rows)}, By(Objective::kMaximizeThroughput, slo)).judged[0];
  };
  const auto of_load = [&](const std::vector<Row>& rows, std::size_t counted) {
    return measurement::LimitHalfWidth(slo, Make("a", rows).loads, counted);
  };
  // A lower load that missed it by chance, and higher ones that meet it with certainly fewer tokens, are no limit.
  std::vector<Row> rows = {{16, 1000, 50}, {12, 500, 150}, {20, 800, 60}, {32, 700, 150}};
  EXPECT_THAT(judged(rows).scored, ElementsAre(0));
  EXPECT_NEAR(judged(rows).ci, 1000 * std::log(1000.0 / 700) / std::log(2.0) * of_load(rows, 0), 1e-9);
  // Throughput grows no faster than the load.
  rows = {{16, 1000, 50}, {20, 2000, 150}};
  EXPECT_NEAR(judged(rows).ci, 1000 * of_load(rows, 0), 1e-9);
}

TEST(Judge, GivesATieToTheConfigurationWithFewerSettings) {
  std::vector<Observation> observations = {Make("plain", {{8, 995}}), Make("tuned", {{8, 1000}}),
                                           Make("far", {{8, 900}})};
  observations[1].settings = 4;
  observations[2].settings = 1;
  for (Observation& observation : observations) observation.loads[0].output_tokens_per_second_ci = 15;
  const auto judgement = Judge(observations, By(Objective::kMaximizeThroughput));
  EXPECT_THAT(judgement.best, Optional(0U));
  EXPECT_THAT(judgement.tied, ElementsAre(1));
  for (Observation& observation : observations) observation.loads[0].output_tokens_per_second_ci = 3;
  const auto certain = Judge(observations, By(Objective::kMaximizeThroughput));
  EXPECT_THAT(certain.best, Optional(1U));
  EXPECT_THAT(certain.tied, IsEmpty());
}

TEST(Judge, IntervalsThatTouchAreATie) {
  std::vector<Observation> observations = {Make("plain", {{8, 991}}), Make("tuned", {{8, 1000}})};
  observations[1].settings = 4;
  observations[1].loads[0].output_tokens_per_second_ci = 9;
  EXPECT_THAT(Judge(observations, By(Objective::kMaximizeThroughput)).best, Optional(0U));
  observations[1].loads[0].output_tokens_per_second_ci = 8.99;
  EXPECT_THAT(Judge(observations, By(Objective::kMaximizeThroughput)).best, Optional(1U));
}

TEST(Judge, EqualScoresAreATieWithoutIntervals) {
  const Judgement judgement =
      Judge({Make("a", {{8, 1000}}), Make("b", {{8, 1000}})}, By(Objective::kMaximizeThroughput));
  EXPECT_THAT(judgement.best, Optional(0U));
  EXPECT_THAT(judgement.tied, ElementsAre(1));
  EXPECT_EQ(judgement.judged[1].shown, 1U) << "each shows its own point";
}

TEST(Judge, AFreshStartIsNoConfigurationOfItsOwn) {
  std::vector<Observation> observations = {Make("tuned", {{8, 1000}}), Make("again", {{8, 1005}})};
  observations[0].settings = 4;
  observations[1].confirms = 0;
  for (Observation& observation : observations) observation.loads[0].output_tokens_per_second_ci = 15;
  const auto judgement = Judge(observations, By(Objective::kMaximizeThroughput));
  EXPECT_THAT(judgement.best, Optional(0U)) << "it has fewer settings and the higher score";
  EXPECT_THAT(judgement.tied, IsEmpty());
  EXPECT_THAT(judgement.pareto, ElementsAre(0));
}

TEST(Judge, ATieThatIsFurtherBehindIsToldButNotBest) {
  std::vector<Observation> observations = {Make("plain", {{8, 985}}), Make("tuned", {{8, 1000}})};
  observations[1].settings = 4;
  for (Observation& observation : observations) observation.loads[0].output_tokens_per_second_ci = 15;
  const auto judgement = Judge(observations, By(Objective::kMaximizeThroughput));
  EXPECT_THAT(judgement.best, Optional(1U));
  EXPECT_THAT(judgement.tied, ElementsAre(0));
}

TEST(Judge, AWideIntervalMakesNoSlowerConfigurationBest) {
  std::vector<Observation> observations = {Make("simple", {{8, 5969}}), Make("fast", {{8, 9525}})};
  observations[1].settings = 4;
  observations[0].loads[0].output_tokens_per_second_ci = 4295;
  observations[1].loads[0].output_tokens_per_second_ci = 2223;
  const auto judgement = Judge(observations, By(Objective::kMaximizeThroughput));
  EXPECT_THAT(judgement.best, Optional(1U));
  EXPECT_THAT(judgement.tied, ElementsAre(0)) << "not told apart, and said so";
}

TEST(Judge, NeitherRanksNorBlamesWhatWasGivenUpEarly) {
  std::vector<Observation> observations = {Make("leader", {{8, 1000, 50}}), Make("loser", {{8, 2000, 500}})};
  observations[1].stopped = measurement::StopReason::kCannotWin;
  const auto judgement = Judge(observations, By(Objective::kMaximizeThroughput, TtftBelow(100)));
  EXPECT_THAT(judgement.best, Optional(0U));
  EXPECT_TRUE(judgement.judged[1].cannot_win);
  EXPECT_FALSE(judgement.judged[1].feasible);
  EXPECT_THAT(judgement.judged[1].violations, IsEmpty());
}

// What a first start, 100 tokens/s within the bound, is worth after another one.
Judged AfterAFreshStart(const Row& again, measurement::StopReason stopped = measurement::StopReason::kFound) {
  std::vector<Observation> observations = {Make("first", {{8, 100}}), Make("again", {again})};
  observations[1].confirms = 0;
  observations[1].stopped = stopped;
  return Judge(observations, By(Objective::kMaximizeThroughput, TtftBelow(100))).judged[0];
}

TEST(Judge, TakesTheMeanOfFreshStarts) {
  const Judged judged = AfterAFreshStart({8, 64});
  EXPECT_THAT(judged.score, Optional(DoubleNear(80, 1e-9)));  // geometric
  EXPECT_EQ(judged.starts, 2);
  EXPECT_TRUE(judged.confirmed);
}

TEST(Judge, TheIntervalOfFreshStartsIsTheirOwnOrTheirSpread) {
  const auto judged = [](double second, double ci) {
    std::vector<Observation> observations = {Make("first", {{8, 100}}), Make("again", {{8, second}})};
    observations[1].confirms = 0;
    for (Observation& observation : observations) {
      observation.loads[0].output_tokens_per_second_ci = observation.loads[0].output_tokens_per_second * ci;
    }
    return Judge(observations, By(Objective::kMaximizeThroughput)).judged[0];
  };
  EXPECT_NEAR(judged(100, 0.1).ci, 100 * 0.1 / std::sqrt(2), 1e-9) << "two starts, each +- 10 %";
  // Of two values the standard deviation of the mean is half their distance.
  EXPECT_NEAR(judged(64, 0.01).ci, 80 * 1.96 * std::log(100.0 / 64) / 2, 1e-9);
  std::vector<Observation> three = {Make("first", {{8, 100}}), Make("again", {{8, 100}}), Make("again", {{8, 800}})};
  three[1].confirms = three[2].confirms = 0;
  const Judged of_three = Judge(three, By(Objective::kMaximizeThroughput)).judged[0];
  EXPECT_EQ(of_three.starts, 3);
  EXPECT_THAT(of_three.score, Optional(DoubleNear(200, 1e-9)));
  // Logarithms ln 2 below (twice) and ln 4 above the mean: a variance of 3 ln(2)^2 of three values.
  EXPECT_NEAR(of_three.ci, 200 * 1.96 * std::log(2.0), 1e-9);
}

TEST(Judge, AllFreshStartsKeepTheBounds) {
  std::vector<Observation> observations = {Make("first", {{8, 100}}), Make("breaks", {{8, 100, 200}}),
                                           Make("keeps", {{8, 100}})};
  observations[1].confirms = observations[2].confirms = 0;
  const Judged judged = Judge(observations, By(Objective::kMaximizeThroughput, TtftBelow(100))).judged[0];
  EXPECT_FALSE(judged.feasible);
  EXPECT_FALSE(judged.confirmed);
}

TEST(Judge, ShowsThePointThatAllStartsKeep) {
  EXPECT_EQ(AfterAFreshStart({6, 80}).shown, 1U);
  EXPECT_EQ(AfterAFreshStart({12, 120}).shown, 0U) << "the first start broke the bound below that, as far as is known";
  EXPECT_EQ(AfterAFreshStart({8, 64}).shown, 1U) << "of equals the latest";
  EXPECT_EQ(AfterAFreshStart({6, 180}).shown, 1U) << "loads of a kind compare by what was offered";
}

TEST(Judge, AFreshStartThatBreaksABoundTakesTheScoreAway) {
  std::vector<Observation> observations = {Make("first", {{8, 100}}), Make("again", {{8, 100, 200}})};
  observations[0].loads[0].output_tokens_per_second_ci = 10;
  observations[1].confirms = 0;
  const Judged judged = Judge(observations, By(Objective::kMaximizeThroughput, TtftBelow(100))).judged[0];
  EXPECT_FALSE(judged.feasible);
  EXPECT_EQ(judged.ci, 0);
  EXPECT_EQ(judged.score, std::nullopt);
  EXPECT_FALSE(judged.confirmed);
}

TEST(Judge, AFreshStartThatTimeCutOffIsNoLimit) {
  const Judged judged = AfterAFreshStart({2, 20}, measurement::StopReason::kOutOfTime);
  EXPECT_THAT(judged.score, Optional(DoubleNear(100, 1e-9)));
  EXPECT_EQ(judged.starts, 1);
  EXPECT_FALSE(judged.confirmed);
  // A bound that is broken is broken, however early the search ended.
  EXPECT_FALSE(AfterAFreshStart({2, 20, 200}, measurement::StopReason::kOutOfTime).feasible);
}

TEST(Judge, AFreshStartThatMissesASloIsWhatIsShown) {
  std::vector<Observation> observations = {Make("other", {{8, 50}}), Make("again", {{8, 90, 200}}),
                                           Make("first", {{8, 100}})};
  observations[1].confirms = 2;
  const Judged judged = Judge(observations, By(Objective::kMaximizeThroughput, TtftBelow(100))).judged[2];
  EXPECT_FALSE(judged.feasible);
  EXPECT_EQ(judged.shown, 1U);
  ASSERT_EQ(judged.violations.size(), 1U);
  EXPECT_DOUBLE_EQ(*judged.violations[0].actual, 200);
  EXPECT_THAT(judged.relaxed_score, Optional(DoubleNear(90, 1e-9)));
}

TEST(Judge, AFreshStartListedFirstConfirmsToo) {
  std::vector<Observation> observations = {Make("again", {{8, 64}}), Make("first", {{8, 100}})};
  observations[0].confirms = 1;
  EXPECT_EQ(Judge(observations, By(Objective::kMaximizeThroughput)).judged[1].starts, 2);
}

TEST(Judge, AFreshStartThatMeasuredNothingDecidesNothing) {
  std::vector<Observation> observations = {Make("first", {{8, 100}}), Make("again", {})};
  observations[1].confirms = 0;
  const Judged judged = Judge(observations, By(Objective::kMaximizeThroughput)).judged[0];
  EXPECT_TRUE(judged.feasible);
  EXPECT_FALSE(judged.confirmed);
}

TEST(Judge, AStartWithAsManyRequestsIsShownIfItIsTheLatest) {
  std::vector<Observation> observations = {Make("a", {{64, 1000, 400}, {80, 1000, 900}}), WithRates("a", {{10, 400}})};
  observations[1].confirms = 0;
  EXPECT_EQ(Within500Ms(observations).judged[0].shown, 1U) << "10/s, and 10/s in the closed loop";
}

TEST(Judge, TheNearestIsNoFreshStartAndOfEqualsTheEarlier) {
  const auto nearest = [](const std::vector<Observation>& observations) {
    return Judge(observations, By(Objective::kMaximizeThroughput, TtftBelow(100))).nearest;
  };
  std::vector<Observation> observations = {Make("first", {{8, 100}}), Make("again", {{8, 100, 110}}),
                                           Make("again", {{8, 100, 150}}), Make("other", {{8, 100, 130}})};
  observations[1].confirms = observations[2].confirms = 0;
  EXPECT_THAT(nearest(observations), Optional(3U));
  EXPECT_THAT(nearest({Make("a", {{8, 100, 130}}), Make("b", {{8, 100, 130}})}), Optional(0U));
}

TEST(Judge, HasNoNearestWhereSomethingIsFeasible) {
  const Slo slo = TtftBelow(100);
  EXPECT_EQ(
      Judge({Make("a", {{1, 100, 50}}), Make("b", {{1, 100, 150}})}, By(Objective::kMaximizeThroughput, slo)).nearest,
      std::nullopt);
}

TEST(Judge, NeverLetsWhatDidNotCompleteWin) {
  const double bad[] = {std::nan(""), kInfinity, -kInfinity, -1.0, 0.0};
  for (Objective objective : kObjectives) {
    for (double value : bad) {
      auto broken = Make("broken", {{8, 1e9, 1e-9, 1e-9, 1e-9}});
      broken.loads[0].output_tokens_per_second = value;
      const auto judgement =
          Judge({broken, Make("empty", {}), Make("no requests", {{.concurrency = 8, .requests = 0, .errors = 9}}),
                 Make("other scenario only", {{8, 1e9, 1, 1, 1, "D(1,1)"}}),
                 Make("whole", {{8, 1}, {8, 1, 9, 9, 9, "D(1,1)"}})},
                By(objective));
      EXPECT_THAT(judgement.best, Optional(4U)) << value;
      for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_FALSE(judgement.judged[i].feasible);
        EXPECT_EQ(judgement.judged[i].score, std::nullopt);
      }
      EXPECT_THAT(judgement.pareto, ElementsAre(4));
    }
  }
}

TEST(Judge, APointThatSaysNothingCountsNeitherForNorAgainst) {
  Criteria criteria = By(Objective::kMaximizeThroughput, TtftBelow(100));
  criteria.fixed_loads = true;
  Observation observation = Make("a", {{8, 700, 50}, {16, 900, 50}, {32, 1000, 50}});
  observation.loads[1].verdict = measurement::Verdict::kClientBound;
  observation.loads[2].requests = 0;
  const Judged judged = Judge({observation}, criteria).judged[0];
  EXPECT_THAT(judged.score, Optional(DoubleNear(700, 1e-9)));
  EXPECT_THAT(judged.load_meets_slo, ElementsAre(true, false, false));
}

TEST(Judge, HasNoBestWithoutObservations) {
  for (Objective objective : kObjectives) {
    EXPECT_EQ(Judge({}, By(objective)).best, std::nullopt);
    EXPECT_EQ(Judge({Make("failed", {})}, By(objective)).best, std::nullopt);
  }
}

TEST(Judge, GivesTiesToTheEarlierObservation) {
  for (Objective objective : kObjectives) {
    EXPECT_THAT(Judge({Make("a", {{8}}), Make("b", {{8}})}, By(objective)).best, Optional(0U));
  }
}

TEST(Judge, FindsTheParetoFrontOverAllStepsOfAllObservations) {
  const auto judgement =
      Judge({Make("fast tokens", {{1, 100, 50, 5}, {32, 900, 50, 40}}),
             Make("dominated", {{1, 90, 50, 6}, {32, 800, 50, 45}}),
             Make("throughput", {{1, 80, 50, 7}, {32, 1500, 50, 50}}), Make("twin of the first", {{1, 100, 50, 5}})},
            By(Objective::kMaximizeThroughput));
  EXPECT_THAT(judgement.pareto, ElementsAre(0, 2, 3));
}

TEST(Judge, TheParetoFrontComparesPerGpuAndAtEveryLoad) {
  const auto front = [](const std::vector<Observation>& observations) {
    return Judge(observations, By(Objective::kMaximizeThroughput)).pareto;
  };
  EXPECT_THAT(front({Make("two GPUs", {{8, 1200}}, 2), Make("one", {{8, 700}})}), ElementsAre(1));
  EXPECT_THAT(front({Make("none counts as one", {{8, 700}}, 0), Make("one", {{8, 800}})}), ElementsAre(1));
  EXPECT_THAT(front({Make("a", {{8, 700, 50, 9}}), Make("b", {{8, 700, 50, 10}})}), ElementsAre(0)) << "by TPOT alone";
  EXPECT_THAT(front({Make("a", {{1, 100, 50, 5}, {32, 900, 50, 40}}), Make("b", {{1, 90, 50, 6}})}), ElementsAre(0))
      << "beaten at a load that is not the scored one";
  // No load is one of both scenarios: the scored points are on the front.
  EXPECT_THAT(front({Make("a", {{8, 700}, {16, 700, 50, 10, 1000, "D(64,64)"}})}), ElementsAre(0));
}

TEST(Judge, PutsThePriceOfATokenOnTheParetoFrontIfAsked) {
  std::vector<Observation> observations = {Make("fast", {{8, 1000}}), Make("cheap", {{8, 600}})};
  observations[0].price_per_gpu_hour = 3;
  observations[1].price_per_gpu_hour = 1;
  Criteria criteria = By(Objective::kMaximizeThroughput);
  EXPECT_THAT(Judge(observations, criteria).pareto, ElementsAre(0));
  criteria.price_on_front = true;
  EXPECT_THAT(Judge(observations, criteria).pareto, ElementsAre(0, 1));
  observations[0] = Make("as fast and dearer", {{8, 600}});
  observations[0].price_per_gpu_hour = 3;
  EXPECT_THAT(Judge(observations, criteria).pareto, ElementsAre(1)) << "it beats by its price alone";
}

TEST(Judge, ThePriceOnTheParetoFrontIsThatOfAToken) {
  std::vector<Observation> observations = {Make("fast", {{8, 1000}}), Make("cheap by the hour", {{8, 600}})};
  observations[0].price_per_gpu_hour = 3;
  observations[1].price_per_gpu_hour = 2;
  Criteria criteria = By(Objective::kMaximizeThroughput);
  criteria.price_on_front = true;
  EXPECT_THAT(Judge(observations, criteria).pareto, ElementsAre(0));
}

TEST(Judge, KeepsInfeasibleStepsOffTheParetoFront) {
  const Slo slo = TtftBelow(100);
  const auto judgement = Judge({Make("a", {{1, 100, 50, 5}}), Make("b", {{1, 50, 50, 9}, {32, 9000, 900, 1}})},
                               By(Objective::kMaximizeThroughput, slo));
  EXPECT_THAT(judgement.pareto, ElementsAre(0));
}

// Properties over random measurements, some of them broken.
class Random {
 public:
  explicit Random(unsigned seed) : generator_(seed) {}
  double Value(double low, double high) {
    return low + (high - low) * static_cast<double>(generator_() % 10'000) / 10'000;
  }
  std::size_t Index(std::size_t size) { return generator_() % size; }

  std::vector<Observation> Observations() {
    std::vector<Observation> observations;
    for (std::size_t i = 0, count = 1 + Index(6); i < count; ++i) {
      Observation observation = Make("e" + std::to_string(i), {}, static_cast<int>(1 + Index(4)));
      for (const char* scenario : {"D(512,128)", "D(64,64)"}) {
        for (int concurrency : {1, 8, 32}) {
          if (Index(12) == 0) continue;
          observation.loads.push_back(Load({concurrency, Value(1, 3000), Value(1, 900), Value(0, 60), Value(1, 9000),
                                            scenario, Index(15) == 0 ? 0 : 100, static_cast<std::int64_t>(Index(4))}));
        }
      }
      observations.push_back(std::move(observation));
    }
    return observations;
  }
  Slo RandomSlo() {
    Slo slo = Bounds();
    if (Index(2) == 0) slo.bounds.push_back({Metric::kTtft, Statistic::kP99, Value(0, 900)});
    if (Index(2) == 0) slo.bounds.push_back({Metric::kTpot, Statistic::kP50, Value(0, 60)});
    if (Index(3) == 0) slo.max_error_rate = Value(0, 0.03);
    return slo;
  }

 private:
  std::mt19937 generator_;
};

TEST(JudgeProperty, EveryNumberIsFiniteAndTheBestIsFeasible) {
  for (unsigned seed = 0; seed < 2000; ++seed) {
    Random random(seed);
    auto observations = random.Observations();
    const Slo slo = random.RandomSlo();
    for (Objective objective : kObjectives) {
      const auto judgement = Judge(observations, By(objective, slo));
      ASSERT_EQ(judgement.judged.size(), observations.size());
      for (const Judged& judged : judgement.judged) {
        ASSERT_EQ(judged.score.has_value(), judged.feasible);
        ASSERT_TRUE(std::isfinite(judged.score.value_or(0)));
        ASSERT_TRUE(std::isfinite(judged.relaxed_score.value_or(0)));
        ASSERT_TRUE(std::isfinite(judged.ci));
        for (const auto& broken : judged.violations) ASSERT_TRUE(std::isfinite(broken.relative));
      }
      if (judgement.best) {
        const Judged& best = judgement.judged[*judgement.best];
        ASSERT_TRUE(best.feasible);
        for (std::size_t load : best.scored) ASSERT_TRUE(best.load_meets_slo[load]);
        ASSERT_FALSE(judgement.pareto.empty());
        if (objective == Objective::kMaximizeThroughput) {
          ASSERT_THAT(judgement.pareto, ::testing::Contains(*judgement.best)) << "seed " << seed;
        }
      }
    }
  }
}

// The predecessor's penalty could make a higher throughput score worse. Here a better number never does harm: an
// observation that is improved keeps its feasibility, does not lose score, and if it was the best it stays the best.
TEST(JudgeProperty, ABetterMeasurementNeverHurts) {
  int improved_best = 0;
  for (unsigned seed = 0; seed < 3000; ++seed) {
    Random random(seed);
    const auto observations = random.Observations();
    const Slo slo = random.RandomSlo();
    auto better = observations;
    const std::size_t index = random.Index(observations.size());
    if (better[index].loads.empty()) continue;
    measurement::Point& load = better[index].loads[random.Index(better[index].loads.size())];
    if (load.requests == 0) continue;  // then it would be another set of measured loads, not a better number
    load.output_tokens_per_second *= 1 + random.Value(0, 2);
    const double factor = random.Value(0.2, 1);
    load.requests_per_second = load.output_tokens_per_second / 100;
    for (measurement::Latency* latency : {&load.ttft, &load.tpot, &load.itl, &load.e2e}) {
      for (double* value : {&latency->mean, &latency->p50, &latency->p90, &latency->p95, &latency->p99})
        *value *= factor;
    }
    for (Objective objective : kObjectives) {
      const auto before = Judge(observations, By(objective, slo));
      const auto after = Judge(better, By(objective, slo));
      const bool was_best = before.best == index;
      if (was_best) {
        ++improved_best;
        ASSERT_EQ(after.best, index) << "seed " << seed;
      }
      if (objective == Objective::kMaximizeThroughput && before.judged[index].feasible) {
        ASSERT_TRUE(after.judged[index].feasible);
        ASSERT_GE(*after.judged[index].score, *before.judged[index].score);
      }
    }
  }
  EXPECT_GT(improved_best, 500);
}

TEST(JudgeProperty, ATighterSloNeverImprovesThroughput) {
  for (unsigned seed = 0; seed < 1000; ++seed) {
    Random random(seed);
    const auto observations = random.Observations();
    Slo loose = random.RandomSlo();
    loose.bounds.push_back({Metric::kTtft, Statistic::kP99, 600});
    Slo tight = loose;
    tight.bounds.back().limit = 300;
    const auto with_loose = Judge(observations, By(Objective::kMaximizeThroughput, loose));
    const auto with_tight = Judge(observations, By(Objective::kMaximizeThroughput, tight));
    for (std::size_t i = 0; i < observations.size(); ++i) {
      if (!with_tight.judged[i].feasible) continue;
      ASSERT_TRUE(with_loose.judged[i].feasible);
      ASSERT_LE(*with_tight.judged[i].score, *with_loose.judged[i].score);
    }
  }
}

TEST(GainOver, ComparesLimitsWithLimits) {
  const Criteria criteria = By(Objective::kMaximizeThroughput, TtftBelow(100));
  const Observation base = Make("base", {{4, 400, 20}, {8, 500, 90}, {16, 600, 200}});
  const Observation better = Make("better", {{16, 700, 90}, {32, 900, 300}});
  EXPECT_THAT(GainOver(better, base, criteria), Optional(DoubleNear(0.4, 1e-9)));
  EXPECT_EQ(GainOver(better, Make("misses", {{4, 400, 120}, {8, 500, 190}}), criteria), std::nullopt);
  EXPECT_THAT(GainOver(Make("two", {{4, 2, 20}}), Make("one", {{4, 1, 20}}), criteria), Optional(DoubleNear(1, 1e-9)));
}

TEST(GainOver, ComparesGivenLoadsAtTheHighestThatBothKeep) {
  Criteria criteria = By(Objective::kMaximizeThroughput, TtftBelow(100));
  criteria.fixed_loads = true;
  const Observation base = Make("base", {{1, 100, 20}, {16, 600, 200}});
  const Observation better = Make("better", {{1, 110, 20}, {16, 700, 90}});
  EXPECT_THAT(GainOver(better, base, criteria), Optional(DoubleNear(0.1, 1e-9)));  // and not 700 against 100
  const Observation never = Make("never", {{1, 100, 150}, {16, 600, 200}});
  EXPECT_EQ(GainOver(better, never, criteria), std::nullopt);
}

TEST(GainOver, NeedsAPointOfBoth) {
  const Criteria criteria = By(Objective::kMaximizeThroughput, TtftBelow(100));
  const Observation base = Make("base", {{4, 400, 20}, {8, 500, 90}});
  EXPECT_EQ(GainOver(Make("misses", {{4, 400, 120}}), base, criteria), std::nullopt);
  EXPECT_EQ(GainOver(Make("none", {}), base, criteria), std::nullopt);
  EXPECT_EQ(GainOver(base, Make("none", {}), criteria), std::nullopt);
  EXPECT_EQ(GainOver(Make("two", {{4, 400, 20}, {4, 400, 20, 10, 1000, "D(64,64)"}}), base, criteria), std::nullopt);
  Criteria fixed = criteria;
  fixed.fixed_loads = true;
  EXPECT_THAT(GainOver(Make("better", {{4, 440, 20}, {8, 900, 150}}), base, fixed), Optional(DoubleNear(0.1, 1e-9)));
}

TEST(GainBetween, HasTheIntervalOfTheLoadThatIsCompared) {
  Criteria criteria = By(Objective::kMaximizeThroughput, TtftBelow(100));
  criteria.fixed_loads = true;
  Observation base = Make("base", {{1, 100, 20}, {16, 600, 200}});
  Observation better = Make("better", {{1, 110, 20}, {16, 700, 90}});
  EXPECT_EQ(GainBetween(better, base, criteria)->ln_half_width, 0) << "not known";
  base.loads[0].output_tokens_per_second_ci = 3;
  EXPECT_EQ(GainBetween(better, base, criteria)->ln_half_width, 0) << "of one of them";
  EXPECT_EQ(GainBetween(base, better, criteria)->ln_half_width, 0);
  better.loads[0].output_tokens_per_second_ci = 4.4;
  better.loads[1].output_tokens_per_second_ci = 400;
  const auto gain = GainBetween(better, base, criteria);
  ASSERT_TRUE(gain);
  EXPECT_NEAR(gain->share, 0.1, 1e-9);
  EXPECT_NEAR(gain->ln_half_width, std::hypot(0.03, 0.04), 1e-9);
}

TEST(GainOver, IsPositiveForLessLatencyAndLessCost) {
  const Observation base = Make("base", {{8, 500, 80, 10, 1000}});
  const Observation better = Make("better", {{8, 1000, 60, 8, 750}});
  EXPECT_THAT(GainOver(better, base, By(Objective::kMinimizeTtft)), Optional(DoubleNear(0.25, 1e-9)));
  EXPECT_THAT(GainOver(better, base, By(Objective::kMinimizeTpot)), Optional(DoubleNear(0.2, 1e-9)));
  EXPECT_THAT(GainOver(better, base, By(Objective::kMinimizeLatency)), Optional(DoubleNear(0.25, 1e-9)));
  EXPECT_THAT(GainOver(better, base, By(Objective::kMinimizeCost)), Optional(DoubleNear(0.5, 1e-9)));
  EXPECT_THAT(GainOver(base, better, By(Objective::kMaximizeThroughput)), Optional(DoubleNear(-0.5, 1e-9)));
}

TEST(GainText, HasASignThatIsForPeople) {
  EXPECT_EQ(GainText(0.413), "+41.3%");
  EXPECT_EQ(GainText(-0.1), "-10.0%");
  EXPECT_EQ(GainText(-0.00001), "+0.0%");
  EXPECT_EQ(GainText(std::nullopt), "");
  EXPECT_EQ(GainText(kInfinity), "");
}

}  // namespace
}  // namespace autotune::tuning
