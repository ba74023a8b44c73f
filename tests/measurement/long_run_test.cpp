#include "measurement/long_run.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <numeric>
#include <utility>
#include <vector>

#include "measurement/arrival_gaps.h"
#include "measurement/statistics.h"
#include "tests/measurement/simulated_load.h"

namespace autotune::measurement {
namespace {

using std::chrono::seconds;

constexpr double kLimitMs = 600;

SimulatedServer ServerOf(double variability) {
  SimulatedServer server;
  server.variation = 0.3;
  server.variability = variability;
  return server;
}

Arrival ArrivalOf(const SimulatedServer& server) {
  if (server.variability == 0) return {ArrivalProcess::kConstant, 1};
  return {ArrivalProcess::kGamma, 1 / server.variability};
}

double TrueP99(const SimulatedServer& server, double rate) {
  std::vector<double> ttft;
  const SimulatedLoad run(server, RequestRate(rate), seconds(3000), 99);
  for (const RequestRecord& record : run.All()) {
    if (record.start > seconds(60)) ttft.push_back(record.events.front() / 1e3);
  }
  std::sort(ttft.begin(), ttft.end());
  return Quantile(ttft, 0.99);
}

struct Seen {
  Point point;
  std::vector<RequestRecord> records;
  [[nodiscard]] WindowOfArrivals Window(const SimulatedServer& server) const {
    return {records, ArrivalOf(server), point.load.value, static_cast<double>(server.slots)};
  }
};

Latency LatencyOf(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  Latency out;
  for (const Statistic statistic : kStatistics) {
    const double sum = std::accumulate(values.begin(), values.end(), 0.0);
    out.Set(statistic, statistic == Statistic::kMean ? sum / static_cast<double>(values.size())
                                                     : Quantile(values, Share(statistic)));
  }
  return out;
}

// A window of half a minute, after three seconds.
Seen WindowOf(SimulatedServer server, double rate, std::uint64_t seed) {
  server.block = BlockOfArrivals(rate, seconds(1));
  Seen seen;
  seen.records = SimulatedLoad(server, RequestRate(rate), seconds(40), seed).At(seconds(38));
  std::vector<double> ttft, tpot, e2e;
  for (const RequestRecord& record : seen.records) {
    if (record.start < seconds(3) || record.start >= seconds(33) || record.outcome != RequestOutcome::kOk) continue;
    ttft.push_back(record.events.front() / 1e3);
    e2e.push_back(record.events.back() / 1e3);
    tpot.push_back((e2e.back() - ttft.back()) / (record.output_tokens - 1));
  }
  seen.point.load = RequestRate(rate);
  seen.point.requests = static_cast<std::int64_t>(ttft.size());
  seen.point.output_tokens_per_second = rate * server.tokens;
  seen.point.ttft = LatencyOf(ttft);
  seen.point.tpot = LatencyOf(tpot);
  seen.point.e2e = LatencyOf(e2e);
  seen.point.relative_ci = {0.2, 0.2, 0.2, 0.2};
  return seen;
}

double Mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double MeanDistance(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += std::abs(value);
  return sum / static_cast<double>(values.size());
}

// Near their limit, windows of arrivals in bursts show a p99 that is too good, and each another one.
TEST(LongRun, IsKnownBetterThanByTheWindowItself) {
  for (const double variability : {1.0, 2.0}) {
    const SimulatedServer server = ServerOf(variability);
    const double rate = variability == 1 ? 28.5 : 26.5;
    const double truth = TrueP99(server, rate);
    std::vector<double> shown, expected;  // ln(p99 / true one)
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
      const Seen seen = WindowOf(server, rate, seed);
      const auto long_run = LongRunOf(seen.Window(server));
      ASSERT_TRUE(long_run);
      shown.push_back(std::log(seen.point.ttft.p99 / truth));
      expected.push_back(std::log((*long_run)[static_cast<std::size_t>(Metric::kTtft)].p99 / truth));
    }
    EXPECT_LT(Mean(shown), -0.25) << variability << ": the test needs windows that are too good";
    EXPECT_LT(std::abs(Mean(expected)), 0.15) << variability;
    EXPECT_LT(MeanDistance(expected), 0.5 * MeanDistance(shown)) << variability;
  }
}

// An engine whose steps take the longer the more requests they hold: one token of each request a step, and its prompt
// takes as much as `prompt` tokens. Requests that run share one throughput, in tokens/s.
std::vector<RequestRecord> SharedThroughput(double throughput, double rate, double length, std::uint64_t seed) {
  constexpr double kPrompt = 4;
  constexpr int kTokens = 32;
  struct Running {
    double arrived, from;
    std::size_t record;
  };
  ArrivalGaps gaps({ArrivalProcess::kPoisson, 1}, KeyedRandom(seed, 1), BlockOfArrivals(rate, seconds(1)));
  std::vector<RequestRecord> records;
  std::deque<Running> running;  // in the order of arrival, which is that of their ends: all need the same
  double clock = 0, done = 0, next = gaps.Next() / rate;
  std::deque<std::pair<double, std::size_t>> firsts;  // first tokens to come
  while (next < length || !running.empty()) {
    const double first_at = firsts.empty() ? HUGE_VAL : firsts.front().first;
    const double end_at = running.empty() ? HUGE_VAL : running.front().from + kPrompt + kTokens;
    const double until = std::min(first_at, end_at);
    const double pace = running.empty() ? 0 : throughput / static_cast<double>(running.size());
    const double when = running.empty() ? HUGE_VAL : clock + (until - done) / pace;
    if (next < length && next < when) {
      done += (next - clock) * pace;
      clock = next;
      RequestRecord record;
      record.start = std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>(clock));
      record.outcome = RequestOutcome::kOk;
      record.output_tokens = kTokens + 1;
      records.push_back(record);
      running.push_back({clock, done, records.size() - 1});
      firsts.emplace_back(done + kPrompt, records.size() - 1);
      next += gaps.Next() / rate;
      continue;
    }
    clock = when;
    done = until;
    const Running& oldest = running.front();
    const std::size_t record = first_at <= end_at ? firsts.front().second : oldest.record;
    const double start = std::chrono::duration<double>(records[record].start).count();
    records[record].events.push_back(static_cast<decltype(records[record].events)::value_type>((clock - start) * 1e6));
    if (first_at <= end_at) {
      firsts.pop_front();
    } else {
      running.pop_front();
    }
  }
  return records;
}

