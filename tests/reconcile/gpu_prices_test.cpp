#include "operator/reconcile/gpu_prices.h"

#include <gmock/gmock.h>

#include "operator/reconcile/decide.h"
#include "tests/reconcile/fake_cluster.h"

namespace autotune::reconcile {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

void MeasureWell(FakeCluster& cluster, nlohmann::json& pod) { cluster.Finish(pod, ResultMessage(1000, 7), 0); }

TEST(ParseGpuPrices, ReadsProductsWithTheirPrice) {
  EXPECT_THAT(*ParseGpuPrices(""), IsEmpty());
  EXPECT_THAT(*ParseGpuPrices("H100=4.10,NVIDIA-L40S=1"), ElementsAre(Pair("H100", "4.10"), Pair("NVIDIA-L40S", "1")));
}

TEST(ParseGpuPrices, RefusesByName) {
  const std::pair<const char*, const char*> rows[] = {
      {"=4", "\"=4\" has no product: write H100=4.10"},
      {"H100", "H100: \"\" is not a price per hour such as 4.10"},
      {"H100=free", "H100: \"free\" is not a price per hour such as 4.10"},
      {"H100=0", "H100: \"0\" is not a price per hour such as 4.10"},
      {"H100=-1", "H100: \"-1\" is not a price per hour such as 4.10"},
      {"H100=4e3", "H100: \"4e3\" is not a price per hour such as 4.10"},
      {"H100=1,H100=2", "H100: has two prices"},
      {"H100=1,h100=1", "h100: has two prices, the other one as H100"},
      {"NVIDIA L40S=1,nvidia-l40s=2", "nvidia-l40s: has two prices, the other one as NVIDIA L40S"},
  };
  for (const auto& [text, message] : rows) {
    const auto prices = ParseGpuPrices(text);
    ASSERT_FALSE(prices.ok()) << text;
    EXPECT_EQ(prices.error().message, message);
  }
}

TEST(UnknownProducts, AreNamedWithTheNearestKnownOne) {
  EXPECT_THAT(UnknownProducts({{"H100", "4"}, {"NVIDIA-L40S", "1"}, {"AMD_Instinct_MI300X_OAM", "5"}}), IsEmpty());
  EXPECT_THAT(
      UnknownProducts({{"h1000", "4"}, {"gpu-of-ours", "4"}}),
      ElementsAre("gpu-of-ours is not a known GPU: The price applies only to nodes that have exactly this value as "
                  "the label of their GPU",
                  "h1000 is not a known GPU; did you mean h100? The price applies only to nodes that have exactly "
                  "this value as the label of their GPU"));
}

TEST(PriceOf, IsThatOfTheProductsOwnNameElseOfAShortOne) {
  const GpuPrices prices = {{"H100", "4"}, {"NVIDIA-H100-PCIe", "3"}, {"mi300x", "5"}};
  api::GpuSpec gpus;
  EXPECT_EQ(PriceOf(prices, gpus, "NVIDIA-H100-80GB-HBM3"), "4");
  EXPECT_EQ(PriceOf(prices, gpus, "NVIDIA-H100-PCIe"), "3");
  EXPECT_EQ(PriceOf(prices, gpus, "NVIDIA-L40S"), "");
  EXPECT_EQ(PriceOf(prices, gpus, ""), "") << "nothing is known of the nodes' GPUs";
  gpus.resource_name = "nvidia.com/mig-3g.40gb";
  EXPECT_EQ(PriceOf(prices, gpus, "NVIDIA-H100-80GB-HBM3"), "") << "a part of a GPU";
  gpus.resource_name = "amd.com/gpu";
  EXPECT_EQ(PriceOf(prices, gpus, "AMD_Instinct_MI300X_OAM"), "5");
}

TEST(Decide, TheOperatorsPriceHoldsWhereTheTaskHasNone) {
  const auto run = [](nlohmann::json task) {
    FakeCluster cluster(std::move(task));
    cluster.settings.gpu_prices = {{"H100", "3.60"}};
    cluster.nodes = {{{"metadata", {{"name", "n"}, {"labels", {{"nvidia.com/gpu.product", "NVIDIA-H100-80GB-HBM3"}}}}},
                      {"status", {{"allocatable", {{"nvidia.com/gpu", "1"}}}}}}};
    cluster.RunToEnd(MeasureWell);
    return cluster.Task().status;
  };
  const api::TaskStatus priced = run(SmallTask());
  ASSERT_EQ(priced.gpus.front().product, "NVIDIA-H100-80GB-HBM3");
  EXPECT_EQ(priced.gpus.front().price_per_hour, "3.60");
  EXPECT_EQ(priced.cost.price, "0.24");  // 0.0667 GPU-hours
  ASSERT_TRUE(priced.best);
  EXPECT_NE(priced.best->price, "");
  nlohmann::json own = SmallTask();
  own["spec"]["gpu"] = {{"pricePerHour", "36"}};
  EXPECT_EQ(run(own).gpus.front().price_per_hour, "");
  EXPECT_EQ(run(own).cost.price, "2.4");
}

}  // namespace
}  // namespace autotune::reconcile
