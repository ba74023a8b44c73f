// Requests in flight and latency of an engine at a given request rate.
//
// Requests in flight = rate x E2E latency (Little's law), and the latency depends on that number. An engine that is
// twice as fast has less than half as many in flight; for one that is too slow the number grows without limit.
// Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "tuning/search/space.h"

namespace autotune::tuning::search {

// A load between two of a candidate's loads, interpolated linearly in ln.
struct InFlight {
  std::size_t below = 0, above = 0;  // indices of these loads
  double share = 0;                  // position between `below` (0) and `above` (1)
  double load = 0;                   // requests in flight

  [[nodiscard]] double Between(double at_below, double at_above) const {
    return at_below + share * (at_above - at_below);
  }
};

// Position of a load among `loads`. nullopt: outside. REQUIRES: `loads` is ascending and not empty.
std::optional<InFlight> PlaceOf(const std::vector<double>& loads, double load);

// The first load at which the engine completes `requests_per_second`, or the lowest load if less than one request is in
// flight. `ln_e2e_ms`: mean E2E latency at each load. nullopt: it completes fewer at every load, and its queue grows.
// REQUIRES: `loads` ascending and not empty; `requests_per_second` > 0.
std::optional<InFlight> MeetRate(const std::vector<double>& loads, const std::vector<double>& ln_e2e_ms,
                                 double requests_per_second);

// ln(ms) of the E2E latency from TTFT, TPOT and the objective (LnObjective), for the same statistics.
double LnE2eOf(const Space& space, double ln_ttft, double ln_tpot, double ln_objective);

}  // namespace autotune::tuning::search