// Where a prompt is much of a request's time, an engine near its highest rate must not seem to be above it.
TEST(LongRun, CountsPromptsAmongWhatTheEngineDoes) {
  constexpr double kRate = 14, kCapacity = 15;  // requests/s
  const auto e2e_of = [](const std::vector<RequestRecord>& records) {
    std::vector<double> e2e;
    for (const RequestRecord& record : records) {
      if (record.start > seconds(3)) e2e.push_back(record.events.back() / 1e3);
    }
    return LatencyOf(e2e);
  };
  const double truth = e2e_of(SharedThroughput(kCapacity * 36, kRate, 3000, 99)).mean;
  std::vector<double> expected;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const auto records = SharedThroughput(kCapacity * 36, kRate, 40, seed);
    const auto long_run = LongRunOf({records, {ArrivalProcess::kPoisson, 1}, kRate, 64});
    ASSERT_TRUE(long_run);
    expected.push_back(std::log((*long_run)[static_cast<std::size_t>(Metric::kE2e)].mean / truth));
  }
  EXPECT_LT(std::abs(Mean(expected)), 0.3) << Mean(expected) << ", " << truth;
}

// An engine that computes one prompt after another, `prompt` seconds each, and generates all answers at once.
std::vector<RequestRecord> OnePromptAtATime(double prompt, double rate, double length, std::uint64_t seed) {
  constexpr int kTokens = 21;
  constexpr double kEach = 0.05;  // s a token
  ArrivalGaps gaps({ArrivalProcess::kPoisson, 1}, KeyedRandom(seed, 1), BlockOfArrivals(rate, seconds(1)));
  std::vector<RequestRecord> records;
  double free = 0;
  for (double at = gaps.Next() / rate; at < length; at += gaps.Next() / rate) {
    free = std::max(free, at) + prompt;
    RequestRecord& record = records.emplace_back();
    record.start = std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>(at));
    record.outcome = RequestOutcome::kOk;
    record.input_tokens = 2048;
    record.output_tokens = kTokens;
    for (int i = 0; i < kTokens; ++i) {
      record.events.push_back(static_cast<std::uint32_t>((free - at + kEach * i) * 1e6));
    }
  }
  return records;
}

