#include "measurement/predicted_load.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>

#include "base/keyed_random.h"

namespace autotune::measurement {
namespace {

// Set on replayed surfaces (docs/search.md, the step rule).
constexpr int kDraws = 128;
constexpr double kGainToGoOn = 0.001;  // of the best so far; 0.02 misses the optimum two to three times as often
constexpr double kFeasibleShareToGoOn = 0.05;  // of draws, while nothing is feasible
constexpr double kBorderline = 1.5;            // standard deviations of one measurement
constexpr int kMeasurementsOfBorderline = 2;
constexpr double kRoughnessRange = std::numbers::ln2;  // loads further apart than this factor do not share `point`
constexpr double kJitter = 1e-12;

using Vector = std::vector<double>;

// Lower triangle, row by row.
class Cholesky {
 public:
  explicit Cholesky(std::vector<Vector> matrix) : lower_(std::move(matrix)) {
    const std::size_t n = lower_.size();
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j <= i; ++j) {
        double sum = lower_[i][j];
        for (std::size_t k = 0; k < j; ++k) sum -= lower_[i][k] * lower_[j][k];
        lower_[i][j] = i == j ? std::sqrt(std::max(sum, kJitter)) : sum / lower_[j][j];
      }
    }
  }
  [[nodiscard]] Vector SolveLower(Vector b) const {
    for (std::size_t i = 0; i < b.size(); ++i) {
      for (std::size_t k = 0; k < i; ++k) b[i] -= lower_[i][k] * b[k];
      b[i] /= lower_[i][i];
    }
    return b;
  }
  [[nodiscard]] Vector Multiply(const Vector& z) const {
    Vector out(z.size(), 0.0);
    for (std::size_t i = 0; i < z.size(); ++i) {
      for (std::size_t k = 0; k <= i; ++k) out[i] += lower_[i][k] * z[k];
    }
    return out;
  }

 private:
  std::vector<Vector> lower_;
};

// Linear in ln(load), flat outside.
double Interpolate(const Vector& loads, const Vector& values, double load) {
  if (load <= loads.front()) return values.front();
  if (load >= loads.back()) return values.back();
  const auto above = static_cast<std::size_t>(std::upper_bound(loads.begin(), loads.end(), load) - loads.begin());
  const std::size_t below = above - 1;
  const double share = std::log(load / loads[below]) / std::log(loads[above] / loads[below]);
  return values[below] + share * (values[above] - values[below]);
}

double Covariance(const PredictedMetric& m, double load_a, double u_a, double load_b, double u_b) {
  const double apart = std::fabs(std::log(load_a / load_b));
  return m.level_variance + m.level_slope_covariance * (u_a + u_b) + m.slope_variance * u_a * u_b +
         m.roughness * m.roughness * std::max(0.0, 1 - apart / kRoughnessRange);
}

// kDraws draws of y at every load of the prediction, given the points.
std::vector<Vector> Draws(const PredictedLoads& prediction, const PredictedMetric& m,
                          const std::vector<MeasuredLoad>& points, double MeasuredLoad::*value,
                          double MeasuredLoad::*variance, std::uint64_t key) {
  const std::size_t loads = prediction.loads.size();
  const std::size_t n = points.size();
  Vector u(n);
  std::vector<Vector> noisy(n, Vector(n));
  Vector residual(n);
  for (std::size_t i = 0; i < n; ++i) {
    u[i] = Interpolate(prediction.loads, prediction.u, points[i].load);
    residual[i] = points[i].*value - Interpolate(prediction.loads, m.mean, points[i].load);
    for (std::size_t j = 0; j <= i; ++j) noisy[i][j] = Covariance(m, points[i].load, u[i], points[j].load, u[j]);
    noisy[i][i] += std::max(points[i].*variance, kJitter);
  }
  const Cholesky observed(std::move(noisy));
  const Vector whitened = observed.SolveLower(residual);

  Vector mean(loads);
  std::vector<Vector> cross(loads);
  std::vector<Vector> left(loads, Vector(loads));
  for (std::size_t i = 0; i < loads; ++i) {
    Vector k(n);
    for (std::size_t p = 0; p < n; ++p) {
      k[p] = Covariance(m, prediction.loads[i], prediction.u[i], points[p].load, u[p]);
    }
    cross[i] = observed.SolveLower(std::move(k));
    mean[i] = m.mean[i];
    for (std::size_t p = 0; p < n; ++p) mean[i] += cross[i][p] * whitened[p];
    for (std::size_t j = 0; j <= i; ++j) {
      left[i][j] = Covariance(m, prediction.loads[i], prediction.u[i], prediction.loads[j], prediction.u[j]);
      for (std::size_t p = 0; p < n; ++p) left[i][j] -= cross[i][p] * cross[j][p];
    }
  }
  const Cholesky posterior(std::move(left));
  std::vector<Vector> draws(kDraws);
  for (int s = 0; s < kDraws; ++s) {
    Vector z(loads);
    for (std::size_t i = 0; i < loads; ++i) {
      z[i] = base::Normal(base::Key({key, static_cast<std::uint64_t>(s), static_cast<std::uint64_t>(i)}));
    }
    Vector draw = posterior.Multiply(z);
    for (std::size_t i = 0; i < loads; ++i) draw[i] += mean[i];
    draws[static_cast<std::size_t>(s)] = std::move(draw);
  }
  return draws;
}

