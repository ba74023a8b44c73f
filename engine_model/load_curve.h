// Latencies and throughput over the load, from the scheduler simulation: for mixed lengths, shared prefixes, chunked
// prefill and full caches, which the closed form does not cover.
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
  measurement::Arrival arrival;  // open loops; a trace arrives as a Poisson process
  // Closed loops: all places start at once and, with equal lengths, stay together. Else they start spread out.
  bool together = false;
  // Requests of each load that count. Percentiles are as certain as so many requests make them.
  int requests = 300;
  std::uint64_t seed = 0;
};

struct PredictedPoint {
  measurement::Load load;
  measurement::Latency ttft, tpot, itl, e2e;  // milliseconds, of the requests that started in the window
  double output_tokens_per_second = 0;        // of the whole deployment
  double requests_per_second = 0;
  double running = 0;    // mean number in the batch
  double waiting = 0;    // mean number that wait for a place in it
  double cache_use = 0;  // mean share of the KV cache
  double preemptions_per_request = 0;
  double prefix_hits = 0;  // share of prompt tokens that were found in the cache
  bool saturated = false;  // open loop: more arrived than was served, latencies grow without end
  bool fits = true;        // false: the longest request does not fit into the KV cache; nothing else is set
};

PredictedPoint PredictPoint(const Deployment& deployment, const LoadTest& test, const measurement::Load& load);
std::vector<PredictedPoint> PredictCurve(const Deployment& deployment, const LoadTest& test,
                                         std::span<const measurement::Load> loads);

}  // namespace autotune::engine_model
