// `autotune inspect`: what the files of a checkpoint say, as `status.model` has it. Pure.
#pragma once

#include <string>

#include "checkpoint/model_facts.h"

namespace autotune::cli {

// A line each. What the files do not hold is "not known". -o json is checkpoint::ToJson.
std::string ModelFactsText(const checkpoint::ModelFacts& facts);

}  // namespace autotune::cli
