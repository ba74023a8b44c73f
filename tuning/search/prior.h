// Prior of the search: predicted latencies of every candidate at every load before any measurement, and the most
// promising candidates.
//
// Uses the closed form if model and GPU are known, else a rule of thumb. Pure; 100,000 candidates take less than two
// seconds.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "engine_model/closed_form.h"
#include "engine_model/gpu_spec.h"
#include "engine_model/model_shape.h"
#include "tuning/search/space.h"

namespace autotune::tuning::search {

struct LoadPrior {
  double ln_ttft_ms = 0;
  double ln_tpot_ms = 0;
  double ln_running = 0;  // requests that decode at a time: the load, capped by the limit on sequences
};

struct Prior {
  std::vector<std::vector<LoadPrior>> at;  // [candidate][load]
  double mean_ln_running = 0;              // over all candidates and loads: origin of the slopes' regressor
  bool generic = false;                    // rule of thumb, without facts of the model or the GPU
  // All candidates, most promising first, by predicted value within the limits. A few of every engine, precision and
  // size come first: the prior can be wrong about a whole class. Joint draws take the first few hundred.
  std::vector<std::size_t> order;

  [[nodiscard]] double U(std::size_t candidate, std::size_t load) const {
    return at[candidate][load].ln_running - mean_ln_running;
  }
};

// `gpus`: indexed by Features::gpu. If the model or one of the GPUs is not known, all types get the generic prior, so
// that they are compared alike.
Prior PriceSpace(const Space& space, const Bounds& bounds, const std::optional<engine_model::ModelShape>& model,
                 const std::vector<std::optional<engine_model::GpuSpec>>& gpus);
// Prior from given latencies (simulator, file); running requests follow from the limit on sequences.
Prior PriorFromLatencies(const Space& space, const Bounds& bounds, std::vector<std::vector<LoadPrior>> at);

// ln(ms) of the E2E latency.
double LnE2e(const Space& space, const LoadPrior& at);
// ln(ms) of the latency that determines the objective's value (measurement::PredictedLoads::objective).
double LnObjective(const Space& space, const LoadPrior& at);

}  // namespace autotune::tuning::search
