// Lenient access to objects that a newer server may have changed: missing or wrongly typed fields read as empty.
//
// Pure. References point into the argument or to a static null value.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/clock.h"

namespace autotune::experiment {

// The member, or a null value.
const nlohmann::json& Member(const nlohmann::json& object, const char* key);
std::string Text(const nlohmann::json& object, const char* key);
bool Flag(const nlohmann::json& object, const char* key);
int Number(const nlohmann::json& object, const char* key);
// An RFC 3339 time; the epoch when there is none.
base::WallTime Time(const nlohmann::json& object, const char* key);
std::map<std::string, std::string> TextMap(const nlohmann::json& object, const char* key);

}  // namespace autotune::experiment
