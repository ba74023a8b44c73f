// JSON as Python's json module reads it: bare NaN, Infinity and -Infinity are values, as in files that it writes.
//
// Pure, thread-safe. Errors name the file, the line and the column. Input of any kind is safe: nesting is bounded.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/result.h"

namespace autotune::checkpoint {

// Parses `text`. NaN and infinities become null. kInvalid: `config.json: line 3, column 7: is not JSON: ...`.
base::Result<nlohmann::json> ParsePythonJson(std::string_view text, const std::string& file);

// The same for a file that must hold an object.
base::Result<nlohmann::json> ParseObject(std::string_view text, const std::string& file);

}  // namespace autotune::checkpoint
