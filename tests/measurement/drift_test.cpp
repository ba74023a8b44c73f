#include "measurement/drift.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "tests/measurement/simulated_load.h"

namespace autotune::measurement {
namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;

// Four places whose requests of ten tokens take 0.5 s at first, and `slower` of it more every second.
std::vector<RequestRecord> Loop(double slower) {
  std::vector<RequestRecord> records;
  for (int place = 0; place < 4; ++place) {
    for (double time = 0.125 * place; time < 20;) {
      const double token = 0.05 * (1 + slower * time);
      RequestRecord& record = records.emplace_back();
      record.start = nanoseconds(static_cast<std::int64_t>(time * 1e9));
      for (int i = 1; i <= 10; ++i) record.events.push_back(static_cast<std::uint32_t>(i * token * 1e6));
      time += 10 * token;
      record.end = nanoseconds(static_cast<std::int64_t>(time * 1e9));
      record.output_tokens = 10;
      record.outcome = RequestOutcome::kOk;
    }
  }
  return records;
}

TEST(ThroughputDrift, ASteadyServerHasNone) {
  EXPECT_EQ(ThroughputDrift(Loop(0), seconds(2), seconds(18)), std::nullopt);
  EXPECT_EQ(ThroughputDrift({}, seconds(2), seconds(18)), std::nullopt);
  EXPECT_EQ(ThroughputDrift(Loop(0), seconds(2), seconds(2)), std::nullopt);
}

TEST(ThroughputDrift, SaysByHowMuchItFellOrRose) {
  // 1 / 1.1 of the first speed at 2 s, 1 / 1.9 at 18 s.
  EXPECT_NEAR(ThroughputDrift(Loop(0.05), seconds(2), seconds(18)).value_or(0), 1.1 / 1.9 - 1, 0.05);
  EXPECT_GT(ThroughputDrift(Loop(-0.03), seconds(2), seconds(18)).value_or(0), 0.3);
  EXPECT_EQ(ThroughputDrift(Loop(0.05), seconds(2), seconds(4)), std::nullopt) << "two or three requests long";
}

// All requests stop for `length` seconds, from 5 s on.
std::vector<RequestRecord> WithStall(double length) {
  const auto from = nanoseconds(5'010'000'000), stall = nanoseconds(static_cast<std::int64_t>(length * 1e9));
  std::vector<RequestRecord> records = Loop(0);
  for (RequestRecord& record : records) {
    for (std::uint32_t& event : record.events) {
      if (record.start < from && record.start + std::chrono::microseconds(event) > from) {
        event += static_cast<std::uint32_t>(length * 1e6);
      }
    }
    if (record.end > from) record.end += stall;
    if (record.start > from) record.start += stall;
  }
  return records;
}

TEST(Stall, IsASilenceWhileRequestsWaited) {
  EXPECT_EQ(Stall(WithStall(0), seconds(2), seconds(18)), std::nullopt);
  EXPECT_EQ(Stall(WithStall(1.5), seconds(2), seconds(18)), std::nullopt);
  EXPECT_NEAR(Stall(WithStall(4), seconds(2), seconds(18)).value_or(0), 4, 0.1);
  EXPECT_EQ(Stall(WithStall(4), seconds(12), seconds(18)), std::nullopt) << "before the window";
  EXPECT_EQ(Stall({}, seconds(2), seconds(18)), std::nullopt);
}

TEST(Stall, IsNoneWhereNothingWasAsked) {
  std::vector<RequestRecord> records = Loop(0);
  std::erase_if(records,
                [](const RequestRecord& record) { return record.end > seconds(5) && record.start < seconds(12); });
  EXPECT_EQ(Stall(records, seconds(2), seconds(18)), std::nullopt);
}

TEST(ThroughputDrift, ChanceIsNone) {
  int drifts = 0;
  SimulatedServer server;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    const SimulatedLoad load(server, Concurrency(40), seconds(40), seed);
    drifts += ThroughputDrift(load.All(), seconds(5), seconds(seed % 2 == 0 ? 15 : 35)).has_value();
  }
  EXPECT_LE(drifts, 1);
}

}  // namespace
}  // namespace autotune::measurement
