#include "cli/bench_options.h"

#include <gmock/gmock.h>

namespace autotune::cli {
namespace {

using measurement::LoadMode;
using measurement::Metric;
using measurement::Statistic;
using testing::HasSubstr;

BenchOptions Plain() {
  BenchOptions options;
  options.url = "http://localhost:8000";
  return options;
}

TEST(BenchOptions, WithoutAnythingTheLimitOfAUsualScenarioIsSearched) {
  const auto spec = BenchSpecOf(Plain(), "");
  ASSERT_TRUE(spec.ok()) << spec.error().message;
  EXPECT_EQ(spec->scenarios, (std::vector{measurement::Scenario::Fixed(512, 128)}));
  EXPECT_EQ(spec->load, measurement::LoadPlan());
  EXPECT_TRUE(spec->slo.bounds.empty());
  EXPECT_FALSE(spec->quality.measure) << "a server of other people";
}

TEST(BenchOptions, BoundsAreThoseOfATask) {
  BenchOptions options = Plain();
  options.slo = {"ttft.p99=500ms", "e2e.mean=8s", "itl.p95=40.5ms", "errorRate=0.05", "attainment=0.9"};
  const auto spec = BenchSpecOf(options, "");
  ASSERT_TRUE(spec.ok()) << spec.error().message;
  EXPECT_EQ(spec->slo.bounds, (std::vector<measurement::Bound>{{Metric::kTtft, Statistic::kP99, 500},
                                                               {Metric::kE2e, Statistic::kMean, 8000},
                                                               {Metric::kItl, Statistic::kP95, 40.5}}));
  EXPECT_EQ(spec->slo.max_error_rate, 0.05);
  EXPECT_EQ(spec->slo.attainment, 0.9);
  EXPECT_EQ(spec->worth, measurement::Worth::kAttainedRequests);
}

TEST(BenchOptions, FixedPointsAreSortedAndOpenTheirConnections) {
  BenchOptions options = Plain();
  options.concurrency = {1000, 8, 8};
  auto spec = BenchSpecOf(options, "");
  ASSERT_TRUE(spec.ok()) << spec.error().message;
  EXPECT_EQ(spec->load.mode, LoadMode::kFixedConcurrency);
  EXPECT_EQ(spec->load.fixed, (std::vector<double>{8, 1000}));
  EXPECT_EQ(spec->load.max, 1000);
  options.concurrency.clear();
  options.rates = {8, 0.5};
  options.arrival = "gamma:0.5";
  spec = BenchSpecOf(options, "");
  ASSERT_TRUE(spec.ok()) << spec.error().message;
  EXPECT_EQ(spec->load.mode, LoadMode::kFixedRate);
  EXPECT_EQ(spec->arrival, (measurement::Arrival{measurement::ArrivalProcess::kGamma, 0.5}));
}

TEST(BenchOptions, TheFormatOfADatasetIsKnownByItsBeginning) {
  using measurement::DatasetFormat;
  const std::pair<const char*, DatasetFormat> kCases[] = {
      {"{\"prompt\": \"a\"}\n", DatasetFormat::kJsonl},
      {"{\"messages\": [{\"role\": \"user\"", DatasetFormat::kJsonl},
      {"[{\"id\": \"x\", \"conversations\": [", DatasetFormat::kShareGpt},
      {"{\"id\": 1, \"conversations\": []}", DatasetFormat::kShareGpt},
      {"[\n  {\"prompt\": \"a\"}]", DatasetFormat::kJsonl},
      {"{\"timestamp\": 0, \"input_length\": 5, \"output_length\": 2, \"hash_ids\": [1]}", DatasetFormat::kMooncake},
      {"", DatasetFormat::kJsonl},
  };
  for (const auto& [begin, format] : kCases) {
    BenchOptions options = Plain();
    options.dataset = "file";
    const auto spec = BenchSpecOf(options, begin);
    ASSERT_TRUE(spec.ok()) << spec.error().message;
    EXPECT_EQ(spec->dataset->format, format) << begin;
    options.format = "Mooncake";
    EXPECT_EQ(BenchSpecOf(options, begin)->dataset->format, DatasetFormat::kMooncake) << "what was said counts";
  }
}

TEST(BenchOptions, WrongOnesAreNamed) {
  const struct {
    void (*change)(BenchOptions&);
    const char* message;
  } kCases[] = {
      {[](BenchOptions& o) { o.slo = {"ttft.p99"}; }, "--slo ttft.p99: = is missing"},
      {[](BenchOptions& o) { o.slo = {"latency.p99=5ms"}; }, "\"latency\" is not a metric"},
      {[](BenchOptions& o) { o.slo = {"ttft=5ms"}; }, "the statistic is missing"},
      {[](BenchOptions& o) { o.slo = {"ttft.p98=5ms"}; }, "the statistic is missing or unknown"},
      {[](BenchOptions& o) { o.slo = {"ttft.p99=500"}; }, "--slo ttft.p99"},
      {[](BenchOptions& o) {
         o.slo = {"ttft.p99=5ms", "ttft.p99=6ms"};
       },
       "the limit is set twice"},
      {[](BenchOptions& o) { o.slo = {"errorRate=2"}; }, "the share must be between 0 and 1"},
      {[](BenchOptions& o) { o.slo = {"attainment=0.9"}; }, "spec.slo: goodput requires a latency limit"},
      {[](BenchOptions& o) { o.slo = {"itl.p99=5ms"}, o.scenarios = {"D(5,1)"}; }, "spec.slo.itl.p99: answers of one"},
      {[](BenchOptions& o) { o.rates = {1}, o.concurrency = {1}; }, "--rate and --concurrency exclude"},
      {[](BenchOptions& o) { o.concurrency = {1.5}; }, "--concurrency: 1.5 is not a number of requests"},
      {[](BenchOptions& o) { o.rates = {0}; }, "--rate: 0 is not a rate"},
      {[](BenchOptions& o) { o.arrival = "bursty"; }, "--arrival: \"bursty\" is not one of"},
      {[](BenchOptions& o) { o.arrival = "gamma", o.rates = {1}; }, "--arrival gamma: the burstiness is missing"},
      {[](BenchOptions& o) { o.rates = {1e9}; }, "--rate: 1000000000 is not a rate of requests/s above 0 and at most"},
      {[](BenchOptions& o) { o.arrival = "gamma:x", o.rates = {1}; }, "--arrival gamma: \"x\" is not a number"},
      {[](BenchOptions& o) { o.arrival = "poisson:2"; }, "--arrival: poisson has no burstiness"},
      {[](BenchOptions& o) { o.arrival = "gamma:2"; }, "spec.arrival: a closed loop has no arrival process"},
      {[](BenchOptions& o) { o.arrival = "trace", o.rates = {1}; }, "Trace requires a dataset with timestamps"},
      {[](BenchOptions& o) { o.scenarios = {"X"}; }, "--scenario: \"X\" is not a scenario"},
      {[](BenchOptions& o) { o.scenarios = {"D(1,1)"}, o.dataset = "x"; }, "--scenario and --dataset exclude"},
      {[](BenchOptions& o) { o.prefix = "12a"; }, "--prefix: \"12a\" is not TOKENSxGROUPS"},
      {[](BenchOptions& o) { o.prefix = "600x2"; }, "spec.prefix.tokens: 600 is not shorter"},
      {[](BenchOptions& o) { o.max_model_len = 600; }, "D(512,128) has requests of up to 640 tokens"},
      {[](BenchOptions& o) { o.duration = "60"; }, "--duration"},
      {[](BenchOptions& o) { o.turns = 0.5; }, "--turns"},
      {[](BenchOptions& o) { o.max = 0; }, "--max"},
  };
  for (const auto& row : kCases) {
    BenchOptions options = Plain();
    row.change(options);
    const auto spec = BenchSpecOf(options, "");
    ASSERT_FALSE(spec.ok()) << row.message;
    EXPECT_THAT(spec.error().message, HasSubstr(row.message));
  }
}

}  // namespace
}  // namespace autotune::cli
