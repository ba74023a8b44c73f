// Judging measurements: SLO, score, Pareto front, best. Pure; recomputed from all observations every time.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "bench/result.h"

namespace autotune::tuning {

enum class Objective { kMaximizeThroughput, kMinimizeLatency, kMinimizeTtft, kMinimizeTpot };

// Bounds in milliseconds by percentile name ("mean" "p50" "p90" "p95" "p99").
struct Slo {
  std::map<std::string, double> ttft, tpot, e2e;
  std::optional<double> error_rate;
};

struct Violation {
  std::string bound;     // "ttft.p99"
  double limit = 0, actual = 0;
  double relative = 0;   // (actual - limit) / limit
};
// Every bound that the step breaks, worst first. A step without a completed request breaks errorRate.
std::vector<Violation> CheckSlo(const Slo& slo, const bench::LoadMeasurement& load);

struct Observation {
  std::string id;                                 // experiment name
  int gpus = 1;
  std::vector<bench::LoadMeasurement> loads;
};

struct Judged {
  std::string id;
  bool feasible = false;                          // at least one step per scenario meets the SLO
  std::optional<double> score;                    // higher is better for every objective
  int scored_concurrency = 0;                     // of the first scenario
  std::vector<bool> load_meets_slo;               // parallel to loads
  std::optional<Violation> binding;               // where infeasible: the bound closest to being met
};

struct Judgement {
  std::vector<Judged> judged;                     // parallel to the observations
  std::optional<std::size_t> best;                // index; ties go to the earlier observation
  std::vector<std::size_t> pareto;                // output tokens/s per GPU against p50 TPOT, feasible ones
};

Judgement Judge(const std::vector<Observation>& observations, Objective objective, const Slo& slo);

// "+41.3%", sign for people: positive is better. Empty when either score is missing.
std::string Improvement(std::optional<double> score, std::optional<double> baseline, Objective objective);

}  // namespace autotune::tuning
