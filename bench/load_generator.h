// Load on one engine: streaming completions over HTTP/1.1 on 127.0.0.1, a fixed number of requests in flight.
//
// One thread, one event loop; RunStep() and Get() block their caller. Connections are kept alive within a step. It
// times itself too: a generator that is late would call the engine slow. Boost.Beast stays in the .cpp.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "bench/bench_spec.h"
#include "bench/metrics.h"
#include "bench/prompts.h"

namespace autotune::bench {

struct LoadStep {
  RequestSeries series;
  int concurrency = 1;                   // requests in flight
  std::chrono::milliseconds duration{};  // no new request after it; those in flight finish
  std::int64_t max_requests = 0;
  std::chrono::milliseconds request_timeout{};
};

struct StepReport {
  std::vector<CompletedRequest> completed;
  std::int64_t errors = 0;
  std::string first_error;
  int first_error_status = 0;  // its HTTP status, 0 = none was received
  bool interrupted = false;    // by the callback: the numbers are incomplete
  bool hopeless = false;       // stopped early: nothing but errors
  bool simulated = false;      // an answer carried X-Simulated: true
  // Milliseconds. `issue`: from a place becoming free to the next request being handed to the kernel. `loop`: how late
  // the event loop is for a timer of 10 ms.
  measurement::Latency issue_lag, loop_lag;
};

class LoadGenerator {
 public:
  explicit LoadGenerator(int port);
  ~LoadGenerator();
  LoadGenerator(const LoadGenerator&) = delete;
  LoadGenerator& operator=(const LoadGenerator&) = delete;

  // Looked at every 50 ms while a step runs; true stops it at once. Default: never.
  void set_interrupted(std::function<bool()> interrupted);

  StepReport RunStep(const LoadStep& step);

  struct Answer {
    int status = 0;
    std::string body;
    bool simulated = false;
  };
  // One request on a connection of its own. kRetry when there is no answer.
  base::Result<Answer> Get(const std::string& path, std::chrono::milliseconds timeout);
  base::Result<Answer> Post(const std::string& path, const std::string& body, std::chrono::milliseconds timeout);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace autotune::bench
