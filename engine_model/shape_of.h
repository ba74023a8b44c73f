// The model's dimensions for the arithmetic here, from what its checkpoint says.
//
// Pure, thread-safe.
#pragma once

#include <optional>

#include "checkpoint/model_facts.h"
#include "engine_model/model_shape.h"

namespace autotune::engine_model {

// Nothing where a size that decides about speed is not known: a price that is made of guesses would look like any
// other.
std::optional<ModelShape> ShapeOf(const checkpoint::ModelFacts& facts);

}  // namespace autotune::engine_model
