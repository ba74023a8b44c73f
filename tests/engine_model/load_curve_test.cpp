#include "engine_model/load_curve.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/engine_model/llama_8b.h"

namespace autotune::engine_model {
namespace {

using measurement::Concurrency;
using measurement::Load;
using measurement::RequestRate;

Deployment Llama8b() {
  Deployment out;
  out.model = testing::Llama8B();
  out.model.vocabulary = 32000;
  out.gpu = *FindGpu("h100");
  return out;
}

LoadTest Of(const char* scenario) {
  LoadTest test;
  test.scenario = *measurement::Scenario::Parse(scenario);
  return test;
}

// Mean number in the system = arrivals per second x mean time in it.
TEST(PredictPoint, KeepsLittlesLaw) {
  for (const Load& load : {Concurrency(1), Concurrency(16), Concurrency(200), RequestRate(8)}) {
    const PredictedPoint point = PredictPoint(Llama8b(), Of("N(512,128)/(128,32)"), load);
    const double inside = point.running + point.waiting;
    EXPECT_NEAR(point.requests_per_second * point.e2e.mean / 1e3, inside, 0.12 * inside + 0.2) << load.ToString();
    EXPECT_FALSE(point.saturated);
  }
}

TEST(PredictPoint, IsTheSameForTheSameSeedOnly) {
  LoadTest test = Of("N(512,128)/(128,32)");
  const PredictedPoint once = PredictPoint(Llama8b(), test, RequestRate(10));
  EXPECT_EQ(PredictPoint(Llama8b(), test, RequestRate(10)).ttft, once.ttft);
  test.seed = 1;
  EXPECT_NE(PredictPoint(Llama8b(), test, RequestRate(10)).ttft, once.ttft);
}

TEST(PredictCurve, RisesInThroughputAndLatencyWithTheLoad) {
  const std::vector<Load> loads = {Concurrency(1), Concurrency(8), Concurrency(64), Concurrency(256)};
  const std::vector<PredictedPoint> curve = PredictCurve(Llama8b(), Of("N(512,128)/(128,32)"), loads);
  for (std::size_t i = 1; i < curve.size(); ++i) {
    EXPECT_GT(curve[i].output_tokens_per_second, curve[i - 1].output_tokens_per_second);
    EXPECT_GT(curve[i].tpot.mean, curve[i - 1].tpot.mean);
    EXPECT_GE(curve[i].itl.p99, curve[i].itl.p50);
    EXPECT_GE(curve[i].ttft.p99, curve[i].ttft.p50);
  }
}

TEST(PredictPoint, QueuesWhatTheCapOnSequencesKeepsOut) {
  Deployment capped = Llama8b();
  capped.max_sequences = 32;
  const PredictedPoint point = PredictPoint(capped, Of("D(512,128)"), Concurrency(96));
  EXPECT_NEAR(point.running, 32, 1);
  EXPECT_NEAR(point.waiting, 64, 4);
  const PredictedPoint free = PredictPoint(Llama8b(), Of("D(512,128)"), Concurrency(96));
  EXPECT_GT(point.ttft.mean, 10 * free.ttft.mean);
  EXPECT_LT(point.tpot.mean, free.tpot.mean);
}

TEST(PredictPoint, PreemptsWhereTheCacheIsTooSmall) {
  Deployment small = Llama8b();
  small.cache_bytes = 4e9;
  const PredictedPoint point = PredictPoint(small, Of("D(512,512)"), Concurrency(64));
  EXPECT_GT(point.preemptions_per_request, 0.1);
  EXPECT_GT(point.cache_use, 0.8);
  small.engine = EngineKind::kTensorRtLlm;
  small.cache_bytes.reset();
  small.cache_tokens = 30000;
  EXPECT_EQ(PredictPoint(small, Of("D(512,512)"), Concurrency(64)).preemptions_per_request, 0);
  small.cache_tokens = 512;
  EXPECT_FALSE(PredictPoint(small, Of("D(512,512)"), Concurrency(1)).fits);
}

TEST(PredictPoint, SaysThatArrivalsAreMoreThanIsServed) {
  const double capacity = PredictPoint(Llama8b(), Of("N(512,128)/(128,32)"), Concurrency(512)).requests_per_second;
  EXPECT_FALSE(PredictPoint(Llama8b(), Of("N(512,128)/(128,32)"), RequestRate(0.7 * capacity)).saturated);
  EXPECT_TRUE(PredictPoint(Llama8b(), Of("N(512,128)/(128,32)"), RequestRate(2 * capacity)).saturated);
}

TEST(PredictPoint, HasShorterQueuesForEvenArrivals) {
  LoadTest even = Of("D(512,128)");
  even.arrival.process = measurement::ArrivalProcess::kConstant;
  LoadTest bursty = even;
  bursty.arrival = {measurement::ArrivalProcess::kGamma, 0.2};
  EXPECT_LT(1.3 * PredictPoint(Llama8b(), even, RequestRate(25)).ttft.p99,
            PredictPoint(Llama8b(), bursty, RequestRate(25)).ttft.p99);
}

TEST(PredictPoint, IsAConvoyWhenAllStartTogether) {
  LoadTest test = Of("D(1024,128)");
  const PredictedPoint spread = PredictPoint(Llama8b(), test, Concurrency(64));
  test.together = true;
  EXPECT_GT(PredictPoint(Llama8b(), test, Concurrency(64)).ttft.mean, 2 * spread.ttft.mean);
}

TEST(PredictPoint, GainsFromSharedPrefixes) {
  LoadTest test = Of("D(2048,64)");
  const PredictedPoint own = PredictPoint(Llama8b(), test, Concurrency(64));
  test.prefix = {1536, 4};
  const PredictedPoint shared = PredictPoint(Llama8b(), test, Concurrency(64));
  EXPECT_EQ(own.prefix_hits, 0);
  EXPECT_NEAR(shared.prefix_hits, 0.75, 0.05);
  EXPECT_GT(shared.output_tokens_per_second, 1.5 * own.output_tokens_per_second);
}

TEST(PredictPoint, TradesFirstTokensForGapsWithTheTokenBudget) {
  Deployment wide = Llama8b();
  wide.token_budget = 16384;
  Deployment narrow = Llama8b();
  narrow.token_budget = 512;
  const LoadTest test = Of("D(4096,128)");
  const PredictedPoint a = PredictPoint(wide, test, Concurrency(32));
  const PredictedPoint b = PredictPoint(narrow, test, Concurrency(32));
  EXPECT_GT(a.itl.p99, 2 * b.itl.p99);
  EXPECT_LT(a.ttft.mean, b.ttft.mean);
}

}  // namespace
}  // namespace autotune::engine_model
