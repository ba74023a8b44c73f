#include "bench/bench_spec.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace autotune::bench {
namespace {

using nlohmann::json;
using testing::HasSubstr;

BenchSpec Example() {
  BenchSpec spec;
  spec.scenarios = {measurement::Scenario::Fixed(512, 128), measurement::Scenario::Fixed(1024, 16)};
  spec.concurrency = {1, 8, 32};
  spec.duration = std::chrono::seconds(30);
  spec.max_requests = 77;
  spec.warmup_requests = 0;
  spec.seed = -5;
  spec.quality = false;
  spec.first_request_timeout = std::chrono::milliseconds(1500);
  spec.request_timeout = std::chrono::seconds(9);
  spec.experiment_timeout = std::chrono::minutes(45);
  return spec;
}

TEST(BenchSpec, RoundTrips) {
  const auto read = BenchSpecFromJson(json::parse(ToJson(Example()).dump()));
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(*read, Example());
}

TEST(BenchSpec, AbsentMembersKeepTheDefaults) {
  const auto read = BenchSpecFromJson(json{{"scenarios", {"D(1,1)"}}, {"concurrency", {4}}});
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->max_requests, BenchSpec{}.max_requests);
  EXPECT_EQ(read->duration, BenchSpec{}.duration);
}

TEST(BenchSpec, ErrorsNameTheMember) {
  const struct {
    const char* member;
    json value;
    const char* message;
  } kCases[] = {
      {"scenarios", json::array(), "spec.scenarios: at least one"},
      {"scenarios", {"D(1,1)", "x"}, "spec.scenarios[1]: \"x\" is not a scenario"},
      {"scenarios", {7}, "spec.scenarios[0]: 7 is not a text"},
      {"concurrency", json::array(), "spec.concurrency: at least one"},
      {"concurrency", {8, 8}, "spec.concurrency[1]: 8 is not more than the step before it"},
      {"concurrency", {0}, "spec.concurrency[0]: 0 is not an integer in [1, 100000]"},
      {"concurrency", {"8"}, "spec.concurrency[0]: \"8\" is not an integer"},
      {"concurrency", {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13}, "2 scenarios x 13 steps are more than 12"},
      {"maxRequests", 0, "spec.maxRequests: 0 is not in [1, "},
      {"maxRequests", 18446744073709551615ull, "spec.maxRequests: 18446744073709551615 is not in"},
      {"quality", "on", "spec.quality: \"on\" is neither true nor false"},
      {"seed", 18446744073709551615ull, "spec.seed: 18446744073709551615 is not in"},
      {"durationMs", "60s", "spec.durationMs: \"60s\" is not an integer"},
      {"warmupRequests", -1, "spec.warmupRequests: -1 is not in [0, "},
  };
  for (const auto& row : kCases) {
    json document = ToJson(Example());
    document[row.member] = row.value;
    const auto read = BenchSpecFromJson(document);
    ASSERT_FALSE(read.ok()) << document;
    EXPECT_THAT(read.error().message, HasSubstr(row.message));
  }
  EXPECT_FALSE(BenchSpecFromJson(json::array()).ok());
}

}  // namespace
}  // namespace autotune::bench
