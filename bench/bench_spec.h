// What one bench run has to do: passed by the pod builder as one JSON argument (`autotune-bench run --spec '{...}'`).
//
// Pure value shared by operator/experiment (writes it) and bench (reads it). Part of the content hash.
#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/result.h"
#include "measurement/scenario.h"

namespace autotune::bench {

struct BenchSpec {
  std::vector<measurement::Scenario> scenarios;
  std::vector<int> concurrency;                // closed loop, one step each, ascending
  std::chrono::milliseconds duration{60'000};  // per step
  std::int64_t max_requests = 2000;            // per step
  int warmup_requests = 8;
  std::int64_t seed = 1;
  bool quality = true;                                       // measured after the last step (bench/quality.h)
  std::chrono::milliseconds first_request_timeout{600'000};  // engines compile kernels on first use
  std::chrono::milliseconds request_timeout{120'000};
  std::chrono::milliseconds experiment_timeout{2'700'000};  // bench's own deadline, from its start
  bool operator==(const BenchSpec&) const = default;
};

nlohmann::json ToJson(const BenchSpec& spec);
base::Result<BenchSpec> BenchSpecFromJson(const nlohmann::json& value);

}  // namespace autotune::bench