bool Exceeds(const PredictedMetric& m, double y) { return m.ln_bound && y > *m.ln_bound; }

double Excess(const PredictedMetric& m, double y) { return m.ln_bound ? std::max(0.0, y - *m.ln_bound) : 0; }

bool Near(const PredictedMetric& m, double y) {
  return m.ln_bound && std::fabs(*m.ln_bound - y) < kBorderline * m.noise;
}

// Margin of the tighter bound, in standard deviations of one measurement.
bool IsBorderline(const PredictedLoads& prediction, const MeasuredLoad& point) {
  return Near(prediction.ttft, point.ln_ttft) || Near(prediction.tpot, point.ln_tpot) ||
         (prediction.e2e && Near(*prediction.e2e, point.ln_e2e));
}

bool SameLoad(double a, double b) { return std::fabs(a - b) <= 1e-9 * std::max(a, b); }

}  // namespace

std::string_view LoadReasonName(LoadReason reason) {
  switch (reason) {
    case LoadReason::kLargestGain:
      return "LargestGain";
    case LoadReason::kBorderline:
      return "Borderline";
    case LoadReason::kNoGain:
      return "NoGain";
    case LoadReason::kUnlikelyFeasible:
      return "UnlikelyFeasible";
    case LoadReason::kAllMeasured:
      return "AllMeasured";
  }
  return "";
}

double WithQueue(double ln_ttft, double ln_tpot, double queued, double output_tokens) {
  if (queued <= 0) return ln_ttft;
  return std::log((1 + queued) * std::exp(ln_ttft) + queued * output_tokens * std::exp(ln_tpot));
}

double WithoutQueue(double ln_ttft, double ln_tpot, double queued, double output_tokens) {
  if (queued <= 0) return ln_ttft;
  constexpr double kAtLeast = 1e-3;  // of the whole, should the two not fit together
  const double ttft = std::exp(ln_ttft);
  return std::log(std::max(kAtLeast * ttft, (ttft - queued * output_tokens * std::exp(ln_tpot)) / (1 + queued)));
}

double ValueAt(const PredictedLoads& prediction, double load, double ln_ttft, double ln_tpot, double ln_objective) {
  switch (prediction.value) {
    case LoadValue::kThroughput: {
      const double e2e = prediction.objective ? std::exp(ln_objective)
                                              : std::exp(ln_ttft) + (prediction.output_tokens - 1) * std::exp(ln_tpot);
      return 1000 * load * prediction.output_tokens / (e2e * prediction.gpus);
    }
    case LoadValue::kInverseLatency:
      return 1000 / std::exp(ln_objective);
  }
  return 0;
}

bool Feasible(const PredictedLoads& prediction, const MeasuredLoad& point) {
  return point.met && !Exceeds(prediction.ttft, point.ln_ttft) && !Exceeds(prediction.tpot, point.ln_tpot) &&
         !(prediction.e2e && Exceeds(*prediction.e2e, point.ln_e2e));
}

