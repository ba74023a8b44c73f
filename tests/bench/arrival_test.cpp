#include "bench/arrival.h"

#include <gmock/gmock.h>

#include <cmath>

namespace autotune::bench {
namespace {

using measurement::Arrival;
using measurement::ArrivalProcess;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

std::vector<double> Gaps(ArrivalTimes& times, int count) {
  std::vector<double> gaps;
  nanoseconds last = times.Next();
  for (int i = 0; i < count; ++i) {
    const nanoseconds next = times.Next();
    gaps.push_back(std::chrono::duration<double>(next - last).count());
    last = next;
  }
  return gaps;
}

struct Moments {
  double mean = 0, cv2 = 0;  // squared coefficient of variation
};
Moments Of(const std::vector<double>& gaps) {
  Moments out;
  for (const double gap : gaps) out.mean += gap / static_cast<double>(gaps.size());
  for (const double gap : gaps) out.cv2 += (gap - out.mean) * (gap - out.mean) / static_cast<double>(gaps.size());
  out.cv2 /= out.mean * out.mean;
  return out;
}

TEST(ArrivalTimes, HaveTheMeanAndVarianceOfTheirProcess) {
  const struct {
    Arrival arrival;
    double cv2;
  } kCases[] = {
      {{ArrivalProcess::kPoisson, 1}, 1},  {{ArrivalProcess::kConstant, 1}, 0},
      {{ArrivalProcess::kGamma, 0.25}, 4},  // a gamma's is 1 / shape
      {{ArrivalProcess::kGamma, 1}, 1},    {{ArrivalProcess::kGamma, 4}, 0.25},
  };
  for (const auto& row : kCases) {
    SCOPED_TRACE(std::string(ArrivalProcessName(row.arrival.process)) + " " + std::to_string(row.arrival.burstiness));
    ArrivalTimes times(row.arrival, 8, 1, 1, 0);
    const Moments moments = Of(Gaps(times, 200'000));
    // Three standard errors of the mean, and of the variance with a gamma's kurtosis.
    EXPECT_NEAR(moments.mean * 8, 1, 3 * std::sqrt(row.cv2 / 200'000) + 1e-5);
    EXPECT_NEAR(moments.cv2, row.cv2, 0.05 * row.cv2 + 1e-9);
  }
}

TEST(ArrivalTimes, APoissonProcessForgets) {
  ArrivalTimes times({}, 100, 3, 1, 500);
  const std::vector<double> gaps = Gaps(times, 100'000);
  double covariance = 0;
  for (std::size_t i = 1; i < gaps.size(); ++i) covariance += (gaps[i - 1] - 0.01) * (gaps[i] - 0.01);
  EXPECT_LT(std::abs(covariance / 1e-4 / static_cast<double>(gaps.size())), 0.01) << "correlation of neighbours";
}

TEST(ArrivalTimes, AreTheSameForTheSameSeedAndStreamOnly) {
  const auto times = [](std::int64_t seed, std::uint64_t stream) {
    ArrivalTimes out({}, 5, seed, stream, 8);
    std::vector<nanoseconds> all;
    for (int i = 0; i < 20; ++i) all.push_back(out.Next());
    return all;
  };
  EXPECT_EQ(times(1, 1), times(1, 1));
  EXPECT_NE(times(1, 1), times(2, 1));
  EXPECT_NE(times(1, 1), times(1, 2));
}

TEST(ArrivalTimes, ConstantTimesDoNotDrift) {
  ArrivalTimes times({ArrivalProcess::kConstant, 1}, 3, 1, 1, 10);
  nanoseconds last{};
  for (int i = 0; i <= 300'000; ++i) last = times.Next();
  EXPECT_EQ(last, std::chrono::seconds(100'000));
}

const std::vector<milliseconds> kTrace = {milliseconds(0), milliseconds(100), milliseconds(100), milliseconds(300)};

TEST(ArrivalTimes, ATraceKeepsItsShapeAtAnyRate) {
  // Recorded: 4 requests, 0.1 s between their mean arrivals, so a period of 0.4 s. At 5 a second it takes 0.8 s.
  ArrivalTimes times({ArrivalProcess::kTrace, 1}, 5, 1, 1, 0, &kTrace);
  std::vector<milliseconds> all;
  for (int i = 0; i < 6; ++i) all.push_back(std::chrono::round<milliseconds>(times.Next()));
  EXPECT_THAT(all, testing::ElementsAre(milliseconds(0), milliseconds(200), milliseconds(200), milliseconds(600),
                                        milliseconds(800), milliseconds(1000)));
}

TEST(ArrivalTimes, ATraceCanBeginInItsMiddle) {
  ArrivalTimes times({ArrivalProcess::kTrace, 1}, 10, 1, 1, 0, &kTrace, 3);
  EXPECT_EQ(times.Next(), nanoseconds(0));
  EXPECT_EQ(std::chrono::round<milliseconds>(times.Next()), milliseconds(100)) << "from the last entry to the first";
}

TEST(ArrivalTimes, ATraceNeedsARate) {
  EXPECT_TRUE(CheckTrace(kTrace));
  EXPECT_FALSE(CheckTrace({milliseconds(5)}));
  EXPECT_EQ(CheckTrace({milliseconds(5), milliseconds(5)}).error().message,
            "all entries have the same timestamp: they define no rate");
}

TEST(StaggeredStart, SpreadsThePlacesOverOneLatency) {
  EXPECT_EQ(StaggeredStart(0, 4, milliseconds(100)), milliseconds(0));
  EXPECT_EQ(StaggeredStart(1, 4, milliseconds(100)), milliseconds(25));
  EXPECT_EQ(StaggeredStart(3, 4, milliseconds(100)), milliseconds(75));
  EXPECT_EQ(StaggeredStart(3, 4, milliseconds(0)), milliseconds(0));
}

}  // namespace
}  // namespace autotune::bench
