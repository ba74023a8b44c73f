// What the search expects of a candidate before it is measured: ln TTFT and ln TPOT over the load, as a Gaussian.
//
// A value, small enough for the bench's spec; written by tuning, read by measurement/predicted_load.
#pragma once

#include <vector>

namespace autotune::measurement {

struct LoadPrediction {
  // ln(milliseconds of the mean) = mean[i] + offset + slope * (ln load - center) + roughness
  struct Curve {
    std::vector<double> mean;  // at loads[i]
    double offset_variance = 0, slope_variance = 0, offset_slope_covariance = 0;
    double roughness_variance = 0;  // of each load on its own
    bool operator==(const Curve&) const = default;
  };
  std::vector<double> loads;  // requests in flight, ascending
  double center = 0;
  Curve ttft, tpot;
  bool operator==(const LoadPrediction&) const = default;
};

}  // namespace autotune::measurement
