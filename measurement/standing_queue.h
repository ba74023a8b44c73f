// Whether a closed loop shows only the engine's capacity, because its requests always wait for a free slot.
//
// Users of a closed loop wait for their answers before they send again, so the queue has a constant length, and the
// loop can run at the engine's capacity indefinitely. In an open loop arrivals do not wait: at that rate the queue
// grows without end, and below it requests queue in bursts. So the throughput of such a closed loop is an upper bound
// of the rate that meets an SLO, in the simulated engine's model up to 90 % too high (benchmarks/README.md, "Closed
// loops and rates").
//
// Pure.
#pragma once

#include "measurement/point.h"

namespace autotune::measurement {

// Share of a request's time, in [0, 1], that it waits for its first token beyond `alone_ms`, the TTFT of a request that
// is alone. Of the means.
double WaitingShare(const Point& point, double alone_ms);

// Of a closed loop in which requests wait for at least 1 % of their time, and for their first token 1.15 times as long
// as one alone. Where all requests start and end together (lockstep.h) they wait for each other's prompts, so such a
// loop is one, unless prompts cost nothing that matters.
bool QueueStands(const Point& point, double alone_ms);

}  // namespace autotune::measurement
