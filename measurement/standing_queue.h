// Whether a closed loop only shows the engine's capacity, because requests always wait for a free slot.
//
// Users of a closed loop wait for their answers before they send again, so the queue has a constant length, and the
// loop can run at the engine's capacity indefinitely. In an open loop arrivals do not wait: at that rate the queue
// grows without limit, and below it requests queue in bursts. So the throughput of such a closed loop is an upper limit
// of the rate that meets an SLO; with the simulated engine it is up to 90 % too high (benchmarks/README.md, "Closed
// loops and rates").
//
// Pure.
#pragma once

#include "measurement/point.h"

namespace autotune::measurement {

// Share in [0, 1] of a request's time that it waits for its first token beyond `alone_ms`, the TTFT in ms of a request
// without others. Uses the means.
double WaitingShare(const Point& point, double alone_ms);

// True for a closed loop whose requests wait for at least 1 % of their time, and whose TTFT is at least 1.15 times
// `alone_ms`. In lockstep (lockstep.h) requests wait for each other's prompts, so such a loop counts too, unless
// prefill time is negligible.
bool QueueStands(const Point& point, double alone_ms);

}  // namespace autotune::measurement
