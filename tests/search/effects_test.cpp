#include "tuning/search/effects.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/search/surfaces.h"

namespace autotune::tuning::search {
namespace {

TEST(MainEffects, SayWhatEachValueDidWithIntervals) {
  const Space space = testing::SmallSpace();
  const Bounds bounds = testing::UsualBounds();
  const Prior prior = testing::PriorOf(space, bounds);
  std::vector<std::map<std::string, std::string>> parameters;
  for (const Candidate& c : space.candidates) {
    parameters.push_back({{"engine", c.features.engine},
                          {"precision", c.features.precision},
                          {"tensor-parallel-size", std::to_string(c.features.shape.tensor_parallel)},
                          {"max-num-seqs", std::to_string(c.features.shape.max_num_seqs)},
                          {"dtype", "auto"}});
  }
  Limits limits;
  limits.exhaust = true;
  const testing::Log log = testing::RunSearch(space, bounds, prior, 1, limits);
  const std::vector<Effect> effects = MainEffects(space, bounds, prior, log.observations, parameters, 1);
  const auto find = [&](const std::string& parameter, const std::string& value) {
    return std::find_if(effects.begin(), effects.end(),
                        [&](const Effect& e) { return e.parameter == parameter && e.value == value; });
  };
  ASSERT_NE(find("precision", "fp8"), effects.end());
  // fp8 halves the weights' bytes: better, and certain after all candidates were measured.
  EXPECT_GT(find("precision", "fp8")->low, 0);
  EXPECT_LT(find("precision", "bf16")->high, 0);
  EXPECT_EQ(find("precision", "fp8")->candidates, 18U);
  EXPECT_EQ(find("precision", "fp8")->measured, 18U);
  // A cap of 16 keeps a GPU from being filled.
  EXPECT_LT(find("max-num-seqs", "16")->effect, find("max-num-seqs", "256")->effect);
  // One value has nothing to be compared with.
  EXPECT_EQ(find("dtype", "auto"), effects.end());

  // Before anything is measured the intervals are wider.
  const std::vector<Effect> guess = MainEffects(space, bounds, prior, {}, parameters, 1);
  for (const Effect& e : guess) {
    if (e.parameter != "engine") continue;
    EXPECT_GT(e.high - e.low, find("engine", e.value)->high - find("engine", e.value)->low) << e.value;
  }
}

}  // namespace
}  // namespace autotune::tuning::search
