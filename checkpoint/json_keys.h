// Key lookup in configurations with arbitrary contents. Internal to checkpoint/.
//
// Pure, thread-safe. A null member counts as absent, as engines treat it.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace autotune::checkpoint {

bool Contains(std::string_view text, std::string_view part);

// The member `key` if `object` is an object with this member and it is not null; else null.
const nlohmann::json* Find(const nlohmann::json* object, std::string_view key);
const nlohmann::json* FindObject(const nlohmann::json* object, std::string_view key);
const nlohmann::json* FindArray(const nlohmann::json* object, std::string_view key);

// Returns "" for values other than strings.
std::string TextOf(const nlohmann::json* object, std::string_view key);
bool TrueAt(const nlohmann::json* object, std::string_view key);

// A whole number, also one written as 64.0 (up to 2^53, where such numbers lose digits).
std::optional<std::int64_t> WholeNumber(const nlohmann::json& value);
std::optional<std::int64_t> IntegerOf(const nlohmann::json* object, std::string_view key);
// The numbers of a list; nullopt if it is not a list of whole numbers.
std::optional<std::vector<std::int64_t>> IntegersOf(const nlohmann::json* value);
std::vector<std::string> TextsOf(const nlohmann::json* object, std::string_view key);

}  // namespace autotune::checkpoint
