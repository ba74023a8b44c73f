#include "measurement/window.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "measurement/batches.h"
#include "measurement/queue_growth.h"
#include "measurement/statistics.h"
#include "tests/measurement/simulated_load.h"

namespace autotune::measurement {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;

PointSpec Spec(const Load& load, std::vector<Bound> bounds = {}) {
  PointSpec spec;
  spec.scenario = "D(100,16)";
  spec.load = load;
  spec.slo.bounds = std::move(bounds);
  return spec;
}

// One request of `tokens` events, the first after `ttft`, the others every `itl`.
RequestRecord Answer(milliseconds start, milliseconds ttft, milliseconds itl, int tokens) {
  RequestRecord record;
  record.start = start;
  for (int i = 0; i < tokens; ++i) {
    record.events.push_back(static_cast<std::uint32_t>((ttft + i * itl).count() * 1000));
  }
  record.end = start + ttft + (tokens - 1) * itl;
  record.input_tokens = 100;
  record.output_tokens = record.asked_tokens = tokens;
  record.outcome = RequestOutcome::kOk;
  return record;
}

// A window that began at 10 s and ended at 20 s; what is known of it at `now`.
Progress Drained(const PointSpec& spec, const std::vector<RequestRecord>& records, milliseconds now) {
  Progress progress;
  progress.phase = Phase::kDrain;
  progress.window_start = seconds(10);
  progress.window_end = seconds(20);
  return Evaluate(spec, records, now, progress);
}

// Ten seconds hold two requests of five, one after the other: what they do is a wave.
TEST(Window, IsStretchedWhereRequestsAreLong) {
  SimulatedServer server;
  server.slots = 16;
  server.service_seconds = 5;
  server.variation = 0.2;
  PointSpec spec = Spec(Concurrency(16));
  spec.precision.throughput = 1e-6;
  spec.duration = seconds(10);
  const SimulatedLoad load(server, spec.load, seconds(200), 1);
  EXPECT_NEAR(MeasurePoint(load, spec).progress.point.window_seconds, 20, 2) << "four lengths";
  spec.duration = seconds(3);
  EXPECT_NEAR(MeasurePoint(load, spec).progress.point.window_seconds, 9, 0.1) << "at most threefold";
  spec.duration = seconds(30);
  EXPECT_NEAR(MeasurePoint(load, spec).progress.point.window_seconds, 30, 0.1);
}

TEST(Window, BeginsWhenAsManyHaveEndedAsAreInFlight) {
  std::vector<RequestRecord> records;
  for (int i = 0; i < 4; ++i) records.push_back(Answer(milliseconds(i), milliseconds(100), milliseconds(100), 30));
  const auto at = [&](milliseconds now) {
    std::vector<RequestRecord> seen = records;
    for (RequestRecord& record : seen) {
      if (record.end > now) record.outcome = RequestOutcome::kInFlight;
    }
    return Evaluate(Spec(Concurrency(4)), seen, now, {}).phase;
  };
  EXPECT_EQ(at(milliseconds(2500)), Phase::kRamp) << "all four are in flight";
  EXPECT_EQ(at(milliseconds(3100)), Phase::kWindow);
  records = {Answer(milliseconds(0), milliseconds(10), milliseconds(10), 2)};
  EXPECT_EQ(at(milliseconds(1000)), Phase::kRamp) << "at least 2 s";
}

TEST(Window, CountsTokensThatArriveInItAndLatenciesOfRequestsThatStartInIt) {
  const std::vector<RequestRecord> records = {
      // Starts before; its events at 9.6, 9.8, 10.0 ... 11.4 s: eight are in the window.
      Answer(milliseconds(9500), milliseconds(100), milliseconds(200), 10),
      Answer(milliseconds(12000), milliseconds(50), milliseconds(20), 11),
      // Starts in the window and goes on behind it: four events are in it, all of its latencies count.
      Answer(milliseconds(19000), milliseconds(250), milliseconds(250), 9),
      // Starts in the drain: nothing of it counts.
      Answer(milliseconds(20500), milliseconds(5000), milliseconds(10), 3),
  };
  const Progress done = Drained(Spec(Concurrency(2)), records, milliseconds(26000));
  ASSERT_EQ(done.phase, Phase::kDone);
  const Point& point = done.point;
  EXPECT_DOUBLE_EQ(point.window_seconds, 10);
  EXPECT_EQ(point.requests, 2);
  EXPECT_EQ(point.output_tokens, 20);
  // 8 + 11 + 3: the one at 20.0 s is no longer in it.
  EXPECT_NEAR(point.output_tokens_per_second, 2.2, 1e-9);
  EXPECT_NEAR(point.ttft.mean, 150, 1e-9);
  EXPECT_NEAR(point.ttft.p99, 50 + 0.99 * 200, 1e-6);
  EXPECT_NEAR(point.tpot.mean, (20 + 250) / 2.0, 1e-9);
  EXPECT_NEAR(point.itl.p50, 20, 1e-9) << "pooled: ten gaps of 20 ms, eight of 250 ms";
  EXPECT_NEAR(point.itl.p90, 250, 1e-9);
  EXPECT_NEAR(point.e2e.mean, (250 + 2250) / 2.0, 1e-9);
  EXPECT_NEAR(point.requests_per_second, 0.2, 1e-9) << "two ended in it";
  EXPECT_NEAR(point.mean_concurrency, (1.4 + 0.25 + 1) / 10, 1e-9);
  EXPECT_EQ(point.lower_bounds, LowerBounds());
  EXPECT_EQ(point.load, Concurrency(2));
}

TEST(Window, CountsSeveralTokensOfOneEvent) {
  RequestRecord record = Answer(milliseconds(12000), milliseconds(50), milliseconds(100), 5);
  record.output_tokens = record.asked_tokens = 20;
  const Point point = Drained(Spec(Concurrency(1)), {record}, milliseconds(30000)).point;
  EXPECT_NEAR(point.output_tokens_per_second, 2, 1e-9);
  EXPECT_NEAR(point.tpot.mean, 400.0 / 19, 1e-9);
  EXPECT_NEAR(point.itl.mean, 100, 1e-9) << "time between events";
}

TEST(Window, KnowsNoTimeBetweenTokensOfAnswersInOnePiece) {
  std::vector<RequestRecord> records;
  for (int i = 0; i < 10; ++i) {
    RequestRecord record = Answer(milliseconds(12000 + i), milliseconds(2000), milliseconds(0), 64);
    record.events.back() += 3000;  // microseconds: what a network takes for it
    records.push_back(record);
  }
  EXPECT_TRUE(CameInOnePiece(records));
  Point point = Drained(Spec(Concurrency(1)), records, milliseconds(30000)).point;
  EXPECT_EQ(point.tpot, Latency());
  EXPECT_EQ(point.itl, Latency());
  EXPECT_EQ(point.ttft, Latency()) << "when the first token was there is not known";
  EXPECT_NEAR(point.e2e.p50, 2003, 1);
  for (RequestRecord& record : records) record.events = {2000'000};
  EXPECT_TRUE(CameInOnePiece(records)) << "one event with all tokens";
  for (RequestRecord& record : records) record = Answer(milliseconds(12000), milliseconds(2000), milliseconds(1), 64);
  EXPECT_FALSE(CameInOnePiece(records)) << "1,000 tokens/s";
  for (RequestRecord& record : records) record = Answer(milliseconds(12000), milliseconds(2000), milliseconds(0), 2);
  EXPECT_FALSE(CameInOnePiece(records)) << "too few tokens to tell";
}

TEST(Window, CountsWhatHasNotEndedWithItsAge) {
  std::vector<RequestRecord> records;
  for (int i = 0; i < 99; ++i) {
    records.push_back(Answer(milliseconds(10000 + 100 * i), milliseconds(100), milliseconds(10), 11));
  }
  RequestRecord stuck = Answer(milliseconds(19950), milliseconds(0), milliseconds(0), 0);
  stuck.outcome = RequestOutcome::kInFlight;
  records.push_back(stuck);
  const PointSpec spec = Spec(Concurrency(4));
  EXPECT_EQ(Drained(spec, records, milliseconds(40000)).phase, Phase::kDrain) << "it may still come";
  const Progress done = Drained(spec, records, milliseconds(50000));
  ASSERT_EQ(done.phase, Phase::kDone);
  EXPECT_EQ(done.point.censored, 1);
  EXPECT_EQ(done.point.requests, 99);
  EXPECT_FALSE(done.point.lower_bounds.Has(Metric::kTtft, Statistic::kP95));
  EXPECT_TRUE(done.point.lower_bounds.Has(Metric::kTtft, Statistic::kP99));
  EXPECT_TRUE(done.point.lower_bounds.Has(Metric::kE2e, Statistic::kMean));
  EXPECT_FALSE(done.point.lower_bounds.Has(Metric::kTpot, Statistic::kP99)) << "without a token it has none";
  EXPECT_NEAR(done.point.ttft.mean, (99 * 100 + 30050) / 100.0, 1e-9) << "dropping it would give 100 ms";
}

TEST(Window, CountsErrorsByKindAndTimeOutsAsSlow) {
  std::vector<RequestRecord> records;
  for (int i = 0; i < 90; ++i) {
    records.push_back(Answer(milliseconds(10000 + 100 * i), milliseconds(100), milliseconds(10), 11));
  }
  for (int i = 0; i < 10; ++i) {
    RequestRecord& record = records.emplace_back(Answer(milliseconds(19000 + i), milliseconds(0), milliseconds(0), 0));
    record.outcome = i < 6 ? RequestOutcome::kTimedOut : RequestOutcome::kRefused;
    record.end = record.start + (i < 6 ? seconds(5) : seconds(0));
  }
  PointSpec spec = Spec(Concurrency(4), {{Metric::kTtft, Statistic::kP99, 1000}});
  const Point point = Drained(spec, records, milliseconds(30000)).point;
  EXPECT_EQ(point.errors, 10);
  EXPECT_EQ(point.errors_by_kind[0], 6) << "time-outs";
  EXPECT_EQ(point.errors_by_kind[1], 4) << "refusals";
  EXPECT_NEAR(point.ttft.p99, 5000, 1e-6) << "6 of 96 took at least that long";
  EXPECT_TRUE(point.lower_bounds.Has(Metric::kTtft, Statistic::kP99));
  EXPECT_EQ(point.verdict, Verdict::kMissed);
  EXPECT_DOUBLE_EQ(*point.attainment, 0.9) << "a refused request keeps nothing";
}

// One failure of 17 is often seen of a server that keeps 1 %: it decides nothing.
TEST(Window, OneErrorDecidesNothing) {
  const auto verdict = [](int errors) {
    std::vector<RequestRecord> records;
    for (int i = 0; i < 17; ++i) {
      records.push_back(Answer(milliseconds(10000 + 500 * i), milliseconds(100), milliseconds(10), 11));
      if (i < errors) records.back().outcome = RequestOutcome::kRefused;
    }
    return Drained(Spec(Concurrency(1)), records, milliseconds(30000)).point.verdict;
  };
  EXPECT_EQ(verdict(0), Verdict::kMet);
  EXPECT_EQ(verdict(1), Verdict::kUndecided);
  EXPECT_EQ(verdict(3), Verdict::kMissed);
}

TEST(Window, SaysThatTheClientWasLate) {
  // TTFT 100 ms, E2E 600 ms; every tenth request is late.
  const auto verdict = [](const Load& load, milliseconds lag) {
    std::vector<RequestRecord> records;
    for (int i = 0; i < 90; ++i) {
      records.push_back(Answer(milliseconds(10000 + 100 * i), milliseconds(100), milliseconds(50), 11));
      if (i % 10 == 0) records.back().lag = lag;
    }
    return Drained(Spec(load), records, milliseconds(30000)).point.verdict;
  };
  // Of arrivals: 5 % of the TTFT, at least 5 ms.
  EXPECT_EQ(verdict(RequestRate(10), milliseconds(6)), Verdict::kClientBound);
  EXPECT_NE(verdict(RequestRate(10), milliseconds(4)), Verdict::kClientBound);
  // A place of a closed loop is empty meanwhile: 5 % of the E2E latency.
  EXPECT_EQ(verdict(Concurrency(4), milliseconds(31)), Verdict::kClientBound);
  EXPECT_NE(verdict(Concurrency(4), milliseconds(29)), Verdict::kClientBound);
}

TEST(Window, SaysThatAnswersWereShort) {
  std::vector<RequestRecord> records;
  for (int i = 0; i < 90; ++i) {
    records.push_back(Answer(milliseconds(10000 + 100 * i), milliseconds(100), milliseconds(10), 11));
  }
  records[7].asked_tokens = 20;
  const Progress done = Drained(Spec(Concurrency(4)), records, milliseconds(30000));
  EXPECT_EQ(done.point.verdict, Verdict::kShortAnswers) << "1.1 %";
  EXPECT_THAT(done.why, HasSubstr("shorter than requested"));
}

TEST(Window, KnowsAttainmentRequestByRequest) {
  std::vector<RequestRecord> records;
  for (int i = 0; i < 100; ++i) {
    // Every tenth has a slow first token, every tenth (another) slow further ones.
    records.push_back(Answer(milliseconds(10000 + 90 * i), milliseconds(i % 10 == 0 ? 600 : 100),
                             milliseconds(i % 10 == 5 ? 80 : 10), 11));
  }
  PointSpec spec = Spec(Concurrency(4), {{Metric::kTtft, Statistic::kP99, 500}, {Metric::kTpot, Statistic::kP99, 50}});
  spec.slo.attainment = 0.7;
  Point point = Drained(spec, records, milliseconds(30000)).point;
  EXPECT_DOUBLE_EQ(*point.attainment, 0.8);
  EXPECT_EQ(point.verdict, Verdict::kMet);
  spec.slo.attainment = 0.95;
  EXPECT_EQ(Drained(spec, records, milliseconds(30000)).point.verdict, Verdict::kMissed);
  spec.slo.attainment.reset();
  EXPECT_EQ(Drained(spec, records, milliseconds(30000)).point.verdict, Verdict::kMissed) << "10 % are no p99";
}

TEST(Window, SeesAQueueThatGrows) {
  SimulatedServer server;
  server.slots = 16;
  for (const double use : {0.7, 1.2}) {
    PointSpec spec = Spec(RequestRate(use * 16), {{Metric::kTtft, Statistic::kP50, 60'000}});
    spec.duration = seconds(40);
    const Measured measured = MeasurePoint(SimulatedLoad(server, spec.load, seconds(200), 3), spec);
    const Point& point = measured.progress.point;
    EXPECT_EQ(point.saturated, use > 1) << use;
    EXPECT_EQ(point.verdict, use > 1 ? Verdict::kMissed : Verdict::kMet) << measured.progress.why;
    if (use > 1) {
      ASSERT_FALSE(CheckSlo(spec.slo, point).empty());
      EXPECT_EQ(CheckSlo(spec.slo, point).front().bound, "requestRate");
    }
  }
}

// Four equal requests at a time take 0.48 s each: 8.33 requests/s, whatever arrives. Of even arrivals nothing is
// chance.
std::vector<RequestRecord> OfFourSlots(double rate, milliseconds until, milliseconds now) {
  std::vector<RequestRecord> records;
  std::vector<milliseconds> free(4, milliseconds(0));
  for (int i = 0; i < static_cast<int>(rate * static_cast<double>(until.count()) / 1e3); ++i) {
    const milliseconds start(std::llround(i * 1e3 / rate));
    auto& slot = *std::min_element(free.begin(), free.end());
    const milliseconds begin = std::max(slot, start);
    slot = begin + milliseconds(480);
    RequestRecord& record =
        records.emplace_back(Answer(start, begin - start + milliseconds(150), milliseconds(30), 12));
    if (record.end <= now) continue;
    record.outcome = RequestOutcome::kInFlight;
    record.output_tokens = 0;
    std::erase_if(record.events, [&](std::uint32_t event) { return start + std::chrono::microseconds(event) > now; });
  }
  return records;
}

TEST(Window, ARateOfEvenArrivalsIsKnownFromWhatWasAnswered) {
  PointSpec spec = Spec(RequestRate(10), {{Metric::kTtft, Statistic::kP95, 60'000}});
  Point point = Drained(spec, OfFourSlots(10, milliseconds(20'000), milliseconds(40'000)), milliseconds(40'000)).point;
  EXPECT_TRUE(point.saturated);
  EXPECT_EQ(point.verdict, Verdict::kMissed) << "whatever the limit";
  EXPECT_NEAR(point.requests_per_second, 8.33, 0.1);
  EXPECT_NEAR(point.output_tokens_per_second, 100, 2);
  spec.load = RequestRate(8);
  point = Drained(spec, OfFourSlots(8, milliseconds(20'000), milliseconds(40'000)), milliseconds(40'000)).point;
  EXPECT_FALSE(point.saturated);
  EXPECT_EQ(point.verdict, Verdict::kMet);
  EXPECT_DOUBLE_EQ(point.requests_per_second, 8);
}

// A point that ends as soon as a limit is broken has seen a few answers: the rate is not one of them.
TEST(Window, ARateThatEndsEarlyIsNotTakenForAnswered) {
  PointSpec spec = Spec(RequestRate(12), {{Metric::kTtft, Statistic::kP95, 300}});
  Progress progress;
  for (milliseconds now(0); progress.phase != Phase::kDone && now < milliseconds(30'000); now += milliseconds(50)) {
    if (now >= progress.check_again_at) progress = Evaluate(spec, OfFourSlots(12, now, now), now, progress);
  }
  EXPECT_LT(progress.point.window_seconds, 6);
  EXPECT_GT(progress.point.censored, 0);
  EXPECT_EQ(progress.point.verdict, Verdict::kMissed);
  EXPECT_LT(progress.point.requests_per_second, 9);
  EXPECT_LT(progress.point.output_tokens_per_second, 110);
}

TEST(Window, AFewRequestsThatAllEndedAreAnsweredAsTheyCome) {
  std::vector<RequestRecord> records;
  for (int i = 0; i < 7; ++i) {
    records.push_back(Answer(milliseconds(10'200 + 1400 * i), milliseconds(150), milliseconds(30), 30));
  }
  const PointSpec spec = Spec(RequestRate(0.7), {{Metric::kTtft, Statistic::kP95, 300}});
  const Progress done = Drained(spec, records, milliseconds(30'000));
  EXPECT_DOUBLE_EQ(done.point.requests_per_second, 0.7);
  EXPECT_EQ(done.point.verdict, Verdict::kUndecided);
  EXPECT_THAT(done.why, HasSubstr("met by its numbers; the window is too short to tell whether the rate is kept up"));
}

// A trace of 2 requests/s on average, and a window in which a burst brings 5.
TEST(Window, OfATraceAnswersNoMoreThanTheTraceBrings) {
  std::vector<RequestRecord> records;
  for (int i = 0; i < 50; ++i) {
    records.push_back(Answer(milliseconds(10'000 + 190 * i), milliseconds(100), milliseconds(10), 20));
  }
  PointSpec spec = Spec(RequestRate(2), {{Metric::kTtft, Statistic::kP95, 300}});
  spec.steady_rate = false;
  const Progress done = Drained(spec, records, milliseconds(30'000));
  EXPECT_DOUBLE_EQ(done.point.requests_per_second, 2);
  EXPECT_DOUBLE_EQ(done.point.output_tokens_per_second, 40);
  EXPECT_LT(done.point.output_tokens_per_second_ci, 40);
}

TEST(Batches, AreSeenWhereTokensWereHeldBack) {
  std::vector<RequestRecord> records;
  for (int i = 0; i < 10; ++i) {
    records.push_back(Answer(seconds(i), milliseconds(150), milliseconds(30), 40));
    for (std::uint32_t& event : records.back().events) event = (event / 300'000 + 1) * 300'000;  // flushed
  }
  const std::optional<Batches> batches = BatchesOf(records);
  ASSERT_TRUE(batches);
  EXPECT_NEAR(batches->events, 8, 0.1);
  EXPECT_NEAR(batches->gap_ms, 300, 1);
  EXPECT_NEAR(batches->tpot_too_low, 4 / 39.0, 0.01) << "five tokens in the first batch";
  EXPECT_NEAR(batches->ttft_too_high_ms, 150, 15) << "300 for 150 ms";
  for (RequestRecord& record : records) record = Answer(seconds(0), milliseconds(150), milliseconds(30), 40);
  EXPECT_FALSE(BatchesOf(records));
  for (RequestRecord& record : records) {
    for (std::uint32_t i = 0; i < record.events.size(); ++i) record.events[i] = 150'000 + 1000 * (i / 2);
  }
  EXPECT_FALSE(BatchesOf(records)) << "two within a millisecond: a busy client";
}

// Answers so fast that all their events come together, but for one that a busy machine interrupted.
TEST(Batches, AreNotSeenInASingleAnswer) {
  std::vector<RequestRecord> records(10, Answer(seconds(0), milliseconds(1), milliseconds(0), 4));
  for (RequestRecord& record : records) record.events = {1000, 1100, 1200, 1300};
  records[3].events = {1000, 1100, 31'200, 31'300};
  EXPECT_FALSE(BatchesOf(records));
}

TEST(QueueGrowth, ALoopsRequestsPerSecondBoundARate) {
  std::vector<std::chrono::nanoseconds> ends;
  for (int i = 0; i < 390; ++i) ends.emplace_back(seconds(1) + i * milliseconds(41));
  const double capacity = RateOfEnds(ends, 200);
  EXPECT_NEAR(capacity, 24.4, 0.1);
  EXPECT_EQ(RateOfEnds(std::span(ends).first(150), 200), 0) << "not every place has ended once";
  Point point;
  point.load = RequestRate(26.4);
  point.window_seconds = 3;
  point.mean_concurrency = 16;
  EXPECT_TRUE(IsBeyondCapacity(point, capacity, 25));
  point.load = RequestRate(25);
  EXPECT_FALSE(IsBeyondCapacity(point, capacity, 24)) << "as precisely as a loop is known";
  point.load = RequestRate(40);
  point.window_seconds = 30;
  EXPECT_FALSE(IsBeyondCapacity(point, capacity, 39)) << "seen for certain: the warm-up was slow";
  EXPECT_TRUE(IsBeyondCapacity(point, capacity, 24.5));
}

// An idle engine fills up at first. That is no queue that grows: seen on an H200, where a rate that was kept counted as
// missed.
TEST(Window, AnEngineThatFillsUpIsNotSaturated) {
  std::vector<RequestRecord> records;
  for (int i = 0; i < 670; ++i) {  // 67 requests/s for 10 s, the first ones quick and the later ones slow
    records.push_back(Answer(milliseconds(10000 + 15 * i), milliseconds(100), milliseconds(i < 67 ? 50 : 200), 11));
  }
  PointSpec spec = Spec(RequestRate(67), {{Metric::kTtft, Statistic::kP99, 500}});
  const Point point = Drained(spec, records, milliseconds(60000)).point;
  EXPECT_FALSE(point.saturated);
  EXPECT_EQ(point.requests_per_second, 67) << "fewer ended in the window, of those that came when it was idle";
  EXPECT_EQ(point.verdict, Verdict::kMet);
}

// A window's arrivals vary by more than what the rate's throughput is known to.
TEST(Window, KnowsTheThroughputOfARateThatIsKeptUpWith) {
  SimulatedServer server;
  server.slots = 32;
  PointSpec spec = Spec(RequestRate(16), {{Metric::kTtft, Statistic::kP99, 60'000}});
  const Point point = MeasurePoint(SimulatedLoad(server, spec.load, seconds(200), 5), spec).progress.point;
  EXPECT_DOUBLE_EQ(point.output_tokens_per_second, 16 * server.tokens) << "all answers are of one length";
  EXPECT_LT(point.output_tokens_per_second_ci, 0.04 * point.output_tokens_per_second) << "what the queue grew by";
  EXPECT_DOUBLE_EQ(point.requests_per_second, 16) << "and fits to it";

  server.slots = 8;
  const Point beyond = MeasurePoint(SimulatedLoad(server, spec.load, seconds(200), 5), spec).progress.point;
  EXPECT_TRUE(beyond.saturated);
  EXPECT_NEAR(beyond.output_tokens_per_second, 8 * server.tokens, server.tokens) << "what arrived";
}

// Arrivals and answers of a constant rate agree to the last digit: which requests are in flight at the window's ends is
// still chance.
TEST(Window, ARateIsNotKnownToTheLastDigit) {
  std::vector<RequestRecord> records;
  for (int i = 0; i < 300; ++i) {
    records.push_back(Answer(milliseconds(100 * i), milliseconds(20), milliseconds(3), 11));
  }
  const Point point =
      Drained(Spec(RequestRate(10), {{Metric::kTtft, Statistic::kP99, 500}}), records, milliseconds(30000)).point;
  EXPECT_DOUBLE_EQ(point.output_tokens_per_second, 110);
  EXPECT_NEAR(point.output_tokens_per_second_ci, 1.96 / 10 * 11, 1e-6) << "one request of the ten seconds";
}

TEST(Window, MarksTheTpotOfRequestsThatWereCutOff) {
  std::vector<RequestRecord> records;
  for (int i = 0; i < 90; ++i) {
    records.push_back(Answer(milliseconds(10000 + 100 * i), milliseconds(100), milliseconds(10), 11));
  }
  for (int i = 0; i < 20; ++i) {  // ten events of two tokens each, of an answer of 40
    RequestRecord& cut = records.emplace_back(Answer(milliseconds(19000 + i), milliseconds(100), milliseconds(40), 10));
    cut.outcome = RequestOutcome::kInFlight;
    cut.output_tokens = 0;
  }
  for (RequestRecord& record : records) {
    if (record.outcome == RequestOutcome::kOk) record.output_tokens = record.asked_tokens = 22;
  }
  const Point point = Drained(Spec(Concurrency(4)), records, milliseconds(60000)).point;
  EXPECT_EQ(point.censored, 20);
  EXPECT_NEAR(point.tpot.p50, 100.0 / 21, 1e-6);
  EXPECT_FALSE(point.lower_bounds.Has(Metric::kTpot, Statistic::kP50)) << "90 of 110 ended";
  EXPECT_NEAR(point.tpot.p99, 360.0 / 19, 1e-6) << "an event carries two tokens";
  EXPECT_TRUE(point.lower_bounds.Has(Metric::kTpot, Statistic::kP99));
  EXPECT_TRUE(point.lower_bounds.Has(Metric::kTpot, Statistic::kMean));
}

TEST(Window, SaysWhatHappenedWhereNothingWasAnswered) {
  std::vector<RequestRecord> records;
  for (int i = 0; i < 4; ++i) {  // all places hang since before the window
    records.push_back(Answer(milliseconds(9000 + i), milliseconds(0), milliseconds(0), 0));
    records.back().outcome = RequestOutcome::kInFlight;
  }
  Progress done = Drained(Spec(Concurrency(4)), records, milliseconds(60000));
  EXPECT_EQ(done.point.verdict, Verdict::kMissed);
  EXPECT_THAT(done.why, HasSubstr("no request started in the window: those from before it were still waiting"));
  for (RequestRecord& record : records) record.start += seconds(5);
  done = Drained(Spec(Concurrency(4)), records, milliseconds(60000));
  EXPECT_THAT(done.why, HasSubstr("none of the 4 requests that started in the window was answered"));
}

TEST(Why, MeetsNothingWhereNothingIsLimited) {
  Point point;
  point.requests = 100;
  point.verdict = Verdict::kMet;
  Slo slo;
  EXPECT_EQ(Why(slo, point, seconds(12)), "measured in 12.0 s");
  slo.bounds = {{Metric::kTtft, Statistic::kP99, 500}};
  EXPECT_EQ(Why(slo, point, seconds(12)), "met after 12.0 s");
}

TEST(Why, SaysWhatIsKnownOfARate) {
  Point point;
  point.load = RequestRate(60);
  point.requests = 100;
  point.output_tokens_per_second = 100;
  point.requests_per_second = 20;
  point.saturated = true;
  point.verdict = Verdict::kMissed;
  Slo slo;
  EXPECT_EQ(Why(slo, point, seconds(30)), "missed after 30.0 s: 20 of 60 requests/s were answered, and the queue grew");
  slo.bounds = {{Metric::kTtft, Statistic::kP99, 500}};
  point.saturated = false;
  point.requests_per_second = 60;
  point.verdict = Verdict::kUndecided;
  point.ttft.p99 = 480;
  point.relative_ci[0] = 0.2;
  EXPECT_EQ(Why(slo, point, seconds(30)),
            "undecided after 30.0 s: ttft.p99 is 480 ms, the limit 500 ms: too close to count as met");
  point.ttft.p99 = 510;
  EXPECT_EQ(Why(slo, point, seconds(30)),
            "undecided after 30.0 s: missed by its numbers: ttft.p99 is 510 ms, the limit 500 ms");
  point.ttft.p99 = 300;
  EXPECT_EQ(Why(slo, point, seconds(30)), "undecided after 30.0 s: met by its numbers");
}

TEST(Window, EndsOpenWhereABoundIsAsNearItsLimitAsIsAsked) {
  SimulatedServer server;
  const SimulatedLoad load(server, Concurrency(32), seconds(200), 11);
  // TTFT p99 of this load is about 168 ms.
  PointSpec spec = Spec(Concurrency(32), {{Metric::kTtft, Statistic::kP99, 170}});
  spec.precision.throughput = 0.05;
  EXPECT_GT(MeasurePoint(load, spec).seconds, 60) << "no look decides it";
  spec.precision.bounds = 0.3;
  const Measured near = MeasurePoint(load, spec);
  EXPECT_EQ(near.progress.point.verdict, Verdict::kUndecided);
  EXPECT_LT(near.seconds, 50);
  EXPECT_LE(near.progress.point.relative_ci[static_cast<std::size_t>(Metric::kTtft)], 0.4);
}

TEST(Window, OfARateHoldsAsManyAnswersAsAreAsked) {
  SimulatedServer server;
  const SimulatedLoad load(server, RequestRate(2), seconds(300), 5);
  PointSpec spec = Spec(RequestRate(2), {{Metric::kTtft, Statistic::kP99, 1000}});
  spec.precision = {0.03, true, 0.1};
  spec.duration = seconds(20);
  EXPECT_LT(MeasurePoint(load, spec).progress.point.requests, 30);
  spec.precision.answers = 60;
  const Point longer = MeasurePoint(load, spec).progress.point;
  EXPECT_GE(longer.requests, 55);
  EXPECT_NEAR(longer.window_seconds, 30, 3);
  spec.precision.answers = 600;
  EXPECT_NEAR(MeasurePoint(load, spec).progress.point.window_seconds, 60, 1) << "at most threefold";
}

// Ten requests/s for `length` that take half a second, the first token of those from `slow_from` to `slow_until` late.
std::vector<RequestRecord> WithAConvoy(seconds length, milliseconds slow_from, milliseconds slow_until) {
  std::vector<RequestRecord> records;
  for (milliseconds at{}; at < length; at += milliseconds(100)) {
    const bool slow = at >= slow_from && at < slow_until;
    records.push_back(Answer(at, milliseconds(slow ? 400 : 100), milliseconds(20), 11));
  }
  return records;
}

Measured MeasureAll(const std::vector<RequestRecord>& records, const PointSpec& spec) {
  std::vector<RequestRecord> seen;
  return MeasurePoint(
      [&](std::chrono::nanoseconds now) {
        seen.clear();
        for (const RequestRecord& record : records) {
          if (record.start > now) break;
          RequestRecord& one = seen.emplace_back(record);
          if (one.end <= now) continue;
          const auto age = static_cast<std::uint32_t>((now - one.start).count() / 1000);
          one.events.erase(std::upper_bound(one.events.begin(), one.events.end(), age), one.events.end());
          one.outcome = RequestOutcome::kInFlight;
        }
        return std::span<const RequestRecord>(seen);
      },
      spec);
}

// Two seconds of slow first tokens are one event, whatever share of a short window they are.
TEST(Window, OneConvoyOfARateIsNoMissForCertain) {
  const std::vector<RequestRecord> records = WithAConvoy(seconds(100), milliseconds(3500), milliseconds(5500));
  for (const Bound& bound : {Bound{Metric::kTtft, Statistic::kP99, 250}, Bound{Metric::kTtft, Statistic::kP90, 250},
                             Bound{Metric::kTtft, Statistic::kMean, 150}}) {
    for (const bool attained : {false, true}) {
      PointSpec spec = Spec(RequestRate(10), {bound});
      if (attained) spec.slo.attainment = 0.95;
      const Point point = MeasureAll(records, spec).progress.point;
      EXPECT_NE(point.verdict, Verdict::kMissed) << bound.Field() << attained;
      EXPECT_GE(point.window_seconds, attained || bound.statistic == Statistic::kP99 ? 30 : 15) << bound.Field();
    }
  }
}

TEST(Window, ARateThatMissesAllTheTimeEndsEarly) {
  const std::vector<RequestRecord> records = WithAConvoy(seconds(100), milliseconds(0), seconds(100));
  for (const Bound& bound : {Bound{Metric::kTtft, Statistic::kP99, 250}, Bound{Metric::kTtft, Statistic::kMean, 150},
                             Bound{Metric::kItl, Statistic::kP99, 10}}) {
    const Point point = MeasureAll(records, Spec(RequestRate(10), {bound})).progress.point;
    EXPECT_EQ(point.verdict, Verdict::kMissed) << bound.Field();
    EXPECT_LT(point.window_seconds, 9) << bound.Field();
  }
}

TEST(Window, EndsAMissedPointAtOnceAndAMetOneWhenSure) {
  SimulatedServer server;
  const SimulatedLoad load(server, Concurrency(32), seconds(200), 11);
  // TTFT p99 of this load is about 168 ms.
  Measured far_beyond = MeasurePoint(load, Spec(Concurrency(32), {{Metric::kTtft, Statistic::kP99, 80}}));
  EXPECT_EQ(far_beyond.progress.point.verdict, Verdict::kMissed);
  EXPECT_LT(far_beyond.seconds, 8);
  EXPECT_THAT(far_beyond.progress.why, HasSubstr(": ttft.p99 is"));

  PointSpec spec = Spec(Concurrency(32), {{Metric::kTtft, Statistic::kP99, 400}});
  spec.precision.throughput = 0.05;
  const Measured met = MeasurePoint(load, spec);
  EXPECT_EQ(met.progress.point.verdict, Verdict::kMet);
  EXPECT_LT(met.seconds, 40);
  EXPECT_EQ(met.progress.point.censored, 0) << "followed to the end";
  EXPECT_LE(met.progress.point.output_tokens_per_second_ci, 0.05 * met.progress.point.output_tokens_per_second);

  const Measured near = MeasurePoint(load, Spec(Concurrency(32), {{Metric::kTtft, Statistic::kP99, 170}}));
  EXPECT_EQ(near.progress.point.verdict, Verdict::kUndecided);
  EXPECT_GT(near.seconds, 60);
  EXPECT_THAT(near.progress.why, HasSubstr("undecided"));

  // Capacity: throughput alone, nothing is followed.
  spec.precision = {0.05, false};
  const Measured capacity = MeasurePoint(load, spec);
  EXPECT_LT(capacity.seconds, met.seconds);
  EXPECT_GT(capacity.progress.point.censored, 0);
}

TEST(Window, IsRarelySureOfTheWrongVerdict) {
  SimulatedServer server;
  server.tokens = 4;
  std::vector<double> ttft;
  const SimulatedLoad longest(server, Concurrency(32), seconds(4000), 1);
  for (const RequestRecord& record : longest.All()) ttft.push_back(record.events.front() / 1e3);
  std::sort(ttft.begin(), ttft.end());
  const double truth = Quantile(ttft, 0.9);
  for (const double factor : {0.93, 1.07}) {
    int wrong = 0, right = 0;
    constexpr int kPoints = 40;
    for (std::uint64_t seed = 1; seed <= kPoints; ++seed) {
      PointSpec spec = Spec(Concurrency(32), {{Metric::kTtft, Statistic::kP90, truth * factor}});
      spec.precision.throughput = 1;
      spec.duration = seconds(30);
      const Verdict verdict =
          MeasurePoint(SimulatedLoad(server, spec.load, seconds(40), seed + 100), spec).progress.point.verdict;
      const Verdict correct = factor > 1 ? Verdict::kMet : Verdict::kMissed;
      right += verdict == correct;
      wrong += verdict == (factor > 1 ? Verdict::kMissed : Verdict::kMet);
    }
    std::printf("limit at %.2f of the truth: %d sure and right, %d sure and wrong of %d\n", factor, right, wrong,
                kPoints);
    EXPECT_LE(wrong, kPoints / 20) << factor;
    EXPECT_GE(right, kPoints / 4) << factor;
  }
}

TEST(Window, KnowsItsThroughputAlsoWhereItEndedEarly) {
  SimulatedServer server;
  server.tokens = 4;
  server.slots = 16;
  const SimulatedLoad longest(server, Concurrency(24), seconds(10'000), 1);
  double tokens = 0;
  for (const RequestRecord& record : longest.All()) {
    if (record.start >= seconds(50)) tokens += record.output_tokens;
  }
  const double truth = tokens / (10'000 - 50);
  constexpr int kPoints = 80;
  int held = 0;
  double length = 0;
  for (std::uint64_t seed = 1; seed <= kPoints; ++seed) {
    PointSpec spec = Spec(Concurrency(24));
    spec.precision.throughput = 0.06;
    spec.drain = seconds(0);
    const Point point = MeasurePoint(SimulatedLoad(server, spec.load, seconds(70), seed), spec).progress.point;
    held += std::abs(point.output_tokens_per_second - truth) <= point.output_tokens_per_second_ci;
    length += point.window_seconds / kPoints;
  }
  std::printf("%d of %d intervals hold the throughput, after %.1f s\n", held, kPoints, length);
  // It ends when the interval is small, hence rather when it is too small.
  EXPECT_GE(held, kPoints * 88 / 100);
  EXPECT_LT(length, 50);
}

TEST(Window, EndsEvenIfNothingIsAnswered) {
  SimulatedServer server;
  server.shed_share = 1;
  const Measured measured = MeasurePoint(SimulatedLoad(server, RequestRate(5), seconds(200), 1), Spec(RequestRate(5)));
  EXPECT_EQ(measured.progress.point.requests, 0);
  EXPECT_EQ(measured.progress.point.verdict, Verdict::kMissed);
  EXPECT_LT(measured.seconds, 10);
}

TEST(Glimpse, IsOfTheLastWaveOfAWarmUp) {
  SimulatedServer server;
  server.slots = 8;
  server.tokens = 10;
  // 8 run and 24 wait for three service times each.
  const SimulatedLoad load(server, Concurrency(32), seconds(30), 7);
  const std::optional<Point> point = Glimpse(32, load.At(seconds(25)));
  ASSERT_TRUE(point);
  EXPECT_EQ(point->load, Concurrency(32));
  EXPECT_NEAR(point->requests_per_second, 8, 1.5);
  EXPECT_NEAR(point->e2e.mean, 4000, 600);
  EXPECT_NEAR(point->e2e.mean - point->ttft.mean, 900, 150) << "all tokens but the first, evenly";
  EXPECT_NEAR(point->tpot.mean, 100, 20);
  EXPECT_GT(point->ttft.p99, point->ttft.mean);
  EXPECT_FALSE(Glimpse(32, load.At(seconds(6)))) << "not two waves yet";
}

}  // namespace
}  // namespace autotune::measurement
