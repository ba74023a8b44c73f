#include "measurement/excess.h"

#include <gtest/gtest.h>

#include <vector>

#include "measurement/load.h"

namespace autotune::measurement {
namespace {

Point Of(double tokens_per_second, double half_width) {
  Point point;
  point.load = RequestRate(8);
  point.requests = 100;
  point.output_tokens_per_second = tokens_per_second;
  point.output_tokens_per_second_ci = half_width;
  return point;
}

TEST(IsMeasuredAgain, TheMorePrecisePointStays) {
  const auto replaced = [](const std::vector<Point>& points) {
    std::vector<bool> out;
    for (std::size_t i = 0; i < points.size(); ++i) out.push_back(IsMeasuredAgain(points, i));
    return out;
  };
  EXPECT_EQ(replaced({Of(1000, 50), Of(900, 10)}), (std::vector<bool>{true, false}));
  EXPECT_EQ(replaced({Of(900, 10), Of(1000, 50)}), (std::vector<bool>{false, true})) << "less precise";
  EXPECT_EQ(replaced({Of(900, 10), Of(900, 10)}), (std::vector<bool>{true, false})) << "the later one";
  Point other = Of(900, 10);
  other.load = RequestRate(9);
  EXPECT_EQ(replaced({Of(1000, 50), other}), (std::vector<bool>{false, false}));
  Point late = Of(900, 1);
  late.verdict = Verdict::kClientBound;
  EXPECT_EQ(replaced({late, Of(1000, 50)}), (std::vector<bool>{true, false})) << "an invalid one never";
  EXPECT_EQ(replaced({Of(1000, 50), late})[0], false);
}

}  // namespace
}  // namespace autotune::measurement
