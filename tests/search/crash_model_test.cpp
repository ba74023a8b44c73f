#include "tuning/search/crash_model.h"

#include <gtest/gtest.h>

namespace autotune::tuning::search {
namespace {

constexpr std::size_t kOtherPrecision = 20, kOtherEngine = 21, kOtherGpu = 22;

// 20 candidates of one class, and one each of another precision, engine and type of GPU.
Space Classes() {
  Space space;
  space.candidates.resize(23);
  for (Candidate& candidate : space.candidates) {
    candidate.features.engine = "vllm";
    candidate.features.precision = "bf16";
  }
  space.candidates[kOtherPrecision].features.precision = "fp8";
  space.candidates[kOtherEngine].features.engine = "sglang";
  space.candidates[kOtherGpu].features.gpu = 1;
  return space;
}

TEST(ClassOf, IsEngineAndPrecisionsAndDraftAndGpu) {
  Features features;
  features.engine = "vllm";
  features.precision = "fp8";
  features.cache_dtype = "fp8_e4m3";
  features.draft = "eagle3";
  EXPECT_EQ(ClassOf(features), "vllm|fp8|fp8_e4m3|eagle3");
  features.gpu = 2;
  EXPECT_EQ(ClassOf(features), "vllm|fp8|fp8_e4m3|eagle3|2");
  features.gpu = 1;
  EXPECT_EQ(ClassOf(features), "vllm|fp8|fp8_e4m3|eagle3|1");
}

TEST(CrashModel, StartsFromNineInTenAndLearnsByClass) {
  const Space space = Classes();
  EXPECT_NEAR(CrashModel(space, {}).StartProbability(0), 0.9, 1e-12);
  const CrashModel one(space, {{0, StartOutcome::kCrashed, 0}});
  const double engine = 4.5 / 6;  // 4.5 of 5 starts, and the one that crashed
  EXPECT_NEAR(one.StartProbability(1), 2 * engine / 3, 1e-12);
  EXPECT_NEAR(one.StartProbability(kOtherPrecision), engine, 1e-12);
  EXPECT_NEAR(one.StartProbability(kOtherGpu), engine, 1e-12);
  EXPECT_NEAR(one.StartProbability(kOtherEngine), 0.9, 1e-12);
  EXPECT_FALSE(one.Suspended(1));
  const CrashModel ok(space, {{0, StartOutcome::kOk, 0}});
  EXPECT_NEAR(ok.StartProbability(1), (2 * (5.5 / 6) + 1) / 3, 1e-12);
}

TEST(CrashModel, ACandidateCountsOnceAndWithItsSuccess) {
  const Space space = Classes();
  const double once = CrashModel(space, {{0, StartOutcome::kOk, 0}}).StartProbability(1);
  EXPECT_EQ(CrashModel(space, {{0, StartOutcome::kOk, 0}, {0, StartOutcome::kCrashed, 0}}).StartProbability(1), once);
  EXPECT_EQ(CrashModel(space, {{0, StartOutcome::kCrashed, 0}, {0, StartOutcome::kOk, 0}}).StartProbability(1), once);
}

TEST(CrashModel, TwoCrashesSuspendAClassUntilItSucceeds) {
  const Space space = Classes();
  std::vector<Start> starts = {{0, StartOutcome::kCrashed, 0}, {1, StartOutcome::kCrashed, 0}};
  EXPECT_TRUE(CrashModel(space, starts).Suspended(2));
  EXPECT_EQ(CrashModel(space, starts).StartProbability(2), 0.1);
  EXPECT_FALSE(CrashModel(space, starts).Suspended(kOtherPrecision));
  starts.push_back({2, StartOutcome::kOk, 0});
  EXPECT_FALSE(CrashModel(space, starts).Suspended(3));
  EXPECT_GT(CrashModel(space, starts).StartProbability(3), 0.1);
}

TEST(CrashModel, ManyCrashesAreLessLikelyStillToStart) {
  std::vector<Start> starts;
  for (std::size_t i = 0; i < 20; ++i) starts.push_back({i, StartOutcome::kCrashed, 0});
  EXPECT_NEAR(CrashModel(Classes(), starts).StartProbability(0), 2 * (4.5 / 25) / 22, 1e-12);
}

TEST(CrashModel, InfrastructureSaysNothing) {
  const Space space = Classes();
  EXPECT_EQ(CrashModel(space, {{0, StartOutcome::kInfrastructure, 0}}).StartProbability(0),
            CrashModel(space, {}).StartProbability(0));
}

}  // namespace
}  // namespace autotune::tuning::search
