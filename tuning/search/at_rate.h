// Requests in flight, and latency, of an engine at a request rate.
//
// Requests that arrive at a rate are in flight for their E2E latency, so their number is rate x E2E latency (Little's
// law), and the latency depends on that number. An engine that is twice as fast has less than half as many in flight;
// one that is too slow has ever more. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "tuning/search/space.h"

namespace autotune::tuning::search {

// Between two of a candidate's loads, linear in ln.
struct InFlight {
  std::size_t below = 0, above = 0;  // indices of these loads
  double share = 0;                  // of the way from `below` to `above`
  double load = 0;                   // requests in flight

  [[nodiscard]] double Between(double at_below, double at_above) const {
    return at_below + share * (at_above - at_below);
  }
};

// Where a load lies among `loads` (ascending, not empty). nullopt: outside.
std::optional<InFlight> PlaceOf(const std::vector<double>& loads, double load);

// `ln_e2e_ms`: mean E2E latency at each of `loads` (ascending, not empty, as many); `requests_per_second` > 0. The
// first load at which the engine completes as many requests per second, or less than one request in flight: the lowest
// load. nullopt: it completes fewer at every load, and its queue grows.
std::optional<InFlight> MeetRate(const std::vector<double>& loads, const std::vector<double>& ln_e2e_ms,
                                 double requests_per_second);

// ln(ms) of the E2E latency that belongs to these three (objective: LnObjective), of the statistics that they are of.
double LnE2eOf(const Space& space, double ln_ttft, double ln_tpot, double ln_objective);

}  // namespace autotune::tuning::search
