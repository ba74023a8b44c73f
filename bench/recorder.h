// Records of all requests of a load: input of measurement/window, and raw records for people.
//
// Not thread-safe. Times become those of the load's own clock, which starts at `origin`.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "bench/completion_stream.h"
#include "bench/event_loop.h"
#include "bench/workload.h"
#include "measurement/point.h"
#include "measurement/request_record.h"

namespace autotune::bench {

class Recorder {
 public:
  explicit Recorder(SteadyTime origin) : origin_(origin) {}

  // A request that should have started at `due` and did at `start`. Returns its number.
  std::size_t Start(SteadyTime due, SteadyTime start, const Request& request);
  // A request that is due and for which no place is free: it is in the queue from now on, whether it is ever sent or
  // not. Returns its number.
  std::size_t Wait(SteadyTime due);
  // The same, because all places of the client are taken.
  std::size_t Hold(SteadyTime due);
  // What Wait or Hold returned is sent at `now`.
  void Send(std::size_t waiting, const Request& request, SteadyTime now);
  // `events` output events arrived; `seen` is when the client looked.
  void Output(std::size_t request, int events, SteadyTime arrived, SteadyTime seen);
  void End(std::size_t request, measurement::RequestOutcome outcome, SteadyTime now,
           const std::optional<CompletionStream::Usage>& usage);

  [[nodiscard]] std::span<const measurement::RequestRecord> records() const { return records_; }
  [[nodiscard]] SteadyTime origin() const { return origin_; }
  [[nodiscard]] std::int64_t ended() const { return ended_; }
  [[nodiscard]] std::int64_t succeeded() const { return succeeded_; }
  // p99 of the time that output waited in the kernel before it was read (ms): the load of this client. Kernel time
  // stamps exclude it from all latencies.
  [[nodiscard]] double ReceiveLagP99() const;

 private:
  SteadyTime origin_;
  std::vector<measurement::RequestRecord> records_;
  std::int64_t ended_ = 0, succeeded_ = 0;
  std::uint64_t outputs_ = 0;
  std::vector<float> receive_lag_;  // ms, of every 16th output
};

// Appends one JSON line per request to the file at `path`: scenario, load, startMs (of the point), lagMs, outcome,
// inputTokens, askedTokens, outputTokens, ttftMs, e2eMs, eventsMs (each output event, after the start).
base::Status AppendRecords(const std::string& path, const std::string& scenario, const measurement::Load& load,
                           std::span<const measurement::RequestRecord> records);

}  // namespace autotune::bench