NextLoad ChooseNextLoad(const PredictedLoads& prediction, const std::vector<MeasuredLoad>& points, double score_to_beat,
                        std::uint64_t seed) {
  double best = score_to_beat;
  for (const MeasuredLoad& point : points) {
    if (Feasible(prediction, point)) best = std::max(best, point.value);
  }
  // A point that leads, or would if it met its bounds, decides too much to rest on one measurement.
  for (const MeasuredLoad& point : points) {
    if (point.met && point.measurements < kMeasurementsOfBorderline && IsBorderline(prediction, point) &&
        point.value >= best) {
      return {LoadAction::kRepeat, LoadReason::kBorderline, point.load, 0};
    }
  }

  const std::size_t loads = prediction.loads.size();
  std::vector<bool> measured(loads, false);
  for (std::size_t i = 0; i < loads; ++i) {
    measured[i] = std::any_of(points.begin(), points.end(),
                              [&](const MeasuredLoad& p) { return SameLoad(p.load, prediction.loads[i]); });
  }
  if (std::find(measured.begin(), measured.end(), false) == measured.end()) {
    return {LoadAction::kStop, LoadReason::kAllMeasured, 0, 0};
  }

  const auto queued = [&](double load) {
    return prediction.queued.empty() ? 0 : Interpolate(prediction.loads, prediction.queued, load);
  };
  std::vector<MeasuredLoad> without_wait = points;
  std::erase_if(without_wait, [&](const MeasuredLoad& point) { return queued(point.load) > kQueueTells; });
  const auto ttft = Draws(prediction, prediction.ttft, without_wait, &MeasuredLoad::ln_ttft,
                          &MeasuredLoad::ttft_variance, base::Key({seed, points.size(), 1}));
  const auto tpot = Draws(prediction, prediction.tpot, points, &MeasuredLoad::ln_tpot, &MeasuredLoad::tpot_variance,
                          base::Key({seed, points.size(), 2}));
  std::vector<Vector> e2e;
  if (prediction.e2e) {
    e2e = Draws(prediction, *prediction.e2e, points, &MeasuredLoad::ln_e2e, &MeasuredLoad::e2e_variance,
                base::Key({seed, points.size(), 3}));
  }
  std::vector<Vector> objective;
  if (prediction.objective) {
    objective = Draws(prediction, *prediction.objective, points, &MeasuredLoad::ln_objective,
                      &MeasuredLoad::objective_variance, base::Key({seed, points.size(), 4}));
  }
  Vector gain(loads, 0.0);       // over the best so far
  Vector value(loads, 0.0);      // feasible or 0
  Vector violation(loads, 0.0);  // sum of what the bounds are exceeded by, in ln
  double draws_with_feasible = 0;
  for (std::size_t s = 0; s < kDraws; ++s) {
    bool any = false;
    for (std::size_t i = 0; i < loads; ++i) {
      if (measured[i]) continue;
      const double p = tpot[s][i];
      const double t = WithQueue(ttft[s][i], p, queued(prediction.loads[i]), prediction.output_tokens);
      const double e = prediction.e2e ? e2e[s][i] : 0;
      violation[i] +=
          Excess(prediction.ttft, t) + Excess(prediction.tpot, p) + (prediction.e2e ? Excess(*prediction.e2e, e) : 0);
      if (Exceeds(prediction.ttft, t) || Exceeds(prediction.tpot, p) ||
          (prediction.e2e && Exceeds(*prediction.e2e, e))) {
        continue;
      }
      any = true;
      const double v = ValueAt(prediction, prediction.loads[i], t, p, prediction.objective ? objective[s][i] : 0);
      value[i] += v / kDraws;
      gain[i] += std::max(0.0, v - best) / kDraws;
    }
    draws_with_feasible += any ? 1.0 / kDraws : 0.0;
  }
  // The largest; differences in the last bits, which libraries may round differently, do not decide.
  const auto largest = [&](const Vector& of) {
    std::size_t at = loads;
    for (std::size_t i = 0; i < loads; ++i) {
      if (measured[i]) continue;
      if (at == loads || of[i] > of[at] + 1e-9 * std::fabs(of[at])) at = i;
    }
    return at;
  };
  const std::size_t by_gain = largest(gain);
  const double share = best > 0 ? gain[by_gain] / best : 0;
  const auto measure = [&](std::size_t i) {
    return NextLoad{LoadAction::kMeasure, LoadReason::kLargestGain, prediction.loads[i], best > 0 ? gain[i] / best : 0};
  };

  if (!points.empty()) {
    if (best > 0)
      return share > kGainToGoOn ? measure(by_gain) : NextLoad{LoadAction::kStop, LoadReason::kNoGain, 0, share};
    if (draws_with_feasible < kFeasibleShareToGoOn) return {LoadAction::kStop, LoadReason::kUnlikelyFeasible, 0, 0};
    return measure(by_gain);
  }
  // The first point is measured in any case: the engine is up, and its row teaches about its whole class.
  if (gain[by_gain] > 0) return measure(by_gain);
  const std::size_t by_value = largest(value);
  if (value[by_value] > 0) return measure(by_value);
  for (double& v : violation) v = -v;
  return measure(largest(violation));
}

}  // namespace autotune::measurement
