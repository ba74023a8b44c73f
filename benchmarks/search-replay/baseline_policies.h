// Policies that the search is compared with: a full sweep, random order, the prior's order, the oracle's order, and
// TPE.
//
// All but the sweep race: they bisect a candidate's loads, assuming that latency does not fall with load, and leave a
// candidate as soon as it cannot beat the incumbent under that assumption. None of them stops by itself. Not
// thread-safe.
#pragma once

#include <memory>
#include <string_view>

#include "benchmarks/search-replay/policy.h"

namespace autotune::search_replay {

// nullptr: not one of these.
std::unique_ptr<Policy> MakeBaselinePolicy(std::string_view name);

}  // namespace autotune::search_replay
