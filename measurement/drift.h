// Whether the throughput of a closed loop changed steadily within its window: the server slows down (heat, other load,
// a cache that fills up), or was not warm yet. The point's numbers then average different states. Or whether the server
// stalled in it.
//
// Pure and thread-safe.
#pragma once

#include <chrono>
#include <optional>
#include <span>

#include "measurement/request_record.h"

namespace autotune::measurement {

// Relative change of the output events/s from `begin` to `end`, by a least-squares line; negative if they fell, above
// -1. nullopt unless the change is at least a tenth and certain: at least five standard errors of the line over twelve
// parts, in a window of at least four consecutive requests, so it is not part of a wave. The cost is linear in the
// events.
std::optional<double> ThroughputDrift(std::span<const RequestRecord> records, std::chrono::nanoseconds begin,
                                      std::chrono::nanoseconds end);

// The longest time in seconds, in or across the window, in which no token came although requests waited, if it is so
// long that the server stalled: at least two seconds, and twice the median E2E latency of the requests outside of it.
// nullopt otherwise. A stall that has not ended is not seen. The cost is n log n in the events.
std::optional<double> Stall(std::span<const RequestRecord> records, std::chrono::nanoseconds begin,
                            std::chrono::nanoseconds end);

}  // namespace autotune::measurement
