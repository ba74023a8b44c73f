// Judging measurements: SLO, score, Pareto front, best. Pure; recomputed from all observations every time.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "measurement/point.h"
#include "tuning/quality.h"

namespace autotune::tuning {

enum class Objective { kMaximizeThroughput, kMinimizeLatency, kMinimizeTtft, kMinimizeTpot };

// Bounds in milliseconds by percentile name ("mean" "p50" "p90" "p95" "p99").
struct Slo {
  std::map<std::string, double> ttft, tpot, e2e;
  std::optional<double> error_rate;
  std::optional<double> degradation = std::nullopt;  // of quality: growth of perplexity as a share, 0.01 = 1 %
};

struct Violation {
  std::string bound;  // the field of the spec: "slo.ttft.p99", "quality.maxDegradation"
  double limit = 0;
  std::optional<double> actual;  // nothing: what is bounded was not measured
  double relative = 0;           // (actual - limit) / limit
};
// Every bound that the step breaks, worst first. A step without a completed request breaks slo.errorRate (actual 1),
// asked for or not. `relative` is finite: a limit of 0 counts as 0.001 of its unit, and nothing is above 1e6.
std::vector<Violation> CheckSlo(const Slo& slo, const measurement::Point& load);

struct Observation {
  std::string id;  // experiment name
  int gpus = 1;
  std::vector<measurement::Point> loads;
  std::optional<QualityChange> quality = std::nullopt;  // against its runtime's baseline; nothing = not measured
};

struct Judged {
  std::string id;
  bool feasible = false;             // the scored step of every scenario meets the SLO, and so does the quality
  bool keeps_quality = true;         // within the bound, if there is one
  std::optional<double> score;       // only where feasible; higher is better for every objective; always finite
  int scored_concurrency = 0;        // of the first scenario; 0 = nothing to score
  std::vector<std::size_t> scored;   // indices into loads: the step that counted, one per scenario
  std::vector<bool> load_meets_slo;  // parallel to loads
  std::optional<Violation> binding;  // where infeasible: the bound closest to being met
  std::string binding_scenario;      // ... and where
  int binding_concurrency = 0;
  std::optional<double>
      relaxed_score;  // where infeasible: the score if what is broken at its nearest steps were allowed
};

struct Judgement {
  std::vector<Judged> judged;          // parallel to the observations
  std::optional<std::size_t> best;     // index; ties go to the earlier observation
  std::optional<std::size_t> nearest;  // where nothing is feasible: the one whose binding bound is missed by least
  // Indices, ascending: observations with a feasible step that no other observation's feasible step beats in output
  // tokens/s per GPU, p50 TPOT and certain loss of quality. An observation is a curve over its load steps, as serving
  // benchmarks draw it. A loss that was not measured counts as none.
  std::vector<std::size_t> pareto;
};

// Scores.
//   MaximizeThroughput: output tokens/s per GPU; per scenario the best step that meets the SLO; geometric mean over
//     scenarios.
//   MinimizeLatency, MinimizeTtft, MinimizeTpot: minus the p50 of E2E latency, TTFT or TPOT in milliseconds (so "-61.2"
//   is
//     61.2 ms, and higher is better), geometric mean over scenarios, at one load for everybody: the highest concurrency
//     that all observations measured and at which at least one of them meets the SLO (the highest of all if none does).
// A scenario is one that any observation has; an observation that lacks one, or has no usable step in it (no request
// completed, or a number that is not finite), is not feasible: what failed never wins.
Judgement Judge(const std::vector<Observation>& observations, Objective objective, const Slo& slo);

// "+41.3%", sign for people: positive is better (more throughput, less latency). Empty when either score is missing or
// the baseline's is zero.
std::string Improvement(std::optional<double> score, std::optional<double> baseline, Objective objective);

}  // namespace autotune::tuning
