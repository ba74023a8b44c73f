// Dimensions of a model for engine_model/, from the facts of its checkpoint.
//
// Pure, thread-safe.
#pragma once

#include <optional>

#include "checkpoint/model_facts.h"
#include "engine_model/model_shape.h"

namespace autotune::engine_model {

// Returns nullopt if a size that determines speed is not known: an estimate from guesses would look like any other.
std::optional<ModelShape> ShapeOf(const checkpoint::ModelFacts& facts);

}  // namespace autotune::engine_model
