#include "measurement/spec_json.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace autotune::measurement {
namespace {

using nlohmann::json;
using ::testing::StartsWith;

TEST(SpecJson, ReadsBackWhatItWrote) {
  for (const LoadPlan& plan : {LoadPlan{}, LoadPlan{LoadMode::kAutoRate, 64, 0.1, {}, 0.7},
                               LoadPlan{LoadMode::kFixedConcurrency, 512, 0.05, {1, 8, 32}},
                               LoadPlan{LoadMode::kFixedRate, 512, 0.05, {0.5, 2.25}}}) {
    const auto read = LoadPlanFromJson(json::parse(ToJson(plan).dump()), "spec.load");
    ASSERT_TRUE(read.ok()) << read.error().message;
    EXPECT_EQ(*read, plan);
  }
  for (const Arrival& arrival : {Arrival{}, Arrival{ArrivalProcess::kGamma, 0.5}, Arrival{ArrivalProcess::kTrace, 1}}) {
    EXPECT_EQ(*ArrivalFromJson(ToJson(arrival), "spec.arrival"), arrival);
  }
  const Slo slo{{{Metric::kTtft, Statistic::kP99, 500}, {Metric::kItl, Statistic::kMean, 40.5}}, 0.02, 0.95};
  EXPECT_EQ(*SloFromJson(ToJson(slo), "spec.slo"), slo);
  EXPECT_EQ(*SloFromJson(json::object(), "spec.slo"), Slo{});
  EXPECT_EQ(ToJson(LoadPlan{}), json::object()) << "defaults are not written";
}

TEST(SpecJson, ReadsBackAPrediction) {
  PredictedLoads prediction;
  prediction.loads = {1, 8, 64};
  prediction.u = {-2, 0, 2};
  prediction.queued = {0, 0, 3};
  prediction.ttft = {{4, 5, 6}, 0.04, 0.001, 0.01, 0.1, 0.03, 6.2};
  prediction.tpot.mean = {2, 2.5, 3};
  prediction.e2e = PredictedMetric{{7, 8, 9}, 0.02, 0, 0, 0, 0.01, std::nullopt};
  prediction.output_tokens = 128;
  prediction.gpus = 2;
  prediction.value = LoadValue::kInverseLatency;
  const json written = ToJson(prediction);
  const auto read = PredictedLoadsFromJson(written, "spec.predictions[0]");
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(ToJson(*read), written);
  EXPECT_EQ(read->loads, prediction.loads);
  EXPECT_EQ(read->queued, prediction.queued);
  EXPECT_EQ(read->ttft.ln_bound, prediction.ttft.ln_bound);
  EXPECT_EQ(read->e2e->mean, prediction.e2e->mean);
  EXPECT_FALSE(read->objective);
}

TEST(SpecJson, ErrorsNameTheMember) {
  const struct {
    json value;
    const char* message;
  } kPlans[] = {
      {5, "spec.load: not a JSON object"},
      {{{"mode", "Sideways"}}, "spec.load.mode: \"Sideways\" is not one of its names"},
      {{{"max", 0}}, "spec.load.max: 0 is not a number from 1 to 100000"},
      {{{"max", 1.5}}, "spec.load.max: not a whole number"},
      {{{"resolution", "x"}}, "spec.load.resolution: \"x\" is not a number"},
      {{{"fixed", {1}}}, "spec.load.fixed: not together with a search"},
      {{{"mode", "FixedRate"}}, "spec.load.fixed: at least one load is needed"},
      {{{"mode", "FixedRate"}, {"fixed", {2, 2}}}, "spec.load.fixed[1]: 2 is not more than the load before it"},
      {{{"mode", "FixedConcurrency"}, {"fixed", {1.5}}}, "spec.load.fixed[0]: 1.5 is not a whole number"},
      {{{"mode", "FixedRate"}, {"fixed", {1}}, {"referenceShare", 0.7}},
       "spec.load.referenceShare: a share of the limit"},
  };
  for (const auto& row : kPlans) {
    const auto read = LoadPlanFromJson(row.value, "spec.load");
    ASSERT_FALSE(read.ok()) << row.message;
    EXPECT_THAT(read.error().message, StartsWith(row.message));
  }
  const auto slo =
      SloFromJson(json::parse(R"({"bounds": [{"metric": "ttft", "statistic": "p99", "limit": -3}]})"), "spec.slo");
  ASSERT_FALSE(slo.ok());
  EXPECT_THAT(slo.error().message, StartsWith("spec.slo.bounds[0].limit: -3 is not a number"));
  const auto unknown = SloFromJson(json::parse(R"({"bounds": [{"metric": "speed", "limit": 3}]})"), "spec.slo");
  ASSERT_FALSE(unknown.ok());
  EXPECT_THAT(unknown.error().message, StartsWith("spec.slo.bounds[0].metric: \"speed\""));
  EXPECT_FALSE(PredictedLoadsFromJson(json::parse(R"({"loads": [2, 1], "u": [0, 0]})"), "p").ok());
}

}  // namespace
}  // namespace autotune::measurement
