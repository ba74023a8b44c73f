#include "operator/controller/task_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <string>
#include <utility>

namespace autotune::controller {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class TaskMetricsTest : public ::testing::Test {
 protected:
  TaskMetricsTest() {
    for (const auto& [name, engine] : {std::pair("old", "vllm"), std::pair("new", "vllm"), std::pair("sg", "sglang")}) {
      api::RuntimeSpec& runtime = spec_.runtimes.emplace_back();
      runtime.name = name;
      runtime.engine = engine;
    }
  }

  static api::ExperimentStatus Experiment(const std::string& hash, const std::string& runtime,
                                          api::ExperimentState state) {
    api::ExperimentStatus experiment;
    experiment.name = experiment.hash = hash;
    experiment.runtime = runtime;
    experiment.state = state;
    experiment.gpus = 2;
    return experiment;
  }

  std::string Text() const { return prometheus::TextSerializer().Serialize(registry_.Collect()); }

  prometheus::Registry registry_;
  TaskMetrics metrics_{registry_};
  api::TaskSpec spec_;
};

TEST_F(TaskMetricsTest, CountsWhatAStatusWriteEnded) {
  api::TaskStatus before, after;
  before.experiments = {Experiment("a", "old", api::ExperimentState::kMeasuring),
                        Experiment("b", "sg", api::ExperimentState::kStarting),
                        Experiment("c", "new", api::ExperimentState::kSucceeded)};
  after = before;
  after.experiments[0].state = api::ExperimentState::kSucceeded;
  after.experiments[0].started_at = "2026-11-22T12:00:00Z";
  after.experiments[0].finished_at = "2026-11-22T12:02:00Z";
  after.experiments[0].measure_seconds = 30;
  after.experiments[1].state = api::ExperimentState::kFailed;
  after.experiments[1].reason = "EngineCrashed";
  after.experiments[1].started_at = "2026-11-22T12:00:00Z";
  after.experiments[1].finished_at = "2026-11-22T12:00:10Z";
  metrics_.OnStatusWritten("ml", spec_, before, after);
  EXPECT_THAT(Text(), HasSubstr("autotune_experiments_finished_total{engine=\"vllm\",reason=\"Succeeded\"} 1\n"));
  EXPECT_THAT(Text(), HasSubstr("autotune_experiments_finished_total{engine=\"sglang\",reason=\"EngineCrashed\"} 1\n"));
  EXPECT_THAT(Text(), HasSubstr("autotune_gpu_seconds_total{kind=\"measure\"} 60\n"));
  EXPECT_THAT(Text(), HasSubstr("autotune_gpu_seconds_total{kind=\"start\"} 180\n"));
  EXPECT_THAT(Text(), HasSubstr("autotune_gpu_seconds_total{kind=\"wasted\"} 20\n"));

  // The same status again ends nothing.
  metrics_.OnStatusWritten("ml", spec_, after, after);
  EXPECT_THAT(Text(), HasSubstr("autotune_experiments_finished_total{engine=\"vllm\",reason=\"Succeeded\"} 1\n"));
  EXPECT_THAT(Text(), HasSubstr("autotune_gpu_seconds_total{kind=\"wasted\"} 20\n"));
}

TEST_F(TaskMetricsTest, CountsWhatANamespaceSpends) {
  api::TaskStatus before, after;
  before.experiments = {Experiment("a", "sg", api::ExperimentState::kMeasuring)};
  after = before;
  after.experiments[0].wasted_gpu_hours = 0.5;
  metrics_.OnStatusWritten("ml", spec_, before, after);
  EXPECT_THAT(Text(), HasSubstr("autotune_namespace_gpu_seconds_total{task_namespace=\"ml\"} 1800\n"));
  EXPECT_THAT(Text(), Not(HasSubstr("autotune_namespace_cost_total{"))) << "no price is known";
  before = after;
  after.experiments[0].wasted_gpu_hours = 1;
  after.gpus.front().price_per_hour = "4";
  metrics_.OnStatusWritten("other", spec_, before, after);
  EXPECT_THAT(Text(), HasSubstr("autotune_namespace_cost_total{task_namespace=\"other\"} 2\n"));
  spec_.gpus.front().price_per_hour = "3";
  metrics_.OnStatusWritten("ml", spec_, before, after);
  EXPECT_THAT(Text(), HasSubstr("autotune_namespace_cost_total{task_namespace=\"ml\"} 1.5\n")) << "the task's price";
}

TEST_F(TaskMetricsTest, CountsRetriesAndTheirWaste) {
  api::TaskStatus before, after;
  before.experiments = {Experiment("a", "sg", api::ExperimentState::kMeasuring)};
  after = before;
  after.experiments[0].state = api::ExperimentState::kPending;
  after.experiments[0].reason = "NodeLost";
  after.experiments[0].retry_at = "2026-11-22T12:00:00Z";
  after.experiments[0].wasted_gpu_hours = 0.5;
  metrics_.OnStatusWritten("ml", spec_, before, after);
  EXPECT_THAT(Text(), HasSubstr("autotune_experiment_retries_total{engine=\"sglang\",reason=\"NodeLost\"} 1\n"));
  EXPECT_THAT(Text(), HasSubstr("autotune_experiments_finished_total{engine=\"sglang\",reason=\"NodeLost\"} 0\n"));
  EXPECT_THAT(Text(), HasSubstr("autotune_gpu_seconds_total{kind=\"wasted\"} 1800\n"));
}

// An edit takes an experiment out of the list and what it cost into cost.earlier, with what its stopped pod held.
TEST_F(TaskMetricsTest, CountsWhatAnEditStoppedOnce) {
  api::TaskStatus before, after;
  before.experiments = {Experiment("a", "sg", api::ExperimentState::kMeasuring)};
  before.experiments[0].wasted_gpu_hours = 0.5;
  metrics_.OnStatusWritten("ml", spec_, {}, before);
  after.cost.earlier[""].wasted = 1830;
  metrics_.OnStatusWritten("ml", spec_, before, after);
  EXPECT_THAT(Text(), HasSubstr("autotune_gpu_seconds_total{kind=\"wasted\"} 1830\n"));
}

TEST_F(TaskMetricsTest, ShowsTasksAndExperimentsAsTheyAreNow) {
  api::TaskStatus searching, fresh;
  searching.state = "Searching";
  searching.experiments = {
      Experiment("a", "old", api::ExperimentState::kMeasuring), Experiment("b", "new", api::ExperimentState::kStarting),
      Experiment("c", "sg", api::ExperimentState::kPending), Experiment("d", "sg", api::ExperimentState::kSucceeded)};
  TaskMetrics::Snapshot first;
  first.Add(spec_, searching);
  first.Add(spec_, fresh);
  metrics_.Show(first);
  EXPECT_THAT(Text(), HasSubstr("autotune_tasks{state=\"Searching\"} 1\n"));
  EXPECT_THAT(Text(), HasSubstr("autotune_tasks{state=\"Pending\"} 1\n"));
  EXPECT_THAT(Text(), HasSubstr("autotune_experiments_running{engine=\"vllm\"} 2\n"));
  EXPECT_THAT(Text(), HasSubstr("autotune_experiments_pending 1\n"));

  metrics_.Show(TaskMetrics::Snapshot());
  EXPECT_THAT(Text(), HasSubstr("autotune_tasks{state=\"Searching\"} 0\n"));
  EXPECT_THAT(Text(), HasSubstr("autotune_experiments_running{engine=\"vllm\"} 0\n"));
  EXPECT_THAT(Text(), HasSubstr("autotune_experiments_pending 0\n"));
}

// Names that users choose must not make series: a thousand tasks would make thousands of them.
TEST_F(TaskMetricsTest, WhatUsersNameMakesNoSeries) {
  const auto series = [&] {
    const std::string text = Text();
    return std::count(text.begin(), text.end(), '\n');
  };
  const auto at_start = series();
  api::TaskStatus before, after;
  after.state = "Whatever";
  for (int i = 0; i < 100; ++i) {
    const std::string name = "user-" + std::to_string(i);
    api::ExperimentStatus experiment = Experiment(name, name, api::ExperimentState::kFailed);
    experiment.reason = "OutOfMemory";
    after.experiments.push_back(experiment);
  }
  metrics_.OnStatusWritten("ml", spec_, before, after);
  TaskMetrics::Snapshot snapshot;
  snapshot.Add(spec_, after);
  metrics_.Show(snapshot);
  for (const base::Code code : {base::Code::kConflict, base::Code::kDenied, base::Code::kRetry}) {
    const base::Error error{code, "no", std::nullopt, 0};
    metrics_.OnStatusPatch(&error);
  }
  EXPECT_EQ(series(), at_start);
  EXPECT_THAT(Text(),
              HasSubstr("autotune_experiments_finished_total{engine=\"unknown\",reason=\"OutOfMemory\"} 100\n"));
  EXPECT_THAT(Text(), HasSubstr("autotune_status_patches_total{result=\"failed\"} 2\n"));
  EXPECT_THAT(Text(), Not(HasSubstr("user-")));
}

TEST_F(TaskMetricsTest, ShowsTheRulesInForceAndThatMountedOnesAreRefused) {
  metrics_.ShowRules("2026-11-22+abc", false);
  EXPECT_THAT(Text(), HasSubstr("rules=\"2026-11-22+abc\""));
  EXPECT_THAT(Text(), HasSubstr("autotune_rules_refused 0\n"));
  metrics_.ShowRules("2026-11-23+def", true);
  EXPECT_THAT(Text(), HasSubstr("rules=\"2026-11-23+def\""));
  EXPECT_THAT(Text(), Not(HasSubstr("2026-11-22+abc")));
  EXPECT_THAT(Text(), HasSubstr("autotune_rules_refused 1\n"));
}

}  // namespace
}  // namespace autotune::controller
