// Prior of the search: predicted latencies of every candidate at every load before any measurement, and the most
// promising candidates.
//
// From the closed form where the model and the GPU are known, else from a rule of thumb. Pure; 100,000 candidates take
// less than two seconds.
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
  double ln_running = 0;  // requests that decode at a time: the load below the cap on sequences, else the cap
};

struct Prior {
  std::vector<std::vector<LoadPrior>> at;  // [candidate][load]
  double mean_ln_running = 0;              // over all candidates and loads: where the slopes' regressor is 0
  bool generic = false;                    // without facts
  // All candidates, the most promising first: value predicted within the limits, with a few of every engine, precision
  // and size in front so that the prior can be wrong about a whole class. Joint draws take the first few hundred.
  std::vector<std::size_t> order;

  [[nodiscard]] double U(std::size_t candidate, std::size_t load) const {
    return at[candidate][load].ln_running - mean_ln_running;
  }
};

// `gpus`: by Features::gpu. Without the model, or one of the GPUs: the generic prior for all, so that types are
// compared by one yardstick.
Prior PriceSpace(const Space& space, const Bounds& bounds, const std::optional<engine_model::ModelShape>& model,
                 const std::vector<std::optional<engine_model::GpuSpec>>& gpus);
// Latencies from another source (a simulator in virtual time, a file); running requests follow from the cap.
Prior PriorFromLatencies(const Space& space, const Bounds& bounds, std::vector<std::vector<LoadPrior>> at);

// ln(ms) of the E2E latency.
double LnE2e(const Space& space, const LoadPrior& at);
// ln(ms) of the latency that the objective's value follows from (measurement::PredictedLoads::objective).
double LnObjective(const Space& space, const LoadPrior& at);

}  // namespace autotune::tuning::search
