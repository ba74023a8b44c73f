#include "measurement/statistics.h"

#include <algorithm>
#include <boost/math/distributions/beta.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <map>
#include <numbers>
#include <numeric>

namespace autotune::measurement {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kTail = 0.025;              // on each side of a 95 % interval
constexpr double kNormal975 = 1.9599639845;  // standard normal quantiles
constexpr std::size_t kBatches = 30;         // of samples; fewer where a batch would have fewer than kPerBatch
constexpr std::size_t kPerBatch = 4;
constexpr double kFewBeyond = 30;  // values beyond a percentile
constexpr double kTail90 = 0.9;    // from here on a percentile is one of bursts

double StudentQuantile(double freedom, double tail = kTail) {
  return boost::math::quantile(boost::math::students_t(freedom), 1 - tail);
}

double Mean(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

struct MeanError {
  double variance = 0;  // of the mean
  double freedom = 1;   // degrees of freedom of that variance

  [[nodiscard]] double HalfWidth() const { return StudentQuantile(freedom) * std::sqrt(variance); }
};

// Of the mean of consecutive batches. A queue remembers longer than a batch lasts, so batches follow each other: as an
// autoregressive process of order 1, with Kendall's correction of the bias that few batches give its coefficient, and a
// standard error more where it is there at all: bursts that a window saw too few of make it look small, and the mean's
// error with it. Batches that alternate are not rewarded. REQUIRES: at least 2 batches.
MeanError ErrorOfMean(std::span<const double> batches) {
  const double mean = Mean(batches);
  double squares = 0, neighbours = 0;
  for (std::size_t i = 0; i < batches.size(); ++i) {
    squares += (batches[i] - mean) * (batches[i] - mean);
    if (i > 0) neighbours += (batches[i] - mean) * (batches[i - 1] - mean);
  }
  const auto n = static_cast<double>(batches.size());
  if (squares <= 0) return {0, n - 1};
  double coefficient = neighbours / squares;
  coefficient = std::clamp(coefficient + (1 + 3 * coefficient) / n, 0.0, 1.0);
  constexpr double kSurelyThere = 0.3;
  const double doubt = std::sqrt((1 - coefficient * coefficient) / n) * std::min(coefficient / kSurelyThere, 1.0);
  coefficient = std::min(coefficient + doubt, 0.9);
  const double inflation = (1 + coefficient) / (1 - coefficient);
  // Dependent batches also lie closer to their own mean than to the true one.
  const double shrink = std::max(0.3, 1 - inflation / n);
  return {squares / (n - 1) / n * inflation / shrink, std::max(2.0, (n - 1) / inflation)};
}

// Of the mean of a stationary series: the variance that it has along its slowest cosines (equal-weighted cosines:
// Müller 2007; Lazarus, Lewis, Stock and Watson 2018). Their periods are near the series' length, so waves that are
// shorter than the fastest cosine are not in it. As many degrees of freedom as cosines. REQUIRES: at least 2 values.
MeanError ErrorAlongCosines(std::span<const double> series, std::size_t cosines) {
  const std::size_t n = series.size();
  const std::size_t used = std::clamp<std::size_t>(cosines, 1, n - 1);
  const double mean = Mean(series);  // no cosine has any of it, but for rounding
  double variance = 0;               // of the series, in the long run
  for (std::size_t j = 1; j <= used; ++j) {
    double along = 0;
    for (std::size_t i = 0; i < n; ++i) {
      along += (series[i] - mean) * std::cos(std::numbers::pi * static_cast<double>(j) *
                                             (static_cast<double>(i) + 0.5) / static_cast<double>(n));
    }
    variance += along * along * 2 / static_cast<double>(n) / static_cast<double>(used);
  }
  return {variance / static_cast<double>(n), static_cast<double>(used)};
}

Interval Around(double mean, const MeanError& error) {
  const double half = error.HalfWidth();
  return {mean - half, mean + half};
}

// Means of consecutive batches of nearly equal size; empty for too few samples.
std::vector<double> BatchMeans(std::span<const double> values) {
  const std::size_t batches = std::min(kBatches, values.size() / kPerBatch);
  if (batches < kMinBatches) return {};
  std::vector<double> means;
  for (std::size_t i = 0; i < batches; ++i) {
    const std::size_t begin = i * values.size() / batches;
    const std::size_t end = (i + 1) * values.size() / batches;
    means.push_back(Mean(values.subspan(begin, end - begin)));
  }
  return means;
}

// By how many times the mean of these values varies more than that of independent ones would. A variance that is too
// small by chance does not make them more than they are; that this is only ever corrected upwards also makes up for its
// own uncertainty.
double Dependence(std::span<const double> values) {
  const std::vector<double> batches = BatchMeans(values);
  if (batches.empty()) return 1;
  const auto n = static_cast<double>(values.size());
  const double mean = Mean(values);
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return squares > 0 ? std::max(1.0, ErrorOfMean(batches).variance / (squares / n / n)) : 1;
}

// Bursts beyond a rare percentile are too few to show that they are bursts: then all values tell as well. Those of a
// p90 are seen, and last as long as what makes the values follow each other.
double DependenceBeyond(double share, std::span<const double> below, std::span<const double> values) {
  const double dependence = Dependence(below);
  if (static_cast<double>(below.size()) * (1 - share) < kFewBeyond) {
    return std::max(dependence, std::sqrt(dependence * Dependence(values)));
  }
  return share < kTail90 ? dependence : std::max(dependence, Dependence(values));
}

}  // namespace

QuantileRanks RanksOf(double share, double independent) {
  // Of n values, the one of rank k (also between whole ranks) is below the quantile with the probability that the
  // regularised incomplete beta function gives (Stigler 1977, Hutson 1999): I_share(k, n + 1 - k). Monotone in k.
  const auto below = [&](double rank) { return boost::math::ibeta(rank, independent + 1 - rank, share); };
  const auto solve = [&](double probability) {
    double low = 1, high = independent;
    for (int i = 0; i < 50; ++i) {
      const double middle = (low + high) / 2;
      (below(middle) > probability ? low : high) = middle;
    }
    return (low + high) / 2 / (independent + 1);
  };
  QuantileRanks ranks{-kInfinity, kInfinity};
  if (!(independent >= 1)) return ranks;
  if (below(1) >= 1 - kTail) ranks.low = solve(1 - kTail);
  if (below(independent) <= kTail) ranks.high = solve(kTail);
  return ranks;
}

double Quantile(std::span<const double> sorted, double share) {
  if (sorted.empty()) return 0;
  const double rank = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(std::floor(rank));
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  // A rank that is whole, but for rounding, has one value: what lies beyond it may be infinite.
  constexpr double kRounding = 1e-9;
  const double part = rank - std::floor(rank);
  if (part < kRounding || sorted[above] == sorted[below]) return sorted[below];
  if (part > 1 - kRounding) return sorted[above];
  return sorted[below] + (sorted[above] - sorted[below]) * part;
}

Interval MeanInterval(std::span<const double> batch_means) {
  if (batch_means.size() < 2) return {};
  return Around(Mean(batch_means), ErrorOfMean(batch_means));
}

Interval WaveInterval(std::span<const double> series, std::size_t cosines) {
  if (series.size() < 2) return {};
  return Around(Mean(series), ErrorAlongCosines(series, cosines));
}

Estimate EstimateQuantile(std::span<const Sample> samples, double share) {
  return EstimateQuantiles(samples, std::span(&share, 1)).front();
}

std::vector<Estimate> EstimateQuantiles(std::span<const Sample> samples, std::span<const double> shares) {
  std::vector<Estimate> out(shares.size());
  if (samples.empty()) return out;
  std::vector<double> in_order, high;
  bool open = false;
  for (const Sample& sample : samples) {
    in_order.push_back(sample.value);
    high.push_back(sample.at_least ? kInfinity : sample.value);
    open = open || sample.at_least;
  }
  std::vector<double> low = in_order;
  std::sort(low.begin(), low.end());
  if (open) {
    std::sort(high.begin(), high.end());
  } else {
    high = low;
  }
  const auto at = [](const std::vector<double>& sorted, double rank) {
    const auto n = static_cast<double>(sorted.size());
    return Quantile(sorted, std::clamp((rank * (n + 1) - 1) / std::max(n - 1, 1.0), 0.0, 1.0));
  };
  std::vector<double> below(in_order.size());
  for (std::size_t i = 0; i < shares.size(); ++i) {
    Estimate& estimate = out[i];
    estimate.value = Quantile(low, shares[i]);
    estimate.at_least = Quantile(high, shares[i]) != estimate.value;
    std::transform(in_order.begin(), in_order.end(), below.begin(),
                   [&](double value) { return value <= estimate.value ? 1.0 : 0.0; });
    const auto n = static_cast<double>(in_order.size());
    const double dependence = DependenceBeyond(shares[i], below, in_order);
    const QuantileRanks ranks = RanksOf(shares[i], n / dependence);
    if (std::isfinite(ranks.low)) estimate.interval.low = at(low, ranks.low);
    if (std::isfinite(ranks.high)) estimate.interval.high = at(high, ranks.high);
  }
  return out;
}

Estimate EstimateMean(std::span<const Sample> samples) {
  Estimate out;
  if (samples.empty()) return out;
  std::vector<double> values;
  for (const Sample& sample : samples) {
    values.push_back(sample.value);
    out.at_least = out.at_least || sample.at_least;
  }
  out.value = Mean(values);
  out.interval = MeanInterval(BatchMeans(values));
  // A low mean of what was waited comes with a small variance, a high one with a large one: so by a factor, of what is
  // above the smallest.
  const double least = *std::min_element(values.begin(), values.end());
  const double above = out.value - least;
  if (above > 0 && std::isfinite(out.interval.high)) {
    const double factor = std::exp(out.interval.HalfWidth() / above);
    out.interval = {least + above / factor, least + above * factor};
  }
  if (out.at_least) out.interval.high = kInfinity;
  return out;
}

Estimate EstimatePooledQuantile(std::span<std::vector<double>> batches, double share) {
  const auto take = [share](std::vector<double>& values) {
    const double rank = share * static_cast<double>(values.size() - 1);
    const auto below = values.begin() + static_cast<std::ptrdiff_t>(rank);
    std::nth_element(values.begin(), below, values.end());
    const double part = rank - std::floor(rank);
    if (part == 0) return *below;
    return *below + (*std::min_element(below + 1, values.end()) - *below) * part;
  };
  std::vector<double> pooled, of_batches;
  std::size_t size = 0;
  for (const std::vector<double>& batch : batches) size += batch.size();
  pooled.reserve(size);
  for (std::vector<double>& batch : batches) {
    if (batch.empty()) continue;
    pooled.insert(pooled.end(), batch.begin(), batch.end());
    of_batches.push_back(take(batch));
  }
  Estimate out;
  if (pooled.empty()) return out;
  out.value = take(pooled);
  if (of_batches.size() < kMinBatches) return out;
  const double half = MeanInterval(of_batches).HalfWidth();
  out.interval = {out.value - half, out.value + half};
  return out;
}

Side SideOf(std::span<const double> within, double share, std::span<const double> values) {
  if (within.empty()) return Side::kOpen;
  const auto n = static_cast<double>(within.size());
  const double dependence = values.empty() ? Dependence(within) : DependenceBeyond(share, within, values);
  const QuantileRanks ranks = RanksOf(share, n / dependence);
  const double count = std::accumulate(within.begin(), within.end(), 0.0);
  if (count >= ranks.high * (n + 1)) return Side::kBelow;
  if (count + 1 <= ranks.low * (n + 1)) return Side::kAbove;
  return Side::kOpen;
}

Interval StudentInterval(std::span<const double> values, double confidence) {
  if (values.size() < 2) return {};
  const auto n = static_cast<double>(values.size());
  const double mean = Mean(values);
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  const double half = StudentQuantile(n - 1, (1 - confidence) / 2) * std::sqrt(squares / (n - 1) / n);
  return {mean - half, mean + half};
}

Interval StratifiedInterval(std::span<const double> values, std::span<const std::size_t> groups, double confidence) {
  struct Group {
    double sum = 0, count = 0;
  };
  std::map<std::size_t, Group> of;
  for (std::size_t i = 0; i < values.size(); ++i) {
    of[groups[i]].sum += values[i];
    ++of[groups[i]].count;
  }
  if (values.size() < std::max<std::size_t>(2, 2 * of.size())) return StudentInterval(values, confidence);
  double squares = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Group& group = of[groups[i]];
    const double apart = values[i] - group.sum / group.count;
    squares += apart * apart;
  }
  const auto n = static_cast<double>(values.size());
  const double degrees = n - static_cast<double>(of.size());
  const double mean = Mean(values);
  const double half = StudentQuantile(degrees, (1 - confidence) / 2) * std::sqrt(squares / degrees / n);
  return {mean - half, mean + half};
}

Interval ShareInterval(double successes, double trials) {
  if (!(trials > 0)) return {0, 1};
  const double share = successes / trials;
  const double z2 = kNormal975 * kNormal975;
  const double center = (share + z2 / (2 * trials)) / (1 + z2 / trials);
  const double half =
      kNormal975 * std::sqrt(share * (1 - share) / trials + z2 / (4 * trials * trials)) / (1 + z2 / trials);
  return {std::max(0.0, center - half), std::min(1.0, center + half)};
}

double ChanceOfAtLeast(double successes, double trials, double probability) {
  if (!(successes > 0)) return 1;
  if (successes > trials || !(probability > 0)) return 0;
  return probability >= 1 ? 1 : boost::math::ibeta(successes, trials - successes + 1, probability);
}

double SignTest(int one, int other) {
  const int trials = one + other;
  const int fewer = std::min(one, other);
  if (trials <= 0 || 2 * fewer == trials) return 1;
  // P(at most `fewer` of `trials`) at a probability of one half, on both sides.
  return std::min(1.0, 2 * boost::math::ibeta(trials - fewer, fewer + 1, 0.5));
}

}  // namespace autotune::measurement
