// JSON for people and scripts: what `-o json` prints. Pure, thread-safe.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace autotune::cli {

// A member a line. Bytes that are not UTF-8, as names in checkpoints and logs may have, become U+FFFD.
std::string IndentedJson(const nlohmann::json& value);

}  // namespace autotune::cli
