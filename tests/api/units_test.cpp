#include "operator/api/units.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <optional>
#include <string>

#include "operator/api/autotune_task.h"

namespace autotune::api {
namespace {

using std::chrono::milliseconds;

TEST(Durations, ParseAsKubernetesWritesThem) {
  const struct {
    std::string text;
    std::optional<double> milliseconds;
  } rows[] = {
      {"61ms", 61},
      {"61.3ms", 61.3},
      {"1.5s", 1500},
      {"45m", 2'700'000},
      {"2h", 7.2e6},
      {"1h30m", 5.4e6},
      {"1m0.5s", 60'500},
      {"0s", 0},
      {"", {}},
      {"5", {}},
      {"ms", {}},
      {"-1s", {}},
      {"1d", {}},
      {"1 s", {}},
      {"1.s", {}},
      {".5s", {}},
      {"1s ", {}},
      {"1e3s", {}},
      {"1sm", {}},
      {"9999999h", {}},
      {"1h30", {}},
      {"1,5s", {}},
      {"99999999999999999999999999h", {}},
  };
  for (const auto& row : rows) {
    const auto parsed = ParseMilliseconds(row.text, "spec.slo.ttft.p99");
    ASSERT_EQ(parsed.ok(), row.milliseconds.has_value()) << row.text;
    if (parsed.ok()) {
      EXPECT_DOUBLE_EQ(*parsed, *row.milliseconds) << row.text;
    } else {
      EXPECT_TRUE(parsed.error().message.starts_with("spec.slo.ttft.p99: \"" + row.text + "\" is not a duration"))
          << parsed.error().message;
    }
  }
}

TEST(Durations, AreWrittenInTheirShortestFormAndReadBack) {
  const struct {
    std::int64_t milliseconds;
    std::string text;
  } rows[] = {
      {0, "0s"},
      {61, "61ms"},
      {1500, "1.5s"},
      {45 * 60'000, "45m"},
      {7'200'000, "2h"},
      {5'400'000, "1h30m"},
      {90'000, "1m30s"},
      {999, "999ms"},
      {60'001, "1m0.001s"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(FormatDuration(milliseconds(row.milliseconds)), row.text);
    const auto back = ParseDuration(row.text, "x");
    ASSERT_TRUE(back.ok()) << row.text;
    EXPECT_EQ(back->count(), row.milliseconds) << row.text;
  }
}

TEST(Latencies, KeepThreeDigitsOrMore) {
  const struct {
    double milliseconds;
    std::string text;
  } rows[] = {{0, "0ms"},          {6.2749, "6.27ms"},  {61.3, "61.3ms"}, {99.994, "99.99ms"}, {99.996, "100ms"},
              {310.24, "310.2ms"}, {999.94, "999.9ms"}, {999.96, "1s"},   {4125.4, "4.125s"},  {61234.6, "61.235s"}};
  for (const auto& row : rows) {
    EXPECT_EQ(FormatLatency(row.milliseconds), row.text);
    const auto back = ParseMilliseconds(row.text, "x");
    ASSERT_TRUE(back.ok());
    EXPECT_LE(std::abs(*back - row.milliseconds), std::max(row.milliseconds * 0.001, 0.005)) << row.text;
  }
}

TEST(Bounds, AreWrittenToTheMicrosecond) {
  EXPECT_EQ(FormatBound(500), "500ms");
  EXPECT_EQ(FormatBound(40.5), "40.5ms");
  EXPECT_EQ(FormatBound(8000), "8s");
  EXPECT_EQ(FormatBound(1500.125), "1500.125ms");
}

TEST(Quantities, ParseAsKubernetesDefinesThem) {
  const struct {
    std::string text;
    std::optional<std::int64_t> bytes;
  } rows[] = {
      {"1024", 1024},
      {"70Gi", 70LL << 30},
      {"80G", 80'000'000'000},
      {"1.5Gi", 3LL << 29},
      {".5Ki", 512},
      {"1.", 1},
      {"2e3", 2000},
      {"2E3", 2000},
      {"1E", 1'000'000'000'000'000'000},
      {"1500m", 2},
      {"9007199254740993", 9'007'199'254'740'993},
      {"", {}},
      {"Gi", {}},
      {"70 Gi", {}},
      {"70GB", {}},
      {"-1", {}},
      {"1.2.3", {}},
      {"16Ei", {}},
      {"99999999999999999999", {}},
      {"2e", {}},
  };
  for (const auto& row : rows) {
    const auto parsed = ParseQuantity(row.text, "spec.gpu.minMemory");
    ASSERT_EQ(parsed.ok(), row.bytes.has_value()) << row.text;
    if (parsed.ok()) {
      EXPECT_EQ(*parsed, *row.bytes) << row.text;
    } else {
      EXPECT_TRUE(parsed.error().message.starts_with("spec.gpu.minMemory: \"" + row.text + "\"")) << row.text;
    }
  }
}

TEST(Decimals, HaveNoTrailingZerosAndNoExponent) {
  const struct {
    double value;
    int decimals;
    std::string text;
  } rows[] = {{3120.4, 2, "3120.4"},
              {3120, 2, "3120"},
              {0.0001, 2, "0"},
              {-0.0001, 2, "0"},
              {-61.2, 1, "-61.2"},
              {100, 0, "100"},
              {1e20, 1, "100000000000000000000"},
              {0.125, 3, "0.125"}};
  for (const auto& row : rows) {
    EXPECT_EQ(FormatDecimal(row.value, row.decimals), row.text);
    EXPECT_TRUE(IsDecimal(row.text));
  }
  EXPECT_EQ(FormatDecimal(std::numeric_limits<double>::infinity(), 2), "0");
  EXPECT_EQ(FormatDecimal(std::numeric_limits<double>::quiet_NaN(), 2), "0");
  for (const std::string text : {"", "-", "1e3", "1.", ".5", "1,5", " 1", "nan"}) EXPECT_FALSE(IsDecimal(text)) << text;
}

}  // namespace
}  // namespace autotune::api
