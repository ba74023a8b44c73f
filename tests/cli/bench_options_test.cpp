#include "cli/bench_options.h"

#include <gmock/gmock.h>

#include <cmath>

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
  EXPECT_EQ(spec->score_metric, measurement::ScoreMetric::kAttainedRequests);
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

TEST(BenchOptions, SharedPrefixesComeBeforeTheUsualPrompt) {
  BenchOptions options = Plain();
  options.prefix = "1024x8";
  const auto spec = BenchSpecOf(options, "");
  ASSERT_TRUE(spec.ok()) << spec.error().message;
  EXPECT_EQ(spec->prefix, (measurement::Prefix{1024, 8}));
  EXPECT_EQ(spec->scenarios, (std::vector{measurement::Scenario::Fixed(1536, 128)}));
}

TEST(BenchOptions, TheUrlOfAChatIsAChat) {
  BenchOptions options = Plain();
  options.url += "/v1/chat/completions";
  EXPECT_EQ(BenchSpecOf(options, "")->endpoint, measurement::Endpoint::kChat);
  options.url = "http://localhost:8000/v1";
  EXPECT_EQ(BenchSpecOf(options, "")->endpoint, measurement::Endpoint::kCompletions);
}

TEST(BenchOptions, TheTimeoutOfARequestIsThatOfTheFirstOneToo) {
  BenchOptions options = Plain();
  options.request_timeout = "20s";
  const auto spec = BenchSpecOf(options, "");
  ASSERT_TRUE(spec.ok()) << spec.error().message;
  EXPECT_EQ(spec->request_timeout, std::chrono::seconds(20));
  EXPECT_EQ(spec->first_request_timeout, std::chrono::seconds(20));
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
      {[](BenchOptions& o) { o.slo = {"attainment=0.9"}; }, "--slo: goodput requires a latency limit"},
      {[](BenchOptions& o) { o.slo = {"itl.p99=5ms"}, o.scenarios = {"D(5,1)"}; }, "--slo itl.p99: answers of one"},
      {[](BenchOptions& o) { o.rates = {1}, o.concurrency = {1}; }, "--rate and --concurrency exclude"},
      {[](BenchOptions& o) { o.concurrency = {1.5}; }, "--concurrency: 1.5 is not a number of requests"},
      {[](BenchOptions& o) { o.rates = {0}; }, "--rate: 0 is not a rate"},
      {[](BenchOptions& o) { o.arrival = "bursty"; }, "--arrival: \"bursty\" is not one of"},
      {[](BenchOptions& o) { o.arrival = "gamma", o.rates = {1}; }, "--arrival gamma: the burstiness is missing"},
      {[](BenchOptions& o) { o.rates = {1e9}; }, "--rate: 1000000000 is not a rate of requests/s above 0 and at most"},
      {[](BenchOptions& o) { o.arrival = "gamma:x", o.rates = {1}; }, "--arrival gamma: \"x\" is not a number"},
      {[](BenchOptions& o) { o.arrival = "gamma:0", o.rates = {1}; }, "--arrival gamma: 0 is not within 0.01 and 999"},
      {[](BenchOptions& o) { o.rates = {HUGE_VAL}; }, "--rate: a load is finite; for the most that the server gets"},
      {[](BenchOptions& o) { o.scenarios = {"D(0,8)"}; },
       "--scenario: \"D(0,8)\" is not a scenario: a request has at least 1"},
      {[](BenchOptions& o) { o.arrival = "poisson:2"; }, "--arrival: poisson has no burstiness"},
      {[](BenchOptions& o) { o.arrival = "gamma:2"; }, "--arrival: a closed loop has no arrival process"},
      {[](BenchOptions& o) { o.arrival = "trace", o.rates = {1}; },
       "--arrival: Trace requires a dataset with timestamps"},
      {[](BenchOptions& o) { o.scenarios = {"X"}; }, "--scenario: \"X\" is not a scenario"},
      {[](BenchOptions& o) { o.scenarios = {"D(1,1)"}, o.dataset = "x"; }, "--scenario and --dataset exclude"},
      {[](BenchOptions& o) { o.prefix = "12a"; }, "--prefix: \"12a\" is not TOKENSxGROUPS"},
      {[](BenchOptions& o) { o.prefix = "600.5x2"; }, "--prefix: \"600.5x2\" is not TOKENSxGROUPS"},
      {[](BenchOptions& o) { o.prefix = "600x2", o.scenarios = {"D(512,128)"}; }, "--prefix: 600 is not shorter"},
      {[](BenchOptions& o) { o.max_model_len = 600; }, "--scenario: D(512,128) has requests of up to 640 tokens"},
      {[](BenchOptions& o) { o.max_model_len = 0; }, "--max-model-len: must be at least 1"},
      {[](BenchOptions& o) { o.concurrency = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13}; },
       "--concurrency: 1 scenarios x 13 loads are more than 12 points"},
      {[](BenchOptions& o) { o.duration = "60"; }, "--duration"},
      {[](BenchOptions& o) { o.turns = 0.5; }, "--turns"},
      {[](BenchOptions& o) { o.turns = 1001; }, "--turns: must be from 1 to 1000"},
      {[](BenchOptions& o) { o.max = 0; }, "--max"},
      {[](BenchOptions& o) { o.seed = -1; }, "--seed: must be at least 0"},
      {[](BenchOptions& o) { o.request_timeout = "0s"; }, "--request-timeout: must be more than zero"},
      // Without an effect beside the others.
      {[](BenchOptions& o) {
         o.concurrency = {1, 4}, o.max = 8;
       },
       "--max and --concurrency exclude each other"},
      {[](BenchOptions& o) { o.rates = {1}, o.search = "rate"; }, "--search and --rate exclude"},
      {[](BenchOptions& o) { o.concurrency = {1}, o.search = "rate"; }, "--search and --concurrency exclude"},
      {[](BenchOptions& o) { o.arrival = "poisson"; }, "--arrival: a closed loop has no arrival process"},
      {[](BenchOptions& o) { o.format = "JSONL"; }, "--format: there is no --dataset"},
      {[](BenchOptions& o) { o.output_tokens = 9; }, "--output-tokens: there is no --dataset"},
      {[](BenchOptions& o) { o.output_tokens = 9, o.dataset = "t", o.format = "Mooncake"; },
       "--output-tokens: every entry of a Mooncake trace"},
      {[](BenchOptions& o) { o.prefix = "8x8", o.dataset = "x"; }, "--prefix and --dataset exclude"},
      {[](BenchOptions& o) { o.turns = 1, o.dataset = "x"; }, "--turns and --dataset exclude"},
      {[](BenchOptions& o) { o.vocab_size = 15; }, "--vocab-size: must be at least 16"},
      {[](BenchOptions& o) { o.vocab_size = 32000, o.chat = true; }, "--vocab-size: a chat has texts"},
      {[](BenchOptions& o) { o.vocab_size = 32000, o.dataset = "x"; }, "--vocab-size: the dataset has texts"},
      {[](BenchOptions& o) { o.chat = true, o.url += "/v1/completions"; }, "--chat: the URL ends with /v1/completions"},
      {[](BenchOptions& o) {
         o.slo = {"errorRate=0.1", "errorRate=0.2"};
       },
       "--slo errorRate=0.2: the limit is set twice"},
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
