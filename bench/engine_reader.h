// Reads the engine's own counters while a load runs, on the load's event loop.
//
// Not thread-safe. A reading that fails or takes too long is ignored, because it only explains a measurement.
#pragma once

#include <string>
#include <vector>

#include "bench/connection.h"
#include "bench/engine_metrics.h"
#include "bench/event_loop.h"

namespace autotune::bench {

class EngineReader final : private Connection::Listener {
 public:
  // `path`: of the metrics page; "" = the engine has none.
  EngineReader(EventLoop& loop, Server& server, std::string path)
      : path_(std::move(path)), connection_(loop, server, *this) {}

  void ReadNow();
  // Reads at most once per interval: rendering the metrics blocks an engine's front end for milliseconds.
  void ReadSometimes(SteadyTime now);
  [[nodiscard]] const std::vector<EngineReading>& readings() const { return readings_; }

 private:
  void OnHead(const HttpResponse& head) override;
  void OnBody(std::string_view piece, SteadyTime arrived, SteadyTime seen) override;
  void OnEnd() override;
  void OnBroken(const std::string& why) override;

  std::string path_;
  Connection connection_;
  SteadyTime last_;
  int status_ = 0;
  std::string text_;
  std::vector<EngineReading> readings_;
};

}  // namespace autotune::bench
