#include "measurement/pooled_errors.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "measurement/load.h"

namespace autotune::measurement {
namespace {

Point Of(double load, std::int64_t requests, std::int64_t errors, double ttft_ms = 100) {
  Point point;
  point.load = Concurrency(static_cast<int>(load));
  point.requests = requests;
  point.errors = errors;
  point.ttft = {ttft_ms, ttft_ms, ttft_ms, ttft_ms, ttft_ms};
  point.verdict = Verdict::kUndecided;
  return point;
}

Slo SloOf() {
  Slo slo;
  slo.bounds = {{Metric::kTtft, Statistic::kP99, 200}};
  return slo;
}

TEST(ErrorsAtEveryLoad, AreThoseOfAllPointsTogether) {
  const std::vector<Point> points = {Of(16, 400, 9), Of(8, 300, 6), Of(4, 200, 5), Of(2, 60, 0)};
  const auto pooled = ErrorsAtEveryLoad(SloOf(), points, 3);
  ASSERT_TRUE(pooled);
  EXPECT_EQ(pooled->errors, 20);
  EXPECT_EQ(pooled->ended, 980);
  EXPECT_NEAR(pooled->Share(), 0.0204, 1e-4);
}

TEST(ErrorsAtEveryLoad, AreNotThoseOfAnOverload) {
  EXPECT_FALSE(ErrorsAtEveryLoad(SloOf(), std::vector{Of(64, 100, 50, 900), Of(2, 60, 0)}, 1)) << "slow as well";
  EXPECT_FALSE(ErrorsAtEveryLoad(SloOf(), std::vector{Of(64, 300, 60), Of(32, 300, 20), Of(2, 60, 0)}, 2))
      << "more of them with more load: the server sheds it";
}

TEST(ErrorsAtEveryLoad, AreMoreThanChanceAllows) {
  EXPECT_FALSE(ErrorsAtEveryLoad(SloOf(), std::vector{Of(8, 300, 4), Of(2, 60, 0)}, 1));
  EXPECT_FALSE(ErrorsAtEveryLoad(SloOf(), std::vector{Of(8, 300, 0), Of(2, 60, 0)}, 1));
  Slo loose = SloOf();
  loose.max_error_rate = 0.05;
  EXPECT_FALSE(ErrorsAtEveryLoad(loose, std::vector{Of(16, 400, 9), Of(2, 60, 0)}, 1)) << "allowed";
  EXPECT_TRUE(ErrorsAtEveryLoad(SloOf(), std::vector{Of(16, 400, 12), Of(2, 60, 0)}, 1));
  Point late = Of(16, 400, 12);
  late.verdict = Verdict::kClientBound;
  EXPECT_FALSE(ErrorsAtEveryLoad(SloOf(), std::vector{late, Of(2, 60, 0)}, 1)) << "invalid";
}

}  // namespace
}  // namespace autotune::measurement
