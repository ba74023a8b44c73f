// Options of `autotune bench` and their conversion to the specification of a bench run.
//
// Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "bench/bench_spec.h"

namespace autotune::cli {

// An option that was not given is empty, so that one without an effect beside the others is rejected.
struct BenchOptions {
  std::string url;
  std::string model;                   // "" = the first that the server has
  std::vector<std::string> scenarios;  // none: D(512,128) after the shared prefix, unless there is a dataset
  std::string dataset;                 // a file
  std::string format;                  // of the dataset; "" = by its first bytes
  bool chat = false;
  std::string prefix;               // "1024x8": tokens and groups
  std::optional<double> turns;      // mean
  std::vector<std::string> slo;     // "ttft.p99=500ms", "errorRate=0.01", "attainment=0.95"
  std::vector<double> concurrency;  // fixed points
  std::vector<double> rates;        // fixed points
  std::string search;               // "concurrency" (default) or "rate", where no points are fixed
  std::optional<int> max;           // requests in flight
  std::string arrival;              // "poisson", "constant", "gamma:0.5", "trace"
  std::string duration = "60s", drain = "30s", warmup = "60s";
  std::string request_timeout;  // "" = by the first request
  std::string records;          // a file for one JSON line per request
  std::int64_t seed = 1;
  std::optional<int> vocab_size, max_model_len;
  std::optional<int> output_tokens;  // of dataset entries that do not say; without it the model ends its answer
  bool json = false;
  bool verbose = false;
};

// `dataset_begin`: the first bytes of the dataset's file, by which its format is known. kInvalid names the option.
base::Result<bench::BenchSpec> BenchSpecOf(const BenchOptions& options, std::string_view dataset_begin);

}  // namespace autotune::cli
