#include "tuning/quality.h"

#include <gmock/gmock.h>

#include <cmath>

#include "tuning/judge.h"

namespace autotune::tuning {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

measurement::Quality Of(std::vector<double> nll) { return {"builtin-1", std::move(nll)}; }

// Differences 0.01, 0.02, 0.03: mean 0.02, standard deviation 0.01; t(0.95, 2) is 2.920 in any table.
TEST(CompareQuality, IsAPairedTTest) {
  const auto change = CompareQuality(Of({2.01, 3.02, 1.03}), Of({2, 3, 1}));
  ASSERT_TRUE(change);
  EXPECT_NEAR(change->delta, 0.02, 1e-12);
  EXPECT_NEAR(change->ci, 2.920 * 0.01 / std::sqrt(3), 0.1 * change->ci) << "two degrees of freedom: an approximation";
}

// Mean 3.625, standard error 1.12870 thousandths; t(0.95, 15) is 1.75305.
TEST(CompareQuality, IsExactForAsManyPassagesAsThereAre) {
  std::vector<double> reference(16, 2.0);
  std::vector<double> measured = reference;
  const double differences[] = {3, -1, 4, 1, -5, 9, 2, 6, 5, 3, -5, 8, 9, 7, 9, 3};
  for (std::size_t i = 0; i < 16; ++i) measured[i] += differences[i] / 1000;
  const auto change = CompareQuality(Of(measured), Of(reference));
  ASSERT_TRUE(change);
  EXPECT_NEAR(change->delta, 0.0036250, 1e-7);
  EXPECT_NEAR(change->ci, 1.75305 * 0.00112870, 1e-6);
  EXPECT_EQ(change->CertainLoss(), change->delta);
}

TEST(CompareQuality, OfTheSameIsNothingAtAll) {
  const auto change = CompareQuality(Of({2, 3, 1}), Of({2, 3, 1}));
  ASSERT_TRUE(change);
  EXPECT_EQ(change->delta, 0);
  EXPECT_EQ(change->ci, 0);
  EXPECT_EQ(change->CertainLoss(), 0);
}

TEST(CompareQuality, RefusesWhatCannotBeCompared) {
  EXPECT_FALSE(CompareQuality(Of({2, 3}), Of({2, 3, 1})));
  EXPECT_FALSE(CompareQuality(Of({2}), Of({2})));
  EXPECT_FALSE(CompareQuality(Of({}), Of({})));
  EXPECT_FALSE(CompareQuality({"other", {2, 3}}, Of({2, 3})));
  EXPECT_FALSE(CompareQuality(Of({2, NAN}), Of({2, 3})));
}

TEST(PerplexityGrowth, IsTheExponentialOfTheDifference) {
  EXPECT_NEAR(PerplexityGrowth(0.01), 0.010050167, 1e-9);
  EXPECT_LT(PerplexityGrowth(-0.01), 0);
  EXPECT_TRUE(std::isfinite(PerplexityGrowth(9999)));
}

Observation At(const std::string& id, double tokens_per_second, double tpot, std::optional<QualityChange> quality) {
  Observation observation;
  observation.id = id;
  measurement::Point load;
  load.scenario = "D(512,128)";
  load.load = measurement::Concurrency(8);
  load.requests = 100;
  load.output_tokens_per_second = tokens_per_second;
  load.tpot = load.ttft = load.e2e = {tpot, tpot, tpot, tpot, tpot};
  observation.loads = {load};
  observation.quality = quality;
  return observation;
}

TEST(JudgeQuality, TheFrontKeepsWhatIsSlowerAndLosesLess) {
  const std::vector<Observation> observations = {
      At("baseline", 1000, 10, QualityChange{0, 0}),
      At("kv-cache", 1100, 9, QualityChange{0.001, 0.002}),  // no certain loss: beats the baseline
      At("fp8", 1500, 7, QualityChange{0.02, 0.005}),
      At("int4", 1400, 8, QualityChange{0.3, 0.01}),  // slower than fp8 and worse
      At("unknown", 1450, 6.5, std::nullopt)};
  const Judgement judgement = Judge(observations, Criteria());
  EXPECT_EQ(judgement.best, 2U) << "quality alone decides nothing";
  EXPECT_THAT(judgement.pareto, ElementsAre(2, 4)) << "what was not measured counts as no loss";
  const Judgement without = Judge({observations.begin(), observations.end() - 1}, Criteria());
  EXPECT_THAT(without.pareto, ElementsAre(1, 2));
}

TEST(JudgeQuality, ABoundTakesPartInWinning) {
  const std::vector<Observation> observations = {At("baseline", 1000, 10, QualityChange{0, 0}),
                                                 At("fp8", 1500, 7, QualityChange{0.02, 0.005}),
                                                 At("unknown", 1600, 6, std::nullopt)};
  Criteria criteria;
  criteria.max_degradation = 0.01;
  Judgement judgement = Judge(observations, criteria);
  EXPECT_EQ(judgement.best, 0U);
  EXPECT_THAT(judgement.pareto, ElementsAre(0));
  EXPECT_FALSE(judgement.judged[1].keeps_quality);
  EXPECT_FALSE(judgement.judged[1].score);
  EXPECT_TRUE(judgement.judged[1].load_keeps_slo[0]) << "the load does";
  EXPECT_EQ(judgement.judged[1].broken.front().bound, "quality.maxDegradation");
  EXPECT_NEAR(*judgement.judged[1].broken.front().actual, PerplexityGrowth(0.02), 1e-12);
  EXPECT_FALSE(judgement.judged[2].keeps_quality);
  EXPECT_FALSE(judgement.judged[2].broken.front().actual) << "not known";

  criteria.max_degradation = 0.03;
  judgement = Judge(observations, criteria);
  EXPECT_EQ(judgement.best, 1U);
}

TEST(JudgeQuality, TheNearestIsTheOneThatIsKnown) {
  Criteria criteria;
  criteria.max_degradation = 0.001;
  const Judgement judgement =
      Judge({At("unknown", 1600, 6, std::nullopt), At("fp8", 1500, 7, QualityChange{0.02, 0.005})}, criteria);
  EXPECT_FALSE(judgement.best);
  EXPECT_EQ(judgement.nearest, 1U);
  EXPECT_THAT(judgement.pareto, IsEmpty());
}

}  // namespace
}  // namespace autotune::tuning
