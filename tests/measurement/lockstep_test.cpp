#include "measurement/lockstep.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace autotune::measurement {
namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr double kE2e = 6.0;  // seconds

// A closed loop of `places` whose requests take 6 s: in each round the starts are spread over `share` of them.
std::vector<RequestRecord> Rounds(int places, int rounds, double share) {
  std::vector<RequestRecord> records;
  for (int round = 0; round < rounds; ++round) {
    for (int place = 0; place < places; ++place) {
      RequestRecord& record = records.emplace_back();
      const double start = kE2e * (round + share * place / places);
      record.start = nanoseconds(std::llround(start * 1e9));
      record.end = record.start + nanoseconds(std::llround(kE2e * 1e9));
      record.outcome = RequestOutcome::kOk;
    }
  }
  return records;
}

TEST(LockstepTest, StartsThatAreSpreadEvenlyAreNotBunched) {
  EXPECT_NEAR(*Bunching(64, Rounds(64, 5, 1), seconds(0), seconds(30)), 0, 0.01);
  EXPECT_FALSE(InLockstep(64, Rounds(64, 5, 1), seconds(0), seconds(30)));
}

// Prompts that take a fifth of a request's time, as 512 in flight did on an H200: sin(pi/5) / (pi/5).
TEST(LockstepTest, StartsWithinAFifthOfARequestAreLockstep) {
  EXPECT_NEAR(*Bunching(512, Rounds(512, 5, 0.2), seconds(0), seconds(30)), 0.935, 0.01);
  EXPECT_TRUE(InLockstep(512, Rounds(512, 5, 0.2), seconds(0), seconds(30)));
}

TEST(LockstepTest, HalfOfARequestIsNot) { EXPECT_FALSE(InLockstep(512, Rounds(512, 5, 0.5), seconds(0), seconds(30))); }

TEST(LockstepTest, WindowsOfLessThanThreeRoundsDoNotTell) {
  EXPECT_FALSE(Bunching(64, Rounds(64, 2, 0.2), seconds(0), seconds(30)));
  // Four rounds, of which the window has two.
  EXPECT_FALSE(Bunching(64, Rounds(64, 4, 0.2), seconds(0), seconds(12)));
}

TEST(LockstepTest, AFewRequestsAreNotALockstepThatMatters) {
  EXPECT_GT(*Bunching(2, Rounds(2, 5, 0.2), seconds(0), seconds(30)), 0.9);
  EXPECT_FALSE(InLockstep(2, Rounds(2, 5, 0.2), seconds(0), seconds(30)));
}

TEST(LockstepTest, RequestsThatFailedDoNotCount) {
  std::vector<RequestRecord> records = Rounds(64, 5, 0.2);
  for (RequestRecord& record : records) record.outcome = RequestOutcome::kRefused;
  EXPECT_FALSE(Bunching(64, records, seconds(0), seconds(30)));
}

}  // namespace
}  // namespace autotune::measurement
