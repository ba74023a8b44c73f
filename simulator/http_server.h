// The simulated engine's HTTP server: the endpoints of the engine it pretends to be, answered at the scheduler's pace.
//
// Boost.Beast on the caller's io_context; everything runs on the one thread that runs it (256 streams at thousands of
// tokens per second need no more). Every response carries `X-Simulated: true`. The io_context, the clock and the
// callbacks outlive the server; Stop() closes everything at once.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "simulator/engine_settings.h"

namespace boost::asio {
class io_context;
}

namespace autotune::simulator {

struct ServerOptions {
  EngineSettings settings;
  double first_request_delay = 0;  // seconds, after speed-up
  bool dies_on_first_request = false;
  // SGLang: health and completions; false behaves as SGLANG_ENABLE_HEALTH_ENDPOINT_GENERATION=false.
  bool health_generates = true;
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

}  // namespace autotune::simulator
