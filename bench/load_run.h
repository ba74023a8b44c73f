// Runs one offered load on one server: starts requests when they are due, reads the responses and records them until
// its owner ends it.
//
// Blocking, single-threaded. Closed loop: a fixed number of virtual users, staggered at the start; each
// sends its next request when its last one has ended. A refused user (HTTP 408, 429, 503) waits for Retry-After (at
// most a minute), else 20 ms, doubled each time up to 1 s. Open loop: requests start at the times of an arrival process
// and never wait for responses. A request beyond max_in_flight waits in the client, and its latency counts from its due
// time, so an overload is never hidden.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "bench/event_loop.h"
#include "bench/recorder.h"
#include "bench/server.h"
#include "bench/workload.h"
#include "measurement/load.h"

namespace autotune::bench {

struct LoadRunOptions {
  measurement::Load load;
  measurement::Arrival arrival;
  std::int64_t seed = 1;
  std::uint64_t stream = 0;              // stream of random numbers for the arrivals; different for each point
  std::uint64_t first_conversation = 0;  // index of the first conversation: no two loads repeat contents
  int max_in_flight = 512;
  std::int64_t max_requests = 0;  // 0 = no limit
  std::chrono::nanoseconds request_timeout{};
  // The start of a closed loop is spread over this time; an open loop holds its rate over a few times as long.
  std::chrono::nanoseconds expected_e2e{};
};

struct LoadRunReport {
  std::string first_error;  // first error of a request, "" = none
  int first_error_status = 0;
  std::chrono::milliseconds first_retry_after{};  // Retry-After of that response, at most a minute; 0 = none
  std::int64_t rate_limited = 0;                  // requests that ended with HTTP 429
  bool simulated = false;
  std::uint64_t conversations = 0;        // number of conversations begun
  std::optional<Request> first_answered;  // first request with a response
  std::int64_t first_answered_input_tokens = 0;
};

class LoadRun {
 public:
  // Called at the start, at each returned time, and with max_requests after every ended request. Returns the time of
  // the next call, or nullopt to end the load: requests in flight are then abandoned.
  using Look = std::function<std::optional<SteadyTime>(SteadyTime now)>;

  LoadRun(EventLoop& loop, Server& server, const Workload& workload, Recorder& recorder, LoadRunOptions options);
  ~LoadRun();
  LoadRun(const LoadRun&) = delete;
  LoadRun& operator=(const LoadRun&) = delete;

  LoadRunReport Run(const Look& look);

 private:
  class Place;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace autotune::bench
