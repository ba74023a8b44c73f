// One offered load on one server: starts requests when they are due, reads their answers and records them, until its
// owner ends it.
//
// Blocking, single-threaded. Closed loop: a fixed number of places, each of which sends its next request when its last
// one has ended, staggered at the start. Open loop: requests start at the times of an arrival process. A request beyond
// max_in_flight waits in the client; its clock runs from its due time, as in the server's queue, so an overload is
// never hidden. A place of a closed loop that was refused (HTTP 408, 429, 503) waits as long as Retry-After says (at
// most a minute), otherwise longer each time, from 20 ms to 1 s. Arrivals of an open loop do not wait for answers.
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
  std::uint64_t stream = 0;              // of arrivals: one for each point
  std::uint64_t first_conversation = 0;  // contents: no two loads repeat each other's
  int max_in_flight = 512;
  std::int64_t max_requests = 0;  // 0 = no limit
  std::chrono::nanoseconds request_timeout{};
  // A closed loop's start is spread over it; an open loop holds its rate over a few of them.
  std::chrono::nanoseconds expected_e2e{};
};

struct LoadRunReport {
  std::string first_error;  // of a request, "" = none
  int first_error_status = 0;
  std::chrono::milliseconds first_retry_after{};  // Retry-After of that answer, at most a minute; 0 = none
  std::int64_t rate_limited = 0;                  // requests that ended with HTTP 429
  bool simulated = false;
  std::uint64_t conversations = 0;        // begun
  std::optional<Request> first_answered;  // and the tokens that the engine counted in it
  std::int64_t first_answered_input_tokens = 0;
};

class LoadRun {
 public:
  // Called at the start and then at the returned time. Returns the time of the next call, or nullopt to end the load.
  // Requests in flight are then given up. It is also called after every ended request of a run with max_requests.
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
