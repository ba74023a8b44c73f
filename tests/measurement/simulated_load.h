// A server in virtual time, request by request: a number of slots, first come first served, random service times. What
// a recorder would have written of a load on it, at any time. Deterministic for a seed; the simulated engine of the
// product is another thing.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "measurement/load.h"
#include "measurement/request_record.h"
#include "measurement/window.h"

namespace autotune::measurement {

struct SimulatedServer {
  int slots = 32;
  double service_seconds = 1;  // mean
  double variation = 0.5;      // coefficient of variation of the service time; log-normal
  int tokens = 16;             // of every answer, evenly over its service time
  double shed_share = 0;       // of requests: rejected at once
  // Of arrivals: 1 = Poisson, 0 = even; shape of a gamma distribution of the gaps is 1 / variability.
  double variability = 1;
  std::size_t block = 0;  // of arrivals that hold their rate exactly (arrival_gaps.h)
};

class SimulatedLoad {
 public:
  // A closed loop starts its places over one service time.
  SimulatedLoad(const SimulatedServer& server, const Load& load, std::chrono::nanoseconds length, std::uint64_t seed);

  // As known at `now`: requests that have started, events that have arrived.
  [[nodiscard]] std::vector<RequestRecord> At(std::chrono::nanoseconds now) const;
  // Everything, to its end.
  [[nodiscard]] const std::vector<RequestRecord>& All() const { return records_; }

 private:
  std::vector<RequestRecord> records_;
};

// Evaluates the load as a bench would: whenever the last answer asked for it.
struct Measured {
  Progress progress;
  double seconds = 0;  // until done
  int evaluations = 0;
};
Measured MeasurePoint(const SimulatedLoad& load, const PointSpec& spec);
// The same of what another server has recorded at each time asked for, which never goes back.
Measured MeasurePoint(const std::function<std::span<const RequestRecord>(std::chrono::nanoseconds)>& at,
                      const PointSpec& spec);

}  // namespace autotune::measurement
