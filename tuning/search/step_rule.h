// Next load of a candidate whose engine runs: the pod's own rule, with the search's posterior as input.
//
// The prediction equals the one in the pod's arguments: it excludes the candidate's own rows, on which the rule
// conditions (measurement/predicted_load.h). Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "measurement/predicted_load.h"
#include "tuning/search/residual_model.h"

namespace autotune::tuning::search {

// Arguments for this candidate's pod: its prediction and its random seed.
measurement::PredictedLoads PredictFor(const Space& space, const Bounds& bounds, const Prior& prior,
                                       const std::vector<Row>& rows, std::size_t candidate);
std::uint64_t StepSeed(const Space& space, std::size_t candidate, std::uint64_t seed);

measurement::NextLoad ChooseStep(const Space& space, const Bounds& bounds, const Prior& prior,
                                 const std::vector<Row>& rows, std::size_t candidate, std::uint64_t seed);

}  // namespace autotune::tuning::search
