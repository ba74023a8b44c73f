// Comparison of predictions and measurements: the prediction of each measured point without the measurements of its
// candidate. It shows how reliable the predictions of candidates that did not run are. Pure.
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
  double prior = 0;          // the formulas alone, before anything was measured
  double predicted = 0;      // with the measurements of the other candidates
  double low = 0, high = 0;  // 90 % interval of `predicted`, noise of the measurement included
  double measured = 0;
};

struct PredictionCheck {
  std::size_t candidate = 0;
  double load = 0;  // requests in flight
  Forecast ttft, tpot;
  // Value to maximise, or the inverse of the latency to minimise (Point::value). Its interval is that of the latency it
  // follows from: the objective's where that is modelled, else TPOT's. With a request rate: predicted at that rate, not
  // at the measured load.
  Forecast value;
};

// Of every candidate with a measured point, by candidate and load.
std::vector<PredictionCheck> CheckPredictions(const Space& space, const Bounds& bounds, const Prior& prior,
                                              const Observations& observations);

// Of the value: exp of the root mean square of ln(measured / predicted), minus 1: 0.06 = 6 % off as a rule. Nothing
// where nothing was measured.
struct PredictionError {
  double prior = 0, predicted = 0;
  double within = 0;  // share of measured values inside the interval; 0.9 is right
};
std::optional<PredictionError> ErrorOf(const std::vector<PredictionCheck>& checks);

}  // namespace autotune::tuning::search
