#include "tuning/quality.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <vector>

namespace autotune::tuning {
namespace {

// 95th percentile of Student's t with n degrees of freedom: with it as the factor, 90 % of the intervals hold the true
// mean. Expansion around the normal quantile to second order (Abramowitz and Stegun, 26.7.5): off by less than 1 % from
// n = 4 on.
double StudentQuantile95(std::size_t n) {
  constexpr double z = 1.6448536269514722;
  const auto freedom = static_cast<double>(n);
  const double first = (z * z * z + z) / 4;
  const double second = (5 * std::pow(z, 5) + 16 * z * z * z + 3 * z) / 96;
  return z + first / freedom + second / (freedom * freedom);
}

}  // namespace

std::optional<QualityChange> CompareQuality(const measurement::Quality& measured,
                                            const measurement::Quality& reference) {
  const std::size_t n = measured.nll.size();
  if (measured.passages != reference.passages || n != reference.nll.size() || n < 2) return std::nullopt;
  std::vector<double> differences(n);
  std::transform(measured.nll.begin(), measured.nll.end(), reference.nll.begin(), differences.begin(), std::minus<>());
  const auto count = static_cast<double>(n);
  QualityChange change;
  change.delta = std::accumulate(differences.begin(), differences.end(), 0.0) / count;
  double squares = 0;
  for (const double difference : differences) squares += (difference - change.delta) * (difference - change.delta);
  change.ci = StudentQuantile95(n - 1) * std::sqrt(squares / (count - 1) / count);
  if (!std::isfinite(change.delta) || !std::isfinite(change.ci)) return std::nullopt;
  return change;
}

double MeanNll(const measurement::Quality& quality) {
  if (quality.nll.empty()) return 0;
  return std::accumulate(quality.nll.begin(), quality.nll.end(), 0.0) / static_cast<double>(quality.nll.size());
}

double PerplexityGrowth(double delta) { return std::expm1(std::min(delta, 50.0)); }

}  // namespace autotune::tuning
