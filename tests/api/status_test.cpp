#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <random>

#include "operator/api/autotune_task.h"
#include "tests/api/full_task.h"
#include "tests/api/schema.h"

namespace autotune::api {
namespace {

TEST(StatusFromJson, GivesBackEveryFieldOfAFullStatus) {
  for (const json& full : {FullStatus(), StatusOfCheckpoints(), StatusOfGpuTypes()}) {
    const auto status = StatusFromJson(full);
    ASSERT_TRUE(status.ok()) << status.error().message;
    const json back = ToJson(*status);
    EXPECT_EQ(back, full) << json::diff(full, back).dump(1);
  }
}

TEST(StatusFromJson, OfAFreshObjectIsTheDefault) {
  const auto status = StatusFromJson(json::parse(R"({"observedGeneration": -1})"));
  ASSERT_TRUE(status.ok());
  EXPECT_EQ(status->observed_generation, -1);
  EXPECT_EQ(ToJson(*status), ToJson(TaskStatus()));
}

TEST(StatusFromJson, LeavesANewerOperatorsFieldsAlone) {
  json full = FullStatus();
  full["newerField"] = "later";
  full["experiments"][0]["goodput"] = "0.98";
  EXPECT_TRUE(StatusFromJson(full).ok());
}

// What this project's runs left, of releases whose spec and status had other fields than today's.
TEST(StatusFromJson, ReadsWhatEarlierOperatorsWrote) {
  int read = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(TESTDATA_DIR "/engines/runs")) {
    if (!entry.path().string().ends_with(".status.yaml")) continue;
    const json task = LoadYaml(entry.path());
    const auto status = StatusFromJson(task.at("status"));
    ASSERT_TRUE(status.ok()) << entry.path() << ": " << status.error().message;
    EXPECT_EQ(status->state, task["status"]["state"].get<std::string>()) << entry.path();
    EXPECT_EQ(status->experiments.size(), task["status"]["experiments"].size()) << entry.path();
    ++read;
  }
  EXPECT_GE(read, 8);
}

TEST(StatusFromJson, NamesThePathOfWhatIsDamaged) {
  json full = FullStatus();
  full["experiments"][0]["loads"][0]["ttft"]["p50"] = "61";
  const auto status = StatusFromJson(full);
  ASSERT_FALSE(status.ok());
  EXPECT_TRUE(status.error().message.starts_with("status.experiments[0].loads[0].ttft.p50: \"61\" is not a duration"))
      << status.error().message;
}

// Decisions are recomputed from what is read back, so writing again must change nothing, and no number may move by more
// than the API's precision.
TEST(StatusFromJson, ReadsMeasurementsBackToTheApisPrecision) {
  std::mt19937_64 random(20261122);
  std::uniform_real_distribution<double> exponent(-1, 5.5);
  const auto number = [&] { return std::pow(10.0, exponent(random)); };
  for (int round = 0; round < 500; ++round) {
    TaskStatus status;
    ExperimentStatus& experiment = status.experiments.emplace_back();
    experiment.name = "e1-3fa2c1";
    experiment.start_seconds = number();
    experiment.measure_seconds = number();
    experiment.wasted_gpu_hours = number();
    LoadRow& row = experiment.loads.emplace_back();
    row.measured.scenario = "D(512,128)";
    row.measured.window_seconds = number();
    row.measured.output_tokens_per_second = number();
    row.measured.requests_per_second = number();
    for (measurement::Latency* latency : {&row.measured.ttft, &row.measured.tpot, &row.measured.e2e}) {
      *latency = {number(), number(), number(), number(), number()};
    }
    const json written = ToJson(status);
    const auto back = StatusFromJson(written);
    ASSERT_TRUE(back.ok()) << back.error().message;
    ASSERT_EQ(ToJson(*back), written);

    const LoadRow& read = back->experiments[0].loads[0];
    const auto near_latency = [](double a, double b) { return std::abs(a - b) <= std::max(0.001 * a, 0.0051); };
    EXPECT_PRED2(near_latency, row.measured.ttft.p50, read.measured.ttft.p50);
    EXPECT_PRED2(near_latency, row.measured.tpot.mean, read.measured.tpot.mean);
    EXPECT_PRED2(near_latency, row.measured.e2e.p99, read.measured.e2e.p99);
    EXPECT_NEAR(row.measured.output_tokens_per_second, read.measured.output_tokens_per_second, 0.0051);
    EXPECT_NEAR(row.measured.requests_per_second, read.measured.requests_per_second, 0.00051);
    EXPECT_NEAR(experiment.start_seconds, back->experiments[0].start_seconds, 0.051);
    EXPECT_NEAR(experiment.wasted_gpu_hours, back->experiments[0].wasted_gpu_hours, 0.000051);
  }
}

}  // namespace
}  // namespace autotune::api
