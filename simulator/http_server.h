// The simulated engine's HTTP server: the endpoints of the engine that it simulates, answered at the scheduler's pace.
//
// Boost.Beast on the caller's io_context; everything runs on the one thread that runs it (a thousand streams at tens of
// thousands of tokens per second need no more). Every response carries `X-Simulated: true`. The io_context, the clock
// and the callbacks outlive the server; Stop() closes everything at once.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "simulator/engine_settings.h"

namespace boost::asio {
class io_context;
}

namespace autotune::simulator {

// Tokens that leave at fixed times instead of those of the engine model (docs/simulated-engine.md).
struct AnswerSchedule {
  double ttft = 0;  // seconds
  double itl = 0;
};

// Real times of one answer, in nanoseconds of CLOCK_MONOTONIC.
struct AnswerTimes {
  std::uint64_t request = 0;
  std::int64_t received = 0;          // when its HTTP request had been read
  std::vector<std::int64_t> written;  // when each token had been given to the kernel
};

struct ServerOptions {
  EngineSettings settings;
  double first_request_delay = 0;  // seconds, after speed-up
  bool dies_on_first_request = false;
  // SGLang: health and completions; false behaves as SGLANG_ENABLE_HEALTH_ENDPOINT_GENERATION=false.
  bool health_generates = true;
  // Limit of waiting requests for any engine: more are rejected. SGLang's own flag applies as well.
  std::optional<int> most_waiting = std::nullopt;
  std::optional<AnswerSchedule> schedule = std::nullopt;
  // Called for each completely streamed answer; only with a schedule.
  std::function<void(const AnswerTimes&)> on_answer = nullptr;
};

class SimulatedServer {
 public:
  // `on_death` is called once, when the first completion (or generating health check) arrives and
  // dies_on_first_request is set; the server then answers nothing more. `log` gets one access line per completion.
  SimulatedServer(boost::asio::io_context& io, const base::Clock& clock, ServerOptions options,
                  std::function<void()> on_death, std::function<void(const std::string&)> log);
  ~SimulatedServer();
  SimulatedServer(const SimulatedServer&) = delete;
  SimulatedServer& operator=(const SimulatedServer&) = delete;

  // Binds and starts accepting; port 0 takes a free one. Returns the port. kInvalid: cannot bind (address in use, ...).
  base::Result<std::uint16_t> Listen(const std::string& host, std::uint16_t port);
  // SGLang's own first generation. Calls `done` when its token has left; until then /health returns 503.
  void Warmup(std::function<void()> done);
  void Stop();

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

// Raises the process's limit of open files to its maximum: the usual 1,024 are not enough for a thousand streams.
void AllowManyConnections();

}  // namespace autotune::simulator
