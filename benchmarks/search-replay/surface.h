// Measured surfaces: tasks, candidates, points and bounds as the CSV files hold them.
//
// File format and its terms: README.md beside this file. Plain values.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine_model/gpu_spec.h"
#include "engine_model/model_shape.h"

namespace autotune::search_replay {

struct SurfacePoint {
  double load = 0;
  double ttft_ms = 0, tpot_ms = 0;  // the bounded statistics
  double ttft_mean_ms = 0, tpot_mean_ms = 0;
  double out_tok_s = 0;  // whole deployment
  double sd_ttft = 0, sd_tpot = 0;
  double step_seconds = 0;
  std::optional<double> prior_ttft_ms, prior_tpot_ms;
};

struct SurfaceCandidate {
  std::string name;
  std::string engine, precision, cache_dtype, draft;
  int gpus = 1, tensor_parallel = 1, pipeline_parallel = 1, data_parallel = 1, expert_parallel = 1;
  int max_num_seqs = 0, max_batched_tokens = 0;  // 0 = the engine's default
  bool eager = false;
  double start_seconds = 0;
  std::vector<SurfacePoint> points;  // by load, ascending
};

struct Surface {
  std::string task, origin, model, gpu;
  double isl = 0, osl = 0;
  double start_seconds = 0, step_seconds = 0, crash_seconds = 0;
  std::vector<SurfaceCandidate> candidates;
};

struct SloCase {
  std::size_t surface = 0;
  std::string name;
  std::optional<double> ttft_ms, tpot_ms;
};

struct DataSet {
  std::vector<Surface> surfaces;
  std::vector<SloCase> scenarios;
  std::map<std::string, engine_model::ModelShape> models;
  std::map<std::string, engine_model::GpuSpec> gpus;
};

// kNotFound names the missing file, kInvalid the missing column or the row that cannot be read. `prior.csv` is
// optional.
base::Result<DataSet> ReadDataSet(const std::string& directory);

// Output tokens/s per GPU of a point within the limits, else 0; without noise.
double TrueValue(const SloCase& scenario, const SurfaceCandidate& candidate, const SurfacePoint& point);
// The largest over the candidate's points.
double Truth(const SloCase& scenario, const SurfaceCandidate& candidate);

}  // namespace autotune::search_replay
