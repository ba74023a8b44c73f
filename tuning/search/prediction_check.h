// Checks predictions against measurements: predicts each measured point without the measurements of its candidate. This
// shows how reliable the predictions for untried candidates are. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "tuning/search/observations.h"
#include "tuning/search/prior.h"
#include "tuning/search/space.h"

namespace autotune::tuning::search {

// One latency in milliseconds, or a value.
struct Forecast {
  double prior = 0;          // from the formulas alone, without measurements
  double predicted = 0;      // with the measurements of all other candidates
  double low = 0, high = 0;  // 90 % interval of `predicted`, including measurement noise
  double measured = 0;
};

struct PredictionCheck {
  std::size_t candidate = 0;
  double load = 0;  // requests in flight
  Forecast ttft, tpot;
  // Value to maximise, or the inverse of the latency to minimise (Point::value). Its interval follows from the
  // objective's latency if that is modelled, else from TPOT. With a request rate it is predicted at that rate, not at
  // the measured load.
  Forecast value;
};

// For every measured point, ordered by candidate and load.
std::vector<PredictionCheck> CheckPredictions(const Space& space, const Bounds& bounds, const Prior& prior,
                                              const Observations& observations);

// Error of `value`: exp(root mean square of ln(measured / predicted)) - 1; 0.06 = typically 6 % off. nullopt without
// measurements.
struct PredictionError {
  double prior = 0, predicted = 0;
  double within = 0;  // share of measured values inside the interval; ideally 0.9
};
std::optional<PredictionError> ErrorOf(const std::vector<PredictionCheck>& checks);

}  // namespace autotune::tuning::search
