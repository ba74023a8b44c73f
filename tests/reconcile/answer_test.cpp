#include "operator/reconcile/answer.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace autotune::reconcile {
namespace {

TEST(PricesAt, BothAreOfTheSameThroughput) {
  // A short window: its count of started requests is not the rate at which tokens arrived.
  measurement::Point point;
  point.window_seconds = 2.5;
  point.input_tokens = 27'904;
  point.output_tokens = 3'488;
  point.output_tokens_per_second = 1564;
  const TokenPrices prices = PricesAt(2.5, point, 1);
  EXPECT_EQ(prices.output, "0.444");
  EXPECT_EQ(prices.input, "0.0555") << "an eighth, as the lengths are";
}

api::ExperimentStatus WithRates(const std::string& name, const std::vector<std::pair<double, bool>>& rates) {
  api::ExperimentStatus start;
  start.name = name;
  for (const auto& [rate, met] : rates) {
    api::LoadRow& row = start.loads.emplace_back();
    row.measured.load = measurement::RequestRate(rate);
    row.measured.role = measurement::PointRole::kConfirmation;
    row.measured.requests = 100;
    row.meets_slo = met;
  }
  return start;
}

TEST(TriedRatesOf, NamesAHigherRateOfAnotherStart) {
  const api::ExperimentStatus low = WithRates("e4", {{62.19, true}}), high = WithRates("e5", {{64.82, true}});
  const TriedRates rates = TriedRatesOf({&low, &high}, "");
  ASSERT_NE(rates.kept, nullptr);
  EXPECT_EQ(rates.start, &low);
  EXPECT_EQ(rates.missed, nullptr);
  ASSERT_NE(rates.other_tried, nullptr);
  EXPECT_EQ(rates.other, &high);
  EXPECT_EQ(rates.other_tried->load.value, 64.82);
  EXPECT_TRUE(rates.other_kept);
  EXPECT_EQ(TriedRatesOf({&low}, "").other_tried, nullptr);
  const api::ExperimentStatus missed = WithRates("e6", {{64.82, true}, {70, false}});
  EXPECT_EQ(TriedRatesOf({&low, &missed}, "").other_tried->load.value, 70);
  EXPECT_FALSE(TriedRatesOf({&low, &missed}, "").other_kept);
}

}  // namespace
}  // namespace autotune::reconcile
