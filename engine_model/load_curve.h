// Latencies and throughput as a function of load, from the scheduler simulation: also for mixed lengths, shared
// prefixes, chunked prefill and full caches, which the closed form does not cover.
//
// A prediction, never a measurement. Deterministic: the same arguments give the same values on every machine.
// Pure and thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine_model/deployment.h"
#include "measurement/latency.h"
#include "measurement/load.h"
#include "measurement/scenario.h"
#include "measurement/workload.h"

namespace autotune::engine_model {

struct LoadTest {
  measurement::Scenario scenario;
  measurement::Prefix prefix;
  measurement::Arrival arrival;  // for open loops; traces are treated as Poisson processes
  // Closed loops: all requests start at once and, with equal lengths, stay in lockstep; false: starts are spread.
  bool together = false;
  // Number of measured requests per load; it determines the precision of percentiles.
  int requests = 300;
  std::uint64_t seed = 0;
};

struct PredictedPoint {
  measurement::Load load;
  measurement::Latency ttft, tpot, itl, e2e;  // milliseconds, for requests that started in the window
  double output_tokens_per_second = 0;        // of the whole deployment
  double requests_per_second = 0;
  double running = 0;    // mean number of running requests
  double waiting = 0;    // mean number of waiting requests
  double cache_use = 0;  // mean share of the KV cache
  double preemptions_per_request = 0;
  double prefix_hits = 0;  // share of prompt tokens found in the cache
  bool saturated = false;  // open loop: requests arrive faster than they are served
  bool fits = true;        // false: the longest request exceeds the KV cache; no other member is set
};

PredictedPoint PredictPoint(const Deployment& deployment, const LoadTest& test, const measurement::Load& load);
std::vector<PredictedPoint> PredictCurve(const Deployment& deployment, const LoadTest& test,
                                         std::span<const measurement::Load> loads);

}  // namespace autotune::engine_model
