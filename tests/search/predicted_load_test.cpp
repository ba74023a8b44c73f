#include "measurement/predicted_load.h"

#include <gtest/gtest.h>

#include <cmath>

namespace autotune::measurement {
namespace {

// TPOT 5 ms at load 4 and half as much again per doubling; TTFT never matters. Bound: 20 ms.
PredictedLoads Prediction(double level_sd = 0.2) {
  PredictedLoads p;
  p.loads = {4, 8, 16, 32, 64};
  p.output_tokens = 256;
  for (std::size_t j = 0; j < p.loads.size(); ++j) {
    p.u.push_back(std::log(p.loads[j] / 16));
    p.ttft.mean.push_back(std::log(100));
    p.tpot.mean.push_back(std::log(5 * std::pow(1.5, static_cast<double>(j))));
  }
  for (PredictedMetric* m : {&p.ttft, &p.tpot}) {
    m->level_variance = level_sd * level_sd;
    m->slope_variance = 0.03 * 0.03;
    m->roughness = 0.02;
    m->noise = 0.01;
  }
  p.ttft.ln_bound = std::log(1000);
  p.tpot.ln_bound = std::log(20);
  return p;
}

MeasuredLoad Point(const PredictedLoads& p, double load, double tpot_ms, int n = 1) {
  MeasuredLoad m;
  m.load = load;
  m.measurements = n;
  m.ln_ttft = std::log(100);
  m.ln_tpot = std::log(tpot_ms);
  m.ttft_variance = m.tpot_variance = 0.01 * 0.01 / n;
  m.value = ValueAt(p, load, m.ln_ttft, m.ln_tpot, 0);
  return m;
}

TEST(PredictedLoad, ValuesAPointByTokensPerSecondAndGpu) {
  PredictedLoads p = Prediction();
  p.gpus = 2;
  const double e2e_ms = 100 + 255 * 10;
  EXPECT_NEAR(ValueAt(p, 8, std::log(100), std::log(10), 0), 1000 * 8 * 256 / (2 * e2e_ms), 1e-9);
  p.value = LoadValue::kInverseLatency;
  EXPECT_NEAR(ValueAt(p, 8, 0, 0, std::log(50)), 20, 1e-9);
}

TEST(PredictedLoad, AQueueMovesOnAsRequestsEnd) {
  // Of one that runs and one that waits, each takes 100 ms and 256 times 10 ms.
  EXPECT_NEAR(std::exp(WithQueue(std::log(100), std::log(10), 1, 256)), 100 + 100 + 2560, 1e-9);
  EXPECT_NEAR(WithoutQueue(WithQueue(4, 2, 0.5, 256), 2, 0.5, 256), 4, 1e-9);
  EXPECT_EQ(WithQueue(4, 2, 0, 256), 4);
  EXPECT_TRUE(std::isfinite(WithoutQueue(4, 9, 3, 256))) << "latencies that do not fit together";
}

TEST(PredictedLoad, AWaitBreaksTheBoundOnTtft) {
  PredictedLoads p = Prediction(0.05);
  // 16 run at a time, so that their TPOT stays: only the wait keeps 32 and 64 from the bound of a second.
  for (const std::size_t j : {std::size_t{3}, std::size_t{4}}) {
    p.u[j] = p.u[2];
    p.tpot.mean[j] = p.tpot.mean[2];
  }
  EXPECT_GT(ChooseNextLoad(p, {}, 0, 1).load, 16);
  p.queued = {0, 0, 0, 1, 3};
  EXPECT_EQ(ChooseNextLoad(p, {}, 0, 1).load, 16);
}

TEST(PredictedLoad, BeginsWhereTheGainIsExpectedToBeLargest) {
  // 16.9 ms at load 32: feasible with room; 25 ms at 64: rarely.
  const NextLoad next = ChooseNextLoad(Prediction(0.05), {}, 0, 1);
  EXPECT_EQ(next.action, LoadAction::kMeasure);
  EXPECT_EQ(next.load, 32);
}

TEST(PredictedLoad, AFastEngineIsTriedAtAHigherLoadNext) {
  const PredictedLoads p = Prediction();
  // 30 % faster than predicted: 64 will do.
  const NextLoad next = ChooseNextLoad(p, {Point(p, 32, 16.9 * 0.7)}, 0, 1);
  EXPECT_EQ(next.action, LoadAction::kMeasure);
  EXPECT_EQ(next.load, 64);
}

TEST(PredictedLoad, ASlowEngineIsTriedAtALowerLoadNext) {
  const PredictedLoads p = Prediction();
  const NextLoad next = ChooseNextLoad(p, {Point(p, 32, 16.9 * 1.5)}, 0, 1);
  EXPECT_EQ(next.action, LoadAction::kMeasure);
  EXPECT_EQ(next.load, 16);
}

TEST(PredictedLoad, StopsWhenTheRestCannotBeatTheScore) {
  const PredictedLoads p = Prediction();
  const std::vector<MeasuredLoad> slow = {Point(p, 32, 16.9 * 1.5)};
  const double at_16 = ValueAt(p, 16, std::log(100), std::log(11.25 * 1.5), 0);
  const NextLoad next = ChooseNextLoad(p, slow, 3 * at_16, 1);
  EXPECT_EQ(next.action, LoadAction::kStop);
  EXPECT_EQ(next.reason, LoadReason::kNoGain);
}

TEST(PredictedLoad, StopsWhenNothingIsLeft) {
  const PredictedLoads p = Prediction();
  std::vector<MeasuredLoad> all;
  for (std::size_t j = 0; j < p.loads.size(); ++j) all.push_back(Point(p, p.loads[j], std::exp(p.tpot.mean[j])));
  EXPECT_EQ(ChooseNextLoad(p, all, 0, 1).reason, LoadReason::kAllMeasured);
}

TEST(PredictedLoad, GivesUpWhereHardlyAnyLoadWouldMeetTheBounds) {
  const PredictedLoads p = Prediction();
  const NextLoad next = ChooseNextLoad(p, {Point(p, 4, 60)}, 0, 1);
  EXPECT_EQ(next.action, LoadAction::kStop);
  EXPECT_EQ(next.reason, LoadReason::kUnlikelyFeasible);
}

TEST(PredictedLoad, ALeadingPointWithinTheNoiseOfItsBoundIsRepeatedOnce) {
  const PredictedLoads p = Prediction();
  const NextLoad once = ChooseNextLoad(p, {Point(p, 32, 20.1)}, 0, 1);
  EXPECT_EQ(once.action, LoadAction::kRepeat);
  EXPECT_EQ(once.load, 32);
  EXPECT_NE(ChooseNextLoad(p, {Point(p, 32, 20.1, 2)}, 0, 1).action, LoadAction::kRepeat);
  // Beaten anyway: not worth it.
  EXPECT_NE(ChooseNextLoad(p, {Point(p, 32, 20.1)}, 1e6, 1).action, LoadAction::kRepeat);
  // Far from the bound: certain.
  EXPECT_NE(ChooseNextLoad(p, {Point(p, 32, 17)}, 0, 1).action, LoadAction::kRepeat);
}

TEST(PredictedLoad, APointThatBreaksABoundOfAnotherKindIsNotFeasible) {
  const PredictedLoads p = Prediction();
  MeasuredLoad point = Point(p, 32, 10);
  EXPECT_TRUE(Feasible(p, point));
  point.met = false;
  EXPECT_FALSE(Feasible(p, point));
}

TEST(PredictedLoad, TheOrderOfPointsDoesNotMatterAndTheSeedDecides) {
  const PredictedLoads p = Prediction();
  const MeasuredLoad a = Point(p, 16, 11);
  const MeasuredLoad b = Point(p, 32, 18.5);
  const NextLoad one = ChooseNextLoad(p, {a, b}, 0, 7);
  const NextLoad two = ChooseNextLoad(p, {b, a}, 0, 7);
  EXPECT_EQ(one.action, two.action);
  EXPECT_EQ(one.load, two.load);
  EXPECT_NEAR(one.expected_gain, two.expected_gain, 1e-9);
  EXPECT_EQ(ChooseNextLoad(p, {a, b}, 0, 7).expected_gain, one.expected_gain);
}

TEST(PredictedLoad, LoadsBetweenThePredictedOnesInform) {
  const PredictedLoads p = Prediction();
  // Measured at 24, which is not in the prediction: 60 % slower, which breaks the bound, so 32 is out.
  const NextLoad next = ChooseNextLoad(p, {Point(p, 24, 14 * 1.6)}, 0, 1);
  EXPECT_EQ(next.action, LoadAction::kMeasure);
  EXPECT_EQ(next.load, 16);
}

}  // namespace
}  // namespace autotune::measurement
