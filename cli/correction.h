// Corrections of values and words that the schema rejects: "1%" to "0.01", 60 to "60s", a name to a list of one. Pure.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace autotune::cli {

// Another form of `value` that `takes` accepts; nullopt if none is found. `schema`: of the field; `path`: of the field,
// for the unit that a bare number most likely has. `takes` judges a value by the schema of the field, or of a member of
// it.
using Takes = std::function<bool(const nlohmann::json& schema, const nlohmann::json& value)>;
std::optional<nlohmann::json> Corrected(const nlohmann::json& schema, const nlohmann::json& value,
                                        const std::string& path, const Takes& takes);

// The word of `known` that is closest to `word`, "" where none is close: misspelt, in other letters, a part of it
// ("Throughput" for MaximizeThroughput), or its initials (pvc).
std::string Closest(const std::string& word, const std::vector<std::string>& known);

// "\"fp8\" is none of default, dynamic-fp8; did you mean ...?"
std::string NoneOf(const std::string& value, const std::vector<std::string>& known);

}  // namespace autotune::cli
