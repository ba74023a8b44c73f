// An experiment pod in virtual time: the simulated engine's settings and scheduler behind the pod's own search for the
// limit. What a pod would have reported is there in milliseconds, and every configuration can be measured for the
// truth.
//
// The engine reads the pod's own command line (simulator/), so what the search believes of a candidate and what it gets
// are two readings. Its times deviate from engine_model's by factors for each class and each configuration: the prior
// is wrong, as it is on real engines. Deterministic. Single-threaded.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bench/bench_spec.h"
#include "bench/result.h"
#include "measurement/point.h"
#include "tests/reconcile/fake_cluster.h"

namespace autotune::reconcile {

struct VirtualEngineOptions {
  std::string gpu = "h100";  // of pods without a type of GPU; the types are called as simulator::FindGpu knows them
  double class_deviation = 0.12;  // of ln(latency), by what is quantized and the parallel size
  double own_deviation = 0.03;    // of each configuration
  double noise = 0.01;            // of one measurement of TPOT; TTFT three times as much
  double start_seconds = 80;
  std::uint64_t seed = 1;
};

class VirtualEngine {
 public:
  explicit VirtualEngine(VirtualEngineOptions options = {}) : options_(std::move(options)) {}

  // What the pod reports, and how long it held its GPUs.
  struct Run {
    bench::RunResult result;
    double seconds = 0;
  };
  Run Measure(const nlohmann::json& pod);
  // The kubelet: the pod runs to its end, and the clock advances by what it took.
  void Finish(FakeCluster& cluster, nlohmann::json& pod);

  // Without noise, on a type of GPU ("" = the options'). nullopt: this engine does not start.
  std::optional<measurement::Point> Truth(const std::vector<std::string>& argv, const std::string& gpu,
                                          const bench::BenchSpec& spec, const measurement::Load& load);

 private:
  struct Engine;
  const Engine& EngineOf(const std::vector<std::string>& argv, const std::string& gpu);

  VirtualEngineOptions options_;
  std::map<std::string, std::shared_ptr<const Engine>> engines_;  // by type and command line
  std::map<std::pair<std::string, double>, measurement::Point> points_;
};

// What it runs on: one node with eight GPUs.
nlohmann::json H100Node();
nlohmann::json L40sNode();

// The specification that a pod's bench got.
bench::BenchSpec BenchSpecOfPod(const nlohmann::json& pod);

}  // namespace autotune::reconcile
