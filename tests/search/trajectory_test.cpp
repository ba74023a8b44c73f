#include "tuning/search/trajectory.h"

#include <gtest/gtest.h>

namespace autotune::tuning::search {
namespace {

TEST(Trajectory, FollowsTheBestOverWhatWasSpent) {
  const auto steps =
      TrajectoryOf({{"e1", 0.5, std::nullopt}, {"e2", 1, 100.0}, {"e3", 0.25, 90.0}, {"e4", 0.25, 120.0}}, 2);
  ASSERT_EQ(steps.size(), 4U);
  EXPECT_EQ(steps[0].gpu_hours, 2.5);
  EXPECT_EQ(steps[0].incumbent, "");
  EXPECT_FALSE(steps[0].incumbent_score);
  EXPECT_EQ(steps[2].incumbent, "e2");
  EXPECT_EQ(steps[2].score, 90);
  EXPECT_EQ(steps[2].gpu_hours, 3.75);
  EXPECT_EQ(steps[3].incumbent, "e4");
  EXPECT_EQ(steps[3].incumbent_score, 120);
}

TEST(Trajectory, ScoresBelowZeroAreScores) {
  const auto steps = TrajectoryOf({{"e1", 1, -40.0}, {"e2", 1, -30.0}});
  EXPECT_EQ(steps.back().incumbent, "e2");
}

}  // namespace
}  // namespace autotune::tuning::search
