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

// Options that were not given are empty, so that an option without effect next to the others can be rejected.
struct BenchOptions {
  std::string url;
  std::string model;                   // "" = the first model that the server lists
  std::vector<std::string> scenarios;  // none: D(512,128) after the shared prefix, unless there is a dataset
  std::string dataset;                 // a file
  std::string format;                  // of the dataset; "" = detected from its first bytes
  bool chat = false;
  std::string prefix;               // "1024x8": tokens and groups
  std::optional<double> turns;      // mean
  std::vector<std::string> slo;     // "ttft.p99=500ms", "errorRate=0.01", "attainment=0.95"
  std::vector<double> concurrency;  // fixed points
  std::vector<double> rates;        // fixed points
  std::string search;               // "concurrency" (default) or "rate", if no points are fixed
  std::optional<int> max;           // maximum requests in flight
  std::string arrival;              // "poisson", "constant", "gamma:0.5", "trace"
  std::string duration = "60s", drain = "30s", warmup = "60s";
  std::string request_timeout;  // "" = derived from the first request
  std::string records;          // a file for one JSON line per request
  std::int64_t seed = 1;
  std::optional<int> vocab_size, max_model_len;
  std::optional<int> output_tokens;  // for dataset entries without a length; if unset, the model ends its answer
  bool json = false;
  bool verbose = false;
};

// `dataset_begin`: first bytes of the dataset's file, to detect its format. kInvalid names the option.
base::Result<bench::BenchSpec> BenchSpecOf(const BenchOptions& options, std::string_view dataset_begin);

}  // namespace autotune::cli
