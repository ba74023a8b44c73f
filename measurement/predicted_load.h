// Next load of a running engine: the load with the largest expected gain according to the search's prediction.
//
// Runs in the pod without communication. The prediction is a Gaussian over ln(latency) at every load: a few numbers in
// the pod's arguments, which each measured point conditions here. Replays of recorded surfaces use the same function
// (docs/search.md). Pure and deterministic: the same input gives the same result on every machine.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace autotune::measurement {

// ln(milliseconds) of one statistic as a function of load, before this engine's first point:
//
//   y(load) = mean(load) + level + slope * u(load) + point(load)
//
// Level and slope are Gaussian with mean 0 and these (co)variances. `point` has standard deviation `roughness`; it is
// correlated between loads closer than a factor of 2, the more the closer.
struct PredictedMetric {
  std::vector<double> mean;  // one per PredictedLoads::loads
  double level_variance = 0;
  double level_slope_covariance = 0;
  double slope_variance = 0;
  double roughness = 0;
  double noise = 0;                // standard deviation of one measurement of y
  std::optional<double> ln_bound;  // limit for y
  bool operator==(const PredictedMetric&) const = default;
};

// Value to maximise: output tokens/s per GPU, or the inverse of a latency.
enum class LoadValue { kThroughput, kInverseLatency };

struct PredictedLoads {
  std::vector<double> loads;  // requests in flight that may be measured, ascending
  std::vector<double> u;      // the slope's regressor at each of them
  // Waiting requests per running request, at each load; empty: none wait. `ttft` excludes that wait, which follows from
  // the length of a request (WithQueue): an error of TTFT does not predict it.
  std::vector<double> queued;
  PredictedMetric ttft;
  PredictedMetric tpot;
  std::optional<PredictedMetric> e2e;  // set if the SLO limits it
  // The latency that determines the value: mean E2E latency for throughput, else the one to minimise. Absent
  // (throughput only): TTFT + (output_tokens - 1) * TPOT, which requires that both are means.
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
  bool met = true;   // limits that are not predicted (errors) are met
  double ln_ttft = 0, ttft_variance = 0;
  double ln_tpot = 0, tpot_variance = 0;
  double ln_e2e = 0, e2e_variance = 0;              // used if PredictedLoads::e2e is set
  double ln_objective = 0, objective_variance = 0;  // ... objective
};

enum class LoadAction { kMeasure, kRepeat, kStop };
enum class LoadReason {
  kLargestGain,       // kMeasure
  kBorderline,        // kRepeat: a limit is within the noise of the leading point
  kNoGain,            // kStop: no load is expected to improve on the score by more than 0.1 %
  kUnlikelyFeasible,  // kStop: no point met the limits yet, and hardly any load would
  kAllMeasured,       // kStop
};
std::string_view LoadReasonName(LoadReason reason);

struct NextLoad {
  LoadAction action = LoadAction::kStop;
  LoadReason reason = LoadReason::kNoGain;
  double load = 0;           // kMeasure, kRepeat
  double expected_gain = 0;  // over the best point so far, as a share of it; 0 without one
};

// ln(ms) of a TTFT with the queueing wait, and back. `queued`: waiting requests per running one, which run in turn.
double WithQueue(double ln_ttft, double ln_tpot, double queued, double output_tokens);
double WithoutQueue(double ln_ttft, double ln_tpot, double queued, double output_tokens);
// Above this (waiting per running request), a measured TTFT is mostly queueing and not used for the TTFT without it.
inline constexpr double kQueueTells = 0.01;

// The value of a point: output tokens/s per GPU, or 1000 / latency in milliseconds. Higher is better.
double ValueAt(const PredictedLoads& prediction, double load, double ln_ttft, double ln_tpot, double ln_objective);
// True if the point's own numbers meet every limit.
bool Feasible(const PredictedLoads& prediction, const MeasuredLoad& point);

// `score_to_beat`: best feasible value of all other candidates, 0 = none yet. `points`: in any order; may have loads
// that are not in the prediction. REQUIRES: loads are ascending and positive; u and every mean have their length.
NextLoad ChooseNextLoad(const PredictedLoads& prediction, const std::vector<MeasuredLoad>& points, double score_to_beat,
                        std::uint64_t seed);

}  // namespace autotune::measurement
