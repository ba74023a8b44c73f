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
