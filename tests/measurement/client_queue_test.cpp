#include "measurement/client_queue.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "measurement/slo.h"

namespace autotune::measurement {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr milliseconds kEnd = seconds(22);

// Ten requests/s for 20 s, of which five are in flight at a time. A token every 100 ms, the first after `ttft`.
std::vector<RequestRecord> FiveAtATime(milliseconds ttft) {
  constexpr int kTokens = 10;
  std::vector<RequestRecord> records;
  std::vector<nanoseconds> free(5, nanoseconds(0));
  for (int i = 0; i < 200; ++i) {
    RequestRecord& record = records.emplace_back();
    record.start = milliseconds(100 * i);
    const auto place = std::min_element(free.begin(), free.end());
    const nanoseconds sent = std::max<nanoseconds>(*place, record.start);
    record.asked_tokens = kTokens;
    record.held = sent > record.start ? sent - record.start : nanoseconds(0);
    if (sent >= kEnd) {
      record.held = kNotSent;
      continue;
    }
    *place = sent + ttft + milliseconds(100) * (kTokens - 1);
    record.end = *place;
    for (int token = 0; token < kTokens; ++token) {
      const nanoseconds at = sent - record.start + ttft + token * milliseconds(100);
      if (record.start + at < kEnd) record.events.push_back(static_cast<std::uint32_t>(at.count() / 1000));
    }
    if (record.end >= kEnd) continue;
    record.output_tokens = kTokens;
    record.outcome = RequestOutcome::kOk;
  }
  return records;
}

struct Judged {
  explicit Judged(milliseconds ttft) : records(FiveAtATime(ttft)) {
    spec.load = RequestRate(10);
    spec.slo.bounds = {{Metric::kTtft, Statistic::kP95, 400}};
    spec.drain = seconds(2);
    progress.phase = Phase::kDrain;
    progress.window_start = seconds(10);
    progress.window_end = seconds(20);
    progress = Evaluate(spec, records, kEnd, progress);
  }
  Point Judge(std::optional<double> alone_ms) {
    Point point = progress.point;
    point.engine.waiting = waiting;
    JudgeHeld(spec, records, progress, kEnd, alone_ms, point);
    return point;
  }
  std::vector<RequestRecord> records;
  PointSpec spec;
  Progress progress;
  std::optional<double> waiting;
};

TEST(ClientPlaces, AServerWithRoomMissesNothing) {
  Judged judged(milliseconds(100));
  ASSERT_EQ(judged.progress.point.verdict, Verdict::kMissed) << "the waits are in the TTFT";
  for (const std::optional<double> alone : {std::optional<double>(), std::optional<double>(100)}) {
    const Point point = judged.Judge(alone);
    EXPECT_GT(point.held, 0.95);
    EXPECT_EQ(point.verdict, Verdict::kUndecided);
    EXPECT_FALSE(MeetsSlo(judged.spec.slo, point));
    EXPECT_THAT(Why(judged.spec.slo, point, kEnd),
                ::testing::HasSubstr("100 % of the requests waited in the client, while the server had room"));
  }
}

TEST(ClientPlaces, AServerThatIsFullIsTheLimit) {
  const auto missed = [](Judged judged, double alone) {
    const Point point = judged.Judge(alone);
    return point.held == 0 && point.verdict == Verdict::kMissed;
  };
  EXPECT_TRUE(missed(Judged(milliseconds(500)), 500)) << "misses the limit without the waits, too";
  Judged queue(milliseconds(300));
  EXPECT_TRUE(missed(queue, 100)) << "200 of 1200 ms are waits in the server";
  EXPECT_FALSE(missed(queue, 250)) << "50 of 1200 ms are other prompts";
  queue.waiting = 0.2;
  EXPECT_FALSE(missed(queue, 100)) << "its counters know better";
  queue.waiting = 2;
  EXPECT_TRUE(missed(queue, 250));
}

TEST(ClientPlaces, FewWaitsChangeNothing) {
  Judged judged(milliseconds(100));
  for (std::size_t i = 0; i < judged.records.size(); ++i) judged.records[i].held = nanoseconds(i == 150 ? 1 : 0);
  EXPECT_NEAR(HeldShare(judged.records, seconds(10), seconds(20)), 0.01, 1e-9);
  const Point point = judged.Judge(100);
  EXPECT_EQ(point.held, 0);
  EXPECT_EQ(point.verdict, Verdict::kMissed);
}

// A limit that no wait breaks: what was answered tells.
TEST(ClientPlaces, WhatFellShortIsNotMet) {
  Judged judged(milliseconds(100));
  judged.spec.slo.bounds = {{Metric::kTtft, Statistic::kP95, 60000}};
  Point point = judged.progress.point;
  point.saturated = false;
  point.verdict = Verdict::kMet;
  JudgeHeld(judged.spec, judged.records, judged.progress, kEnd, 100, point);
  ASSERT_NEAR(point.requests_per_second, 5, 0.2) << "five places, one second each";
  EXPECT_EQ(point.verdict, Verdict::kUndecided);
  EXPECT_FALSE(MeetsSlo(judged.spec.slo, point));
}

}  // namespace
}  // namespace autotune::measurement
