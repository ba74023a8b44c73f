#include "report/runner_up.h"

#include <gmock/gmock.h>

#include "finished_task.h"
#include "report/markdown.h"
#include "report/page.h"
#include "report/report_json.h"
#include "tests/quant/built_in_rules.h"

namespace autotune::report {
namespace {

using quant::testing::Rules;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::string Text(const api::AutotuneTask& task) { return RunnerUpText(task, ResultRows(task), Rules()); }

TEST(RunnerUpText, SaysHowFarTheSecondIsAndWhichLimitStoppedIt) {
  api::AutotuneTask task = Finished();
  task.status.experiments[1].loads[0].measured.load = measurement::Concurrency(16);
  EXPECT_EQ(Text(task),
            "e1-aaaaaa (baseline, default): 29.2% below the best. It met the SLO up to 8 in flight (the best: 16); 32 "
            "in flight "
            "missed slo.ttft.p99 (900 ms, allowed 500 ms).");
}

TEST(RunnerUpText, SaysThatAScoreIsAnEstimate) {
  api::AutotuneTask task = Finished();
  EXPECT_THAT(Text(task), Not(HasSubstr("estimate")));
  task.status.experiments[0].loads[0].measured.standing_queue = true;
  task.status.experiments[0].loads[0].measured.output_tokens_per_second = 1700;
  task.status.best->tied_with = {task.status.experiments[0].name};
  EXPECT_THAT(Text(task), HasSubstr("a tie: the intervals of the scores overlap"));
  EXPECT_THAT(Text(task), HasSubstr("The best is the one whose score was measured. The score of e1-aaaaaa is an "
                                    "estimate, at most 1700.0 tok/s per GPU: requests wait in its closed loop, and its "
                                    "sustained rate was not measured."));
}

TEST(RunnerUpText, ComparesWithTheStartOfTheBestThatIsShown) {
  api::AutotuneTask task = Finished();
  api::ExperimentStatus fresh = task.status.experiments[1];
  fresh.name = "e4-dddddd";
  fresh.confirms = task.status.experiments[1].name;
  fresh.loads[0].measured.load = measurement::Concurrency(12);
  task.status.experiments[1].loads[0].measured.load = measurement::Concurrency(16);
  task.status.experiments.push_back(fresh);
  const std::vector<ResultRow> rows = ResultRows(task);
  EXPECT_EQ(ShownRow(rows)->experiment->name, "e4-dddddd");
  EXPECT_THAT(Text(task), HasSubstr("up to 8 in flight (the best in every start: 12)"));
}

TEST(RunnerUpText, HasTheIntervalOfTheDistance) {
  api::AutotuneTask task = Finished();
  for (api::ExperimentStatus& experiment : task.status.experiments) {
    for (api::LoadRow& load : experiment.loads) {
      load.measured.output_tokens_per_second_ci = load.measured.output_tokens_per_second * 0.01;
    }
  }
  EXPECT_THAT(Text(task), ::testing::ContainsRegex("29.2% \\([0-9.]+% to [0-9.]+%\\) below the best"));
}

// Finished() with its two scored experiments on types of GPU of their own.
api::AutotuneTask OnTwoTypes(const std::string& price_of_best, const std::string& price_of_second) {
  api::AutotuneTask task = Finished();
  task.spec.gpus = {task.spec.gpus.front(), task.spec.gpus.front()};
  task.spec.gpus[0].name = "h100";
  task.spec.gpus[0].price_per_hour = price_of_best;
  task.spec.gpus[1].name = "l40s";
  task.spec.gpus[1].price_per_hour = price_of_second;
  task.status.gpus = {task.status.gpus.front(), task.status.gpus.front()};
  task.status.gpus[0].name = "h100";
  task.status.gpus[1].name = "l40s";
  task.status.experiments[0].gpu = "l40s";
  task.status.experiments[1].gpu = task.status.best->gpu = "h100";
  task.status.best->price = "0.7863";  // at 4 per hour
  return task;
}

TEST(RunnerUpText, SaysWhatIsCheaperThanTheBest) {
  EXPECT_THAT(
      Text(OnTwoTypes("4", "1")),
      HasSubstr("e1-aaaaaa (baseline, default on l40s) is cheaper: 0.2778 per million output tokens, 64.7% less "
                "than the best (0.7863)."));
  EXPECT_THAT(Text(OnTwoTypes("4", "4")), Not(HasSubstr("cheaper")));
  api::AutotuneTask task = OnTwoTypes("4", "1");
  task.spec.optimization.objective = api::Objective::kMinimizeCost;
  EXPECT_THAT(Text(task), Not(HasSubstr("cheaper"))) << "the best is the cheapest";
  task = OnTwoTypes("4", "1");
  task.spec.gpus[1].price_per_hour = "";
  EXPECT_THAT(Text(task), Not(HasSubstr("cheaper"))) << "no price is known";
}

TEST(RunnerUpText, NamesWhatTheEngineRanOutOf) {
  api::AutotuneTask task = Finished();
  measurement::EngineCounters& engine = task.status.experiments[0].loads[1].measured.engine;
  engine.kv_cache_use = 0.99;
  engine.preemptions = 12;
  engine.waiting = 30;
  EXPECT_THAT(Text(task), HasSubstr("Its KV cache was 99% full, 12 requests were preempted, 30 waited."));
  engine = {};
  engine.kv_cache_use = 0.34;
  engine.waiting = 121;
  EXPECT_THAT(Text(task),
              HasSubstr("There 121 requests waited for a place in the batch while the KV cache was 34% full."));
  engine.running = 100;
  engine.waiting = 4;
  EXPECT_THAT(Text(task), Not(HasSubstr("waited"))) << "a few always wait for their prefill";
}

TEST(RunnerUpText, ComparesLatenciesAtTheSameLoadWhereTheEngineSaysNothing) {
  api::AutotuneTask task = Finished();
  for (api::LoadRow& load : task.status.experiments[0].loads) load.measured.tpot.p50 = 9.1;
  EXPECT_THAT(Text(task),
              HasSubstr("Without --kv-cache-dtype fp8: with 32 in flight its TPOT p50 was 9.1 ms (the best: 7.2 ms)."));
}

TEST(RunnerUpText, SaysThatATieIsOne) {
  api::AutotuneTask task = Finished();
  task.status.experiments[0].loads[0].measured.output_tokens_per_second = 1400;
  task.status.best->tied_with = {"e1-aaaaaa"};
  EXPECT_THAT(Text(task), HasSubstr("0.9% below the best, a tie: the intervals of the scores overlap."));
  for (api::LoadRow& load : task.status.experiments[0].loads) load.measured.output_tokens_per_second_ci = 10;
  std::vector<ResultRow> rows = ResultRows(task);
  rows[0].ci = 400;
  EXPECT_THAT(
      RunnerUpText(task, rows, Rules()),
      HasSubstr("although its point alone has \u00b10.7%: the interval of a score also covers where the limit may be"));
}

TEST(RunnerUpText, SaysWhatIsFasterAndLosesTooMuchQuality) {
  const api::AutotuneTask task = Finished();
  std::vector<ResultRow> rows = ResultRows(task);
  api::ExperimentStatus faster = task.status.experiments[1];
  faster.name = "e4-dddddd";
  ResultRow left_out = rows[1];
  left_out.experiment = &faster;
  left_out.best = false;
  left_out.score.reset();
  left_out.meets_quality = false;
  left_out.score_without_quality = 2000;
  rows.push_back(left_out);
  EXPECT_THAT(
      RunnerUpText(task, rows, Rules()),
      HasSubstr(
          "e4-dddddd (kv-cache-fp8) has a better score (2000.0 tok/s per GPU) and is left out: quality not known."));
  rows.back().score_without_quality = 1200;
  EXPECT_THAT(RunnerUpText(task, rows, Rules()), Not(HasSubstr("e4-dddddd")));
}

TEST(RunnerUpText, SaysWhyThereIsNoSecond) {
  api::AutotuneTask task = Finished();
  task.status.experiments[0].stopped = "CannotWin";
  EXPECT_EQ(Text(task), "No other experiment has a score: 1 failed, 1 stopped early.");
  task.status.experiments = {task.status.experiments[1]};
  EXPECT_EQ(Text(task), "");
  task.status.best.reset();
  task.status.experiments.clear();
  EXPECT_EQ(Text(task), "");
}

TEST(RunnerUpText, IsInEveryReport) {
  const api::AutotuneTask task = Finished();
  const std::string page = HtmlReport(task, Rules());
  EXPECT_LT(page.find("e1-aaaaaa (baseline, default): 29.2% below the best"), page.find("id=\"experiments\""));
  EXPECT_THAT(MarkdownReport(task, Rules()),
              HasSubstr("\nSecond: e1-aaaaaa (baseline, default): 29.2% below the best"));
  EXPECT_EQ(JsonReport(task, Rules())["answer"]["second"], "e1-aaaaaa");
  EXPECT_THAT(JsonReport(task, Rules())["answer"]["whySecond"], StartsWith("e1-aaaaaa"));
}

}  // namespace
}  // namespace autotune::report
