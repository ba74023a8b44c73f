#include "tuning/search/prediction_check.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "tuning/search/residual_model.h"

namespace autotune::tuning::search {
namespace {

constexpr double kDeviations = 1.645;  // of a 90 % interval

struct Normal {
  double prior = 0, mean = 0, deviation = 0;  // ln(ms)
};

Normal Predict(const ResidualModel& model, Metric metric, const Row& row, const InFlight& at) {
  const ResidualModel::Line line = model.LineOf(metric, row.candidate);
  const double u = at.Between(model.U(row.candidate, at.below), model.U(row.candidate, at.above));
  const double variance = line.level_variance + 2 * u * line.covariance + u * u * line.slope_variance +
                          model.Roughness(metric) * model.Roughness(metric) + model.NoiseVariance(metric, row);
  const double prior =
      at.Between(model.PriorAt(metric, row.candidate, at.below), model.PriorAt(metric, row.candidate, at.above));
  return {prior, prior + line.level + line.slope * u, std::sqrt(std::max(variance, 0.0))};
}

using Curve = std::vector<std::array<double, kMetrics>>;

Curve PriorCurve(const ResidualModel& model, std::size_t candidate, std::size_t loads) {
  Curve curve(loads);
  for (std::size_t i = 0; i < loads; ++i) {
    for (const Metric m : {kTtft, kTpot, kE2e, kObjective}) curve[i][m] = model.PriorAt(m, candidate, i);
    curve[i][kTtft] = model.WholeTtft(candidate, i, curve[i][kTtft], curve[i][kTpot]);
  }
  return curve;
}

// The latency to minimise as a value, where the space's request rate meets a curve that is higher by `shift` (ln); that
// of the highest load where it meets it nowhere.
double ValueAtRate(const ResidualModel& model, std::size_t candidate, Curve curve, double shift) {
  for (auto& y : curve) y[kObjective] += shift;
  const std::optional<InFlight> at = model.MeetRate(candidate, curve);
  const double y =
      at ? at->Between(curve[at->below][kObjective], curve[at->above][kObjective]) : curve.back()[kObjective];
  return 1000 / std::exp(y);
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
    const std::optional<InFlight> at = PlaceOf(loads, row.load);
    if (!at) continue;
    if (of != row.candidate) {
      of = row.candidate;
      model.emplace(space, bounds, prior, rows, std::vector<std::size_t>{row.candidate}, of);
    }
    const Normal ttft = Predict(*model, kTtft, row, *at);
    const Normal tpot = Predict(*model, kTpot, row, *at);
    const Normal objective = model->Models(kObjective) ? Predict(*model, kObjective, row, *at) : tpot;
    PredictionCheck check;
    check.candidate = row.candidate;
    check.load = row.load;
    const auto whole = [&](double ttft_ln, double tpot_ln) {
      return at->Between(model->WholeTtft(row.candidate, at->below, ttft_ln, tpot_ln),
                         model->WholeTtft(row.candidate, at->above, ttft_ln, tpot_ln));
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
    check.value.measured = row.value;
    if (space.request_rate) {
      check.value.prior = ValueAtRate(*model, row.candidate, PriorCurve(*model, row.candidate, loads.size()), 0);
      const auto curve = model->MeanCurve(row.candidate);
      const auto shifted = [&](double k) { return ValueAtRate(*model, row.candidate, curve, k * objective.deviation); };
      check.value.predicted = shifted(0);
      check.value.low = shifted(kDeviations);
      check.value.high = shifted(-kDeviations);
    } else {
      const double half = std::exp(kDeviations * objective.deviation);
      check.value.prior = value(ttft.prior, tpot.prior, objective.prior);
      check.value.predicted = value(ttft.mean, tpot.mean, objective.mean);
      check.value.low = check.value.predicted / half;
      check.value.high = check.value.predicted * half;
    }
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
