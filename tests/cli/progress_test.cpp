#include "cli/progress.h"

#include <gmock/gmock.h>

#include <cstdio>

namespace autotune::cli {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

api::ExperimentStatus Experiment(const std::string& name, const std::string& quant, bool baseline = false) {
  api::ExperimentStatus experiment;
  experiment.name = name;
  experiment.quant.name = quant;
  experiment.baseline = baseline;
  experiment.runtime = "vllm";
  experiment.gpus = 1;
  if (!baseline) experiment.args = {"--kv-cache-dtype", "fp8"};
  return experiment;
}

void Succeed(api::ExperimentStatus& experiment, double tokens_per_second) {
  experiment.state = api::ExperimentState::kSucceeded;
  measurement::Point load;
  load.scenario = "D(512,128)";
  load.load = measurement::Concurrency(8);
  load.requests = 100;
  load.output_tokens_per_second = tokens_per_second;
  load.ttft = {60, 61, 90, 95, 310};
  load.tpot = {7, 7.2, 8, 8, 9};
  load.e2e = {900, 900, 900, 900, 900};
  experiment.loads = {{load, true}};
}

api::AutotuneTask Searching() {
  api::AutotuneTask task;
  task.status.state = "Searching";
  task.status.candidates = {4, 1, 1, 2, 0};
  task.status.experiments = {Experiment("e1-aaaaaa", "default", true), Experiment("e2-bbbbbb", "kv-cache-fp8")};
  return task;
}

TEST(ProgressLines, TellTheSizeOfTheSearchAndWhatWasPruned) {
  api::AutotuneTask task = Searching();
  task.status.pruned_reasons = {{"KvDtypeNeedsOtherWeights", 1, "vllm + mine: no"}};
  EXPECT_THAT(
      ProgressLines({}, task),
      ElementsAre("2 candidates out of 4 combinations (1 duplicate, 1 pruned); the search decides which of them run",
                  "Pruned 1: KvDtypeNeedsOtherWeights, vllm + mine: no"));
  EXPECT_THAT(ProgressLines(task.status, task), IsEmpty()) << "nothing happened";
}

TEST(ProgressLines, TellTheEstimateBeforeTheFirstExperiment) {
  api::AutotuneTask task = Searching();
  task.status.estimate.emplace();
  task.status.estimate->experiments = "3-6";
  task.status.estimate->gpu_hours = "0.12-0.17";
  task.status.estimate->duration = "3-6m";
  EXPECT_THAT(ProgressLines({}, task), ::testing::Contains("Estimate: 3-6 experiments, 0.12-0.17 GPU-hours, in 3-6m"));
}

TEST(ProgressLines, WarnWhereNearlyEverythingIsPruned) {
  api::AutotuneTask task = Searching();
  task.status.candidates = {62, 0, 60, 2, 0};
  task.status.pruned_reasons = {{"UnknownFlag", 20, "vllm: a"}, {"UnknownFlag", 40, "sglang: b"}};
  EXPECT_THAT(ProgressLines({}, task),
              ::testing::Contains("Warning: 60 of 62 combinations are pruned: little of the space is left to compare; "
                                  "most often for UnknownFlag (40): sglang: b"));
}

TEST(ProgressLines, FollowAnExperimentFromStartToResult) {
  api::AutotuneTask before = Searching();
  api::AutotuneTask now = before;
  now.status.experiments[1].state = api::ExperimentState::kStarting;
  EXPECT_THAT(ProgressLines(before.status, now),
              ElementsAre("e2-bbbbbb  starting   kv-cache-fp8  --kv-cache-dtype fp8"));
  before = now;
  now.status.experiments[1].state = api::ExperimentState::kMeasuring;
  EXPECT_THAT(ProgressLines(before.status, now), ElementsAre("e2-bbbbbb  measuring  the benchmark has started"));
  before = now;
  Succeed(now.status.experiments[0], 1000);
  Succeed(now.status.experiments[1], 1413);
  EXPECT_THAT(
      ProgressLines(before.status, now),
      ElementsAre(HasSubstr("1000.0 tok/s per GPU at 8 in flight"),
                  "e2-bbbbbb  done       1413.0 tok/s per GPU at 8 in flight, TTFT p50 61.0 ms p99 310 ms, TPOT p50 "
                  "7.2 ms  (+41.3%)"));
}

TEST(ProgressLines, TellFailuresAndRetriesWithTheirCause) {
  const api::AutotuneTask before = Searching();
  api::AutotuneTask now = before;
  now.status.experiments[0].state = api::ExperimentState::kFailed;
  now.status.experiments[0].reason = "OutOfMemory";
  now.status.experiments[0].message = "CUDA out of memory";
  now.status.experiments[1].retry_at = "2026-11-22T12:00:10Z";
  now.status.experiments[1].reason = "Evicted";
  now.status.experiments[1].message = "gone";
  EXPECT_THAT(ProgressLines(before.status, now), ElementsAre("e1-aaaaaa  FAILED     OutOfMemory: CUDA out of memory",
                                                             "e2-bbbbbb  retry      after Evicted: gone"));
}

TEST(ProgressLines, SayOfALatencyThatItIsLess) {
  api::AutotuneTask before = Searching();
  before.spec.optimization.objective = api::Objective::kMinimizeTpot;
  before.spec.benchmark.load = {.mode = measurement::LoadMode::kFixedConcurrency, .fixed = {8}};
  Succeed(before.status.experiments[0], 1000);
  before.status.experiments[0].loads[0].measured.tpot.p50 = 10;
  api::AutotuneTask now = before;
  Succeed(now.status.experiments[1], 1000);
  now.status.experiments[1].loads[0].measured.tpot.p50 = 8;
  now.status.best = api::TaskStatus::Best{"e2-bbbbbb", "vllm", "fp8", "-8", "+20.0%", "", 8, "", "", "", {}};
  const std::string lines = ::testing::PrintToString(ProgressLines(before.status, now));
  EXPECT_THAT(lines, HasSubstr("  (20.0% less)"));
  EXPECT_THAT(::testing::PrintToString(LiveLines(now, {}, {}, 200)), HasSubstr("8.0 ms (20.0% less)"));
}

TEST(ProgressLines, TellOnceWhatIsWaitedFor) {
  const api::AutotuneTask before = Searching();
  api::AutotuneTask now = before;
  now.status.conditions = {{"Reconciling", "True", "WaitingForResources", "0/1 nodes are available", 1, ""}};
  EXPECT_THAT(ProgressLines(before.status, now), ElementsAre("Waiting: 0/1 nodes are available"));
  EXPECT_THAT(ProgressLines(now.status, now), IsEmpty());
}

TEST(LiveLines, ShowWhatRunsHowFarItIsAndTheBestSoFar) {
  api::AutotuneTask task = Searching();
  Succeed(task.status.experiments[0], 1000);
  task.status.best = api::TaskStatus::Best{"e1-aaaaaa", "vllm", "default", "1000", "+0.0%", "", 8, "", "", "", {}};
  task.status.experiments[1].state = api::ExperimentState::kMeasuring;
  task.status.experiments[1].started_at = "2026-11-22T12:00:30Z";
  task.status.cost.gpu_hours = "0.021";
  const auto begin = base::ParseRfc3339("2026-11-22T12:00:00Z");
  const auto lines = LiveLines(task, begin, begin + std::chrono::seconds(75), 200);
  EXPECT_THAT(lines, ElementsAre("  e2-bbbbbb  measuring  45s     kv-cache-fp8  --kv-cache-dtype fp8",
                                 "  [############............] 1 of 2 experiments, 1m15s, 0.021 GPU-hours",
                                 "  best so far: e1-aaaaaa default 1000.0 tok/s per GPU"));
  for (const std::string& line : LiveLines(task, begin, begin, 40)) EXPECT_LE(line.size(), 40U);
}

TEST(LiveLines, SayWhatIsWaitedForAsLongAsItIs) {
  api::AutotuneTask task = Searching();
  task.status.conditions = {{"Reconciling", "True", "WaitingForResources", "0/1 nodes are available", 1, ""}};
  EXPECT_THAT(LiveLines(task, {}, {}, 200), Contains("  waiting: 0/1 nodes are available"));
}

TEST(TimeLeft, IsWhatTheFinishedOnesTookForThoseThatAreLeft) {
  api::AutotuneTask task = Searching();
  const auto now = base::ParseRfc3339("2026-11-22T12:10:00Z");
  EXPECT_FALSE(TimeLeftOf(task, now)) << "nothing has ended";
  task.status.experiments.push_back(Experiment("e3-cccccc", "dynamic-fp8"));
  Succeed(task.status.experiments[0], 1000);
  task.status.experiments[0].started_at = "2026-11-22T12:00:00Z";
  task.status.experiments[0].finished_at = "2026-11-22T12:08:00Z";
  task.status.experiments[1].state = api::ExperimentState::kStarting;
  task.status.experiments[1].started_at = "2026-11-22T12:08:00Z";
  const auto left = TimeLeftOf(task, now);
  ASSERT_TRUE(left);
  EXPECT_EQ(left->seconds, (8 - 2 + 8) * 60);
  EXPECT_FALSE(left->at_most);
  task.spec.parallelism = 2;
  EXPECT_EQ(TimeLeftOf(task, now)->seconds, 7 * 60);
  EXPECT_THAT(HowFar(task, now, now), HasSubstr("1 of 3 experiments, 0s, about 7m00s left"));
  task.status.state = "Complete";
  EXPECT_FALSE(TimeLeftOf(task, now));
}

TEST(TimeLeft, OfAnAdaptiveSearchIsItsOwnEstimate) {
  api::AutotuneTask task = Searching();
  task.status.started_at = "2026-11-22T12:00:00Z";
  task.status.estimate.emplace();
  task.status.estimate->experiments = "5-9";
  task.status.estimate->finish_at = "2026-11-22T12:21:00Z";
  Succeed(task.status.experiments[0], 1000);
  const auto now = base::ParseRfc3339("2026-11-22T12:10:00Z");
  EXPECT_EQ(HowFar(task, now, now), "1 of 5-9 experiments, 10m00s, at most 11m00s left");
  EXPECT_THAT(LiveLines(task, now, now, 200), Contains(StartsWith("  [##......................] 1 of 5-9")));
}

class ProgressViewTest : public ::testing::Test {
 protected:
  ProgressViewTest() : file_(std::tmpfile()) {}
  ~ProgressViewTest() override { std::fclose(file_); }
  std::string Written() {
    std::rewind(file_);
    std::string text;
    for (int c = std::fgetc(file_); c != EOF; c = std::fgetc(file_)) text += static_cast<char>(c);
    return text;
  }
  base::SimulatedClock clock_{base::ParseRfc3339("2026-11-22T12:34:56Z")};
  std::FILE* file_;
};

TEST_F(ProgressViewTest, WritesOneLineAnEventWhereThereIsNoTerminal) {
  ProgressView view(file_, false, 80, clock_);
  view.Show(Searching());
  view.Tick();
  view.Say("bye");
  view.Finish();
  EXPECT_EQ(
      Written(),
      "12:34:56  2 candidates out of 4 combinations (1 duplicate, 1 pruned); the search decides which of them run\n"
      "12:34:56  bye\n");
}

TEST_F(ProgressViewTest, SaysHowFarItIsAfterEachExperimentWhereNothingIsDrawn) {
  ProgressView view(file_, false, 80, clock_);
  api::AutotuneTask task = Searching();
  view.Show(task);
  task.status.experiments[0].state = api::ExperimentState::kFailed;
  view.Show(task);
  view.Show(task);
  view.Finish();
  EXPECT_TRUE(Written().ends_with("12:34:56  1 of 2 experiments, 0s\n"));
}

TEST_F(ProgressViewTest, SaysWhatGoesOnAfterHalfAMinuteOfSilence) {
  ProgressView view(file_, false, 80, clock_);
  api::AutotuneTask task = Searching();
  task.status.experiments[0].state = api::ExperimentState::kMeasuring;
  task.status.experiments[0].started_at = "2026-11-22T12:34:50Z";
  view.Show(task);
  for (int seconds = 0; seconds < 70; ++seconds) {
    clock_.Advance(std::chrono::seconds(1));
    view.Tick();
  }
  task.status.state = "Complete";
  view.Show(task);
  clock_.Advance(std::chrono::seconds(60));
  view.Tick();
  view.Finish();
  const std::string text = Written();
  const std::string name = task.status.experiments[0].name;
  EXPECT_THAT(
      text, HasSubstr("12:35:26  still: " + name + " measuring 36s; 0 of 2 experiments, 30s\n12:35:56  still: " + name +
                      " measuring 1m06s; 0 of 2 experiments, 1m00s\n"));
  EXPECT_THAT(text, ::testing::Not(HasSubstr("12:36:2"))) << "and nothing once it is over";
}

TEST_F(ProgressViewTest, ReplacesItsLiveLinesOnATerminalAndTakesThemAwayAtTheEnd) {
  {
    ProgressView view(file_, true, 80, clock_);
    view.Show(Searching());
    view.Tick();
  }
  const std::string text = Written();
  const auto count = [&](const std::string& what) {
    int found = 0;
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++found;
    return found;
  };
  EXPECT_EQ(count("0 of 2"), 2) << "drawn and drawn again";
  EXPECT_EQ(count("\x1b[2K"), 2) << "and erased both times";
}

}  // namespace
}  // namespace autotune::cli
