#include "checkpoint/json_keys.h"

#include <cmath>

namespace autotune::checkpoint {

using nlohmann::json;

bool Contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

const json* Find(const json* object, std::string_view key) {
  if (object == nullptr || !object->is_object()) return nullptr;
  const auto found = object->find(key);
  return found == object->end() || found->is_null() ? nullptr : &*found;
}

const json* FindObject(const json* object, std::string_view key) {
  const json* found = Find(object, key);
  return found != nullptr && found->is_object() ? found : nullptr;
}

const json* FindArray(const json* object, std::string_view key) {
  const json* found = Find(object, key);
  return found != nullptr && found->is_array() ? found : nullptr;
}

std::string TextOf(const json* object, std::string_view key) {
  const json* found = Find(object, key);
  return found != nullptr && found->is_string() ? found->get<std::string>() : "";
}

bool TrueAt(const json* object, std::string_view key) {
  const json* found = Find(object, key);
  return found != nullptr && found->is_boolean() && found->get<bool>();
}

std::optional<std::int64_t> WholeNumber(const json& value) {
  if (value.is_number_unsigned()) {
    const auto number = value.get<std::uint64_t>();
    return number <= static_cast<std::uint64_t>(INT64_MAX) ? std::optional(static_cast<std::int64_t>(number))
                                                           : std::nullopt;
  }
  if (value.is_number_integer()) return value.get<std::int64_t>();
  constexpr double kExact = 9007199254740992.0;
  if (!value.is_number()) return std::nullopt;
  const double number = value.get<double>();
  if (!(std::abs(number) <= kExact) || number != std::floor(number)) return std::nullopt;
  return static_cast<std::int64_t>(number);
}

std::optional<std::int64_t> IntegerOf(const json* object, std::string_view key) {
  const json* found = Find(object, key);
  return found == nullptr ? std::nullopt : WholeNumber(*found);
}

std::optional<std::vector<std::int64_t>> IntegersOf(const json* value) {
  if (value == nullptr || !value->is_array()) return std::nullopt;
  std::vector<std::int64_t> numbers;
  for (const json& member : *value) {
    const std::optional<std::int64_t> number = WholeNumber(member);
    if (!number) return std::nullopt;
    numbers.push_back(*number);
  }
  return numbers;
}

std::vector<std::string> TextsOf(const json* object, std::string_view key) {
  std::vector<std::string> texts;
  if (const json* list = FindArray(object, key)) {
    for (const json& member : *list) {
      if (member.is_string()) texts.push_back(member.get<std::string>());
    }
  }
  return texts;
}

}  // namespace autotune::checkpoint
