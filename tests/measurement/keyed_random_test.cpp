#include "measurement/keyed_random.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <functional>

namespace autotune::measurement {
namespace {

// Within 5 standard errors of 100,000 draws.
void ExpectMoments(const char* name, double mean, double variance, double kurtosis,
                   const std::function<double(KeyedRandom&)>& draw) {
  constexpr int kDraws = 100'000;
  KeyedRandom random(3, 9);
  double sum = 0, squares = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double value = draw(random) - mean;
    sum += value;
    squares += value * value;
  }
  EXPECT_NEAR(sum / kDraws, 0, 5 * std::sqrt(variance / kDraws)) << name;
  EXPECT_NEAR(squares / kDraws, variance, 5 * variance * std::sqrt((kurtosis - 1) / kDraws)) << name;
}

TEST(KeyedRandom, HasTheMomentsOfItsDistributions) {
  ExpectMoments("uniform", 0.5, 1.0 / 12, 1.8, [](KeyedRandom& random) { return random.Uniform(); });
  ExpectMoments("normal", 0, 1, 3, [](KeyedRandom& random) { return random.Normal(); });
  ExpectMoments("exponential", 1, 1, 9, [](KeyedRandom& random) { return random.Exponential(); });
  for (const double shape : {0.2, 0.5, 1.0, 3.0, 20.0}) {
    ExpectMoments("gamma", shape, shape, 3 + 6 / shape, [shape](KeyedRandom& random) { return random.Gamma(shape); });
  }
  ExpectMoments("below", 4.5, 99.0 / 12, 1.8,
                [](KeyedRandom& random) { return static_cast<double>(random.Below(10)); });
}

TEST(KeyedRandom, IsAFunctionOfSeedAndStream) {
  KeyedRandom one(1, 2), same(1, 2), other_seed(2, 2), other_stream(1, 3);
  for (int i = 0; i < 100; ++i) {
    const std::uint64_t bits = one.Bits();
    EXPECT_EQ(bits, same.Bits());
    EXPECT_NE(bits, other_seed.Bits());
    EXPECT_NE(bits, other_stream.Bits());
  }
}

}  // namespace
}  // namespace autotune::measurement
