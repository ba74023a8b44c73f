// Rows with two answers of models or people, and a label that says which of them is better: pairwise preferences.
//
// Pure and thread-safe. Such a label is meaningless if the two answers are not sent.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace autotune::measurement {

// Describes the answers and the label, with the jq program that asks which is better, with both in the prompt; or says
// that the preference cannot be judged, if no label is understood. "" = not such a row.
std::string WhyWeighed(const nlohmann::json& row);

}  // namespace autotune::measurement
