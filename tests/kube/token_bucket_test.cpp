#include "kube/client/token_bucket.h"

#include <gtest/gtest.h>

#include <chrono>

namespace kube {
namespace {

using namespace std::chrono_literals;

TEST(TokenBucket, LetsTheBurstPassAndThenTheRate) {
  base::SimulatedClock clock;
  TokenBucket bucket(10, 3, clock);
  const base::TimePoint start = clock.Now();
  EXPECT_EQ(bucket.Reserve(), start);
  EXPECT_EQ(bucket.Reserve(), start);
  EXPECT_EQ(bucket.Reserve(), start);
  EXPECT_EQ(bucket.Reserve() - start, 100ms);
  EXPECT_EQ(bucket.Reserve() - start, 200ms) << "waiters stand in line";
}

TEST(TokenBucket, RefillsUpToTheBurst) {
  base::SimulatedClock clock;
  TokenBucket bucket(10, 2, clock);
  bucket.Reserve();
  bucket.Reserve();
  clock.Advance(1h);
  const base::TimePoint now = clock.Now();
  EXPECT_EQ(bucket.Reserve(), now);
  EXPECT_EQ(bucket.Reserve(), now);
  EXPECT_GT(bucket.Reserve(), now);
}

TEST(TokenBucket, ARateOfZeroSwitchesItOff) {
  base::SimulatedClock clock;
  TokenBucket bucket(0, 1, clock);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(bucket.Reserve(), clock.Now());
}

TEST(TokenBucket, AStopTokenEndsTheWait) {
  base::SimulatedClock clock;
  TokenBucket bucket(1, 1, clock);
  ASSERT_TRUE(bucket.Take({}));
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(bucket.Take(stop.get_token()));
}

}  // namespace
}  // namespace kube
