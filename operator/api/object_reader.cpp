#include "operator/api/object_reader.h"

#include <charconv>
#include <cmath>
#include <utility>

#include "operator/api/autotune_task.h"
#include "operator/api/units.h"

namespace autotune::api {

std::string_view TypeName(const nlohmann::json& value) {
  switch (value.type()) {
    case json::value_t::null:
      return "null";
    case json::value_t::object:
      return "an object";
    case json::value_t::array:
      return "a list";
    case json::value_t::string:
      return "a string";
    case json::value_t::boolean:
      return "a boolean";
    case json::value_t::number_integer:
    case json::value_t::number_unsigned:
      return "an integer";
    case json::value_t::number_float:
      return "a number";
    case json::value_t::binary:
    case json::value_t::discarded:
      return "not JSON";
  }
  return "not JSON";
}

ObjectReader::ObjectReader(const json& object, std::string path, std::optional<base::Error>& error, Unknown unknown)
    : object_(object), path_(std::move(path)), error_(error), unknown_(unknown) {
  if (!object_.is_object()) FailAt(path_, "expected an object, got " + std::string(TypeName(object_)));
}

const json* ObjectReader::Get(std::string_view key) {
  if (error_) return nullptr;
  if (unknown_ == Unknown::kRefuse) known_.emplace(key);
  const auto found = object_.find(key);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

std::string ObjectReader::PathOf(std::string_view key) const {
  return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
}

void ObjectReader::Fail(std::string_view key, const std::string& message) { FailAt(PathOf(key), message); }

void ObjectReader::FailAt(const std::string& path, const std::string& message) {
  if (!error_) error_ = base::Invalid((path.empty() ? "" : path + ": ") + message);
}

const json* ObjectReader::Typed(std::string_view key, json::value_t type, std::string_view expected) {
  const json* value = Get(key);
  if (value == nullptr || value->type() == type) return value;
  Fail(key, "expected " + std::string(expected) + ", got " + std::string(TypeName(*value)));
  return nullptr;
}

bool ObjectReader::WithinItems(std::string_view key, const json& array, std::size_t max_items) {
  if (array.size() <= max_items) return true;
  Fail(key, std::to_string(array.size()) + " items, at most " + std::to_string(max_items) + " are allowed");
  return false;
}

void ObjectReader::Text(std::string_view key, std::string& out, Presence presence, std::size_t max_length) {
  const json* value = Typed(key, json::value_t::string, "a string");
  if (value != nullptr) {
    out = value->get<std::string>();
    if (out.size() > max_length) {
      Fail(key, "longer than the " + std::to_string(max_length) + " characters that are allowed");
    }
  }
  if (presence == Presence::kRequired && !error_ && out.empty()) Fail(key, "is required");
}

void ObjectReader::Bool(std::string_view key, bool& out) {
  if (const json* value = Typed(key, json::value_t::boolean, "true or false")) out = value->get<bool>();
}

void ObjectReader::Integer(std::string_view key, std::int64_t& out, std::int64_t min, std::int64_t max) {
  const json* value = Get(key);
  if (value == nullptr) return;
  if (!value->is_number_integer()) {
    Fail(key, value->dump() + " is not an integer");
    return;
  }
  const bool too_large =
      value->is_number_unsigned() &&
      value->get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (too_large || value->get<std::int64_t>() < min || value->get<std::int64_t>() > max) {
    Fail(key, value->dump() + " is not between " + std::to_string(min) + " and " + std::to_string(max));
    return;
  }
  out = value->get<std::int64_t>();
}

void ObjectReader::Integer(std::string_view key, int& out, std::int64_t min, std::int64_t max) {
  std::int64_t wide = out;
  Integer(key, wide, min, max);
  out = static_cast<int>(wide);
}

void ObjectReader::DecimalText(std::string_view key, std::string& out) {
  const json* value = Typed(key, json::value_t::string, "a decimal in quotes");
  if (value == nullptr) return;
  const std::string text = value->get<std::string>();
  if (!IsDecimal(text)) {
    Fail(key, "\"" + text + "\" is not a decimal such as \"2.50\"");
    return;
  }
  out = text;
}

void ObjectReader::Decimal(std::string_view key, double& out) {
  std::string text;
  DecimalText(key, text);
  if (!text.empty()) {
    const char* start = text.data() + (text[0] == '+' ? 1 : 0);
    std::from_chars(start, text.data() + text.size(), out);
  }
}

void ObjectReader::Decimal(std::string_view key, std::optional<double>& out, double min, double max) {
  double value = std::numeric_limits<double>::quiet_NaN();
  Decimal(key, value);
  if (std::isnan(value)) return;
  if (value < min || value > max) {
    Fail(key, "\"" + FormatDecimal(value, 6) + "\" is not between " + FormatDecimal(min, 6) + " and " +
                  FormatDecimal(max, 6));
    return;
  }
  out = value;
}

void ObjectReader::Duration(std::string_view key, std::chrono::seconds& out, std::chrono::seconds min,
                            std::chrono::seconds max) {
  const json* value = Typed(key, json::value_t::string, "a duration such as 45m");
  if (value == nullptr) return;
  const auto parsed = ParseDuration(value->get<std::string>(), PathOf(key));
  if (!parsed) {
    error_ = parsed.error();
    return;
  }
  if (*parsed < min || *parsed > max) {
    Fail(key,
         "\"" + value->get<std::string>() + "\" is not between " + FormatDuration(min) + " and " + FormatDuration(max));
    return;
  }
  if (parsed->count() % 1000 != 0) {
    Fail(key, "\"" + value->get<std::string>() + "\" is not a whole number of seconds");
    return;
  }
  out = std::chrono::duration_cast<std::chrono::seconds>(*parsed);
}

void ObjectReader::Milliseconds(std::string_view key, double& out) {
  const json* value = Typed(key, json::value_t::string, "a duration such as 500ms");
  if (value == nullptr) return;
  const auto parsed = ParseMilliseconds(value->get<std::string>(), PathOf(key));
  if (!parsed) {
    error_ = parsed.error();
    return;
  }
  out = *parsed;
}

void ObjectReader::Texts(std::string_view key, std::vector<std::string>& out, std::size_t max_items,
                         std::size_t max_length) {
  const json* value = Typed(key, json::value_t::array, "a list");
  if (value == nullptr || !WithinItems(key, *value, max_items)) return;
  std::vector<std::string> items;
  for (const json& item : *value) {
    const std::string path = PathOf(key) + "[" + std::to_string(items.size()) + "]";
    if (!item.is_string()) return FailAt(path, "expected a string, got " + std::string(TypeName(item)));
    items.push_back(item.get<std::string>());
    if (items.back().size() > max_length) {
      return FailAt(path, "longer than the " + std::to_string(max_length) + " characters that are allowed");
    }
  }
  out = std::move(items);
}

void ObjectReader::Integers(std::string_view key, std::vector<int>& out, std::int64_t min, std::int64_t max,
                            std::size_t max_items) {
  const json* value = Typed(key, json::value_t::array, "a list");
  if (value == nullptr || !WithinItems(key, *value, max_items)) return;
  std::vector<int> items;
  for (const json& item : *value) {
    const std::string path = PathOf(key) + "[" + std::to_string(items.size()) + "]";
    if (!item.is_number_integer()) return FailAt(path, item.dump() + " is not an integer");
    if (item > max || item < min) {
      return FailAt(path, item.dump() + " is not between " + std::to_string(min) + " and " + std::to_string(max));
    }
    items.push_back(item.get<int>());
  }
  out = std::move(items);
}

void ObjectReader::TextMap(std::string_view key, std::map<std::string, std::string>& out, std::size_t max_items) {
  const json* value = Typed(key, json::value_t::object, "an object");
  if (value == nullptr || !WithinItems(key, *value, max_items)) return;
  std::map<std::string, std::string> items;
  for (const auto& [name, item] : value->items()) {
    if (!item.is_string()) {
      return FailAt(PathOf(key) + "." + name, "expected a string, got " + std::string(TypeName(item)));
    }
    items.emplace(name, item.get<std::string>());
  }
  out = std::move(items);
}

void ObjectReader::PassObject(std::string_view key, json& out) {
  if (const json* value = Typed(key, json::value_t::object, "an object")) out = *value;
}

void ObjectReader::PassArray(std::string_view key, json& out, std::size_t max_items) {
  const json* value = Typed(key, json::value_t::array, "a list");
  if (value != nullptr && WithinItems(key, *value, max_items)) out = *value;
}

void ObjectReader::Choice(std::string_view key, std::span<const std::string_view> names,
                          const std::function<void(std::size_t)>& set) {
  const json* value = Typed(key, json::value_t::string, "a string");
  if (value == nullptr) return;
  const std::string text = value->get<std::string>();
  std::string allowed;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == text) return set(i);
    allowed += (i == 0 ? "" : ", ") + std::string(names[i]);
  }
  Fail(key, "\"" + text + "\" is not one of " + allowed);
}

void ObjectReader::Nested(std::string_view key, const std::function<void(ObjectReader&)>& read) {
  const json* value = Get(key);
  if (value == nullptr) return;
  ObjectReader child(*value, PathOf(key), error_, unknown_);
  if (error_) return;
  read(child);
  child.Finish();
}

void ObjectReader::Each(std::string_view key, std::size_t max_items, const std::function<void(ObjectReader&)>& read) {
  const json* value = Typed(key, json::value_t::array, "a list");
  if (value == nullptr || !WithinItems(key, *value, max_items)) return;
  for (std::size_t i = 0; i < value->size() && !error_; ++i) {
    ObjectReader child((*value)[i], PathOf(key) + "[" + std::to_string(i) + "]", error_, unknown_);
    if (error_) return;
    read(child);
    child.Finish();
  }
}

void ObjectReader::Finish() {
  if (error_ || unknown_ == Unknown::kIgnore) return;
  for (const auto& [name, value] : object_.items()) {
    if (known_.contains(name)) continue;
    std::string fields;
    for (const std::string& known : known_) fields += (fields.empty() ? "" : ", ") + known;
    return Fail(name, "unknown field; known fields are " + fields);
  }
}

}  // namespace autotune::api
