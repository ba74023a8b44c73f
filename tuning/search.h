// Order of candidates for Grid and Random. Pure: (candidates, strategy, seed, maximum) -> order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tuning/candidate.h"

namespace autotune::tuning {

enum class Order { kGrid, kRandom };

// Indices of the candidates that a task runs, in order: baselines first, then grid order or a seeded shuffle, cut at
// `max_experiments`. The rest counts as notRun. The same input gives the same order on every machine.
//
// The shuffle sorts by a hash of (seed, candidate's content hash). Adding or removing a candidate does not change the
// order of the others, so an edited task keeps its measurements.
std::vector<std::size_t> Schedule(const std::vector<Candidate>& candidates, Order order, std::uint64_t seed,
                                  std::size_t max_experiments);

}  // namespace autotune::tuning
