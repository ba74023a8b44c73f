// Next load of a running engine: the load with the largest expected gain under the search's prediction.
//
// Runs in the pod without communication: the prediction is a Gaussian over ln(latency) at every load, a few numbers in
// the pod's arguments, and each measured point conditions it here. Replays of recorded surfaces call the same function
// (docs/search.md). Pure and deterministic: the same input gives the same answer on every machine.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace autotune::measurement {

// ln(milliseconds) of one statistic over load, as the search sees it before this engine's first point:
//
//   y(load) = mean(load) + level + slope * u(load) + point(load)
//
// Level and slope are Gaussian with mean 0 and these (co)variances; `point` has standard deviation `roughness`, and is
// shared by loads closer than a factor of 2, the more the closer.
struct PredictedMetric {
  std::vector<double> mean;  // one per PredictedLoads::loads
  double level_variance = 0;
  double level_slope_covariance = 0;
  double slope_variance = 0;
  double roughness = 0;
  double noise = 0;                // standard deviation of one measurement of y
  std::optional<double> ln_bound;  // y may be at most this
  bool operator==(const PredictedMetric&) const = default;
};

// Value to maximise: output tokens/s per GPU, or the inverse of a latency.
enum class LoadValue { kThroughput, kInverseLatency };

struct PredictedLoads {
  std::vector<double> loads;  // requests in flight that may be measured, ascending
  std::vector<double> u;      // the slope's regressor at each of them
  // Requests that wait for each that runs, at each of them; empty: none. `ttft` is without that wait, which follows
  // from how long a request runs (WithQueue): the error of TTFT does not predict it.
  std::vector<double> queued;
  PredictedMetric ttft;
  PredictedMetric tpot;
  std::optional<PredictedMetric> e2e;  // where it is bounded
  // The latency that the value follows from: the mean E2E latency for throughput, else the one to minimise. Absent, for
  // throughput only: TTFT + (output_tokens - 1) * TPOT, which needs means in both.
  std::optional<PredictedMetric> objective;
  double output_tokens = 1;
  double gpus = 1;
  LoadValue value = LoadValue::kThroughput;
  bool operator==(const PredictedLoads&) const = default;
};

// One point, averaged over its measurements: means of ln(milliseconds) and the variances of these means.
struct MeasuredLoad {
  double load = 0;
  int measurements = 1;
  double value = 0;  // as measured, in the unit of ValueAt
  bool met = true;   // bounds that are not predicted (errors) hold
  double ln_ttft = 0, ttft_variance = 0;
  double ln_tpot = 0, tpot_variance = 0;
  double ln_e2e = 0, e2e_variance = 0;              // read where PredictedLoads::e2e is there
  double ln_objective = 0, objective_variance = 0;  // ... objective
};

enum class LoadAction { kMeasure, kRepeat, kStop };
enum class LoadReason {
  kLargestGain,       // kMeasure
  kBorderline,        // kRepeat: a bound lies within the noise of a point that leads
  kNoGain,            // kStop: no load is expected to improve on the score by more than 0.1 %
  kUnlikelyFeasible,  // kStop: nothing met the limits yet, and hardly any load would
  kAllMeasured,       // kStop
};
std::string_view LoadReasonName(LoadReason reason);

struct NextLoad {
  LoadAction action = LoadAction::kStop;
  LoadReason reason = LoadReason::kNoGain;
  double load = 0;           // kMeasure, kRepeat
  double expected_gain = 0;  // over the best so far, as a share of it; 0 where there is none
};

// ln(ms) of a TTFT with its wait, and back. A queue of `queued` requests for each that runs moves on as those end.
double WithQueue(double ln_ttft, double ln_tpot, double queued, double output_tokens);
double WithoutQueue(double ln_ttft, double ln_tpot, double queued, double output_tokens);
// Above this, a measured TTFT is mostly waiting time and does not inform about TTFT without it.
inline constexpr double kQueueTells = 0.01;

// The value of a point: output tokens/s per GPU, or 1000 / latency in milliseconds. Higher is better.
double ValueAt(const PredictedLoads& prediction, double load, double ln_ttft, double ln_tpot, double ln_objective);
// Every bound holds at the point's own numbers.
bool Feasible(const PredictedLoads& prediction, const MeasuredLoad& point);

// `score_to_beat` is the best feasible value of all other candidates, 0 = none yet. `points` may come in any order and
// have loads that are not in the prediction. REQUIRES: loads ascending and positive, u and means of their length.
NextLoad ChooseNextLoad(const PredictedLoads& prediction, const std::vector<MeasuredLoad>& points, double score_to_beat,
                        std::uint64_t seed);

}  // namespace autotune::measurement
