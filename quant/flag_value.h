// The value of one engine flag as a user writes it: true, 8, 0.9, "fp8", [1, 2, 4], {"a": 1}, or {unset: true}.
//
// Pure value. Numbers have one canonical decimal form: 0.90, "0.9" and 9e-1 are all "0.9". A string that reads as a
// number is a number, so equal settings have equal hashes.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace autotune::quant {

struct FlagValue {
  enum class Kind {
    kUnset,   // removes a flag that is generated or has a default
    kBool,    // `boolean`
    kNumber,  // `text`: canonical decimal
    kString,  // `text`
    kList,    // `items`: canonical elements, each one argv item
    kMap,     // `text`: compact JSON with sorted keys
  };
  Kind kind = Kind::kString;
  bool boolean = false;
  std::string text;
  std::vector<std::string> items;

  static FlagValue Unset() { return {Kind::kUnset, false, "", {}}; }
  static FlagValue Bool(bool value) { return {Kind::kBool, value, "", {}}; }
  static FlagValue Number(std::string_view text) { return {Kind::kNumber, false, CanonicalNumber(text), {}}; }
  // Text that reads as a number becomes kNumber.
  static FlagValue Text(std::string_view text);

  // `path`: path of the value in errors. A JSON array is a list value here; the API layer reads swept parameters.
  static base::Result<FlagValue> FromJson(const nlohmann::json& value, const std::string& path);
  [[nodiscard]] nlohmann::json ToJson() const;
  // For people and for content hashes: "true", "0.9", "1,2,4", "(unset)".
  [[nodiscard]] std::string ToString() const;
  bool operator==(const FlagValue&) const = default;

  // A number of tokens as engines read it: "8192", "8k" = 8000, "8K" = 8192. nullopt unless it is positive.
  static std::optional<std::int64_t> Tokens(std::string_view text);
  // Canonical decimal form. REQUIRES: IsNumber(text).
  static std::string CanonicalNumber(std::string_view text);
  static bool IsNumber(std::string_view text);
};

}  // namespace autotune::quant
