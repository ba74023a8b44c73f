#include "tuning/search/prediction_check.h"

#include <algorithm>
#include <cmath>

#include "tuning/search/residual_model.h"

namespace autotune::tuning::search {
namespace {

constexpr double kDeviations = 1.645;  // of a 90 % interval

struct Normal {
  double prior = 0, mean = 0, deviation = 0;  // ln(ms)
};

Normal Predict(const ResidualModel& model, Metric metric, const Row& row, std::size_t load) {
  const ResidualModel::Line line = model.LineOf(metric, row.candidate);
  const double u = model.U(row.candidate, load);
  const double variance = line.level_variance + 2 * u * line.covariance + u * u * line.slope_variance +
                          model.Roughness(metric) * model.Roughness(metric) + model.NoiseVariance(metric, row);
  const double prior = model.PriorAt(metric, row.candidate, load);
  return {prior, prior + line.level + line.slope * u, std::sqrt(std::max(variance, 0.0))};
}

Forecast ForecastOf(const Normal& normal, double measured_ln) {
  return {std::exp(normal.prior), std::exp(normal.mean), std::exp(normal.mean - kDeviations * normal.deviation),
          std::exp(normal.mean + kDeviations * normal.deviation), std::exp(measured_ln)};
}

}  // namespace

std::vector<PredictionCheck> CheckPredictions(const Space& space, const Bounds& bounds, const Prior& prior,
                                              const Observations& observations) {
  const std::vector<Row> rows = MergePoints(space, observations.points);
  std::vector<PredictionCheck> out;
  std::optional<ResidualModel> model;  // without the candidate of the last row: rows are ordered by candidate
  std::optional<std::size_t> of;
  for (const Row& row : rows) {
    const std::vector<double>& loads = space.candidates[row.candidate].loads;
    const auto at = std::find(loads.begin(), loads.end(), row.load);
    if (at == loads.end()) continue;
    const auto load = static_cast<std::size_t>(at - loads.begin());
    if (of != row.candidate) {
      of = row.candidate;
      model.emplace(space, bounds, prior, rows, std::vector<std::size_t>{row.candidate}, of);
    }
    const Normal ttft = Predict(*model, kTtft, row, load);
    const Normal tpot = Predict(*model, kTpot, row, load);
    const Normal objective = model->Models(kObjective) ? Predict(*model, kObjective, row, load) : tpot;
    PredictionCheck check;
    check.candidate = row.candidate;
    check.load = row.load;
    const auto whole = [&](double ttft_ln, double tpot_ln) {
      return model->WholeTtft(row.candidate, load, ttft_ln, tpot_ln);
    };
    const auto at_deviations = [&](double k) {
      return std::exp(whole(ttft.mean + k * ttft.deviation, tpot.mean + k * tpot.deviation));
    };
    check.ttft = {std::exp(whole(ttft.prior, tpot.prior)), at_deviations(0), at_deviations(-kDeviations),
                  at_deviations(kDeviations), std::exp(row.y[kTtft])};
    check.tpot = ForecastOf(tpot, row.y[kTpot]);
    const measurement::PredictedLoads loads_of = model->PredictLoads(row.candidate);
    const auto value = [&](double ttft_ln, double tpot_ln, double objective_ln) {
      return measurement::ValueAt(loads_of, row.load, whole(ttft_ln, tpot_ln), tpot_ln, objective_ln);
    };
    const double half = std::exp(kDeviations * objective.deviation);
    check.value.prior = value(ttft.prior, tpot.prior, objective.prior);
    check.value.predicted = value(ttft.mean, tpot.mean, objective.mean);
    check.value.low = check.value.predicted / half;
    check.value.high = check.value.predicted * half;
    check.value.measured = row.value;
    out.push_back(check);
  }
  return out;
}

std::optional<PredictionError> ErrorOf(const std::vector<PredictionCheck>& checks) {
  PredictionError error;
  double n = 0;
  for (const PredictionCheck& check : checks) {
    const Forecast& value = check.value;
    if (value.measured <= 0 || value.prior <= 0 || value.predicted <= 0) continue;
    const double prior = std::log(value.measured / value.prior);
    const double predicted = std::log(value.measured / value.predicted);
    error.prior += prior * prior;
    error.predicted += predicted * predicted;
    error.within += value.low <= value.measured && value.measured <= value.high ? 1 : 0;
    n += 1;
  }
  if (n == 0) return std::nullopt;
  return PredictionError{std::expm1(std::sqrt(error.prior / n)), std::expm1(std::sqrt(error.predicted / n)),
                         error.within / n};
}

}  // namespace autotune::tuning::search
