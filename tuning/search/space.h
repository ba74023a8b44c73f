// Search space: candidates with features, limits, and the loads of each candidate.
//
// Independent of operator types and engine flags: a candidate is an opaque key with features. Plain values.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine_model/closed_form.h"

namespace autotune::tuning::search {

// Features for the models. Texts are only compared for equality.
struct Features {
  std::string engine;
  std::string precision;    // of the weights
  std::string cache_dtype;  // "" = the engine's default
  std::string draft;        // speculation: "" or "none" = off
  engine_model::CandidateShape shape;
  bool unfamiliar = false;  // the prior's formulas were never compared with this engine or precision
  std::size_t gpu = 0;      // the type of GPU
};

struct Candidate {
  // Key of all random numbers of the candidate, independent of order and index: a content hash.
  std::uint64_t key = 0;
  Features features;
  std::vector<double> loads;  // requests in flight that may be measured, ascending, never empty
  double start_seconds = 0;
  // Price of one of its GPUs relative to the others', if the objective is the cost: divides the throughput.
  double price = 1;
  double gpu_hour_price = 0;  // price of one of its GPUs per hour, for the estimate only; 0 = not known
  bool available = true;      // false: nothing starts on its type of GPU
  // A user's baseline: measured before all others, in the given order, and never left out.
  bool baseline = false;
};

// Objective: maximise output tokens/s per GPU and price, or minimise one latency: at each candidate's loads, or at one
// request rate.
enum class Objective { kThroughput, kTtft, kTpot, kE2e };

// Limits in milliseconds for the statistics in the observations. Several limits of one metric (p50 and p99) are
// combined: the observation is the largest ratio of statistic to limit, times this limit.
struct Bounds {
  std::optional<double> ttft_ms, tpot_ms, e2e_ms;
  // TTFT and TPOT are means, so throughput follows from them; if false, the mean E2E latency is modelled as well.
  bool means = true;
};

struct Space {
  std::vector<Candidate> candidates;
  engine_model::Workload workload;
  Objective objective = Objective::kThroughput;
  // Request rate (requests/s) at which a latency is minimised, the same for all candidates (at_rate.h). `loads` are
  // then those for which latencies are predicted; a trial measures at its own load. nullopt: a candidate is judged at
  // its best load.
  std::optional<double> request_rate;
  double step_seconds = 0;  // one load
  // Minimum number of further loads that a pod measures to find the limit of a leader, or of another candidate.
  double loads_of_a_leader = 0, loads_of_a_loser = 0;
};

// Divisor of a throughput: number of GPUs times their price.
inline double DivisorOf(const Candidate& candidate) { return candidate.features.shape.gpus * candidate.price; }

// Maximum number of loads that a trial measures.
inline double MostLoadsOf(const Space& space, const Candidate& candidate) {
  if (space.objective != Objective::kThroughput) return std::max(1.0, space.loads_of_a_leader);
  return static_cast<double>(candidate.loads.size());
}

}  // namespace autotune::tuning::search
