#include "operator/experiment/json_read.h"

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>

namespace autotune::experiment {

using nlohmann::json;

const json& Member(const json& object, const char* key) {
  static const json kNull;
  if (!object.is_object()) return kNull;
  const auto found = object.find(key);
  return found == object.end() ? kNull : *found;
}

std::string Text(const json& object, const char* key) {
  const json& value = Member(object, key);
  return value.is_string() ? value.get<std::string>() : std::string();
}

bool Flag(const json& object, const char* key) {
  const json& value = Member(object, key);
  return value.is_boolean() && value.get<bool>();
}

int Number(const json& object, const char* key) {
  const json& value = Member(object, key);
  if (!value.is_number_integer()) return 0;
  const auto number = value.get<std::int64_t>();
  const bool fits = number >= std::numeric_limits<int>::min() && number <= std::numeric_limits<int>::max();
  return fits ? static_cast<int>(number) : 0;
}

base::WallTime Time(const json& object, const char* key) {
  const std::string text = Text(object, key);
  return text.empty() ? base::WallTime{} : base::ParseRfc3339(text);
}

std::map<std::string, std::string> TextMap(const json& object, const char* key) {
  std::map<std::string, std::string> texts;
  const json& members = Member(object, key);
  if (!members.is_object()) return texts;
  for (const auto& [name, value] : members.items()) {
    if (value.is_string()) texts[name] = value.get<std::string>();
  }
  return texts;
}

}  // namespace autotune::experiment
