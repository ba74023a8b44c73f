#include "quant/flag_value.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

namespace autotune::quant {
namespace {

using nlohmann::json;

// Longer exponents are text: no engine takes such a number, and expanding them would make long strings.
constexpr int kLargestExponent = 40;

struct Decimal {
  bool negative = false;
  std::string digits;  // without the point
  int point = 0;       // how many of the digits stand before the point; may be negative or beyond the end
};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::optional<Decimal> ParseDecimal(std::string_view text) {
  Decimal decimal;
  std::size_t at = 0;
  if (at < text.size() && text[at] == '-') {
    decimal.negative = true;
    ++at;
  }
  const std::size_t integer_start = at;
  while (at < text.size() && IsDigit(text[at])) decimal.digits += text[at++];
  const std::size_t integer_length = at - integer_start;
  // "007" is a name, not a number.
  if (integer_length > 1 && text[integer_start] == '0') return std::nullopt;
  decimal.point = static_cast<int>(integer_length);
  if (at < text.size() && text[at] == '.') {
    const std::size_t fraction_start = ++at;
    while (at < text.size() && IsDigit(text[at])) decimal.digits += text[at++];
    if (at == fraction_start) return std::nullopt;
  } else if (integer_length == 0) {
    return std::nullopt;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && text[at] == '+') ++at;
    int exponent = 0;
    const auto [end, error] = std::from_chars(text.data() + at, text.data() + text.size(), exponent);
    if (error != std::errc() || end == text.data() + at || std::abs(exponent) > kLargestExponent) return std::nullopt;
    at = static_cast<std::size_t>(end - text.data());
    decimal.point += exponent;
  }
  if (at != text.size()) return std::nullopt;
  return decimal;
}

// Numbers inside maps get their canonical form too: {"a": 8.0} and {"a": 8} are one setting.
json Canonical(const json& value) {
  if (value.is_number_float()) {
    const double number = value.get<double>();
    if (std::nearbyint(number) == number && std::abs(number) < 9.0e15) return json(static_cast<std::int64_t>(number));
    return value;
  }
  if (!value.is_structured()) return value;
  json result = value;
  for (json& element : result) element = Canonical(element);
  return result;
}

// Invalid UTF-8 cannot come from the API server; it is replaced so that dump() never throws.
std::string Compact(const json& value) { return Canonical(value).dump(-1, ' ', false, json::error_handler_t::replace); }

// One element of a list as one argv item.
std::string ItemText(const json& value) {
  if (value.is_string()) {
    const std::string& text = value.get_ref<const std::string&>();
    return FlagValue::IsNumber(text) ? FlagValue::CanonicalNumber(text) : text;
  }
  if (value.is_number()) {
    const std::string text = value.dump();
    return FlagValue::IsNumber(text) ? FlagValue::CanonicalNumber(text) : text;
  }
  return Compact(value);
}

}  // namespace

bool FlagValue::IsNumber(std::string_view text) { return ParseDecimal(text).has_value(); }

std::optional<std::int64_t> FlagValue::Tokens(std::string_view text) {
  static constexpr std::pair<char, double> kUnits[] = {{'k', 1e3}, {'m', 1e6}, {'K', 1024.0}, {'M', 1024.0 * 1024.0}};
  double unit = 1;
  for (const auto& [letter, value] : kUnits) {
    if (!text.ends_with(letter)) continue;
    unit = value;
    text.remove_suffix(1);
    break;
  }
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (number <= 0 || number * unit > 1e12) return std::nullopt;
  return std::llround(number * unit);
}

std::string FlagValue::CanonicalNumber(std::string_view text) {
  std::optional<Decimal> decimal = ParseDecimal(text);
  if (!decimal) return std::string(text);
  std::string& digits = decimal->digits;
  int& point = decimal->point;
  const std::size_t leading = std::min(digits.find_first_not_of('0'), digits.size());
  if (leading == digits.size()) return "0";
  digits.erase(0, leading);
  point -= static_cast<int>(leading);
  digits.erase(digits.find_last_not_of('0') + 1);
  const int length = static_cast<int>(digits.size());
  std::string result = decimal->negative ? "-" : "";
  if (point <= 0) return result + "0." + std::string(static_cast<std::size_t>(-point), '0') + digits;
  if (point >= length) return result + digits + std::string(static_cast<std::size_t>(point - length), '0');
  return result + digits.substr(0, static_cast<std::size_t>(point)) + "." +
         digits.substr(static_cast<std::size_t>(point));
}

FlagValue FlagValue::Text(std::string_view text) {
  if (IsNumber(text)) return Number(text);
  return {Kind::kString, false, std::string(text), {}};
}

base::Result<FlagValue> FlagValue::FromJson(const json& value, const std::string& path) {
  switch (value.type()) {
    case json::value_t::boolean:
      return Bool(value.get<bool>());
    case json::value_t::number_integer:
    case json::value_t::number_unsigned:
    case json::value_t::number_float: {
      const std::string text = value.dump();
      if (!IsNumber(text)) return base::Invalid(path + ": " + text + " is not a finite number in the supported range");
      return Number(text);
    }
    case json::value_t::string:
      return Text(value.get_ref<const std::string&>());
    case json::value_t::array: {
      FlagValue list{Kind::kList, false, "", {}};
      for (std::size_t i = 0; i < value.size(); ++i) {
        if (value[i].is_null()) return base::Invalid(path + "[" + std::to_string(i) + "]: must not be null");
        list.items.push_back(ItemText(value[i]));
      }
      return list;
    }
    case json::value_t::object: {
      const auto unset = value.find("unset");
      if (unset == value.end() || value.size() != 1) return FlagValue{Kind::kMap, false, Compact(value), {}};
      if (!unset->is_boolean() || !unset->get<bool>())
        return base::Invalid(path + ".unset: " + Compact(*unset) +
                             " must be true; remove the parameter to keep the flag");
      return Unset();
    }
    case json::value_t::null:
    case json::value_t::binary:
    case json::value_t::discarded:
      break;
  }
  return base::Invalid(path + ": must be a boolean, a number, a string, a list or a map; {unset: true} removes a flag");
}

json FlagValue::ToJson() const {
  switch (kind) {
    case Kind::kUnset:
      return json{{"unset", true}};
    case Kind::kBool:
      return json(boolean);
    case Kind::kNumber: {
      json number = json::parse(text, nullptr, false);
      // A number with more digits than a double holds stays text, which reads back as the same value.
      if (number.is_number() && CanonicalNumber(number.dump()) == text) return number;
      return json(text);
    }
    case Kind::kString:
      return json(text);
    case Kind::kList: {
      json list = json::array();
      for (const std::string& item : items) {
        json element = IsNumber(item) ? Number(item).ToJson() : json(item);
        list.push_back(std::move(element));
      }
      return list;
    }
    case Kind::kMap:
      return json::parse(text, nullptr, false);
  }
  return nullptr;
}

std::string FlagValue::ToString() const {
  switch (kind) {
    case Kind::kUnset:
      return "(unset)";
    case Kind::kBool:
      return boolean ? "true" : "false";
    case Kind::kNumber:
    case Kind::kString:
    case Kind::kMap:
      return text;
    case Kind::kList: {
      std::string joined;
      for (const std::string& item : items) joined += (joined.empty() ? "" : ",") + item;
      return joined;
    }
  }
  return "";
}

}  // namespace autotune::quant
