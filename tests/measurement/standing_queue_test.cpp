#include "measurement/standing_queue.h"

#include <gtest/gtest.h>

namespace autotune::measurement {
namespace {

constexpr double kAlone = 30;  // ms

Point Loop(double ttft_ms, double e2e_ms) {
  Point point;
  point.load = Concurrency(512);
  point.ttft.mean = ttft_ms;
  point.e2e.mean = e2e_ms;
  return point;
}

// 512 in flight on an H200 of which 411 ran and 93 waited, on average (docs/verified/2026-11-30-h200-finding.md).
TEST(StandingQueue, AFifthOfTheTimeIsWaited) {
  EXPECT_NEAR(WaitingShare(Loop(1248, 6001), kAlone), 93.0 / 504, 0.02);
  EXPECT_TRUE(QueueStands(Loop(1248, 6001), kAlone));
}

TEST(StandingQueue, NoneWhereAFirstTokenTakesHardlyLongerThanAlone) {
  EXPECT_FALSE(QueueStands(Loop(34, 100), kAlone)) << "4 % of the time, but an eighth more is noise";
  EXPECT_TRUE(QueueStands(Loop(35, 100), kAlone));
  EXPECT_FALSE(QueueStands(Loop(90, 6100), kAlone)) << "less than 1 % of the time";
  EXPECT_TRUE(QueueStands(Loop(92, 6100), kAlone));
}

TEST(StandingQueue, OfARateThereIsNone) {
  Point point = Loop(1248, 6001);
  point.load = RequestRate(86);
  EXPECT_FALSE(QueueStands(point, kAlone));
}

TEST(StandingQueue, APointWithoutAnAnswerWaitsForNothing) { EXPECT_EQ(WaitingShare(Loop(0, 0), kAlone), 0); }

}  // namespace
}  // namespace autotune::measurement
