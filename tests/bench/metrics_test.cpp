#include "bench/metrics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace autotune::bench {
namespace {

using std::chrono::milliseconds;

TEST(Percentile, InterpolatesLinearlyAsNumpyDoes) {
  const std::vector<double> kValues = {15, 20, 35, 40, 50};
  const struct {
    double p, expected;  // numpy.percentile([15, 20, 35, 40, 50], p)
  } kCases[] = {{0, 15}, {25, 20}, {40, 29}, {50, 35}, {90, 46}, {95, 48}, {99, 49.6}, {100, 50}};
  for (const auto& row : kCases) EXPECT_DOUBLE_EQ(Percentile(kValues, row.p), row.expected) << row.p;
  EXPECT_EQ(Percentile({}, 50), 0);
  EXPECT_EQ(Percentile({7}, 99), 7);
}

TEST(Percentile, IsMonotoneAndWithinTheValues) {
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    std::vector<double> values(1 + random() % 50);
    for (double& value : values) value = static_cast<double>(random() % 10000) / 7;
    std::sort(values.begin(), values.end());
    double previous = values.front();
    for (double p = 0; p <= 100; p += 2.5) {
      const double value = Percentile(values, p);
      ASSERT_GE(value, previous - 1e-9);
      ASSERT_LE(value, values.back());
      previous = value;
    }
  }
}

CompletedRequest Request(int start, int first, int last, int in, int out) {
  return {milliseconds(start), milliseconds(first), milliseconds(last), in, out};
}

TEST(Metrics, FollowTheDefinitions) {
  // Two requests, overlapping: 100..500 with 5 tokens and 200..1100 with 9.
  const measurement::Point load = Measure(measurement::Scenario::Fixed(64, 8), 2,
                                          {Request(200, 300, 1100, 64, 9), Request(100, 180, 500, 60, 5)}, 1);
  EXPECT_EQ(load.scenario, "D(64,8)");
  EXPECT_EQ(load.load, measurement::Concurrency(2));
  EXPECT_EQ(load.requests, 2);
  EXPECT_EQ(load.errors, 1);
  EXPECT_EQ(load.input_tokens, 124);
  EXPECT_EQ(load.output_tokens, 14);
  EXPECT_DOUBLE_EQ(load.window_seconds, 1.0);  // first start to last end
  EXPECT_DOUBLE_EQ(load.output_tokens_per_second, 14);
  EXPECT_DOUBLE_EQ(load.requests_per_second, 2);
  EXPECT_DOUBLE_EQ(load.ttft.mean, 90);  // 100 and 80
  EXPECT_DOUBLE_EQ(load.tpot.mean, 90);  // 800/8 and 320/4
  EXPECT_DOUBLE_EQ(load.tpot.p50, 90);
  EXPECT_DOUBLE_EQ(load.e2e.mean, 650);  // 900 and 400
  EXPECT_DOUBLE_EQ(load.e2e.p99, 895);
}

TEST(Metrics, ASingleTokenHasNoTimePerOutputToken) {
  const measurement::Point load =
      Measure(measurement::Scenario::Fixed(1, 1), 1, {Request(0, 50, 50, 1, 1), Request(0, 50, 150, 1, 2)}, 0);
  EXPECT_DOUBLE_EQ(load.tpot.mean, 100) << "the request of one token is left out, not counted as 0";
}

TEST(Metrics, WithoutARequestEverythingIsZero) {
  const measurement::Point load = Measure(measurement::Scenario::Fixed(1, 1), 4, {}, 9);
  EXPECT_EQ(load.errors, 9);
  EXPECT_EQ(load.output_tokens_per_second, 0);
  EXPECT_EQ(load.ttft, measurement::Latency{});
}

}  // namespace
}  // namespace autotune::bench
