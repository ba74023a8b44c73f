// Whether a closed loop only shows how much the engine gets done at most: its requests always wait for a place.
//
// Users of a closed loop wait for their answers before they ask again, so the queue stays as long as it is and the loop
// can be held at the engine's capacity for ever. Requests that arrive by themselves do not wait: at that rate their
// queue grows without end, and below it they queue in bursts. So the throughput of such a loop is an upper bound of
// what a rate sustains within an SLO, by up to 90 % too high (benchmarks/README.md, "Closed loops and rates").
//
// Pure.
#pragma once

#include "measurement/point.h"

namespace autotune::measurement {

// Share of a request's time, in [0, 1], that it waits for its first token beyond `alone_ms`, the TTFT of a request that
// is alone. Of the means.
double WaitingShare(const Point& point, double alone_ms);

// Of a closed loop in which requests wait for at least 1 % of their time, and for their first token 1.25 times as long
// as one alone. Where all requests start and end together (lockstep.h) they wait for each other's prompts, so such a
// loop is one, unless prompts cost nothing that matters.
bool QueueStands(const Point& point, double alone_ms);

}  // namespace autotune::measurement
