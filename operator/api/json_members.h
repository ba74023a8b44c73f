// Adds members to a JSON object. Members with a zero value stay absent, as in the Kubernetes API. Pure. Internal to
// operator/api.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

namespace autotune::api {

inline void Put(nlohmann::json& out, const char* key, const std::string& value) {
  if (!value.empty()) out[key] = value;
}
inline void Put(nlohmann::json& out, const char* key, std::int64_t value) {
  if (value != 0) out[key] = value;
}
inline void Put(nlohmann::json& out, const char* key, bool value) {
  if (value) out[key] = true;
}
// A literal would otherwise be converted to bool.
void Put(nlohmann::json& out, const char* key, const char* value) = delete;

}  // namespace autotune::api
