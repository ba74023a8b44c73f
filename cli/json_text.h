// JSON for people and scripts: the output of `-o json`. Pure, thread-safe.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace autotune::cli {

// One member per line. Bytes that are not UTF-8 (names in checkpoints, logs) become U+FFFD.
std::string IndentedJson(const nlohmann::json& value);

}  // namespace autotune::cli
