// Options of `autotune bench` and their conversion to the specification of a bench run.
//
// Pure.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "bench/bench_spec.h"

namespace autotune::cli {

struct BenchOptions {
  std::string url;
  std::string model;                   // "" = the first that the server has
  std::vector<std::string> scenarios;  // none: D(512,128), unless there is a dataset
  std::string dataset;                 // a file
  std::string format;                  // of the dataset; "" = by its first bytes
  bool chat = false;
  std::string prefix;                  // "1024x8": tokens and groups
  double turns = 1;                    // mean
  std::vector<std::string> slo;        // "ttft.p99=500ms", "errorRate=0.01", "attainment=0.95"
  std::vector<double> concurrency;     // fixed points
  std::vector<double> rates;           // fixed points
  std::string search = "concurrency";  // or "rate", where no points are fixed
  int max = 512;                       // requests in flight
  std::string arrival;                 // "poisson", "constant", "gamma:0.5", "trace"
  std::string duration = "60s", drain = "30s", warmup = "60s";
  std::string request_timeout;  // "" = by the first request
  std::string records;          // a file for one JSON line per request
  int seed = 1;
  int vocab_size = 0, max_model_len = 0;  // 0 = not known
  int output_tokens = 0;                  // of dataset entries that do not say; 0 = the model ends its answer
  bool json = false;
  bool verbose = false;
};

// `dataset_begin`: the first bytes of the dataset's file, by which its format is known. kInvalid names the option.
base::Result<bench::BenchSpec> BenchSpecOf(const BenchOptions& options, std::string_view dataset_begin);

}  // namespace autotune::cli
