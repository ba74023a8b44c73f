#include "cli/status_text.h"

#include <gmock/gmock.h>

#include "../report/finished_task.h"
#include "tests/quant/built_in_rules.h"

namespace autotune::cli {
namespace {

using quant::testing::Rules;
using report::BlocksOf;
using report::Finished;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(FinalText, EndsWithTheTableAndTheWinningCommandLine) {
  const std::string text = FinalText(Finished(), Rules(), 160);
  EXPECT_THAT(text, HasSubstr("ARGUMENTS THAT DIFFER"));
  EXPECT_THAT(text, HasSubstr("Common arguments: --max-num-seqs 64"));
  EXPECT_THAT(
      text, ::testing::ContainsRegex(
                "e2-bbbbbb +kv-cache-fp8 +--kv-cache-dtype fp8 +8 +8 +1413.0 +61.0 ms +310 ms +7.2 ms +.41.3% +best"));
  EXPECT_THAT(text, HasSubstr("OutOfMemory: torch.OutOfMemoryError"));
  EXPECT_THAT(text, HasSubstr("Best: e2-bbbbbb (vllm, kv-cache-fp8): 1413.0 tok/s per GPU, +41.3% over the baseline, "
                              "with 8 requests in flight"));
  EXPECT_TRUE(
      text.ends_with("vllm serve org/model --host 0.0.0.0 --port 8000 --max-num-seqs 64 --kv-cache-dtype fp8\n"))
      << text;
  EXPECT_THAT(text, Not(HasSubstr("imulated")));
  EXPECT_THAT(text, HasSubstr("\nSecond: e1-aaaaaa (baseline, default): 29.2% below the best."));
  EXPECT_THAT(text,
              HasSubstr("\nScores: Each score is that of the highest load at which the experiment meets the SLO"));
}

TEST(FinalText, SaysWhatWasMeasuredAndWhatBrokeTheSlo) {
  api::AutotuneTask task = Finished();
  task.spec.slo.ttft["p99"] = 300;
  const std::string text = FinalText(task, Rules(), 160);
  EXPECT_THAT(text, HasSubstr("\nMeasured: scenario"));
  EXPECT_THAT(text, HasSubstr("\nSLO: TTFT p99 <= 300 ms, error rate <= 1 %\n"));
  EXPECT_THAT(text, HasSubstr("misses slo.ttft.p99 (310 ms, allowed 300 ms)"));
}

TEST(FinalText, ShowsWhatPrecisionCosts) {
  api::AutotuneTask task = Finished();
  task.status.experiments[0].quality.emplace().measured = BlocksOf(0);
  task.status.experiments[1].quality.emplace().measured = BlocksOf(0.015);
  std::string text = FinalText(task, Rules(), 160);
  EXPECT_THAT(text, HasSubstr("QUALITY VS BASELINE"));
  EXPECT_THAT(text, ::testing::ContainsRegex("e1-aaaaaa .* reference +baseline"));
  EXPECT_THAT(text, HasSubstr("perplexity +1.51% \u00b10.17%  best"));
  task.spec.quality.max_degradation = 0.01;
  text = FinalText(task, Rules(), 160);
  EXPECT_THAT(text, HasSubstr("perplexity +1.51% \u00b10.17%  exceeds maxDegradation of 1%"));
  EXPECT_THAT(text, HasSubstr("\nQuality: Allowed: 1% more perplexity than the baseline (quality.maxDegradation)."));
  // The interval contains the limit: on either side of it that is said.
  task.spec.quality.max_degradation = 0.0151;
  EXPECT_THAT(FinalText(task, Rules(), 160),
              HasSubstr("+1.511% \u00b10.169%  quality undecided: +1.511% \u00b10.169%, allowed 1.51%"));
  task.spec.quality.max_degradation = 0.0153;
  text = FinalText(task, Rules(), 160);
  EXPECT_THAT(text, HasSubstr("+1.51% \u00b10.17%  best; quality undecided: +1.51% \u00b10.17%, allowed 1.53%"));
  EXPECT_THAT(text, HasSubstr("perplexity +1.51% \u00b10.17%, quality undecided: +1.51%")) << "beside the best";
  task.status.experiments[1].quality.reset();
  EXPECT_THAT(FinalText(task, Rules(), 160), HasSubstr("quality not known"));
}

TEST(FinalText, SaysWhatWasAskedForAndIsNoExperiment) {
  api::AutotuneTask task = Finished();
  task.status.candidates = {48, 2, 4, 42, 2};
  task.status.pruned_reasons = {{"NeedsCheckpoint", 3, "vllm + aggressive-moe: cannot"}};
  task.spec.optimization.max_experiments = static_cast<int>(task.status.experiments.size());
  EXPECT_THAT(FinalText(task, Rules(), 160),
              HasSubstr("Gains compare these scores.\n\n"
                        "Candidates without an experiment:\n"
                        "  3 pruned, NeedsCheckpoint: vllm + aggressive-moe: cannot\n"
                        "  1 pruned for other reasons\n"
                        "  2 not run: optimization.maxExperiments is " +
                        std::to_string(task.status.experiments.size()) +
                        "\n"
                        "  2 duplicates with the arguments of another experiment (autotune plan lists them)"
                        "\n\n"
                        "Best: "));
  task.spec.optimization.max_experiments = 40;
  EXPECT_THAT(FinalText(task, Rules(), 160), HasSubstr("  2 not run yet\n")) << "the task was interrupted";
}

TEST(StatusText, HasTheWarningsOfTheTask) {
  api::AutotuneTask task = Finished();
  task.status.warnings = {{"quality.dataset", "ChoicesNotCompared", "no result for questions by choices"}};
  EXPECT_THAT(StatusText(task, Rules(), 160),
              HasSubstr("\nWarning   quality.dataset: no result for questions by choices\n"));
}

TEST(FinalText, SaysNothingMoreWhereEveryCombinationIsAnExperiment) {
  api::AutotuneTask task = Finished();
  task.status.candidates = {3, 0, 0, 3, 0};
  task.status.pruned_reasons.clear();
  EXPECT_THAT(FinalText(task, Rules(), 160), Not(HasSubstr("Candidates without an experiment")));
}

TEST(FinalText, SaysThatNumbersAreSimulated) {
  api::AutotuneTask task = Finished();
  task.status.experiments[1].simulated = true;
  EXPECT_THAT(FinalText(task, Rules(), 160), HasSubstr("Simulated: "));
}

TEST(FinalText, SaysWhyThereIsNoBest) {
  api::AutotuneTask task = Finished();
  task.status.best.reset();
  task.status.conditions = {{"Ready", "True", "NoFeasibleConfiguration", "No configuration meets slo.ttft.p99", 1, ""}};
  EXPECT_THAT(FinalText(task, Rules(), 160), HasSubstr("No best configuration: No configuration meets slo.ttft.p99"));
}

TEST(FinalText, IsNoVerdictWhileItSearches) {
  api::AutotuneTask task = Finished();
  task.status.best.reset();
  task.status.state = "Searching";
  EXPECT_THAT(FinalText(task, Rules(), 160), HasSubstr("No configuration meets the SLO so far: "));
}

TEST(FinalText, ShowsTheLatenciesThatTheSloBounds) {
  api::AutotuneTask task = Finished();
  EXPECT_THAT(FinalText(task, Rules(), 160), Not(HasSubstr("TPOT P95")));
  task.spec.slo.tpot["p95"] = 20;
  EXPECT_THAT(FinalText(task, Rules(), 160), HasSubstr("TPOT P50  TPOT P95"));
}

TEST(FinalText, MarksAPercentileOfTooFewRequests) {
  api::AutotuneTask task = Finished();
  task.status.experiments[0].loads[0].measured.requests = 16;
  EXPECT_THAT(FinalText(task, Rules(), 160), HasSubstr("310 ms (16 requests)"));
}

TEST(StatusList, SaysWhichAreSimulated) {
  api::AutotuneTask task = Finished();
  task.status.experiments[0].simulated = true;
  EXPECT_THAT(StatusList({task, Finished()}), HasSubstr("Complete (simulated)"));
}

TEST(StatusText, ShowsStateConditionsAndResults) {
  const std::string text = StatusText(Finished(), Rules(), 160);
  EXPECT_THAT(text, HasSubstr("Task      llama in namespace ml"));
  EXPECT_THAT(text, HasSubstr("State     Complete  3/3"));
  EXPECT_THAT(text, HasSubstr("Condition Ready=True Succeeded: Best: e2"));
  EXPECT_THAT(text, HasSubstr("3 experiments out of 5 combinations"));
}

TEST(StatusText, SaysEachMessageOnce) {
  api::AutotuneTask task = Finished();
  const std::string why = "No configuration meets slo.ttft.p99 = 20ms";
  task.status.best.reset();
  task.status.conditions = {{"Ready", "True", "NoFeasibleConfiguration", why, 1, ""},
                            {"Feasible", "False", "NoFeasibleConfiguration", why, 1, ""}};
  const std::string text = StatusText(task, Rules(), 160);
  EXPECT_THAT(text, HasSubstr("Condition Feasible=False NoFeasibleConfiguration\n"));
  EXPECT_THAT(text, HasSubstr("No best configuration: " + why));
  EXPECT_EQ(text.find(why), text.rfind(why)) << text;
}

TEST(StatusText, SaysWhatOfTheCostIsOfExperimentsThatAreGone) {
  api::AutotuneTask task = Finished();
  EXPECT_THAT(StatusText(task, Rules(), 160), Not(HasSubstr("edits")));
  task.status.cost.earlier[""] = {360, 720, 0};
  EXPECT_THAT(StatusText(task, Rules(), 160), HasSubstr(", including 0.3 for experiments that edits removed"));
}

TEST(StatusText, WorksBeforeTheOperatorHasSeenTheTask) {
  api::AutotuneTask task = Finished();
  task.status = {};
  EXPECT_THAT(StatusText(task, Rules(), 80), HasSubstr("not processed by an operator yet"));
}

TEST(StatusText, SaysWhyEveryCombinationWasPruned) {
  api::AutotuneTask task = Finished();
  task.status.experiments.clear();
  task.status.candidates = {1, 0, 1, 0, 0};
  EXPECT_THAT(StatusText(task, Rules(), 160), HasSubstr("  1 pruned, NoSuchThing: vllm + mine: cannot\n"));
}

TEST(StatusText, SaysThatTheSpecIsNewerThanTheStatus) {
  api::AutotuneTask task = Finished();
  task.metadata.generation = 3;
  task.status.observed_generation = 2;
  EXPECT_THAT(StatusText(task, Rules(), 80), HasSubstr("generation 3"));
}

TEST(StatusList, HasALineForEachTask) {
  api::AutotuneTask other = Finished();
  other.metadata.name = "new";
  other.status = {};
  const std::string text = StatusList({Finished(), other});
  EXPECT_THAT(text, ::testing::ContainsRegex("ml +llama +Complete +3/3 +kv-cache-fp8 +1413 +.41.3%"));
  EXPECT_THAT(text, ::testing::ContainsRegex("ml +new +-"));
}

TEST(StatusList, SaysWhichWait) {
  api::AutotuneTask task = Finished();
  task.status.state = "Searching";
  task.status.conditions = {{"Reconciling", "True", "WaitingForResources", "pod x since ...", 1, ""}};
  EXPECT_THAT(StatusList({task}), HasSubstr("Searching, waiting"));
}

TEST(StatusText, SaysWhatASearchThatGoesOnIsExpectedToTake) {
  api::AutotuneTask task = Finished();
  EXPECT_THAT(StatusText(task, Rules(), 160), Not(HasSubstr("Estimate")));
  task.status.estimate = api::TaskStatus::Estimate{"5-9", "1.1-2", "20-40m", "2026-11-22T12:21:00Z", "", "", "", ""};
  EXPECT_THAT(
      StatusText(task, Rules(), 160),
      HasSubstr(
          "Estimate  5-9 experiments, 1.1-2 GPU-hours, 20-40m in total; expected end before 2026-11-22T12:21:00Z\n"));
}

}  // namespace
}  // namespace autotune::cli
