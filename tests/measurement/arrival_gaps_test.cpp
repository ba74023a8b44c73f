#include "measurement/arrival_gaps.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace autotune::measurement {
namespace {

using std::chrono::seconds;

// Arrivals in a window of `length` mean gaps that begins `offset` after a start.
double ArrivedIn(ArrivalGaps gaps, double offset, double length) {
  double at = 0, count = 0;
  while ((at += gaps.Next()) < offset + length) count += at >= offset ? 1 : 0;
  return count;
}

double DeviationOfCounts(const Arrival& arrival, std::size_t block) {
  double sum = 0, squares = 0;
  constexpr int kWindows = 400;
  for (int i = 0; i < kWindows; ++i) {
    const double count = ArrivedIn({arrival, KeyedRandom(7, static_cast<std::uint64_t>(i)), block}, 130, 1000);
    sum += count / kWindows;
    squares += count * count / kWindows;
  }
  return std::sqrt(squares - sum * sum);
}

TEST(ArrivalGaps, OfABlockTakeExactlyTheirMean) {
  for (const Arrival& arrival : {Arrival{}, Arrival{ArrivalProcess::kGamma, 0.25}}) {
    ArrivalGaps gaps(arrival, KeyedRandom(1), 50);
    for (int block = 0; block < 3; ++block) {
      double sum = 0, longest = 0;
      for (int i = 0; i < 50; ++i) {
        const double gap = gaps.Next();
        sum += gap;
        longest = std::max(longest, gap);
      }
      EXPECT_NEAR(sum, 50, 1e-9);
      EXPECT_GT(longest, 2) << "as random as before within it";
    }
  }
}

// 1,000 Poisson arrivals are 1,000 +- 32, and gamma ones of burstiness 0.5 by the root of two more.
TEST(ArrivalGaps, HoldTheRateOfAWindow) {
  EXPECT_NEAR(DeviationOfCounts({}, 0), 32, 4);
  EXPECT_LT(DeviationOfCounts({}, 250), 12);
  EXPECT_NEAR(DeviationOfCounts({ArrivalProcess::kGamma, 0.5}, 0), 45, 6);
  EXPECT_LT(DeviationOfCounts({ArrivalProcess::kGamma, 0.5}, 250), 17);
  EXPECT_LE(DeviationOfCounts({ArrivalProcess::kConstant, 1}, 250), 1);
}

TEST(BlockOfArrivals, HoldsSeveralLatencies) {
  EXPECT_EQ(BlockOfArrivals(10, seconds(1)), 300u) << "thirty latencies";
  EXPECT_EQ(BlockOfArrivals(10, seconds(0)), 200u) << "at least twenty seconds";
  EXPECT_EQ(BlockOfArrivals(10, seconds(60)), 600u) << "at most a minute";
  EXPECT_EQ(BlockOfArrivals(0.1, seconds(1)), 16u);
}

}  // namespace
}  // namespace autotune::measurement
