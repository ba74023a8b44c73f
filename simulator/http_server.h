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

// Tokens that do not come from the engine model but when they are due (docs/simulated-engine.md).
struct AnswerSchedule {
  double ttft = 0;  // seconds
  double itl = 0;
};

// When one answer really left: monotonic nanoseconds, those of CLOCK_MONOTONIC.
struct AnswerTimes {
  std::uint64_t request = 0;
  std::int64_t received = 0;          // its HTTP request had been read
  std::vector<std::int64_t> written;  // each token had been given to the kernel
};

struct ServerOptions {
  EngineSettings settings;
  double first_request_delay = 0;  // seconds, after speed-up
  bool dies_on_first_request = false;
  // SGLang: health and completions; false behaves as SGLANG_ENABLE_HEALTH_ENDPOINT_GENERATION=false.
  bool health_generates = true;
  // More waiting requests are turned away, whatever the engine; SGLang's own flag applies as well.
  std::optional<int> most_waiting = std::nullopt;
  std::optional<AnswerSchedule> schedule = std::nullopt;
  // Once for each streamed answer that was given in full; only with a schedule.
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
  // SGLang's own first generation; `done` when its token has left. Until then /health says 503.
  void Warmup(std::function<void()> done);
  void Stop();

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

// Raises the process' limit on open files to its maximum: the usual 1,024 are too few for a thousand streams.
void AllowManyConnections();

}  // namespace autotune::simulator
