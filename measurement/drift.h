// Whether what a closed loop gets done changed steadily within its window: a server that slows down (heat, other load,
// a cache that fills up), or one that was not warm yet. The numbers of the point are then a mean of different things.
//
// Pure and thread-safe.
#pragma once

#include <chrono>
#include <optional>
#include <span>

#include "measurement/request_record.h"

namespace autotune::measurement {

// By which share the output events a second changed from the begin of [begin, end) to its end: of the line through
// them, least squares. Negative if they fell, above -1. nullopt unless the change is at least a tenth and certain: at
// least five times the line's own standard error over twelve parts, and a window of at least four requests, so that it
// is no part of a wave. The cost is linear in the events.
std::optional<double> ThroughputDrift(std::span<const RequestRecord> records, std::chrono::nanoseconds begin,
                                      std::chrono::nanoseconds end);

}  // namespace autotune::measurement
