#include "base/keyed_random.h"

#include <gtest/gtest.h>

#include <cmath>

namespace base {
namespace {

TEST(KeyedRandom, MixesAndKeysAsTheReplayDataPublishesThem) {
  EXPECT_EQ(Mix64(1), 0x910a2dec89025cc1ULL);
  EXPECT_EQ(Key({1, 2, 3}), 0xe234b8e7662009c0ULL);
}

TEST(KeyedRandom, HashesTextAsFnv1a) { EXPECT_EQ(Fnv1a("a"), 0xaf63dc4c8601ec8cULL); }

// Values of Python's statistics.NormalDist().inv_cdf, which is the same algorithm.
TEST(KeyedRandom, NormalQuantilesAreThoseOfTheNormalDistribution) {
  const struct {
    double p, z;
  } rows[] = {{1e-12, -7.034483825301132},
              {1e-5, -4.2648907939228256},
              {0.01, -2.3263478740408408},
              {0.3, -0.5244005127080407},
              {0.5, 0},
              {0.77, 0.7388468491852137},
              {0.99999, 4.26489079392384}};
  for (const auto& row : rows) EXPECT_NEAR(NormalQuantile(row.p), row.z, 1e-12) << row.p;
  EXPECT_DOUBLE_EQ(Normal(Key({1, 2, 3})), 1.193263880133647);
}

TEST(KeyedRandom, DrawsHaveTheMomentsOfTheStandardNormal) {
  double sum = 0;
  double squares = 0;
  constexpr int kDraws = 20000;
  for (std::uint64_t i = 0; i < kDraws; ++i) {
    const double z = Normal(Key({7, i}));
    sum += z;
    squares += z * z;
  }
  EXPECT_NEAR(sum / kDraws, 0, 0.03);
  EXPECT_NEAR(squares / kDraws, 1, 0.03);
}

TEST(KeyedRandom, ProbabilityInvertsTheQuantile) {
  for (const double p : {0.001, 0.2, 0.5, 0.9}) EXPECT_NEAR(NormalProbability(NormalQuantile(p)), p, 1e-12);
}

}  // namespace
}  // namespace base
