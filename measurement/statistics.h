// Percentiles and 95 % confidence intervals of benchmark values, which are autocorrelated and may be lower
// bounds.
//
// Pure and thread-safe. Methods and their measured coverage: docs/benchmark.md, "Confidence".
#pragma once

#include <cstddef>
#include <limits>
#include <span>
#include <vector>

namespace autotune::measurement {

struct Interval {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();

  [[nodiscard]] bool Holds(double value) const { return low <= value && value <= high; }
  [[nodiscard]] double HalfWidth() const { return (high - low) / 2; }
  bool operator==(const Interval&) const = default;
};

// Quantile at `share` in [0, 1], interpolated linearly between the closest ranks (Hyndman and Fan, type 7, as in
// numpy.percentile and most benchmark clients). 0 without values. REQUIRES: `sorted` is ascending.
double Quantile(std::span<const double> sorted, double share);

// Minimum number of batches for an interval: the error of fewer batches is not known well enough.
inline constexpr std::size_t kMinBatches = 10;

// Interval of the mean of a stationary series, from means of consecutive batches of equal weight (Student's t).
// Unbounded for fewer than 2 batches.
Interval MeanInterval(std::span<const double> batch_means);

// Interval of the mean of a stationary time series whose fast waves do not matter, such as the throughput of a closed
// loop: equal-weighted cosines, Student's t. The fastest of `cosines` has half as many periods in the series; waves at
// least as fast do not widen the interval. Unbounded for fewer than 2 values.
Interval WaveInterval(std::span<const double> series, std::size_t cosines);

// Interval of the mean of independent values (Student's t). Unbounded for fewer than 2 values.
Interval StudentInterval(std::span<const double> values, double confidence);

// The same for values of several groups (`groups[i]`): differences between group means do not widen the interval.
// REQUIRES: groups of about equal size. Student's interval with fewer than two values per group.
Interval StratifiedInterval(std::span<const double> values, std::span<const std::size_t> groups, double confidence);

// One value of a time series. With at_least it is a lower bound (a request that has not ended).
struct Sample {
  double value = 0;
  bool at_least = false;
};

struct Estimate {
  double value = 0;       // with every `at_least` value counted as its bound
  bool at_least = false;  // the true value may be higher: an unfinished value ranks at or below this statistic
  Interval interval;      // 95 %; unfinished values count as their bound at the low end, as infinite at the high end
};

// Quantile at `share`, in (0, 1): order statistics with the number of independent values that autocorrelation leaves.
// That follows from the variance of "is below the quantile" over batches of consecutive samples (never below that of
// independent samples), and for few samples beyond it also from the samples' variance. `high` is infinite if no sample
// is high enough, as for a p99 of fewer than 368.
Estimate EstimateQuantile(std::span<const Sample> samples, double share);
// Several quantiles of the same samples, for the cost of one.
std::vector<Estimate> EstimateQuantiles(std::span<const Sample> samples, std::span<const double> shares);
Estimate EstimateMean(std::span<const Sample> samples);
// For very many values that are correlated across requests, such as gaps between output events. `batches`: consecutive,
// of equal duration; the interval is that of the batches' own quantiles. Reorders them.
Estimate EstimatePooledQuantile(std::span<std::vector<double>> batches, double share);

// Position of the quantile at `share` relative to a limit, with 95 % confidence. `within`: in order of time, 1 for a
// value at or below the limit, else 0.
enum class Side { kBelow, kAbove, kOpen };
// `values`: the values themselves, if all are known; their autocorrelation shows bursts that are rarer than values
// above the limit.
Side SideOf(std::span<const double> within, double share, std::span<const double> values = {});

// Ranks, as shares of n + 1, of the values that enclose the quantile at `share` with 95 % confidence, for `independent`
// independent values. Infinite if no value is low or high enough.
struct QuantileRanks {
  double low = 0, high = 0;
};
QuantileRanks RanksOf(double share, double independent);

// Wilson's interval of a share of successes, such as an error rate. {0, 1} without trials.
Interval ShareInterval(double successes, double trials);

// Probability of `successes` or more in `trials`, each with this probability. 1 for no successes.
double ChanceOfAtLeast(double successes, double trials, double probability);

// Two-sided p-value of a binomial test of equal odds (McNemar's exact test of discordant pairs). 1 without trials.
double SignTest(int one, int other);

}  // namespace autotune::measurement
