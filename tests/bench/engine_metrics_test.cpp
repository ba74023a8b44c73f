#include "bench/engine_metrics.h"

#include <gmock/gmock.h>

namespace autotune::bench {
namespace {

using testing::DoubleEq;
using testing::Optional;

constexpr const char* kVllm = R"(# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="m"} 30.0
vllm:num_requests_running{engine="1",model_name="m}odd"} 12.0
vllm:num_requests_waiting{engine="0",model_name="m"} 4.0
vllm:num_requests_waiting_by_reason{engine="0",reason="capacity"} 99.0
vllm:kv_cache_usage_perc{engine="0",model_name="m"} 0.25
vllm:kv_cache_usage_perc{engine="1",model_name="m"} 0.75
vllm:num_preemptions_total{engine="0",model_name="m"} 7.0
vllm:prefix_cache_queries_total{engine="0"} 1000.0
vllm:prefix_cache_hits_total{engine="0"} 100.0
)";

TEST(EngineMetrics, ReadsVllm) {
  const EngineReading reading = ReadEngineMetrics(kVllm);
  EXPECT_THAT(reading.running, Optional(DoubleEq(42))) << "all engines of the server";
  EXPECT_THAT(reading.waiting, Optional(DoubleEq(4))) << "names are whole";
  EXPECT_THAT(reading.kv_cache_use, Optional(DoubleEq(0.75))) << "the fullest";
  EXPECT_THAT(reading.preemptions, Optional(DoubleEq(7)));
  EXPECT_EQ(reading.drafts, std::nullopt);
}

TEST(EngineMetrics, ReadsSglangAndTensorRtLlm) {
  const EngineReading sglang = ReadEngineMetrics(
      "sglang:num_running_reqs{model_name=\"m\"} 9.0\nsglang:num_queue_reqs{model_name=\"m\"} 2.0\n"
      "sglang:token_usage{model_name=\"m\"} 0.5\nsglang:spec_accept_rate{model_name=\"m\"} 0.8\n");
  EXPECT_THAT(sglang.running, Optional(DoubleEq(9)));
  EXPECT_THAT(sglang.waiting, Optional(DoubleEq(2)));
  EXPECT_THAT(sglang.kv_cache_use, Optional(DoubleEq(0.5)));
  EXPECT_THAT(sglang.draft_acceptance, Optional(DoubleEq(0.8)));
  const EngineReading trtllm = ReadEngineMetrics(
      "trtllm_kv_cache_utilization 0.125\ntrtllm_num_requests_running{model_name=\"m\"} 6.0\n"
      "trtllm_num_requests_waiting{model_name=\"m\"} 3.0\n");
  EXPECT_THAT(trtllm.kv_cache_use, Optional(DoubleEq(0.125)));
  EXPECT_THAT(trtllm.running, Optional(DoubleEq(6)));
  EXPECT_THAT(trtllm.waiting, Optional(DoubleEq(3)));
}

TEST(EngineMetrics, IgnoresWhatItDoesNotKnow) {
  for (const char* text : {"", "\n\n", "<html>", "vllm:num_requests_running", "vllm:num_requests_running{",
                           "vllm:num_requests_running{x=\"1\"}", "vllm:num_requests_running NaN",
                           "vllm:num_requests_running -1", "vllm:num_requests_running +Inf", "[{\"iter\": 1}]"}) {
    EXPECT_TRUE(ReadEngineMetrics(text).IsEmpty()) << text;
  }
}

TEST(EngineMetrics, SummarizesMeansHighestsAndGrowths) {
  EngineReading before, between, after;
  before.running = 10;
  between.running = 20;
  after.running = 30;
  before.kv_cache_use = 0.5;
  between.kv_cache_use = 0.9;
  before.preemptions = 3;
  after.preemptions = 8;
  before.prefix_hits = 100, before.prefix_queries = 1000;
  after.prefix_hits = 400, after.prefix_queries = 1600;
  before.accepted_drafts = 0, before.drafts = 0;
  after.accepted_drafts = 30, after.drafts = 40;
  const auto counters = SummarizeReadings({before, between, after});
  EXPECT_THAT(counters.running, Optional(DoubleEq(20)));
  EXPECT_EQ(counters.waiting, std::nullopt);
  EXPECT_THAT(counters.kv_cache_use, Optional(DoubleEq(0.9)));
  EXPECT_THAT(counters.preemptions, Optional(DoubleEq(5)));
  EXPECT_THAT(counters.prefix_hit_rate, Optional(DoubleEq(0.5)));
  EXPECT_THAT(counters.accepted_draft_tokens, Optional(DoubleEq(0.75)));
}

TEST(EngineMetrics, OneReadingHasNoGrowth) {
  EngineReading only;
  only.preemptions = 3;
  EXPECT_EQ(SummarizeReadings({only}).preemptions, std::nullopt);
  EXPECT_EQ(SummarizeReadings({}), measurement::EngineCounters());
}

TEST(EngineMetrics, ATotalThatFellSaysNothing) {
  EngineReading before, after;
  before.preemptions = 8;
  after.preemptions = 1;  // the engine was started again
  EXPECT_EQ(SummarizeReadings({before, after}).preemptions, std::nullopt);
}

}  // namespace
}  // namespace autotune::bench
