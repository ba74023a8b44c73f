// Observations of a search: outcomes of starts, measured points, ended trials. Order does not matter. Plain values.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

namespace autotune::tuning::search {

enum class StartOutcome {
  kOk,
  kCrashed,         // deterministic: would happen again (invalid flag, out of memory, unsupported)
  kInfrastructure,  // independent of the candidate
};

struct Start {
  std::size_t candidate = 0;
  StartOutcome outcome = StartOutcome::kOk;
  double seconds = 0;  // measured; 0 = not known
};

// One load of one trial, averaged over its measurements.
struct Point {
  std::size_t candidate = 0;
  int attempt = 1;  // number of the start of this candidate
  double load = 0;
  int measurements = 1;
  double ln_ttft_ms = 0;  // the limited statistics, or their substitutes (see Bounds)
  double ln_tpot_ms = 0;
  double ln_e2e_ms = 0;  // used if E2E latency is limited
  double ln_objective_ms =
      0;             // mean E2E latency for throughput (read where Bounds::means is false), else the objective
  double value = 0;  // as measured: output tokens/s per GPU, or 1000 / ms
  // Variance of the averages; 0 = the model's own noise, divided by the measurements.
  double ttft_variance = 0, tpot_variance = 0, e2e_variance = 0, objective_variance = 0;
  bool met = true;  // limits that are not modelled (errors, quality) are met
};

struct Observations {
  std::vector<Start> starts;
  std::vector<Point> points;
  std::vector<std::size_t> ended;  // candidates whose trial is over; crashed candidates need no entry
};

}  // namespace autotune::tuning::search
