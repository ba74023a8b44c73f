// Lenient access to objects from newer servers: missing fields and fields of the wrong type read as empty.
//
// Pure. References point into the argument or to a static null value.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/clock.h"

namespace autotune::experiment {

// The member, or a static null value.
const nlohmann::json& Member(const nlohmann::json& object, const char* key);
std::string Text(const nlohmann::json& object, const char* key);
bool Flag(const nlohmann::json& object, const char* key);
int Number(const nlohmann::json& object, const char* key);
// An RFC 3339 time; the epoch if there is none.
base::WallTime Time(const nlohmann::json& object, const char* key);
std::map<std::string, std::string> TextMap(const nlohmann::json& object, const char* key);

}  // namespace autotune::experiment
