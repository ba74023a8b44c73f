// Percentiles and 95 % confidence intervals of benchmark values, which depend on their neighbours and may be lower
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

// The quantile at `share` in [0, 1], with linear interpolation between the closest ranks (Hyndman and Fan, type 7: what
// numpy.percentile and with it the field's benchmark clients do). 0 for no values. `sorted` must be ascending.
double Quantile(std::span<const double> sorted, double share);

// Fewest batches that an interval is made of: fewer have an error of their own error that is too large.
inline constexpr std::size_t kMinBatches = 10;

// Of the mean of a stationary series from the means of consecutive batches of equal weight (Student's t). Unbounded for
// fewer than 2 batches.
Interval MeanInterval(std::span<const double> batch_means);

// Of the mean of a stationary series in the order of time, with waves that are not of interest, such as the throughput
// of a closed loop: equal-weighted cosines, Student's t. The fastest of `cosines` has half as many periods in the
// series; a wave at least as fast does not widen the interval. Unbounded for fewer than 2 values.
Interval WaveInterval(std::span<const double> series, std::size_t cosines);

// Of the mean of independent values (Student's t). Unbounded for fewer than 2.
Interval StudentInterval(std::span<const double> values, double confidence);

// The same for values of several groups (`groups[i]`): differences between their means do not widen the interval.
// Groups of about equal size count by their size. Student's interval where there are fewer than two values a group.
Interval StratifiedInterval(std::span<const double> values, std::span<const std::size_t> groups, double confidence);

// One value in the order of time. A bounded one is at least `value` (a request that has not ended).
struct Sample {
  double value = 0;
  bool at_least = false;
};

struct Estimate {
  double value = 0;       // every `at_least` counted as its bound
  bool at_least = false;  // the true one may be higher: an unfinished value ranks at or below this statistic
  Interval interval;      // 95 %; unfinished values count as their bound at its low end and as infinite at its high end
};

// Of the quantile at `share`, in (0, 1). Order statistics with as many independent values as the neighbours' dependence
// leaves: the variance of "is below the quantile" over batches of consecutive samples, never less than independent
// samples have; where few lie beyond it, also the variance of the samples themselves. `high` is infinite where no
// sample is high enough, as for a p99 of fewer than 368.
Estimate EstimateQuantile(std::span<const Sample> samples, double share);
// Several of the same samples, for the price of one.
std::vector<Estimate> EstimateQuantiles(std::span<const Sample> samples, std::span<const double> shares);
Estimate EstimateMean(std::span<const Sample> samples);
// For very many values that depend on each other across requests, such as the gaps between output events: `batches` are
// consecutive and of equal length in time, and the interval is that of the batches' own quantiles. Reorders them.
Estimate EstimatePooledQuantile(std::span<std::vector<double>> batches, double share);

// Where the quantile at `share` lies, with 95 % confidence. `within`, in the order of time: 1 for a value at or below
// the limit, 0 for one above it.
enum class Side { kBelow, kAbove, kOpen };
// `values`: the compared values, if all are known; their dependence shows bursts that are rarer than those above the
// limit.
Side SideOf(std::span<const double> within, double share, std::span<const double> values = {});

// The ranks, as shares of n + 1, of the values that hold the quantile at `share` between them with 95 % confidence, for
// `independent` independent values. Infinite where no value is low or high enough.
struct QuantileRanks {
  double low = 0, high = 0;
};
QuantileRanks RanksOf(double share, double independent);

// A share of successes, such as an error rate: Wilson's interval. {0, 1} for no trials.
Interval ShareInterval(double successes, double trials);

// The probability of `successes` or more in `trials` by chance, if each has this probability. 1 for no successes.
double ChanceOfAtLeast(double successes, double trials, double probability);

// The two-sided p-value of a binomial test of equal odds (McNemar's exact test of discordant pairs). 1 for no trials.
double SignTest(int one, int other);

}  // namespace autotune::measurement