// The p99 of the TTFT of an engine with one prompt after another, in milliseconds, by the asymptotic distribution of
// the wait in an M/D/1 queue: P(wait > t) = c exp(-x t / prompt), where use (exp(x) - 1) = x.
double P99OfOnePromptAtATime(double prompt, double use) {
  double low = 1e-6, high = 5;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (use * (std::exp(middle) - 1) < middle ? low : high) = middle;
  }
  const double c = (1 - use) / (use * std::exp(low) - 1);
  return 1e3 * prompt * (1 + std::log(100 * c) / low);
}

// By Little's law such an engine seems to have as many places as it has requests in flight at its capacity.
TEST(LongRun, KnowsPromptsThatWaitForEachOther) {
  constexpr double kPrompt = 0.05;
  const double places = (1 + kPrompt) / kPrompt;
  for (const double use : {0.5, 0.7, 0.85}) {
    const double rate = use / kPrompt;
    const double truth = P99OfOnePromptAtATime(kPrompt, use);
    std::vector<double> expected, shown;
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
      const auto records = OnePromptAtATime(kPrompt, rate, 40, seed);
      std::vector<double> ttft;
      for (const RequestRecord& record : records) {
        if (record.start > seconds(3)) ttft.push_back(record.events.front() / 1e3);
      }
      const auto long_run = LongRunOf({records, {ArrivalProcess::kPoisson, 1}, rate, places});
      ASSERT_TRUE(long_run);
      expected.push_back(std::log((*long_run)[static_cast<std::size_t>(Metric::kTtft)].p99 / truth));
      shown.push_back(std::log(LatencyOf(ttft).p99 / truth));
    }
    EXPECT_LT(std::abs(Mean(expected)), 0.08) << use << ": " << Mean(expected);
    EXPECT_LT(MeanDistance(expected), 0.5 * MeanDistance(shown)) << use;
  }
}

TEST(LongRun, IsTheWindowWhereNothingWaits) {
  const SimulatedServer server = ServerOf(0);
  const Seen seen = WindowOf(server, 12, 1);
  const auto long_run = LongRunOf(seen.Window(server));
  ASSERT_TRUE(long_run);
  for (const Metric metric : {Metric::kTtft, Metric::kTpot, Metric::kE2e}) {
    const Latency& expected = (*long_run)[static_cast<std::size_t>(metric)];
    for (const Statistic statistic : kStatistics) {
      EXPECT_NEAR(expected.Get(statistic) / seen.point.Get(metric).Get(statistic), 1, 0.08)
          << MetricName(metric) << ' ' << StatisticName(statistic);
    }
  }
}

TEST(LongRun, IsNotKnownWithoutPlacesOrAnswersOrOfATrace) {
  const SimulatedServer server = ServerOf(1);
  const Seen seen = WindowOf(server, 12, 1);
  WindowOfArrivals window = seen.Window(server);
  EXPECT_TRUE(LongRunOf(window));
  window.records = window.records.first(40);
  EXPECT_FALSE(LongRunOf(window));
  window = seen.Window(server);
  window.max_running_requests = 0;
  EXPECT_FALSE(LongRunOf(window));
  window = seen.Window(server);
  window.arrival.process = ArrivalProcess::kTrace;
  EXPECT_FALSE(LongRunOf(window));
}

TEST(LongRun, PlacesAreThoseThatDidNotWait) {
  Point one, many;
  one.load = Concurrency(1);
  one.ttft.mean = 40;
  many.load = Concurrency(512);
  many.requests_per_second = 50;
  many.ttft.mean = 8240;
  many.e2e.mean = 10200;
  const auto places = [&] { return MaxRunningRequests(std::vector<Point>{one, many}); };
  EXPECT_NEAR(places(), 100, 1e-9);
  many.ttft.mean = 40;
  EXPECT_EQ(places(), 512) << "all ran at once";
  EXPECT_EQ(MaxRunningRequests(std::vector<Point>{one}), 0);
}

