#include "report/quality_words.h"

#include <gmock/gmock.h>

#include <cmath>

#include "finished_task.h"
#include "report/markdown.h"
#include "report/page.h"
#include "tests/quant/built_in_rules.h"

namespace autotune::report {
namespace {

using measurement::QualityChange;
using measurement::QualityGate;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// A row of an experiment that has ended; its perplexity grows by `growth` +-0.05 %, and 0.09 % are allowed.
class QualityWords : public ::testing::Test {
 protected:
  QualityWords() {
    experiment_.name = "e2-bbbbbb";
    experiment_.state = api::ExperimentState::kSucceeded;
    experiment_.quality.emplace();
  }
  ResultRow Row(double growth, QualityGate gate, bool keeps) {
    ResultRow row;
    row.experiment = &experiment_;
    row.quality.emplace().nll = measurement::Change{std::log1p(growth), 0.0005};
    row.max_degradation = 0.0009;
    row.gate = gate;
    row.meets_quality = keeps;
    if (!keeps) row.violations = {{"quality.maxDegradation", 0.0009, growth, 0.01}};
    return row;
  }
  api::ExperimentStatus experiment_;
};

TEST_F(QualityWords, OfAnUndecidedGateAreTheSameEverywhereAndTellValueFromLimit) {
  const ResultRow row = Row(0.000912, QualityGate::kUndecided, false);
  const std::string undecided = "quality undecided: +0.091% \u00b10.050%, allowed 0.09%";
  EXPECT_EQ(LostQualityOf(row), undecided);
  EXPECT_EQ(MissedText(row), undecided);
  EXPECT_EQ(WhyNotBest(row, nullptr), undecided);
  EXPECT_EQ(NoScoreText(row), "quality undecided");
  EXPECT_EQ(QualityOf(row), "perplexity +0.091% \u00b10.050%");
}

TEST_F(QualityWords, SayThatAGateIsUndecidedWhereTheValueIsWithinTheLimit) {
  ResultRow row = Row(0.0006, QualityGate::kUndecided, true);
  row.best = true;
  EXPECT_EQ(LostQualityOf(row), "");
  EXPECT_EQ(WhyNotBest(row, &row), "best; quality undecided: +0.06% \u00b10.05%, allowed 0.09%");
}

TEST_F(QualityWords, OfAMissedLimitHaveTheLimitAndNotTheSloOnly) {
  ResultRow row = Row(0.003, QualityGate::kFails, false);
  EXPECT_EQ(LostQualityOf(row), "exceeds maxDegradation of 0.09%");
  EXPECT_EQ(NoScoreText(row), "exceeded maxDegradation") << "after a number of experiments, too";
  row.violations.push_back({"slo.errorRate", 0.01, 0.02, 1});
  EXPECT_EQ(MissedText(row), "misses slo.errorRate (2 %, allowed 1 %); exceeds maxDegradation of 0.09%");
}

TEST_F(QualityWords, WithoutLikelihoodsAreAboutAnswers) {
  ResultRow row = Row(0, QualityGate::kUndecided, false);
  row.violations = {{"quality.maxDegradation", 0.0009, std::nullopt, 1}};
  row.quality = QualityChange();
  row.quality->agreement = measurement::Agreement{0.81, 1, 0.1};
  EXPECT_EQ(WhyNotBest(row, nullptr),
            "quality undecided: only answers can be compared: 81% agree, of the baseline with itself 100%");
  EXPECT_EQ(QualityOf(row), "answers agree 81% (baseline with itself 100%)");
  row.quality.reset();
  row.gate.reset();
  EXPECT_EQ(LostQualityOf(row), "quality not known: no baseline to compare with");
  experiment_.quality.reset();
  EXPECT_EQ(LostQualityOf(row), "quality not known");
}

TEST_F(QualityWords, NameAnIntervalThatIsNotTheUsualOne) {
  ResultRow row = Row(0.003, QualityGate::kFails, false);
  row.quality->confidence = measurement::kEarlyConfidence;
  EXPECT_EQ(QualityOf(row), "perplexity +0.30% \u00b10.05% (99.9 % interval)");
}

TEST_F(QualityWords, AreInEveryReport) {
  api::AutotuneTask task = Finished();
  task.status.experiments[0].quality.emplace().measured = BlocksOf(0);
  task.status.experiments[1].quality.emplace().measured = BlocksOf(0.015);
  task.spec.quality.max_degradation = 0.0151;
  for (const std::string& text :
       {HtmlReport(task, quant::testing::Rules()), MarkdownReport(task, quant::testing::Rules())}) {
    EXPECT_THAT(text, HasSubstr("quality undecided: +1.511% \u00b10.169%, allowed 1.51%"));
    EXPECT_THAT(text, HasSubstr("Quality: Allowed: 1.51% more perplexity than the baseline"));
    EXPECT_THAT(text, Not(HasSubstr("misses quality")));
  }
  task.spec.quality.max_degradation = 0.0153;
  EXPECT_THAT(HtmlReport(task, quant::testing::Rules()),
              HasSubstr("against the baseline (7.389); quality undecided: +1.51% \u00b10.17%, allowed 1.53%"));
}

TEST_F(QualityWords, AreExplainedOnceWhereTheyOccur) {
  api::AutotuneTask task = Finished();
  EXPECT_EQ(QualityNote(task, ResultRows(task)), "");
  task.spec.quality.max_degradation = 0.0009;
  std::vector<ResultRow> rows = {Row(0.003, QualityGate::kFails, false)};
  EXPECT_THAT(QualityNote(task, rows),
              AllOf(HasSubstr("Allowed: 0.09% more perplexity"), HasSubstr("half of the 95 % interval"),
                    Not(HasSubstr("ndecided")), Not(HasSubstr("asses:"))));
  rows.push_back(Row(0.000912, QualityGate::kUndecided, false));
  rows.back().quality->passes = measurement::PassRateChange{0.5, 0.6, 0.4, 0.6, 2, 0, 0.5};
  rows.back().quality->cache = measurement::CacheUse::kPartly;
  experiment_.warnings = {{"quality", "QualityPartlyMeasured", "2 of 9 questions by choices: HTTP 400"}};
  EXPECT_THAT(QualityNote(task, rows),
              AllOf(HasSubstr("Undecided: the interval contains the limit"), HasSubstr("lost, gained: questions"),
                    HasSubstr("KV cache partly read: "),
                    HasSubstr("Not measured: 2 of 9 questions by choices: HTTP 400 (e2-bbbbbb, e2-bbbbbb).")));
}

}  // namespace
}  // namespace autotune::report
