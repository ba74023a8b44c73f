#include "report/result_view.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "finished_task.h"
#include "operator/reconcile/answer.h"
#include "report/markdown.h"
#include "report/page.h"
#include "report/report_json.h"
#include "report/runner_up.h"
#include "report/task_words.h"
#include "tests/quant/built_in_rules.h"

namespace autotune::report {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST(ViolationText, SaysWhatWasAnsweredOfARateThatWasSent) {
  EXPECT_EQ(ViolationText({"requestRate", 72, 57.5, 0}), "requestRate (answered 57.5/s of 72/s)");
  EXPECT_EQ(ViolationText({"slo.ttft.p99", 500, 900, 0}), "slo.ttft.p99 (900 ms, allowed 500 ms)");
}

TEST(ResultRows, JudgeAsTheOperatorDoes) {
  api::AutotuneTask task = Finished();
  task.status.best.reset();  // a task that has come to no answer yet
  task.spec.optimization.objective = api::Objective::kMinimizeTpot;
  task.spec.benchmark.load = {.mode = measurement::LoadMode::kFixedConcurrency, .fixed = {8, 32}};
  const auto rows = ResultRows(task);
  EXPECT_TRUE(rows[0].best) << "equal TPOT: the earlier one";
  EXPECT_EQ(rows[1].improvement, "+0.0%");
  EXPECT_FALSE(rows[2].score.has_value());
}

TEST(MeasuredText, SaysHowQuestionsAreJudged) {
  api::AutotuneTask task = Finished();
  task.status.models.resize(1);
  api::ModelStatus& model = task.status.models[0];
  model.facts.emplace();
  model.inspection.message = "exam.jsonl: 2 questions: 2 by number";
  EXPECT_THAT(MeasuredText(task), Not(HasSubstr("questions"))) << "without a dataset";
  task.spec.quality.dataset.emplace();
  EXPECT_THAT(MeasuredText(task), HasSubstr("; questions: exam.jsonl: 2 questions: 2 by number"));
  model.inspection.retry_at = "2026-11-29T12:00:00Z";
  EXPECT_THAT(MeasuredText(task), Not(HasSubstr("; questions"))) << "the message says why a pod failed";
}

TEST(OptionsText, FlattensAnOptionsFile) {
  EXPECT_EQ(OptionsText("kv_cache_config:\n  dtype: fp8\nmax_batch_size: 64\n"),
            "options: kv_cache_config.dtype=fp8 max_batch_size=64");
  EXPECT_EQ(OptionsText(""), "");
}

TEST(WhyNotBest, SaysWhatARowLacks) {
  api::AutotuneTask task = Finished();
  auto rows = ResultRows(task);
  EXPECT_EQ(WhyNotBest(rows[1], &rows[1]), "best");
  EXPECT_EQ(WhyNotBest(rows[0], &rows[1]), "29.2% below the best");
  EXPECT_THAT(WhyNotBest(rows[2], &rows[1]), StartsWith("OutOfMemory: "));
  for (api::LoadRow& load : task.status.experiments[0].loads) load.measured.ttft.p99 = 900;
  rows = ResultRows(task);
  EXPECT_EQ(WhyNotBest(rows[0], &rows[1]), "misses slo.ttft.p99 (900 ms, allowed 500 ms)");
}

TEST(WhyNotBest, NamesAnEstimateOnce) {
  api::AutotuneTask task = Finished();
  auto rows = ResultRows(task);
  rows[0].basis = tuning::ScoreBasis::kEstimate;
  const std::string estimate = "its score is an estimate, because its sustained rate was not measured";
  EXPECT_EQ(WhyNotBest(rows[0], &rows[1]), "29.2% below the best; " + estimate);
  EXPECT_EQ(WhyNotBest(rows[0], nullptr), estimate);
  task.status.experiments[0].confirms = "e2-bbbbbb";
  EXPECT_EQ(WhyNotBest(rows[0], &rows[1]), "fresh start of e2-bbbbbb: confirmed; " + estimate);
}

TEST(ResultTable, SaysWhichRowsAreUpperBounds) {
  api::AutotuneTask task = Finished();
  EXPECT_THAT(ResultTable(task, 100).Text("", 0), Not(HasSubstr("\u2264 ")));
  task.status.experiments[0].loads[0].measured.standing_queue = true;
  task.status.experiments[0].stopped = "OutOfTime";
  const std::string score = task.status.experiments[0].score;
  ASSERT_EQ(reconcile::Answer(task.spec, task.status), "");
  EXPECT_NE(task.status.experiments[0].score, score);
  EXPECT_EQ(task.status.experiments[0].score_basis, "Estimate");
  EXPECT_EQ(task.status.experiments[0].score_bound, "1000");
  EXPECT_EQ(task.status.best->score_basis, "Load");
  EXPECT_EQ(task.status.best->score_bound, "");
  const std::string table = ResultTable(task, 100).Text("", 0);
  EXPECT_THAT(table, HasSubstr("\u2264 1000.0"));
  EXPECT_THAT(table, HasSubstr("its score is an estimate, because its sustained rate was not measured"));
  EXPECT_THAT(MarkdownReport(task, quant::testing::Rules()), HasSubstr("is an upper bound"));
  const std::string page = HtmlReport(task, quant::testing::Rules());
  EXPECT_THAT(page, HasSubstr("869.6 (estimate)"));
  EXPECT_THAT(page, HasSubstr("The score of e1-aaaaaa is an estimate, at most 1000.0 tok/s per GPU"));
  const nlohmann::json json = JsonReport(task, quant::testing::Rules());
  EXPECT_EQ(json["answer"]["basis"], "Load");
  const auto& judged = json["experiments"][1]["judged"];
  EXPECT_EQ(judged["basis"], "Estimate");
  EXPECT_NEAR(judged["bound"].get<double>(), 1000, 0.1);
}

TEST(Answer, WarnsOfAScoreThatIsAnEstimate) {
  api::AutotuneTask task = Finished();
  api::ExperimentStatus& experiment = task.status.experiments[0];
  const auto warnings = [&] {
    reconcile::Answer(task.spec, task.status);
    std::string text;
    for (const quant::Warning& warning : experiment.warnings) {
      if (warning.reason == "RateNotMeasured") text += warning.message + "\n";
    }
    return text;
  };
  EXPECT_EQ(warnings(), "");
  experiment.loads[0].measured.standing_queue = true;
  experiment.stopped = "OutOfTime";
  EXPECT_EQ(warnings(),
            "the score is an estimate: requests wait in the closed loop of the highest load, so the score is at most "
            "1000, and the sustained rate was not measured because the time ended\n");
  experiment.stopped = "Found";
  EXPECT_THAT(warnings(), HasSubstr("because the experiment was no longer expected to be the best\n"));
  experiment.loads[0].measured.standing_queue = false;
  EXPECT_EQ(warnings(), "");
}

TEST(DecidingStep, IsTheNextLoadOrWhyNoneWasMeasured) {
  api::AutotuneTask task = Finished();
  const auto step = [&] { return DecidingStep(task, ResultRows(task)[1]); };
  EXPECT_EQ(step(), "32 in flight missed slo.ttft.p99 (900 ms, allowed 500 ms)");
  api::ExperimentStatus& best = task.status.experiments[1];
  std::erase_if(best.loads, [](const api::LoadRow& row) { return row.measured.load.value > 8; });
  best.stopped = "Capacity";
  EXPECT_EQ(step(), "the SLO holds up to the capacity: more load gives no more throughput");
  task.spec.benchmark.load.max = 8;
  EXPECT_EQ(step(), "the SLO holds at the most requests in flight that benchmark.load.auto.max allows (8)");
  task.spec.benchmark.load = {.mode = measurement::LoadMode::kFixedConcurrency, .fixed = {8}};
  EXPECT_EQ(step(), "benchmark.load.concurrency names no higher load");
  task.spec.benchmark.load.fixed = {8, 16};
  EXPECT_EQ(step(), "") << "it was measured and is not better";
}

TEST(DecidingStep, CountsTheLastMeasurementOfALoadAndNoInvalidOne) {
  api::AutotuneTask task = Finished();
  api::ExperimentStatus& best = task.status.experiments[1];
  best.loads[1].measured.ttft.p99 = 310;  // met at first, and measured again for the score
  best.loads.push_back(best.loads[1]);
  best.loads.back().measured.ttft.p99 = 700;
  EXPECT_THAT(CountingLoads(best.loads), ::testing::SizeIs(2));
  EXPECT_EQ(DecidingStep(task, ResultRows(task)[1]), "32 in flight missed slo.ttft.p99 (700 ms, allowed 500 ms)");
  best.loads.back().measured.ttft.p99 = 480;  // the point lies inside, its interval does not
  best.loads.back().measured.verdict = measurement::Verdict::kMissed;
  EXPECT_EQ(DecidingStep(task, ResultRows(task)[1]), "32 in flight does not meet the SLO with 95 % confidence");
  best.loads.back().measured.verdict = measurement::Verdict::kClientBound;
  best.loads.erase(best.loads.begin() + 1);
  EXPECT_EQ(DecidingStep(task, ResultRows(task)[1]), "");
}

TEST(ScoreText, IsGpuHoursWhereNoPriceIsKnown) {
  api::AutotuneTask task = Finished();
  task.spec.optimization.objective = api::Objective::kMinimizeCost;
  task.status.best->score = "-0.1966";
  EXPECT_THAT(Headline(task), HasSubstr("GPU-hours per million output tokens 0.1966"));
  EXPECT_THAT(Headline(task), Not(HasSubstr("price")));
  task.status.gpus.front().price_per_hour = "4.10";  // the operator's
  EXPECT_THAT(Headline(task), HasSubstr("price per million output tokens 0.1966"));
}

TEST(GainWords, SayLessAndMoreOfPricesAndLatencies) {
  using reconcile::GainIntervalWords;
  using reconcile::GainWords;
  EXPECT_EQ(GainWords(0.413, false), "+41.3%");
  EXPECT_EQ(GainWords(-0.0001, false), "+0.0%");
  EXPECT_EQ(GainWords(0.511, true), "51.1% less");
  EXPECT_EQ(GainWords(-1.043, true), "104.3% more");
  EXPECT_EQ(GainWords(-0.0001, true), "0.0% less");
  EXPECT_EQ(GainWords("+51.1%", true), "51.1% less");
  EXPECT_EQ(GainWords("+51.1%", false), "+51.1%");
  EXPECT_EQ(GainWords("", true), "");
  EXPECT_EQ(GainIntervalWords(0.4, 0.3, 0.5, false), " (+30.0% to +50.0%)");
  EXPECT_EQ(GainIntervalWords(0.4, 0.3, 0.5, true), " (30.0% to 50.0%)");
  EXPECT_EQ(GainIntervalWords(-0.4, -0.5, -0.3, true), " (30.0% to 50.0%)");
  EXPECT_EQ(GainIntervalWords(0.02, -0.01, 0.05, true), " (1.0% more to 5.0% less)");
  EXPECT_EQ(GainIntervalWords(-0.02, -0.05, 0.01, true), " (1.0% less to 5.0% more)");
}

// Finished() at one given load, where the price of a token is compared.
api::AutotuneTask Priced() {
  api::AutotuneTask task = Finished();
  task.spec.optimization.objective = api::Objective::kMinimizeCost;
  task.spec.gpus.front().price_per_hour = "4";
  task.spec.benchmark.load = {.mode = measurement::LoadMode::kFixedConcurrency, .fixed = {8}};
  for (api::ExperimentStatus& experiment : task.status.experiments) {
    if (!experiment.loads.empty()) experiment.loads.resize(1);
    for (api::LoadRow& load : experiment.loads) {
      load.measured.output_tokens_per_second_ci = load.measured.output_tokens_per_second * 0.01;
    }
  }
  task.status.best->score = "-0.7863";
  task.status.best->improvement_over_baseline = "+29.2%";
  return task;
}

TEST(Headline, SaysOfAPriceThatItIsLess) {
  const api::AutotuneTask task = Priced();
  EXPECT_THAT(Headline(task), HasSubstr("0.7863, 29.2% less (28.2% to 30.2%) than the baseline"));
  EXPECT_THAT(ResultTable(task, 80).Text(), HasSubstr("29.2% less"));
  const auto rows = ResultRows(task);
  EXPECT_EQ(WhyNotBest(rows[0], &rows[1]), "41.3% more than the best");
  const std::string second = RunnerUpText(task, rows, quant::testing::Rules());
  EXPECT_THAT(second, HasSubstr(": 41.3% more (39.3% to 43.3%) than the best"));
  for (const std::string& text :
       {MarkdownReport(task, quant::testing::Rules()), HtmlReport(task, quant::testing::Rules())}) {
    EXPECT_THAT(text, HasSubstr("29.2% less (28.2% to 30.2%) than the baseline"));
    EXPECT_THAT(text, Not(HasSubstr("+29.2%")));
    EXPECT_THAT(text, Not(HasSubstr("-41.3%")));
    EXPECT_THAT(text, Not(HasSubstr("above the best")));
  }
}

// The score is the mean of the starts, so the gain is the mean's.
TEST(ResultRows, GainsAreThoseOfTheMeanOverTheStarts) {
  for (const std::vector<double>& loads : {std::vector<double>{8}, std::vector<double>{8, 32}}) {
    api::AutotuneTask task = Priced();
    task.spec.optimization.objective = api::Objective::kMaximizeThroughput;
    task.spec.benchmark.load.fixed.clear();
    for (const double load : loads) task.spec.benchmark.load.fixed.push_back(static_cast<int>(load));
    api::ExperimentStatus fresh = task.status.experiments[1];
    fresh.name = "e4-dddddd";
    fresh.confirms = "e2-bbbbbb";
    fresh.loads[0].measured.output_tokens_per_second = 1200;
    if (loads.size() > 1) {  // the first start alone keeps more than the baseline has: the gain stays one at 8
      fresh.loads.push_back(task.status.experiments[1].loads[0]);
      fresh.loads[1].measured.load = measurement::Concurrency(32);
      fresh.loads[1].measured.output_tokens_per_second = 5000;
    }
    task.status.experiments.push_back(fresh);
    task.status.best.reset();
    EXPECT_EQ(ResultRows(task)[1].improvement, "+30.2%") << "sqrt(1413 x 1200) over 1000, not 1413";
    reconcile::Answer(task.spec, task.status);
    ASSERT_TRUE(task.status.best);
    EXPECT_EQ(task.status.best->improvement_over_baseline, "+30.2%");
    EXPECT_EQ(task.status.best->starts, 2);
  }
}

TEST(Headline, HasTheIntervalOfTheGainWhereLoadsWereGiven) {
  api::AutotuneTask task = Finished();
  task.spec.benchmark.load.mode = measurement::LoadMode::kFixedConcurrency;
  task.spec.benchmark.load.fixed = {8, 32};
  EXPECT_THAT(Headline(task), HasSubstr("+41.3% over the baseline")) << "no interval is known";
  for (api::ExperimentStatus& experiment : task.status.experiments) {
    for (api::LoadRow& load : experiment.loads) {
      load.measured.output_tokens_per_second_ci = load.measured.output_tokens_per_second * 0.01;
    }
  }
  EXPECT_THAT(Headline(task), HasSubstr("+41.3% (+39.3% to +43.3%) over the baseline"));
}

TEST(NoScoreText, SaysWhyInTwoWords) {
  api::AutotuneTask task = Finished();
  EXPECT_EQ(NoScoreText(ResultRows(task)[2]), "failed");
  task.status.experiments[0].stopped = "CannotWin";
  EXPECT_EQ(NoScoreText(ResultRows(task)[0]), "stopped early");
  task.status.experiments[0].stopped = "";
  for (api::LoadRow& load : task.status.experiments[0].loads) load.measured.ttft.p99 = 900;
  EXPECT_EQ(NoScoreText(ResultRows(task)[0]), "missed the SLO");
  for (api::LoadRow& load : task.status.experiments[0].loads)
    load.measured.verdict = measurement::Verdict::kClientBound;
  EXPECT_EQ(NoScoreText(ResultRows(task)[0]), "not usable");
  EXPECT_THAT(WhyNotBest(ResultRows(task)[0], nullptr), HasSubstr("the load generator sent late (ClientBound)"));
  task.status.experiments[0].state = api::ExperimentState::kMeasuring;
  EXPECT_EQ(NoScoreText(ResultRows(task)[0]), "not finished");
}

TEST(ResultTable, SaysWhoseBaselineItIsWhereEveryRuntimeHasOne) {
  api::AutotuneTask task = Finished();
  EXPECT_THAT(ResultTable(task, 80).Text(), HasSubstr("VS BASELINE"));
  EXPECT_THAT(Headline(task), HasSubstr("+41.3% over the baseline"));
  task.status.experiments[2] = task.status.experiments[0];
  task.status.experiments[2].name = "e3-cccccc";
  task.status.experiments[2].runtime = "sglang";
  EXPECT_THAT(ResultTable(task, 80).Text(), HasSubstr("VS OWN BASELINE"));
  EXPECT_THAT(Headline(task), HasSubstr("+41.3% over the baseline of vllm"));
}

TEST(ResultTable, SaysThatAnIntervalIsOfTheScoreWhereThatIsNotTheThroughput) {
  api::AutotuneTask task = Finished();
  for (api::ExperimentStatus& experiment : task.status.experiments) {
    for (api::LoadRow& load : experiment.loads) {
      load.measured.relative_ci.fill(0.05);
      load.measured.output_tokens_per_second_ci = 50;
    }
  }
  EXPECT_THAT(ResultTable(task, 80).Text(), Not(HasSubstr("SCORE \u00b1")));
  task.spec.optimization.objective = api::Objective::kMinimizeTpot;
  task.spec.benchmark.load = {.mode = measurement::LoadMode::kFixedConcurrency, .fixed = {8}};
  EXPECT_THAT(ResultTable(task, 80).Text(), HasSubstr("SCORE \u00b1"));
}

TEST(CandidatesText, SaysWhatRunsOnlyOnceThatIsKnown) {
  api::AutotuneTask task = Finished();
  EXPECT_EQ(CandidatesText(task), "3 experiments out of 5 combinations (1 duplicate, 1 pruned, 0 not run)");
  task.status.state = "Searching";
  EXPECT_EQ(CandidatesText(task),
            "3 candidates out of 5 combinations (1 duplicate, 1 pruned); the search decides which of them run");
  task.spec.optimization.strategy = api::Strategy::kGrid;
  EXPECT_EQ(CandidatesText(task), "3 experiments out of 5 combinations (1 duplicate, 1 pruned, 0 not run)");
}

TEST(LatencyText, MarksPercentilesOfTooFewRequests) {
  measurement::Point point;
  point.requests = 16;
  point.ttft.p99 = 310;
  point.ttft.p50 = 61;
  using measurement::Metric;
  using measurement::Statistic;
  EXPECT_EQ(LatencyText(point, Metric::kTtft, Statistic::kP99), "310 ms (16 requests)");
  EXPECT_EQ(LatencyText(point, Metric::kTtft, Statistic::kP50), "61.0 ms");
  point.requests = 100;
  point.lower_bounds.Add(Metric::kTtft, Statistic::kP99);
  EXPECT_EQ(LatencyText(point, Metric::kTtft, Statistic::kP99), "\u2265 310 ms");
}

TEST(LatencyText, NamesWhatWasNotMeasured) {
  measurement::Point point;
  point.requests = 1000;
  EXPECT_EQ(LatencyText(point, measurement::Metric::kTtft, measurement::Statistic::kP50), "not measured");
}

TEST(LatencyText, ShowsTheWindowBesideTheLongRun) {
  measurement::Point point;
  point.requests = 1000;
  point.ttft.p99 = 310;
  using measurement::Metric;
  using measurement::Statistic;
  point.in_window = {{Metric::kTtft, Statistic::kP99, 120}};
  EXPECT_EQ(LatencyText(point, Metric::kTtft, Statistic::kP99), "310 ms (window: 120 ms)");
  point.itl.p99 = 21;
  EXPECT_EQ(LatencyText(point, Metric::kItl, Statistic::kP99), "(window: 21.0 ms)") << "no gap is simulated";
  point.in_window[0].milliseconds = 310.2;
  EXPECT_EQ(LatencyText(point, Metric::kTtft, Statistic::kP99), "310 ms") << "nothing to tell";
}

}  // namespace
}  // namespace autotune::report
