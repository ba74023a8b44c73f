#include "tuning/search/prediction_check.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/search/surfaces.h"

namespace autotune::tuning::search {
namespace {

TEST(PredictionCheck, OthersMeasurementsPredictBetterThanTheFormulasAlone) {
  const Space space = testing::SmallSpace();
  const Bounds bounds = testing::UsualBounds();
  const Prior prior = testing::PriorOf(space, bounds);
  Limits limits;
  limits.exhaust = true;
  const testing::Log log = testing::RunSearch(space, bounds, prior, 1, limits);
  const auto checks = CheckPredictions(space, bounds, prior, log.observations);
  ASSERT_GE(checks.size(), space.candidates.size());
  for (const PredictionCheck& check : checks) {
    EXPECT_LT(check.value.low, check.value.predicted);
    EXPECT_GT(check.value.high, check.value.predicted);
    EXPECT_GT(check.ttft.measured, 0);
  }
  const auto error = ErrorOf(checks);
  ASSERT_TRUE(error);
  EXPECT_LT(error->predicted, error->prior / 2);
  EXPECT_GT(error->within, 0.8);
}

TEST(PredictionCheck, TheMeasuredCandidateDoesNotPredictItself) {
  const Space space = testing::SmallSpace();
  const Bounds bounds = testing::UsualBounds();
  const Prior prior = testing::PriorOf(space, bounds);
  Observations one;
  Point point = testing::Measure(space, prior, 3, 16);
  point.ln_tpot_ms += 0.5;
  one.points.push_back(point);
  const auto checks = CheckPredictions(space, bounds, prior, one);
  ASSERT_EQ(checks.size(), 1U);
  // Nothing else was measured: what is left is the model's own mean, far from this engine.
  EXPECT_GT(std::log(checks[0].tpot.measured / checks[0].tpot.predicted), 0.3);
  EXPECT_NEAR(checks[0].tpot.measured, std::exp(point.ln_tpot_ms), 1e-9);
  EXPECT_FALSE(ErrorOf({}));
}

}  // namespace
}  // namespace autotune::tuning::search
