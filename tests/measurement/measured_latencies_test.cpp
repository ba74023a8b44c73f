#include "measurement/measured_latencies.h"

#include <gtest/gtest.h>

namespace autotune::measurement {
namespace {

using std::chrono::seconds;

double At(const MeasuredLatencies& seen, const Load& load) {
  return std::chrono::duration<double>(seen.At(load)).count();
}

TEST(MeasuredLatencies, AreReadBetweenAndBeyondWhatWasSeen) {
  MeasuredLatencies seen;
  EXPECT_EQ(At(seen, Concurrency(8)), 0) << "nothing was seen";
  seen.Add(1, seconds(1));
  EXPECT_NEAR(At(seen, Concurrency(64)), 1, 1e-6) << "one says nothing of a slope";
  seen.Add(256, seconds(16));
  EXPECT_NEAR(At(seen, Concurrency(16)), 4, 1e-6);
  EXPECT_NEAR(At(seen, Concurrency(1024)), 32, 1e-6);
  seen.Add(256, seconds(512));
  EXPECT_NEAR(At(seen, Concurrency(512)), 1024, 1e-5) << "at most in proportion";
  seen.Add(256, seconds(1));
  seen.Add(16, seconds(2));
  EXPECT_NEAR(At(seen, Concurrency(64)), 2, 1e-6) << "more requests make none quicker";
}

TEST(MeasuredLatencies, AreOfTheRequestsThatARateHasInFlight) {
  MeasuredLatencies seen;
  seen.Add(1, seconds(1));
  seen.Add(256, seconds(16));  // the root of the requests in flight
  EXPECT_NEAR(At(seen, RequestRate(8)), 8, 1e-4) << "64 in flight take 8 s each";
  EXPECT_NEAR(At(seen, RequestRate(1000)), 16, 1e-6) << "beyond the capacity";
  EXPECT_NEAR(At(seen, RequestRate(0.01)), 1, 1e-6);
}

}  // namespace
}  // namespace autotune::measurement
