// Records all requests of a load: input of measurement/window.h, and raw records for people.
//
// Not thread-safe. Times are stored relative to `origin`, the start of the load.
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

  // Records a request that was due at `due` and started at `start`. Returns its number.
  std::size_t Start(SteadyTime due, SteadyTime start, const Request& request);
  // Records a request that is due while no slot is free: it counts as queued from now on, even if it is never sent.
  // Returns its number.
  std::size_t Wait(SteadyTime due);
  // The same, if max_in_flight of the client is reached.
  std::size_t Hold(SteadyTime due);
  // The request that Wait or Hold returned is sent at `now`.
  void Send(std::size_t waiting, const Request& request, SteadyTime now);
  // `events` output events arrived at `arrived`; the client read them at `seen`.
  void Output(std::size_t request, int events, SteadyTime arrived, SteadyTime seen);
  void End(std::size_t request, measurement::RequestOutcome outcome, SteadyTime now,
           const std::optional<CompletionStream::Usage>& usage);

  [[nodiscard]] std::span<const measurement::RequestRecord> records() const { return records_; }
  [[nodiscard]] SteadyTime origin() const { return origin_; }
  [[nodiscard]] std::int64_t ended() const { return ended_; }
  [[nodiscard]] std::int64_t succeeded() const { return succeeded_; }
  // p99 of the time in ms that output waited in the kernel before it was read: it shows the load of this client. Kernel
  // timestamps exclude it from all latencies.
  [[nodiscard]] double ReceiveLagP99() const;

 private:
  SteadyTime origin_;
  std::vector<measurement::RequestRecord> records_;
  std::int64_t ended_ = 0, succeeded_ = 0;
  std::uint64_t outputs_ = 0;
  std::vector<float> receive_lag_;  // ms, of every 16th output
};

// Appends one JSON line per request to the file at `path`: scenario, load, startMs (of the point), lagMs, outcome,
// inputTokens, askedTokens, outputTokens, ttftMs, e2eMs, eventsMs (output events, from the request's start).
base::Status AppendRecords(const std::string& path, const std::string& scenario, const measurement::Load& load,
                           std::span<const measurement::RequestRecord> records);

}  // namespace autotune::bench
