#include "tuning/search/estimate.h"

#include <gtest/gtest.h>

#include "tests/search/surfaces.h"

namespace autotune::tuning::search {
namespace {

class EstimateTest : public ::testing::Test {
 protected:
  Space space_ = testing::SmallSpace();
  Bounds bounds_ = testing::UsualBounds();
  Prior prior_ = testing::PriorOf(space_, bounds_);
};

TEST_F(EstimateTest, TheSearchCostsWhatWasEstimated) {
  const CostEstimate e = EstimateCost(space_, bounds_, prior_, {}, 1, 1);
  EXPECT_LE(e.experiments.low, e.experiments.mean);
  EXPECT_LE(e.experiments.low, e.experiments.high);
  EXPECT_LT(e.experiments.high, e.most_experiments);
  EXPECT_LT(e.gpu_hours.high, e.most_gpu_hours);
  EXPECT_EQ(e.most_experiments, static_cast<double>(space_.candidates.size()));
  const testing::Log log = testing::RunSearch(space_, bounds_, prior_, 1);
  EXPECT_GE(log.gpu_seconds / 3600, 0.3 * e.gpu_hours.mean);
  EXPECT_LE(log.gpu_seconds / 3600, 3 * e.gpu_hours.mean);
}

TEST_F(EstimateTest, MoreSlotsTakeLessTimeAndMoreExperiments) {
  const CostEstimate one = EstimateCost(space_, bounds_, prior_, {}, 1, 1);
  const CostEstimate three = EstimateCost(space_, bounds_, prior_, {}, 3, 1);
  EXPECT_LT(three.hours.mean, one.hours.mean);
  EXPECT_GE(three.experiments.mean, one.experiments.mean);
  EXPECT_GT(three.hours.mean, three.gpu_hours.mean / 3 / 4) << "a trial has four GPUs at most";
}

TEST_F(EstimateTest, WhatPodsMeasureByThemselvesIsInIt) {
  const CostEstimate without = EstimateCost(space_, bounds_, prior_, {}, 1, 1);
  space_.loads_of_a_leader = 7;
  space_.loads_of_a_loser = 3;
  const CostEstimate with = EstimateCost(space_, bounds_, prior_, {}, 1, 1);
  EXPECT_EQ(with.experiments.mean, without.experiments.mean);
  EXPECT_GT(with.gpu_hours.mean, without.gpu_hours.mean);
}

TEST_F(EstimateTest, MeasuredStartTimesCorrectTheExpectedOnes) {
  std::vector<Start> starts;
  EXPECT_EQ(StartTimeCorrection(space_, starts), 1);
  for (std::size_t i = 0; i < 8; ++i) starts.push_back({i, StartOutcome::kOk, 2 * space_.candidates[i].start_seconds});
  EXPECT_NEAR(StartTimeCorrection(space_, starts), 1.85, 0.05);
  starts.push_back({9, StartOutcome::kCrashed, 1});
  EXPECT_NEAR(StartTimeCorrection(space_, starts), 1.85, 0.05);
}

TEST_F(EstimateTest, LessIsLeftTheMoreWasTried) {
  const testing::Log log = testing::RunSearch(space_, bounds_, prior_, 1);
  const CostEstimate before = EstimateCost(space_, bounds_, prior_, {}, 1, 1);
  const CostEstimate after = EstimateCost(space_, bounds_, prior_, log.observations, 1, 1);
  EXPECT_LT(after.experiments.mean, before.experiments.mean);
  EXPECT_LT(after.most_experiments, before.most_experiments);
}

TEST_F(EstimateTest, FourPlayedSearchesTellAboutAsMuchAsTen) {
  constexpr int kSeeds = 12;
  double mean[2] = {}, width[2] = {};
  for (int seed = 1; seed <= kSeeds; ++seed) {
    const int played[2] = {kPlayedBefore, kPlayedAfter};
    for (std::size_t i = 0; i < 2; ++i) {
      const CostEstimate e =
          EstimateCost(space_, bounds_, prior_, {}, 1, static_cast<std::uint64_t>(seed), {}, played[i]);
      mean[i] += e.gpu_hours.mean / kSeeds;
      width[i] += (e.gpu_hours.high - e.gpu_hours.low) / kSeeds;
    }
  }
  EXPECT_NEAR(mean[1] / mean[0], 1, 0.15);
  EXPECT_NEAR(width[1] / width[0], 1, 0.25);
}

TEST_F(EstimateTest, ABudgetBoundsIt) {
  Limits limits;
  limits.budget.gpu_seconds = 1200;
  EXPECT_LE(EstimateCost(space_, bounds_, prior_, {}, 1, 1, limits).gpu_hours.mean, 1.5 * 1200 / 3600);
}

}  // namespace
}  // namespace autotune::tuning::search
