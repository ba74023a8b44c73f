// Corrections of values and words that the schema rejects: "1%" to "0.01", 60 to "60s", a name to a list with it. Pure.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace autotune::cli {

// Another form of `value` that `takes` accepts; nullopt if there is none. `schema`: schema of the field. `path`: path
// of the field, from which the likely unit of a bare number follows. `takes`: checks a value against the schema of the
// field or of one of its members.
using Takes = std::function<bool(const nlohmann::json& schema, const nlohmann::json& value)>;
std::optional<nlohmann::json> Corrected(const nlohmann::json& schema, const nlohmann::json& value,
                                        const std::string& path, const Takes& takes);

// The durations that a number without a unit may have meant: "25s", "25m", "25h"; of limits under spec.slo "7ms", "7s".
// Empty where the field is no duration or the value is no bare number above 0. Parameters as of Corrected.
std::vector<std::string> WithUnits(const nlohmann::json& schema, const nlohmann::json& value, const std::string& path,
                                   const Takes& takes);

// The word of `known` that is closest to `word`; "" if none is close. Close means: a typing error, other case, a part
// of it ("Throughput" for MaximizeThroughput), or its initials (pvc).
std::string Closest(const std::string& word, const std::vector<std::string>& known);

// "\"fp8\" is none of default, dynamic-fp8; did you mean ...?"
std::string NoneOf(const std::string& value, const std::vector<std::string>& known);

}  // namespace autotune::cli
