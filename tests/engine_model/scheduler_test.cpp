#include "engine_model/scheduler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

#include "closed_loop.h"
#include "measurement/keyed_random.h"
#include "tests/engine_model/llama_8b.h"

namespace autotune::engine_model {
namespace {

// The model of the recorded speed runs: Llama-8B-like.
Deployment Llama8b() {
  Deployment out;
  out.model = testing::Llama8B();
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

// What a closed loop of mixed lengths sees.
struct Seen {
  double ttft = 0, e2e = 0, end = 0;  // seconds; means
  double gap_seconds = 0, gaps = 0;
  Scheduler::Totals totals;
};
Seen Play(const SchedulerLimits& limits, Scheduler::Detail detail, int places) {
  Scheduler scheduler = Make(limits, detail);
  constexpr int kRequests = 150;
  std::vector<double> sent(kRequests, 0);
  std::vector<double> last(kRequests, -1);
  int next = 0;
  Seen seen;
  const auto send = [&](double now) {
    if (next == kRequests) return;
    sent[static_cast<std::size_t>(next)] = now;
    scheduler.Add(static_cast<RequestId>(next), 200 + next * 37 % 900, 20 + next * 53 % 180, now);
    ++next;
  };
  for (int i = 0; i < places; ++i) send(0);
  while (const auto at = scheduler.NextEvent()) {
    const auto events = scheduler.AdvanceTo(*at);
    const std::vector<TokenEvent> left(events.begin(), events.end());
    for (const TokenEvent& event : left) {
      double& before = last[event.request];
      if (before < 0) seen.ttft += (event.at - sent[event.request]) / kRequests;
      if (before >= 0 && detail == Scheduler::Detail::kEveryToken) {
        seen.gap_seconds += event.at - before;
        ++seen.gaps;
      }
      before = event.at;
      if (!event.last) continue;
      seen.e2e += (event.at - sent[event.request]) / kRequests;
      seen.end = event.at;
      send(event.at);
    }
  }
  for (const TokenGap& gap : scheduler.TakeGaps()) {
    seen.gap_seconds += gap.seconds * gap.count;
    seen.gaps += gap.count;
  }
  seen.totals = scheduler.totals();
  EXPECT_EQ(scheduler.kv_tokens_used(), 0);
  EXPECT_EQ(scheduler.running(), 0);
  return seen;
}

TEST(Scheduler, PlaysEqualStepsAtOnceWithTheSameResult) {
  struct Case {
    const char* name;
    SchedulerLimits limits;
    int places;
  };
  Case cases[] = {
      {"few", Limits(256, 8192, 400000), 3},
      {"many", Limits(256, 8192, 400000), 60},
      {"small budget", Limits(256, 512, 400000), 40},
      {"queue", Limits(16, 8192, 400000), 40},
      {"cache full", Limits(256, 8192, 12000), 40},
      {"separate steps", Limits(256, 4096, 400000, false), 40},
      {"blocks of one token, reserve", Limits(256, 4096, 20000, false), 40},
      {"speculation", Limits(256, 8192, 400000), 40},
  };
  cases[6].limits.block_tokens = 1;
  cases[6].limits.reserve = 0.7;
  cases[6].limits.least_reserve = 0.1;
  cases[6].limits.reserve_steps = 600;
  cases[7].limits.speculation.draft_tokens = 3;
  for (const Case& each : cases) {
    SCOPED_TRACE(each.name);
    const Seen fine = Play(each.limits, Scheduler::Detail::kEveryToken, each.places);
    const Seen coarse = Play(each.limits, Scheduler::Detail::kEdges, each.places);
    // Tokens of one step leave in another order; a preemption may hit another request.
    const double close = fine.totals.preemptions > 0 ? 0.05 : 0.01;
    EXPECT_NEAR(coarse.ttft, fine.ttft, close * fine.ttft + 0.001);
    EXPECT_NEAR(coarse.e2e, fine.e2e, close * fine.e2e);
    EXPECT_NEAR(coarse.end, fine.end, close * fine.end);
    EXPECT_NEAR(coarse.gaps, fine.gaps, 0.02 * fine.gaps);
    EXPECT_NEAR(coarse.gap_seconds / coarse.gaps, fine.gap_seconds / fine.gaps, 0.03 * fine.gap_seconds / fine.gaps);
    EXPECT_NEAR(static_cast<double>(coarse.totals.steps), static_cast<double>(fine.totals.steps),
                close * static_cast<double>(fine.totals.steps));
  }
}

TEST(Scheduler, GivesOneTokenPerStepAndSequence) {
  Scheduler scheduler = Make(Limits(64, 8192, 100000));
  for (RequestId id = 0; id < 8; ++id) scheduler.Add(id, 64, 30, 0);
  const std::vector<TokenEvent> all = RunDry(scheduler);
  ASSERT_EQ(all.size(), 8U * 30U);
  StepLoad load;
  load.decode_sequences = 8;
  load.decode_context = 8 * 80.0;
  const double step = Roofline(Llama8b()).StepSeconds(load);
  std::map<RequestId, std::vector<double>> left;
  for (const TokenEvent& event : all) left[event.request].push_back(event.at);
  // All of them decode: each gap is a step, but for the order in which the tokens of a step leave.
  for (RequestId id = 0; id < 8; ++id) {
    for (std::size_t i = 10; i < 20; ++i) EXPECT_NEAR(left[id][i + 1] - left[id][i], step, 0.03 * step);
  }
}

TEST(Scheduler, MakesDecodingWaitForTheChunksOfAPrompt) {
  const auto longest_gap = [](int budget) {
    Scheduler scheduler = Make(Limits(64, budget, 100000));
    scheduler.Add(1, 64, 400, 0);
    scheduler.AdvanceTo(1);
    scheduler.Add(2, 16000, 1, 1);
    double before = 1;
    double longest = 0;
    for (const TokenEvent& event : RunDry(scheduler)) {
      if (event.request != 1) continue;
      longest = std::max(longest, event.at - before);
      before = event.at;
    }
    return longest;
  };
  EXPECT_GT(longest_gap(16384), 5 * longest_gap(1024));
}

TEST(Scheduler, ComputesASharedBeginningOnce) {
  SchedulerLimits limits = Limits(64, 8192, 100000);
  limits.prefix_caching = true;
  const TextSegment shared{99, 4096};
  const auto first_token = [&](bool reads_cache) {
    Scheduler scheduler = Make(limits);
    scheduler.Add({1, 4200, 2, {&shared, 1}, true}, 0);
    RunDry(scheduler);
    scheduler.Add({2, 4200, 2, {&shared, 1}, reads_cache}, 10);
    const double at = RunDry(scheduler).front().at - 10;
    EXPECT_EQ(scheduler.totals().cache_hits, reads_cache ? 4096 : 0);
    EXPECT_EQ(scheduler.kv_tokens_used(), 0);
    return at;
  };
  EXPECT_LT(first_token(true), 0.4 * first_token(false));
}

TEST(Scheduler, CountsASharedBeginningOnceInTheCache) {
  SchedulerLimits limits = Limits(64, 8192, 6000);
  limits.prefix_caching = true;
  const TextSegment shared{99, 4096};
  Scheduler scheduler = Make(limits);
  for (RequestId id = 0; id < 8; ++id) scheduler.Add({id, 4160, 40, {&shared, 1}, true}, 0);
  int most = 0;
  while (const auto at = scheduler.NextEvent()) {
    scheduler.AdvanceTo(*at);
    most = std::max(most, scheduler.running());
    EXPECT_LE(scheduler.kv_tokens_used(), 6000);
  }
  EXPECT_EQ(most, 8) << "alone, one would fill two thirds of the cache";
  EXPECT_EQ(scheduler.totals().preemptions, 0);
}

TEST(Scheduler, GivesSeveralTokensAStepWhenDraftsAreAccepted) {
  SchedulerLimits limits = Limits(64, 8192, 100000);
  limits.speculation.draft_tokens = 4;
  limits.speculation.acceptance = 0.6;
  Scheduler scheduler = Make(limits);
  for (RequestId id = 0; id < 20; ++id) scheduler.Add(id, 100, 200, 0);
  std::map<RequestId, int> tokens;
  std::map<RequestId, int> events;
  for (const TokenEvent& event : RunDry(scheduler)) {
    EXPECT_GE(event.tokens, 1);
    EXPECT_LE(event.tokens, 5);
    tokens[event.request] += event.tokens;
    ++events[event.request];
  }
  double total = 0;
  for (RequestId id = 0; id < 20; ++id) {
    EXPECT_EQ(tokens[id], 200);
    total += events[id];
  }
  EXPECT_NEAR(20 * 200 / total, limits.speculation.TokensPerStep(), 0.1);
}

TEST(Scheduler, NeverPreemptsWhereAllOutputIsReserved) {
  SchedulerLimits limits = Limits(64, 8192, 2200);
  limits.reserve = limits.least_reserve = 1;
  Scheduler scheduler = Make(limits);
  for (RequestId id = 0; id < 12; ++id) scheduler.Add(id, 500, 400, 0);
  EXPECT_EQ(RunDry(scheduler).size(), 12U * 400U);
  EXPECT_EQ(scheduler.totals().preemptions, 0);
}

TEST(Scheduler, WaitsForAPromptThatFitsOnlyAlone) {
  SchedulerLimits limits = Limits(64, 8192, 1000);
  limits.prefix_caching = true;
  Scheduler scheduler = Make(limits);
  scheduler.Add(1, 900, 50, 0);
  scheduler.Add(2, 900, 50, 0);
  EXPECT_EQ(RunDry(scheduler).size(), 100U);
}

// Whatever comes: everyone who stays gets all tokens, and the cache is empty in the end.
TEST(Scheduler, LosesNothingInAnyOrderOfEvents) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    measurement::KeyedRandom random(seed);
    SchedulerLimits limits = Limits(1 + static_cast<int>(random.Below(40)), 64 << random.Below(6),
                                    1600 + static_cast<std::int64_t>(random.Below(4000)), random.Below(2) == 0);
    limits.block_tokens = 1 << random.Below(6);
    limits.chunked_prefill = random.Below(4) > 0;
    limits.prefix_caching = random.Below(3) > 0;
    limits.reserve = static_cast<double>(random.Below(3)) / 2;
    limits.reserve_steps = 50;
    limits.speculation.draft_tokens = static_cast<int>(random.Below(4));
    Scheduler scheduler = Make(limits);
    std::map<RequestId, int> wanted;
    double now = 0;
    for (RequestId id = 0; id < 80; ++id) {
      now += 0.02 * random.Exponential();
      for (const TokenEvent& event : scheduler.AdvanceTo(now)) wanted[event.request] -= event.tokens;
      const int prompt = 1 + static_cast<int>(random.Below(800));
      const int output = 1 + static_cast<int>(random.Below(300));
      std::vector<TextSegment> text;
      const std::uint64_t group = 1000 * (1 + random.Below(4));
      for (int tokens = 0; tokens + 64 <= prompt + output; tokens += 64) {
        text.push_back({group + text.size() + (tokens > 256 ? 100'000 * (id + 1) : 0), 64});
      }
      wanted[id] = output;
      scheduler.Add({id, prompt, output, text, random.Below(5) > 0}, now);
      if (random.Below(6) == 0) {
        const RequestId gone = random.Below(id + 1);
        scheduler.Abort(gone);
        wanted.erase(gone);
      }
    }
    for (const TokenEvent& event : RunDry(scheduler)) {
      ASSERT_TRUE(wanted.contains(event.request));
      wanted[event.request] -= event.tokens;
    }
    for (const auto& [id, left] : wanted) EXPECT_EQ(left, 0) << id;
    EXPECT_EQ(scheduler.kv_tokens_used(), 0);
    EXPECT_EQ(scheduler.running(), 0);
    EXPECT_EQ(scheduler.waiting(), 0);
    EXPECT_EQ(scheduler.decode_context(), 0);
  }
}

}  // namespace
}  // namespace autotune::engine_model
