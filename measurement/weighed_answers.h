// Rows that have two answers of models or people, and a label that says which of them is better: pairwise judging.
//
// Pure and thread-safe. Such a label means nothing where the two answers are not sent.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace autotune::measurement {

// "" = the row is none. The two answers, their label, and the jq program that asks which of them is better, with both
// in the prompt; or that such a preference cannot be judged, if no label of the row is understood.
std::string WhyWeighed(const nlohmann::json& row);

}  // namespace autotune::measurement
