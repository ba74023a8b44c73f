#include <gmock/gmock.h>

#include "tuning/judge.h"

namespace autotune::tuning {
namespace {

using measurement::PerplexityGrowth;
using measurement::QualityChange;
using measurement::QualityGate;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

QualityChange Changed(double delta, double ci) {
  QualityChange change;
  change.nll = measurement::Change{delta, ci};
  return change;
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
      At("baseline", 1000, 10, Changed(0, 0)),
      At("kv-cache", 1100, 9, Changed(0.001, 0.002)),  // no certain loss: beats the baseline
      At("fp8", 1500, 7, Changed(0.02, 0.005)), At("int4", 1400, 8, Changed(0.3, 0.01)),  // slower than fp8 and worse
      At("unknown", 1450, 6.5, std::nullopt)};
  const Judgement judgement = Judge(observations, Criteria());
  EXPECT_EQ(judgement.best, 2U) << "quality alone decides nothing";
  EXPECT_THAT(judgement.pareto, ElementsAre(2, 4)) << "what was not measured counts as no loss";
  const Judgement without = Judge({observations.begin(), observations.end() - 1}, Criteria());
  EXPECT_THAT(without.pareto, ElementsAre(1, 2));
}

TEST(JudgeQuality, ABoundTakesPartInWinning) {
  const std::vector<Observation> observations = {At("baseline", 1000, 10, Changed(0, 0)),
                                                 At("fp8", 1500, 7, Changed(0.02, 0.005)),
                                                 At("unknown", 1600, 6, std::nullopt)};
  Criteria criteria;
  criteria.max_degradation = 0.01;
  Judgement judgement = Judge(observations, criteria);
  EXPECT_EQ(judgement.best, 0U);
  EXPECT_THAT(judgement.pareto, ElementsAre(0));
  EXPECT_FALSE(judgement.judged[1].meets_quality);
  EXPECT_FALSE(judgement.judged[1].score);
  EXPECT_TRUE(judgement.judged[1].load_meets_slo[0]) << "the load does";
  EXPECT_EQ(judgement.judged[1].violations.front().bound, "quality.maxDegradation");
  EXPECT_NEAR(*judgement.judged[1].violations.front().actual, PerplexityGrowth(0.02), 1e-12);
  EXPECT_FALSE(judgement.judged[2].meets_quality);
  EXPECT_FALSE(judgement.judged[2].violations.front().actual) << "not known";
  EXPECT_FALSE(judgement.judged[2].gate);
  EXPECT_NEAR(judgement.judged[1].violations.front().relative, (PerplexityGrowth(0.02) - 0.01) / 0.01, 1e-12);
  EXPECT_EQ(judgement.judged[2].violations.front().relative, 1e6);

  criteria.max_degradation = 0.03;
  judgement = Judge(observations, criteria);
  EXPECT_EQ(judgement.best, 1U);
}

// Both intervals hold the bound: the likelier side counts, and it is said.
TEST(JudgeQuality, AnUndecidedBoundIsJudgedByTheMiddle) {
  Criteria criteria;
  criteria.max_degradation = 0.01;
  const Judgement judgement =
      Judge({At("baseline", 1000, 10, Changed(0, 0)), At("better", 1500, 7, Changed(0.008, 0.005)),
             At("worse", 1600, 6, Changed(0.012, 0.005))},
            criteria);
  EXPECT_EQ(judgement.judged[0].gate, QualityGate::kHolds);
  EXPECT_EQ(judgement.judged[1].gate, QualityGate::kUndecided);
  EXPECT_EQ(judgement.judged[2].gate, QualityGate::kUndecided);
  EXPECT_EQ(judgement.best, 1U);
  EXPECT_FALSE(judgement.judged[2].meets_quality);
  criteria.max_degradation = PerplexityGrowth(0.012);
  EXPECT_TRUE(Judge({At("at the bound", 1600, 6, Changed(0.012, 0.005))}, criteria).judged[0].meets_quality);
}

TEST(JudgeQuality, WithoutALimitThereIsNoGate) {
  EXPECT_EQ(Judge({At("a", 1000, 10, Changed(0, 0))}, Criteria()).judged[0].gate, std::nullopt);
}

TEST(JudgeQuality, AFreshStartDoesNotMakeUpForALossOfQuality) {
  std::vector<Observation> observations = {At("first", 1000, 10, Changed(0.02, 0.005)),
                                           At("again", 1000, 10, Changed(0, 0))};
  observations[1].confirms = 0;
  Criteria criteria;
  criteria.max_degradation = 0.01;
  const Judged judged = Judge(observations, criteria).judged[0];
  EXPECT_FALSE(judged.feasible);
  EXPECT_FALSE(judged.confirmed);
}

TEST(JudgeQuality, LessLossAloneBeatsOnTheFront) {
  EXPECT_THAT(Judge({At("a", 1000, 10, Changed(0.2, 0.01)), At("b", 1000, 10, Changed(0.1, 0.01))}, Criteria()).pareto,
              ElementsAre(1));
}

// Greedy answers alone: as good as the baseline's own, or no verdict. What has none does not win under a bound.
TEST(JudgeQuality, AnswersAloneHoldOrStayUndecided) {
  Criteria criteria;
  criteria.max_degradation = 0.01;
  QualityChange same, other;
  same.agreement = measurement::Agreement{0.97, 0.98, 0.02};
  other.agreement = measurement::Agreement{0.4, 0.98, 0.1};
  const Judgement judgement = Judge({At("same", 1000, 10, same), At("other", 1500, 7, other)}, criteria);
  EXPECT_EQ(judgement.best, 0U);
  EXPECT_EQ(judgement.judged[1].gate, QualityGate::kUndecided);
  EXPECT_FALSE(judgement.judged[1].meets_quality);
}

TEST(JudgeQuality, TheNearestIsTheOneThatIsKnown) {
  Criteria criteria;
  criteria.max_degradation = 0.001;
  const Judgement judgement =
      Judge({At("unknown", 1600, 6, std::nullopt), At("fp8", 1500, 7, Changed(0.02, 0.005))}, criteria);
  EXPECT_FALSE(judgement.best);
  EXPECT_EQ(judgement.nearest, 1U);
  EXPECT_THAT(judgement.pareto, IsEmpty());
}

}  // namespace
}  // namespace autotune::tuning
