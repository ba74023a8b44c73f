// Search space: candidates with features, the limits, and the loads of each candidate.
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

// Features for the models. Strings are opaque: equal or not.
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
  // Names the candidate wherever randomness is keyed, so that neither order nor index matters: a hash of the content.
  std::uint64_t key = 0;
  Features features;
  std::vector<double> loads;  // requests in flight that may be measured, ascending, never empty
  double start_seconds = 0;
  // Of one of its GPUs, relative to the others' where the objective is the cost: throughput is divided by it.
  double price = 1;
  double gpu_hour_price = 0;  // of one of its GPUs for an hour; 0 = not known. For the estimate alone
  bool available = true;      // false: nothing starts on its GPUs, whatever it is expected to gain
  // Measured before everything else, in the order given, and never left out: the user's baselines.
  bool baseline = false;
};

// Objective: maximise output tokens/s per GPU and price, or minimise one latency, at the loads of the candidates or at
// one request rate.
enum class Objective { kThroughput, kTtft, kTpot, kE2e };

// Upper bounds in milliseconds on the statistics that observations carry. Several bounds on one metric (p50 and p99)
// are one: the observation carries the largest ratio of statistic to bound, times this bound.
struct Bounds {
  std::optional<double> ttft_ms, tpot_ms, e2e_ms;
  // TTFT and TPOT are means, so that throughput follows from them; else the mean E2E latency is modelled as well.
  bool means = true;
};

struct Space {
  std::vector<Candidate> candidates;
  engine_model::Workload workload;
  Objective objective = Objective::kThroughput;
  // Requests per second at which a latency is minimised: the same of all candidates, which have as many in flight as
  // they are slow (at_rate.h). Their `loads` are those that latencies are predicted for; a trial measures its own one.
  // nullopt: a candidate is worth what it is at the best of its loads.
  std::optional<double> request_rate;
  double step_seconds = 0;  // one load
  // Loads that a pod measures at least beside those that the search asks for: a leader's limit is found between them.
  double loads_of_a_leader = 0, loads_of_a_loser = 0;
};

// The number that a throughput is divided by: GPUs, times their price.
inline double DivisorOf(const Candidate& candidate) { return candidate.features.shape.gpus * candidate.price; }

// Loads that a trial may measure.
inline double MostLoadsOf(const Space& space, const Candidate& candidate) {
  if (space.objective != Objective::kThroughput) return std::max(1.0, space.loads_of_a_leader);
  return static_cast<double>(candidate.loads.size());
}

}  // namespace autotune::tuning::search
