// The next load of a candidate whose engine is up: the pod's own rule, fed from the search's posterior.
//
// The prediction is the one in the pod's arguments: it excludes the candidate's own rows, on which the rule conditions
// (measurement/predicted_load.h). Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "measurement/predicted_load.h"
#include "tuning/search/residual_model.h"

namespace autotune::tuning::search {

// Arguments for the pod of this candidate: its prediction and its key for random numbers.
measurement::PredictedLoads PredictFor(const Space& space, const Bounds& bounds, const Prior& prior,
                                       const std::vector<Row>& rows, std::size_t candidate);
std::uint64_t StepSeed(const Space& space, std::size_t candidate, std::uint64_t seed);

measurement::NextLoad ChooseStep(const Space& space, const Bounds& bounds, const Prior& prior,
                                 const std::vector<Row>& rows, std::size_t candidate, std::uint64_t seed);

}  // namespace autotune::tuning::search
