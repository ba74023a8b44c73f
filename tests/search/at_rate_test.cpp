#include "tuning/search/at_rate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/search/surfaces.h"
#include "tuning/search/estimate.h"
#include "tuning/search/outlook.h"
#include "tuning/search/prediction_check.h"

namespace autotune::tuning::search {
namespace {

TEST(MeetRate, RequestsAreInFlightAsLongAsTheyTake) {
  // 400 ms at every load: 10/s are 4 in flight.
  const std::vector<double> loads = {1, 2, 8, 32};
  const std::vector<double> flat(4, std::log(400));
  const std::optional<InFlight> at = MeetRate(loads, flat, 10);
  ASSERT_TRUE(at);
  EXPECT_NEAR(at->load, 4, 1e-9);
  EXPECT_EQ(at->below, 1U);
  EXPECT_EQ(at->above, 2U);
  EXPECT_NEAR(at->share, 0.5, 1e-9);
  EXPECT_NEAR(at->Between(1, 3), 2, 1e-9);

  // 100 ms x sqrt(load): 10/s lead to 1 in flight, 20/s to 4, 40/s to 16.
  std::vector<double> rising;
  for (const double load : loads) rising.push_back(std::log(100 * std::sqrt(load)));
  EXPECT_NEAR(MeetRate(loads, rising, 10)->load, 1, 1e-9);
  EXPECT_NEAR(MeetRate(loads, rising, 20)->load, 4, 1e-9);
  EXPECT_NEAR(MeetRate(loads, rising, 40)->load, 16, 1e-9);
}

TEST(MeetRate, KnowsWhereALoadLies) {
  const std::vector<double> loads = {2, 8};
  const std::vector<double> values = {1, 3};
  const auto at = [&](double load) {
    const std::optional<InFlight> place = PlaceOf(loads, load);
    return place ? place->Between(values[place->below], values[place->above]) : 0;
  };
  EXPECT_EQ(at(2), 1);
  EXPECT_NEAR(at(4), 2, 1e-9);
  EXPECT_EQ(at(8), 3);
  EXPECT_FALSE(PlaceOf(loads, 1.9));
  EXPECT_FALSE(PlaceOf(loads, 8.1));
}

TEST(MeetRate, OutsideOfTheLoadsItIsTheLowestOrNone) {
  const std::vector<double> loads = {1, 4};
  const std::vector<double> flat(2, std::log(400));
  const std::optional<InFlight> rare = MeetRate(loads, flat, 0.1);
  ASSERT_TRUE(rare);
  EXPECT_EQ(rare->load, 1);
  EXPECT_EQ(rare->Between(1, 3), 1);
  EXPECT_FALSE(MeetRate(loads, flat, 11));
  // Twice the load takes twice the time: 5/s are all that it completes.
  EXPECT_TRUE(MeetRate(loads, {std::log(200), std::log(800)}, 4.9));
  EXPECT_FALSE(MeetRate(loads, {std::log(200), std::log(800)}, 5.1));
}

// A space whose latencies are compared at one rate; engines are the surfaces' with what the rate leads to.
class AtRateTest : public ::testing::Test {
 protected:
  // What an open loop at the space's rate measures.
  std::optional<Point> MeasureAtRate(std::size_t candidate) const {
    const Candidate& c = space_.candidates[candidate];
    std::vector<Point> curve;
    std::vector<double> ln_e2e;
    for (const double load : c.loads) {
      curve.push_back(testing::Measure(space_, prior_, candidate, load));
      ln_e2e.push_back(curve.back().ln_objective_ms);  // E2E
    }
    const std::optional<InFlight> at = MeetRate(c.loads, ln_e2e, *space_.request_rate);
    if (!at) return std::nullopt;
    const Point& a = curve[at->below];
    const Point& b = curve[at->above];
    Point point = a;
    point.load = at->load;
    point.ln_ttft_ms = at->Between(a.ln_ttft_ms, b.ln_ttft_ms);
    point.ln_tpot_ms = at->Between(a.ln_tpot_ms, b.ln_tpot_ms);
    point.ln_e2e_ms = at->Between(a.ln_objective_ms, b.ln_objective_ms);
    point.ln_objective_ms = space_.objective == Objective::kE2e    ? point.ln_e2e_ms
                            : space_.objective == Objective::kTpot ? point.ln_tpot_ms
                                                                   : point.ln_ttft_ms;
    point.value = 1000 / std::exp(point.ln_objective_ms);
    return point;
  }

  Space Rated(Objective objective) const {
    Space space = testing::SmallSpace();
    space.objective = objective;
    space.request_rate = 12;
    for (Candidate& c : space.candidates) c.loads = {1, 2, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128};
    space.candidates.front().baseline = true;
    return space;
  }

