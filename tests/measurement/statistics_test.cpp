#include "measurement/statistics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "measurement/arrival_gaps.h"
#include "measurement/keyed_random.h"
#include "measurement/window.h"
#include "tests/measurement/simulated_load.h"

namespace autotune::measurement {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// 41 log-normal numbers; what is expected of them comes from numpy 2.4.
const std::vector<double> kValues = {55.92, 141.43, 128.68, 38.2,  44.32, 37.74, 81.35, 52.5,  92.09,  14.98, 163.46,
                                     51.03, 87.91,  49.62,  41.87, 75.5,  97.24, 47.38, 49.06, 88.23,  29.69, 18.91,
                                     71.99, 34.14,  14.24,  30.88, 39.36, 23.68, 19.21, 56.02, 102.32, 46.38, 32.44,
                                     71.49, 90.2,   44.26,  79.94, 113.3, 47.23, 30.89, 69.64};

std::vector<Sample> Samples(const std::vector<double>& values) {
  std::vector<Sample> samples;
  for (const double value : values) samples.push_back({value});
  return samples;
}

TEST(Quantile, IsNumpys) {
  std::vector<double> sorted = kValues;
  std::sort(sorted.begin(), sorted.end());
  const struct {
    double share, expected;
  } kCases[] = {{0, 14.24},    {0.1, 23.68},   {0.25, 37.74},   {0.5, 49.62},
                {0.9, 102.32}, {0.95, 128.68}, {0.99, 154.648}, {1, 163.46}};
  for (const auto& row : kCases) {
    EXPECT_NEAR(Quantile(sorted, row.share), row.expected, 1e-9) << row.share;
    if (row.share > 0 && row.share < 1) {
      EXPECT_NEAR(EstimateQuantile(Samples(kValues), row.share).value, row.expected, 1e-9) << row.share;
    }
  }
  EXPECT_EQ(Quantile({}, 0.5), 0);
}

TEST(RanksOf, AreThoseOfTheBetaDistribution) {
  // scipy.special.betainc(k, n + 1 - k, share) = 0.975 and 0.025, solved for k; k / (n + 1).
  const struct {
    double share, independent, low, high;
  } kCases[] = {{.5, 41, 0.351462541, 0.648537459},   {.9, 200, 0.854908758, 0.937309872},
                {.95, 120, 0.904531619, 0.980806520}, {.99, 367, 0.977439422, kInfinity},
                {.99, 368, 0.977459472, 0.997277568}, {.99, 1000, 0.982930185, 0.995149978},
                {.5, 6.5, 0.179022961, 0.820977039},  {.9, 73.4, 0.822473387, 0.956359932}};
  for (const auto& row : kCases) {
    const QuantileRanks ranks = RanksOf(row.share, row.independent);
    EXPECT_NEAR(ranks.low, row.low, 1e-8) << row.share << " of " << row.independent;
    if (std::isinf(row.high)) {
      EXPECT_TRUE(std::isinf(ranks.high)) << row.independent;
    } else {
      EXPECT_NEAR(ranks.high, row.high, 1e-8) << row.share << " of " << row.independent;
    }
  }
}

TEST(ShareInterval, IsWilsons) {
  // scipy.stats.binomtest(k, n).proportion_ci(method="wilson").
  const struct {
    double successes, trials, low, high;
  } kCases[] = {{0, 10, 0, 0.2775327999},
                {1, 100, 0.0017674321, 0.0544861962},
                {7, 50, 0.0695083343, 0.2618619371},
                {50, 50, 0.9286524009, 1},
                {3, 1000, 0.0010207839, 0.0087830141}};
  for (const auto& row : kCases) {
    const Interval interval = ShareInterval(row.successes, row.trials);
    EXPECT_NEAR(interval.low, row.low, 1e-9);
    EXPECT_NEAR(interval.high, row.high, 1e-9);
  }
  EXPECT_EQ(ShareInterval(0, 0), (Interval{0, 1}));
}

TEST(ChanceOfAtLeast, IsTheBinomialTail) {
  // The sum of the probabilities.
  const struct {
    double successes, trials, probability, chance;
  } kCases[] = {{1, 17, 0.01, 0.1570568066},
                {3, 17, 0.01, 0.0006121919},
                {2, 400, 0.01, 0.9095219587},
                {12, 400, 0.01, 0.0008492847}};
  for (const auto& row : kCases) {
    EXPECT_NEAR(ChanceOfAtLeast(row.successes, row.trials, row.probability), row.chance, 1e-9);
  }
  EXPECT_EQ(ChanceOfAtLeast(0, 17, 0.01), 1);
  EXPECT_EQ(ChanceOfAtLeast(1, 17, 0), 0);
  EXPECT_EQ(ChanceOfAtLeast(1, 17, 1), 1);
}

TEST(MeanInterval, WidensWhereBatchesFollowEachOther) {
  // An independent implementation of the same formulas on scipy.stats.t.
  const struct {
    std::vector<double> batches;
    double low, high;
  } kCases[] = {
      {{100, 104, 99, 105, 98, 103, 101, 106, 97, 104, 100, 103}, 99.74053399, 103.59279935},
      {{100.7, 103.3, 96.1, 98.0, 97.5, 94.8, 100.4, 101.6, 97.8, 104.2, 102.5, 101.9}, 94.11355924, 105.68644076},
      {{100, 101, 101, 103, 102, 104, 105, 104, 106, 107, 107, 109}, 76.29790898, 131.86875769},
  };
  for (const auto& row : kCases) {
    const Interval interval = MeanInterval(row.batches);
    EXPECT_NEAR(interval.low, row.low, 1e-6);
    EXPECT_NEAR(interval.high, row.high, 1e-6);
  }
  EXPECT_TRUE(std::isinf(MeanInterval(std::vector<double>{1}).high));
  EXPECT_EQ(MeanInterval(std::vector<double>(20, 7.0)), (Interval{7, 7}));
}

TEST(WaveInterval, IsThatOfTheSlowestCosines) {
  // An independent implementation of the same formulas with scipy.stats.t.
  const struct {
    std::vector<double> series;
    std::size_t cosines;
    double low, high;
  } kCases[] = {
      {{100, 104, 99, 105, 98, 103, 101, 106, 97, 104, 100, 103}, 8, 100.86529370, 102.46803964},
      {{100.7, 103.3, 96.1, 98.0, 97.5, 94.8, 100.4, 101.6, 97.8, 104.2, 102.5, 101.9}, 8, 97.92291566, 101.87708434},
      {{100.7, 103.3, 96.1, 98.0, 97.5, 94.8, 100.4, 101.6, 97.8, 104.2, 102.5, 101.9}, 3, 96.04467814, 103.75532186},
      // All there are: Student's interval of independent values.
      {{100.7, 103.3, 96.1, 98.0, 97.5, 94.8, 100.4, 101.6, 97.8, 104.2, 102.5, 101.9}, 99, 97.99562455, 101.80437545},
  };
  for (const auto& row : kCases) {
    const Interval interval = WaveInterval(row.series, row.cosines);
    EXPECT_NEAR(interval.low, row.low, 1e-6);
    EXPECT_NEAR(interval.high, row.high, 1e-6);
  }
  EXPECT_TRUE(std::isinf(WaveInterval(std::vector<double>{1}, 8).high));
  EXPECT_EQ(WaveInterval(std::vector<double>(20, 7.0), 8), (Interval{7, 7}));
}

TEST(WaveInterval, WidensWithWhatNeighboursHaveInCommonAndNotWithFastWaves) {
  std::vector<double> wave, blocks;
  KeyedRandom random(3);
  for (int i = 0; i < 120; ++i) {
    wave.push_back(100 + 10 * std::cos(2 * 3.14159265 * i / 10) + random.Normal());
    blocks.push_back(i % 20 == 0 ? 100 + 10 * random.Normal() : blocks.back());
  }
  EXPECT_LT(WaveInterval(wave, 8).HalfWidth(), 1) << "twelve periods of 10, the noise of 120 values is 0.18";
  EXPECT_GT(WaveInterval(blocks, 8).HalfWidth(), 4) << "six values, whatever their number";
}

TEST(EstimateQuantile, SaysSoWhereAnUnfinishedValueRanksBelow) {
  std::vector<Sample> samples = Samples({1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
  samples.push_back({30, true});
  EXPECT_FALSE(EstimateQuantile(samples, 0.5).at_least);
  EXPECT_EQ(EstimateQuantile(samples, 0.5).value, 6);
  EXPECT_TRUE(EstimateQuantile(samples, 0.99).at_least);
  samples.push_back({2, true});  // young: it may become anything
  EXPECT_TRUE(EstimateQuantile(samples, 0.5).at_least);
  EXPECT_FALSE(EstimateQuantile(samples, 0.01).at_least);
}

// Two groups 10 apart, of 1 to 3 and 11 to 13: mean 7, four degrees of freedom, t(0.975, 4) is 2.7764 in any table.
// The median of three is the second, whatever the third will be.
TEST(EstimateQuantile, OnlyWhatAnUnfinishedValueMayChangeIsALowerBound) {
  const auto at_least = [](std::vector<Sample> samples, double share) {
    return EstimateQuantile(samples, share).at_least;
  };
  EXPECT_FALSE(at_least({{1}, {2}, {3, true}}, 0.5));
  EXPECT_TRUE(at_least({{1}, {2, true}, {3}}, 0.5));
  EXPECT_TRUE(at_least({{1}, {2}, {3, true}, {4, true}}, 0.5)) << "between the second and the third";
  EXPECT_TRUE(at_least({{1, true}, {2}, {3}}, 0.5)) << "may be the largest";
  std::vector<Sample> many(101, Sample{1});
  many.back() = {2, true};
  EXPECT_FALSE(at_least(many, 0.99)) << "the 100th of 101";
  EXPECT_FALSE(at_least(many, 0.9));
}

TEST(StratifiedInterval, IsAboutWhatScattersWithinGroups) {
  const std::vector<double> values = {1, 11, 2, 12, 3, 13};
  const std::vector<std::size_t> groups = {0, 7, 0, 7, 0, 7};
  const Interval interval = StratifiedInterval(values, groups, 0.95);
  EXPECT_NEAR((interval.low + interval.high) / 2, 7, 1e-12);
  EXPECT_NEAR(interval.HalfWidth(), 2.7764 / std::sqrt(6), 1e-4) << "s = 1";
  const std::vector<std::size_t> one(values.size(), 3);
  EXPECT_DOUBLE_EQ(StratifiedInterval(values, one, 0.95).low, StudentInterval(values, 0.95).low);
  const std::vector<std::size_t> each = {0, 1, 2, 3, 4, 0};
  EXPECT_DOUBLE_EQ(StratifiedInterval(values, each, 0.95).low, StudentInterval(values, 0.95).low)
      << "too few of each to tell";
  EXPECT_TRUE(std::isinf(StratifiedInterval({}, {}, 0.95).HalfWidth()));
}

TEST(EstimateQuantile, CountsUnfinishedValuesAsInfiniteAtTheHighEnd) {
  KeyedRandom random(5);
  std::vector<Sample> samples;
  for (int i = 0; i < 400; ++i) samples.push_back({random.Exponential(), false});
  const Estimate finished = EstimateQuantile(samples, 0.95);
  for (int i = 0; i < 400; i += 10) samples[static_cast<std::size_t>(i)].at_least = true;
  const Estimate open = EstimateQuantile(samples, 0.95);
  EXPECT_EQ(open.interval.low, finished.interval.low);
  EXPECT_TRUE(std::isinf(open.interval.high)) << "10 % are open: the p95 may be anything";
  EXPECT_TRUE(std::isfinite(EstimateQuantile(samples, 0.5).interval.high));
}

TEST(EstimatePooledQuantile, IsTheQuantileOfAllAndHoldsIt) {
  KeyedRandom random(9);
  std::vector<std::vector<double>> batches(20);
  std::vector<double> all;
  for (auto& batch : batches) {
    for (int i = 0; i < 500; ++i) all.push_back(batch.emplace_back(random.Exponential()));
  }
  std::sort(all.begin(), all.end());
  for (const double share : {0.5, 0.9, 0.99}) {
    auto copy = batches;
    const Estimate estimate = EstimatePooledQuantile(copy, share);
    EXPECT_NEAR(estimate.value, Quantile(all, share), 1e-12);
    EXPECT_TRUE(estimate.interval.Holds(estimate.value));
    EXPECT_LT(estimate.interval.HalfWidth(), 0.15 * estimate.value);
  }
}

TEST(SideOf, FollowsTheShareAndItsCertainty) {
  const auto within = [](int of, int kept) {
    std::vector<double> out(static_cast<std::size_t>(of), 1.0);
    // Evenly spread failures.
    for (int i = 0; i < of - kept; ++i) out[static_cast<std::size_t>(i * of / (of - kept))] = 0;
    return out;
  };
  EXPECT_EQ(SideOf(within(400, 400), 0.99), Side::kBelow);
  EXPECT_EQ(SideOf(within(300, 300), 0.99), Side::kOpen) << "fewer than 368 do not tell a p99";
  EXPECT_EQ(SideOf(within(400, 396), 0.99), Side::kOpen);
  EXPECT_EQ(SideOf(within(400, 380), 0.99), Side::kAbove);
  EXPECT_EQ(SideOf(within(20, 16), 0.99), Side::kAbove);
  EXPECT_EQ(SideOf(within(100, 98), 0.9), Side::kBelow);
  EXPECT_EQ(SideOf({}, 0.9), Side::kOpen);
}

TEST(SideOf, CountsDependentFailuresOnce) {
  // 40 failures of 400, one by one and in one burst.
  std::vector<double> spread(400, 1.0), burst(400, 1.0);
  for (std::size_t i = 0; i < 40; ++i) spread[i * 10] = burst[200 + i] = 0;
  EXPECT_EQ(SideOf(spread, 0.95), Side::kAbove);
  EXPECT_EQ(SideOf(burst, 0.95), Side::kOpen) << "one burst is one event";
}

// How many of 500 points' 95 % intervals hold the truth, which a run of 30,000 service times gives.
struct Coverage {
  double p50 = 0, p90 = 0, p99 = 0, mean = 0, throughput = 0;
};
Coverage CoverageOf(const SimulatedServer& server, const Load& load, std::chrono::seconds window) {
  constexpr int kPoints = 500;
  constexpr std::chrono::seconds kWarm(30);
  const auto read = [&](const SimulatedLoad& run, std::chrono::seconds until) {
    std::vector<Sample> ttft;
    for (const RequestRecord& record : run.All()) {
      if (record.start >= kWarm && record.start < until) ttft.push_back({record.events.front() / 1e3});
    }
    return ttft;
  };
  // The product's own: of a point that is held for the whole window.
  PointSpec spec;
  spec.load = load;
  spec.duration = window;
  spec.precision.decide_slo = false;
  Progress held;
  held.phase = Phase::kWindow;
  held.window_start = kWarm;
  const auto throughput_of = [&](const SimulatedLoad& run) {
    return Evaluate(spec, run.At(kWarm + window), kWarm + window, held).point;
  };
  constexpr std::chrono::seconds kLong(15000);
  const SimulatedLoad longest(server, load, kLong, 424242);
  std::vector<double> truth;
  double sum = 0;
  for (const Sample& sample : read(longest, kLong)) {
    truth.push_back(sample.value);
    sum += sample.value;
  }
  std::sort(truth.begin(), truth.end());
  // Of a rate, each request that arrives brings its tokens; in a long run of a closed loop as many end as start.
  const double started = load.kind == LoadKind::kRequestRate
                             ? load.value
                             : static_cast<double>(truth.size()) / std::chrono::duration<double>(kLong - kWarm).count();
  const double true_throughput = started * server.tokens;
  Coverage out;
  for (std::uint64_t seed = 1; seed <= kPoints; ++seed) {
    const SimulatedLoad run(server, load, kWarm + window, seed);
    const std::vector<Sample> ttft = read(run, kWarm + window);
    const auto holds = [&](double share) {
      return EstimateQuantile(ttft, share).interval.Holds(Quantile(truth, share)) ? 1.0 / kPoints : 0;
    };
    out.p50 += holds(0.5);
    out.p90 += holds(0.9);
    out.p99 += holds(0.99);
    if (EstimateMean(ttft).interval.Holds(sum / static_cast<double>(truth.size()))) out.mean += 1.0 / kPoints;
    const Point point = throughput_of(run);
    if (std::abs(point.output_tokens_per_second - true_throughput) <= point.output_tokens_per_second_ci + 1e-9) {
      out.throughput += 1.0 / kPoints;
    }
  }
  return out;
}

// Arrivals of a rate hold it over 30 latencies, as a pod's do.
TEST(Coverage, OfManySimulatedPointsIsWhatTheIntervalsSay) {
  SimulatedServer server;
  server.tokens = 4;
  server.slots = 16;
  const struct {
    const char* name;
    Load load;
    std::chrono::seconds window;
  } kCases[] = {
      {"closed loop without a queue, 60 s", Concurrency(16), std::chrono::seconds(60)},
      {"closed loop with a queue, 60 s", Concurrency(24), std::chrono::seconds(60)},
      {"Poisson arrivals at 60 % of the capacity, 60 s", RequestRate(0.6 * 16), std::chrono::seconds(60)},
      {"Poisson arrivals at 75 % of the capacity, 60 s", RequestRate(0.75 * 16), std::chrono::seconds(60)},
  };
  for (const auto& row : kCases) {
    const bool rate = row.load.kind == LoadKind::kRequestRate;
    server.block = rate ? BlockOfArrivals(row.load.value, std::chrono::seconds(1)) : 0;
    const Coverage coverage = CoverageOf(server, row.load, row.window);
    std::printf("%s: p50 %.1f %%, p90 %.1f %%, p99 %.1f %%, mean %.1f %%, throughput %.1f %%\n", row.name,
                100 * coverage.p50, 100 * coverage.p90, 100 * coverage.p99, 100 * coverage.mean,
                100 * coverage.throughput);
    for (const double share : {coverage.p50, coverage.mean}) {
      EXPECT_GE(share, 0.915) << row.name;  // 500 points are themselves uncertain by 1.2 %
      EXPECT_LE(share, 0.985) << row.name;
    }
    EXPECT_GE(coverage.p90, 0.915) << row.name;
    EXPECT_LE(coverage.p90, 0.998) << row.name;  // rather too wide where there are no bursts
    // Of a rate it is known but for the queue.
    EXPECT_GE(coverage.throughput, 0.93) << row.name;
    if (!rate) {
      EXPECT_LE(coverage.throughput, 0.985) << row.name;
    }
    // Few values lie beyond a p99: its interval can only be wider than asked, and is infinite above for few requests.
    EXPECT_GE(coverage.p99, 0.93) << row.name;
  }
}

}  // namespace
}  // namespace autotune::measurement
