// `autotune inspect`: the facts of a checkpoint from its files, as in the status of a task. Pure.
#pragma once

#include <string>

#include "checkpoint/model_facts.h"

namespace autotune::cli {

// One fact per line; "not known" if the files do not contain it. -o json prints checkpoint::ToJson.
std::string ModelFactsText(const checkpoint::ModelFacts& facts);

}  // namespace autotune::cli