TEST(ShowLongRun, ReplacesAllLatenciesOfRequestsAndTheVerdictThatItContradicts) {
  const SimulatedServer server = ServerOf(2);
  Slo slo;
  slo.bounds = {{Metric::kTtft, Statistic::kP99, kLimitMs}};
  int contradicted = 0;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    Seen seen = WindowOf(server, 26.5, seed);
    seen.point.verdict = CheckSlo(slo, seen.point).empty() ? Verdict::kMet : Verdict::kMissed;
    Point shown = seen.point;
    ShowLongRun(slo, seen.Window(server), shown);
    EXPECT_NE(shown.ttft, seen.point.ttft);
    EXPECT_NE(shown.e2e, seen.point.e2e) << "one population";
    EXPECT_GE(shown.e2e.p50, shown.ttft.p50);
    EXPECT_EQ(shown.itl, seen.point.itl) << "not modelled";
    ASSERT_TRUE(shown.attainment);
    EXPECT_EQ(*shown.attainment >= 0.99, shown.ttft.p99 <= kLimitMs) << "of the same requests";
    EXPECT_LT(shown.relative_ci[0], seen.point.relative_ci[0]);
    EXPECT_EQ(shown.in_window, (std::vector<WindowValue>{{Metric::kTtft, Statistic::kP99, seen.point.ttft.p99}}));
    EXPECT_EQ(shown.InWindow(Metric::kTtft, Statistic::kP99), seen.point.ttft.p99);
    EXPECT_EQ(shown.InWindow(Metric::kTtft, Statistic::kP90), std::nullopt);
    const bool changed = CheckSlo(slo, shown).empty() != CheckSlo(slo, seen.point).empty();
    EXPECT_EQ(shown.verdict, changed ? Verdict::kUndecided : seen.point.verdict);
    contradicted += changed;
  }
  EXPECT_GT(contradicted, 0);
}

// A burst at the end of a short window looks like a queue that grows.
TEST(ShowLongRun, KnowsABurstFromAnEngineThatCannotKeepUp) {
  const SimulatedServer server = ServerOf(1);
  for (const Bound& bound : {Bound{Metric::kTtft, Statistic::kP99, kLimitMs}, {Metric::kTpot, Statistic::kP90, 1e6}}) {
    Slo slo;
    slo.bounds = {bound};
    for (const double share : {0.6, 0.8, 1.1, 1.3}) {
      Seen seen = WindowOf(server, share * server.slots / server.service_seconds, 3);
      seen.point.saturated = true;
      seen.point.verdict = Verdict::kMissed;
      seen.point.output_tokens = seen.point.requests * server.tokens;
      seen.point.output_tokens_per_second *= 0.9;
      Point shown = seen.point;
      ShowLongRun(slo, seen.Window(server), shown);
      if (share > 1) {
        EXPECT_EQ(shown, seen.point) << share << ": no end of waiting, whatever is bounded";
        continue;
      }
      EXPECT_FALSE(shown.saturated) << share;
      EXPECT_EQ(shown.verdict, Verdict::kUndecided);
      EXPECT_TRUE(CheckSlo(slo, shown).empty());
      EXPECT_NEAR(shown.output_tokens_per_second, seen.point.load.value * server.tokens, 1e-6);
      EXPECT_NEAR(shown.requests_per_second, seen.point.load.value, 1e-6);
    }
  }
}

TEST(ShowLongRun, LeavesTheRestAlone) {
  const SimulatedServer server = ServerOf(2);
  const Seen seen = WindowOf(server, 26.5, 1);
  Slo slo;
  slo.bounds = {{Metric::kItl, Statistic::kP99, kLimitMs}};
  Point point = seen.point;
  ShowLongRun({}, seen.Window(server), point);
  EXPECT_EQ(point, seen.point);
  ShowLongRun(slo, seen.Window(server), point);
  EXPECT_EQ(point, seen.point) << "a gap between two tokens is no matter of places";
  slo.bounds = {{Metric::kTtft, Statistic::kP99, kLimitMs}};
  slo.attainment = 0.9;
  ShowLongRun(slo, seen.Window(server), point);
  EXPECT_EQ(point, seen.point);
  slo.attainment.reset();
  point.load.kind = LoadKind::kConcurrency;
  const Point loop = point;
  ShowLongRun(slo, seen.Window(server), point);
  EXPECT_EQ(point, loop);
}

}  // namespace
}  // namespace autotune::measurement
