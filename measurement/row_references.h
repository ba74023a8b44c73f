// References of a row: the members that hold its right answers, and their texts.
//
// Pure and thread-safe. The names of members are tables in the .cpp.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "measurement/questions.h"
#include "measurement/row_member.h"

namespace autotune::measurement {

// Has the row a reference with a text or a number?
bool IsAnswered(const nlohmann::json& row);
// The member that is read as the reference. Returns nullopt if the row has none.
std::optional<Found> ReferenceOf(const nlohmann::json& row);
// Is a member of this name, as Plain() writes it, a reference?
bool NamesReference(std::string_view plain);

// Reads what is right, and how it is compared. `framed` as for ReadMatch. kInvalid: there is no answer, not one that is
// right, or none that can be compared.
base::Status ReadReferences(const nlohmann::json& row, bool framed, Question& question);

// Appends the texts of any shape: a text, a list, {text: [...]}, {value, aliases: [...]}, [{answer: ...}, {provenance:
// ...}].
base::Status AddReferences(const Found& from, const nlohmann::json& value, std::vector<std::string>& out);

// The answer of a prompt, where the row says neither how to compare it nor that it may be wrong.
std::optional<Found> PlainAnswer(const nlohmann::json& row, const Question& question);
// Its one text. Returns nullopt if there are several, or if the row has a "match".
std::optional<std::string> TextOfAnswer(const nlohmann::json& row, const Question& question);

// kInvalid: `from` has no text.
base::Status NoAnswer(const Found& from);

}  // namespace autotune::measurement
