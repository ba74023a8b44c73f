#include <gtest/gtest.h>

#include <numeric>

#include "operator/api/autotune_task.h"

namespace autotune::api {
namespace {

constexpr std::size_t kEntryLimit = 2901;
constexpr std::size_t kObjectLimit = 1024 * 1024;

std::size_t Size(const json& value) { return value.dump().size(); }

LoadRow Row(const std::string& scenario, int concurrency, double tokens_per_second, bool meets_slo) {
  LoadRow row;
  row.measured.scenario = scenario;
  row.measured.load = measurement::Concurrency(concurrency);
  row.measured.window_seconds = 123.456;
  row.measured.requests = 123456;
  row.measured.errors = 123;
  row.measured.input_tokens = row.measured.output_tokens = 123456789;
  row.measured.output_tokens_per_second = tokens_per_second;
  row.measured.requests_per_second = 1234.567;
  for (measurement::Latency* latency : {&row.measured.ttft, &row.measured.tpot, &row.measured.e2e}) {
    *latency = {123.4, 123.4, 1234.5, 12345.6, 123456.7};
  }
  row.meets_slo = meets_slo;
  return row;
}

// Everything as long as an engine, a user and a cluster can make it.
ExperimentStatus Worst(int number) {
  ExperimentStatus experiment;
  experiment.name = "e" + std::to_string(number) + "-3fa2c1";
  experiment.hash = "3fa2c10011223344";
  experiment.state = ExperimentState::kFailed;
  experiment.runtime = std::string(40, 'r');
  experiment.quant = {std::string(63, 'q'), "bfloat16", "fp8_e5m2", "fp8_block", "w4afp8"};
  experiment.baseline = experiment.simulated = true;
  experiment.args.assign(300, std::string(400, 'a'));
  experiment.options = std::string(10'000, 'o');
  experiment.gpus = 1024;
  experiment.node = std::string(253, 'n');
  experiment.gpu_product = std::string(63, 'p');
  experiment.warnings.assign(40, {std::string(200, 'f'), std::string(100, 'r'), std::string(5000, 'm')});
  for (int step = 0; step < 12; ++step)
    experiment.loads.push_back(Row("D(1000000,1000000)", 100 + step, 123456.78, true));
  experiment.score = "123456.78";
  experiment.reason = "EngineRejectedConfiguration";
  experiment.message = std::string(20'000, '\x01');  // six bytes each in JSON
  experiment.started_at = experiment.finished_at = experiment.retry_at = "2026-11-22T12:00:00Z";
  experiment.start_seconds = experiment.measure_seconds = 12345.6;
  experiment.attempts = 11;
  experiment.wasted_gpu_hours = 123.4567;
  return experiment;
}

TaskStatus WorstStatus() {
  TaskStatus status;
  for (int i = 0; i < static_cast<int>(kMaxExperiments); ++i) status.experiments.push_back(Worst(i));
  status.warnings.assign(1000, {std::string(2000, 'f'), std::string(2000, 'r'), std::string(20'000, 'm')});
  status.pruned_reasons.assign(1000, {std::string(2000, 'r'), 7, std::string(20'000, 'e')});
  status.conditions.assign(
      3, {"Ready", "False", "AllExperimentsFailed", std::string(100'000, 'm'), 1, "2026-11-22T12:00:00Z"});
  return status;
}

std::vector<std::string> Names(const TaskStatus& status) {
  std::vector<std::string> names;
  for (const ExperimentStatus& experiment : status.experiments) names.push_back(experiment.name);
  return names;
}

TEST(SizeLimits, HoldFor256EntriesAtTheirWorst) {
  TaskStatus status = WorstStatus();
  EnforceSizeLimits(status, {});
  for (const ExperimentStatus& experiment : status.experiments) {
    EXPECT_LT(Size(ToJson(experiment)), kEntryLimit) << experiment.name;
    EXPECT_TRUE(experiment.truncated);
    EXPECT_FALSE(experiment.loads.empty());
    EXPECT_EQ(experiment.reason, "EngineRejectedConfiguration");
    EXPECT_EQ(experiment.hash, "3fa2c10011223344");
  }
  EXPECT_LT(Size(ToJson(status)), kObjectLimit);
}

TEST(SizeLimits, HoldWhenEveryEntryWantsItsRows) {
  TaskStatus status = WorstStatus();
  EnforceSizeLimits(status, Names(status));
  EXPECT_LT(Size(ToJson(status)), kObjectLimit);
  // The most important keep theirs.
  EXPECT_EQ(status.experiments.front().loads.size(), 12U);
  EXPECT_LT(status.experiments.back().loads.size(), 12U);
}

TEST(SizeLimits, KeepEveryRowOfTheNamedOnes) {
  TaskStatus status;
  status.experiments = {Worst(1), Worst(2)};
  EnforceSizeLimits(status, {"e2-3fa2c1"});
  EXPECT_LT(status.experiments[0].loads.size(), 12U);
  EXPECT_EQ(status.experiments[1].loads.size(), 12U);
}

TEST(SizeLimits, LeaveAnOrdinaryExperimentAlone) {
  TaskStatus status;
  ExperimentStatus& experiment = status.experiments.emplace_back();
  experiment.name = "e1-3fa2c1";
  experiment.args = {"--kv-cache-dtype", "fp8", "--max-num-seqs", "128"};
  for (const int step : {1, 8, 32}) experiment.loads.push_back(Row("D(512,128)", step, 100.0 * step, true));
  const json before = ToJson(status);
  EnforceSizeLimits(status, {});
  EXPECT_EQ(ToJson(status), before);
}

// The status is written whenever it differs from what is stored, so limiting it again must not differ.
TEST(SizeLimits, ChangeNothingTheSecondTime) {
  for (const bool keep : {false, true}) {
    TaskStatus status = WorstStatus();
    if (!keep) status.experiments.resize(16);
    const auto names = keep ? Names(status) : std::vector<std::string>();
    EnforceSizeLimits(status, names);
    const json once = ToJson(status);
    const auto back = StatusFromJson(once);
    ASSERT_TRUE(back.ok()) << back.error().message;
    TaskStatus again = *back;
    EnforceSizeLimits(again, names);
    EXPECT_EQ(ToJson(again), once);
  }
}

TEST(SizeLimits, GiveUpTheRowsThatDecidedNothingFirst) {
  TaskStatus status;
  ExperimentStatus& experiment = status.experiments.emplace_back();
  experiment.name = "e1-3fa2c1";
  experiment.message = std::string(300, 'm');
  for (const std::string scenario : {"D(512,128)", "D(2000,200)"}) {
    for (const int step : {1, 2, 4, 8}) {
      // The best step that meets the bound is 4; 8 is faster and breaks it.
      experiment.loads.push_back(Row(scenario, step, 100.0 * step, step <= 4));
    }
  }
  EnforceSizeLimits(status, {});
  std::vector<int> kept;
  for (const LoadRow& row : status.experiments[0].loads) kept.push_back(static_cast<int>(row.measured.load.value));
  ASSERT_GE(kept.size(), 2U);
  ASSERT_LT(kept.size(), 8U);
  EXPECT_EQ(std::count(kept.begin(), kept.end(), 4), 2) << "the row that a throughput score counts, of either scenario";
  EXPECT_EQ(std::count(kept.begin(), kept.end(), 1), 0);
  EXPECT_EQ(status.experiments[0].message.size(), 300U) << "rows go before texts";
}

// A task with two scenarios has no score without both; a rate that a finalist was asked for is none.
TEST(SizeLimits, KeepEveryRowThatAScoreCounts) {
  TaskStatus status;
  ExperimentStatus& experiment = status.experiments.emplace_back();
  experiment.name = "e1-3fa2c1";
  experiment.options = std::string(2600, 'o');
  for (const std::string scenario : {"D(512,128)", "D(2000,200)"}) {
    for (const int step : {1, 2, 4, 8}) experiment.loads.push_back(Row(scenario, step, 100.0 * step, step <= 4));
    LoadRow& confirmed = experiment.loads.emplace_back(Row(scenario, 16, 2000, true));
    confirmed.measured.role = measurement::PointRole::kConfirmation;
  }
  EnforceSizeLimits(status, {});
  std::vector<int> kept;
  for (const LoadRow& row : status.experiments[0].loads) kept.push_back(static_cast<int>(row.measured.load.value));
  EXPECT_EQ(kept, (std::vector<int>{4, 4}));
}

TEST(SizeLimits, CutAtCharactersAndReplaceWhatIsNotUtf8) {
  TaskStatus status;
  ExperimentStatus& experiment = status.experiments.emplace_back(Worst(1));
  experiment.message.clear();
  for (int i = 0; i < 5000; ++i) experiment.message += "\u00fc";
  experiment.options = "bytes \xff\xfe of something";
  EnforceSizeLimits(status, {});
  EXPECT_NO_THROW((void)ToJson(status).dump());
  EXPECT_LT(Size(ToJson(status.experiments[0])), kEntryLimit);
  EXPECT_TRUE(status.experiments[0].message.ends_with("\u00fc..."));
}

}  // namespace
}  // namespace autotune::api
