#include "engine_model/scheduler.h"

#include <gtest/gtest.h>

#include <map>

#include "closed_loop.h"

namespace autotune::engine_model {
namespace {

// The model of the recorded speed runs: Llama-8B-like.
Deployment Llama8b() {
  Deployment out;
  out.model.layers = 32;
  out.model.hidden = 4096;
  out.model.heads = 32;
  out.model.kv_heads = 8;
  out.model.head_dim = 128;
  out.model.intermediate = 14336;
  out.model.vocabulary = 32000;
  out.gpu = *FindGpu("h100");
  return out;
}

SchedulerLimits Limits(int max_sequences, int token_budget, std::int64_t kv_tokens, bool mixed_steps = true) {
  SchedulerLimits limits;
  limits.max_sequences = max_sequences;
  limits.token_budget = token_budget;
  limits.kv_tokens = kv_tokens;
  limits.mixed_steps = mixed_steps;
  return limits;
}

Scheduler Make(const SchedulerLimits& limits, Scheduler::Detail detail = Scheduler::Detail::kEveryToken) {
  return {Roofline(Llama8b()), limits, detail};
}

std::vector<TokenEvent> RunDry(Scheduler& scheduler) {
  std::vector<TokenEvent> all;
  while (const auto next = scheduler.NextEvent()) {
    for (const TokenEvent& event : scheduler.AdvanceTo(*next)) all.push_back(event);
  }
  return all;
}

TEST(Scheduler, GivesEveryRequestExactlyItsTokensInOrder) {
  Scheduler scheduler = Make(Limits(256, 8192, 100000, true));
  for (RequestId id = 0; id < 40; ++id)
    scheduler.Add(id, 300, 1 + static_cast<int>(id), 0.01 * static_cast<double>(id));
  std::map<RequestId, int> count;
  std::map<RequestId, bool> finished;
  double before = 0;
  for (const TokenEvent& event : RunDry(scheduler)) {
    EXPECT_GE(event.at, before);
    before = event.at;
    EXPECT_FALSE(finished[event.request]) << "a token after the last one";
    finished[event.request] = event.last;
    ++count[event.request];
  }
  for (RequestId id = 0; id < 40; ++id) {
    EXPECT_EQ(count[id], 1 + static_cast<int>(id));
    EXPECT_TRUE(finished[id]);
  }
  EXPECT_EQ(scheduler.kv_tokens_used(), 0);
  EXPECT_EQ(scheduler.running(), 0);
}

TEST(Scheduler, DoesTheSameHoweverOftenItIsAdvanced) {
  const auto run = [](double grain) {
    Scheduler scheduler = Make(Limits(16, 2048, 40000, true));
    for (RequestId id = 0; id < 30; ++id) scheduler.Add(id, 700, 20, 0);
    std::vector<TokenEvent> all;
    for (double now = 0; scheduler.NextEvent(); now += grain) {
      for (const TokenEvent& event : scheduler.AdvanceTo(now)) all.push_back(event);
    }
    return all;
  };
  const std::vector<TokenEvent> fine = run(0.0007);
  const std::vector<TokenEvent> coarse = run(0.9);
  ASSERT_EQ(fine.size(), coarse.size());
  for (std::size_t i = 0; i < fine.size(); ++i) {
    EXPECT_EQ(fine[i].request, coarse[i].request);
    EXPECT_DOUBLE_EQ(fine[i].at, coarse[i].at);
  }
}

TEST(Scheduler, RunsNoMoreSequencesThanAllowed) {
  Scheduler scheduler = Make(Limits(4, 8192, 100000, true));
  for (RequestId id = 0; id < 20; ++id) scheduler.Add(id, 100, 10, 0);
  while (const auto next = scheduler.NextEvent()) {
    scheduler.AdvanceTo(*next);
    EXPECT_LE(scheduler.running(), 4);
  }
}

TEST(Scheduler, NeverHoldsMoreThanTheCacheAndStillFinishes) {
  // Four requests of 900 tokens fit when they start and not when they end: some are computed twice.
  Scheduler scheduler = Make(Limits(64, 8192, 2200, true));
  for (RequestId id = 0; id < 12; ++id) scheduler.Add(id, 500, 400, 0);
  std::size_t tokens = 0;
  while (const auto next = scheduler.NextEvent()) {
    tokens += scheduler.AdvanceTo(*next).size();
    ASSERT_LE(scheduler.kv_tokens_used(), 2200 + 1);
  }
  EXPECT_EQ(tokens, 12U * 400U);
  EXPECT_GT(scheduler.totals().preemptions, 0);
}

TEST(Scheduler, ForgetsAbortedRequests) {
  Scheduler scheduler = Make(Limits(64, 8192, 100000, true));
  scheduler.Add(1, 100, 50, 0);
  scheduler.Add(2, 100, 50, 0);
  scheduler.AdvanceTo(0.2);
  scheduler.Abort(1);
  scheduler.Abort(7);
  for (const TokenEvent& event : RunDry(scheduler)) EXPECT_EQ(event.request, 2U);
  EXPECT_EQ(scheduler.kv_tokens_used(), 0);
}

TEST(Scheduler, IsSlowerWhenMemoryLimitsTheBatch) {
  Scheduler wide = Make(Limits(1024, 8192, 400000, true));
  Scheduler narrow = Make(Limits(1024, 8192, 20000, true));
  EXPECT_GT(RunClosedLoop(wide, 64, 128, 1024, 128).output_tokens_per_second,
            1.3 * RunClosedLoop(narrow, 64, 128, 1024, 128).output_tokens_per_second);
}

TEST(Scheduler, PausesDecodingForPrefillsWithoutMixedSteps) {
  Scheduler mixed = Make(Limits(1024, 8192, 400000, true));
  Scheduler separate = Make(Limits(1024, 8192, 400000, false));
  // Every token still arrives, and decoding requests wait while others are prefilled.
  const LoopResult a = RunClosedLoop(mixed, 32, 96, 1024, 64);
  const LoopResult b = RunClosedLoop(separate, 32, 96, 1024, 64);
  EXPECT_GT(b.output_tokens_per_second, 0.7 * a.output_tokens_per_second);
  EXPECT_NE(a.mean_tpot_ms, b.mean_tpot_ms);
}

}  // namespace
}  // namespace autotune::engine_model
