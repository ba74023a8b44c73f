#include "tuning/search/budget.h"

#include <gtest/gtest.h>

namespace autotune::tuning::search {
namespace {

// Candidate 0 has one GPU, candidate 1 has four. A load takes 60 s; with its start, a trial takes 300 s at least.
Space TwoCandidates() {
  Space space;
  space.step_seconds = 60;
  for (const int gpus : {1, 4}) {
    Candidate candidate;
    candidate.features.shape.gpus = gpus;
    candidate.loads = {4, 8, 16, 32, 64};
    candidate.start_seconds = 240;
    space.candidates.push_back(candidate);
  }
  return space;
}

std::optional<Allowance> AllowFirst(const Budget& budget, std::optional<std::size_t> incumbent = std::nullopt) {
  return Allow(TwoCandidates(), budget, 0, incumbent);
}

TEST(ConfirmationCost, IsOneStartAndTwoLoads) {
  EXPECT_EQ(ConfirmationCost(TwoCandidates(), 1).seconds, 360);
  EXPECT_EQ(ConfirmationCost(TwoCandidates(), 1).gpu_seconds, 4 * 360);
}

TEST(Budget, WithoutLimitsATrialMayTakeFourStartsAndAllLoadsTwice) {
  const auto allowed = Allow(TwoCandidates(), {}, 1, std::nullopt);
  ASSERT_TRUE(allowed);
  EXPECT_EQ(allowed->seconds, 4 * 240 + 2 * 5 * 60);
  EXPECT_EQ(allowed->gpu_seconds, 4 * allowed->seconds);
}

TEST(Budget, NothingStartsThatDoesNotFitWithItsConfirmation) {
  Budget budget;
  budget.confirmations = 1;
  budget.gpu_seconds = 300 + 360;
  ASSERT_TRUE(AllowFirst(budget));
  EXPECT_EQ(AllowFirst(budget)->gpu_seconds, 300);
  EXPECT_EQ(AllowFirst(budget)->seconds, 300);
  budget.spent_gpu_seconds = 1;
  EXPECT_FALSE(AllowFirst(budget));
  budget.confirmations = 0;
  EXPECT_TRUE(AllowFirst(budget));
  budget.committed_gpu_seconds = 400;  // by a trial that runs
  EXPECT_FALSE(AllowFirst(budget));
}

TEST(Budget, AllGpusOfATrialCount) {
  Budget budget;
  budget.gpu_seconds = 4 * 300;
  ASSERT_TRUE(Allow(TwoCandidates(), budget, 1, std::nullopt));
  EXPECT_EQ(Allow(TwoCandidates(), budget, 1, std::nullopt)->seconds, 300);
  budget.gpu_seconds = 4 * 300 - 1;
  EXPECT_FALSE(Allow(TwoCandidates(), budget, 1, std::nullopt));
}

TEST(Budget, TheReserveIsTheDearerOfTheOwnAndTheIncumbentsConfirmation) {
  Budget budget;
  budget.confirmations = 1;
  budget.gpu_seconds = 300 + 4 * 360;
  EXPECT_TRUE(AllowFirst(budget, 1));
  budget.gpu_seconds = *budget.gpu_seconds - 1;
  EXPECT_FALSE(AllowFirst(budget, 1));
  // The own one, if that is dearer.
  budget.gpu_seconds = 4 * (300 + 360) - 1;
  EXPECT_FALSE(Allow(TwoCandidates(), budget, 1, 0));
}

TEST(Budget, TheReserveOfTimeIsThatOfTheLongerConfirmation) {
  Space space = TwoCandidates();
  space.candidates[1].start_seconds = 1000;
  Budget budget;
  budget.confirmations = 2;
  budget.seconds_left = 300 + 2 * (1000 + 120);
  EXPECT_TRUE(Allow(space, budget, 0, 1));
  budget.seconds_left = *budget.seconds_left - 1;
  EXPECT_FALSE(Allow(space, budget, 0, 1));
}

TEST(Budget, TheDeadlineAndTheNumberOfTrialsCountToo) {
  Budget budget;
  budget.seconds_left = 299;
  EXPECT_FALSE(AllowFirst(budget));
  budget.seconds_left = 300;
  ASSERT_TRUE(AllowFirst(budget));
  EXPECT_EQ(AllowFirst(budget)->seconds, 300);
  EXPECT_EQ(Allow(TwoCandidates(), budget, 1, std::nullopt)->gpu_seconds, 4 * 300);
  budget.trials = 2;
  budget.started = 1;
  EXPECT_TRUE(AllowFirst(budget));
  budget.started = 2;
  EXPECT_FALSE(AllowFirst(budget));
}

TEST(Budget, TheTighterOfGpuTimeAndDeadlineHolds) {
  Budget budget;
  budget.gpu_seconds = 500;
  budget.seconds_left = 400;
  EXPECT_EQ(AllowFirst(budget)->seconds, 400);
  EXPECT_EQ(AllowFirst(budget)->gpu_seconds, 400);
  budget.seconds_left = 10'000;
  EXPECT_EQ(AllowFirst(budget)->seconds, 500);
}

TEST(LeastGpuSeconds, IsWhatATrialNeedsWithItsConfirmation) {
  Budget budget;
  EXPECT_EQ(LeastGpuSeconds(TwoCandidates(), budget, 1, std::nullopt), 4 * 300);
  budget.confirmations = 1;
  EXPECT_EQ(LeastGpuSeconds(TwoCandidates(), budget, 1, std::nullopt), 4 * 300 + 4 * 360);
  EXPECT_EQ(LeastGpuSeconds(TwoCandidates(), budget, 0, 1), 300 + 4 * 360);
}

}  // namespace
}  // namespace autotune::tuning::search