  Bounds bounds_;
  Space space_ = Rated(Objective::kE2e);
  Prior prior_ = testing::PriorOf(space_, bounds_);
};

TEST_F(AtRateTest, AFasterEngineGainsMoreThanAtOneLoad) {
  const auto outlook = [&](const Space& space, std::size_t candidate) {
    for (const Outlook& one : OutlookOf(space, bounds_, testing::PriorOf(space, bounds_), {}, 100)) {
      if (one.candidate == candidate) return one;
    }
    ADD_FAILURE() << candidate;
    return Outlook();
  };
  // vLLM with up to 256 sequences on one GPU: bf16 and fp8.
  const std::size_t bf16 = 2, fp8 = 11;
  ASSERT_EQ(space_.candidates[fp8].features.precision, "fp8");
  const Outlook slow = outlook(space_, bf16);
  const Outlook fast = outlook(space_, fp8);
  EXPECT_LT(fast.load, 0.8 * slow.load);
  EXPECT_NEAR(std::log(slow.load), std::log(12 / slow.value), 0.02) << "Little's law";
  Space at_one_load = space_;
  at_one_load.request_rate.reset();
  for (Candidate& c : at_one_load.candidates) c.loads = {std::round(slow.load)};
  const double gain_at_one_load = outlook(at_one_load, fp8).value / outlook(at_one_load, bf16).value;
  EXPECT_GT(fast.value / slow.value, 1.1 * gain_at_one_load);
}

TEST_F(AtRateTest, WhatDoesNotKeepUpIsNotExpectedToMeetAnything) {
  for (const Outlook& one : OutlookOf(space_, bounds_, prior_, {}, 100)) {
    const engine_model::CandidateShape& shape = space_.candidates[one.candidate].features.shape;
    // 16 sequences at 12/s would have to take 1.3 seconds each.
    if (shape.max_num_seqs == 16 && shape.gpus == 1) {
      EXPECT_FALSE(one.feasible) << one.candidate;
    } else if (shape.max_num_seqs == 256) {
      EXPECT_TRUE(one.feasible) << one.candidate;
    }
  }
}

TEST_F(AtRateTest, TheSearchFindsTheFastest) {
  for (const Objective objective : {Objective::kE2e, Objective::kTpot, Objective::kTtft}) {
    space_ = Rated(objective);
    prior_ = testing::PriorOf(space_, bounds_);
    double best = 0;
    for (std::size_t i = 0; i < space_.candidates.size(); ++i) {
      if (const auto point = MeasureAtRate(i)) best = std::max(best, point->value);
    }
    Observations observations;
    Decision decision;
    while (true) {
      decision = Decide(space_, bounds_, prior_, observations, {}, 1);
      if (decision.action != Action::kStart) break;
      observations.starts.push_back({decision.candidate, StartOutcome::kOk, 240});
      observations.ended.push_back(decision.candidate);
      if (const auto point = MeasureAtRate(decision.candidate)) observations.points.push_back(*point);
    }
    EXPECT_EQ(decision.reason, Reason::kLowExpectedGain);
    EXPECT_LT(observations.starts.size(), space_.candidates.size() / 2);
    ASSERT_TRUE(decision.best);
    EXPECT_GE(decision.best->value, 0.95 * best) << static_cast<int>(objective);
  }
}

TEST_F(AtRateTest, StatisticsStandForMeansAsTheyWereMeasured) {
  // Few long answers: the p50 is two thirds of the mean, and what is in flight follows from the mean.
  Observations means, medians;
  means.points.push_back(*MeasureAtRate(2));
  medians = means;
  medians.points.front().ln_objective_ms -= std::log(1.5);
  medians.points.front().value *= 1.5;
  const auto outlook = [&](const Observations& observations) {
    for (const Outlook& one : OutlookOf(space_, bounds_, prior_, observations, 100)) {
      if (one.candidate == 11) return one;
    }
    return Outlook();
  };
  // Not exactly the same: other candidates share a part of what one is off by.
  EXPECT_GT(outlook(medians).load, 0.95 * outlook(means).load);
  EXPECT_LT(outlook(medians).load, 1.3 * outlook(means).load);
  EXPECT_GT(outlook(medians).value, 1.2 * outlook(means).value);
}

TEST_F(AtRateTest, TheEstimatePlaysOneMeasurementForATrial) {
  space_.loads_of_a_leader = 7;
  space_.loads_of_a_loser = 3;
  const CostEstimate estimate = EstimateCost(space_, bounds_, prior_, {}, 1, 1);
  EXPECT_GE(estimate.experiments.low, 2);
  EXPECT_LT(estimate.experiments.high, static_cast<double>(space_.candidates.size()) / 2);
  EXPECT_LT(estimate.gpu_hours.high, estimate.most_gpu_hours);
}

TEST_F(AtRateTest, ChecksPredictionsAtTheRateAndNotAtTheMeasuredLoad) {
  Observations observations;
  for (const std::size_t i : {2U, 11U}) observations.points.push_back(*MeasureAtRate(i));
  const auto checks = CheckPredictions(space_, bounds_, prior_, observations);
  ASSERT_EQ(checks.size(), 2U);
  for (const PredictionCheck& check : checks) {
    EXPECT_LT(check.value.low, check.value.predicted);
    EXPECT_GT(check.value.high, check.value.predicted);
    // An engine that is 5 % slower than predicted has more in flight, and is slower still.
    EXPECT_LT(check.value.measured, check.value.prior);
    const double half_width = std::log(check.value.high / check.value.predicted);
    EXPECT_GT(half_width, std::log(check.tpot.high / check.tpot.predicted));
  }
}

}  // namespace
}  // namespace autotune::tuning::search
