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

// True if the row has a reference with a text or a number.
bool IsAnswered(const nlohmann::json& row);
// The member that is read as the reference. Returns nullopt if the row has none.
std::optional<Found> ReferenceOf(const nlohmann::json& row);
// True if a member of this name (in Plain() form) is a reference.
bool NamesReference(std::string_view plain);

// Reads the right answers, and how they are compared. `framed`: as for ReadMatch. kInvalid: there is no answer, none is
// right, or none can be compared.
base::Status ReadReferences(const nlohmann::json& row, bool framed, Question& question);

// Appends the texts of any of these forms: a text, a list, {text: [...]}, {value, aliases: [...]}, [{answer: ...},
// {provenance: ...}].
base::Status AddReferences(const Found& from, const nlohmann::json& value, std::vector<std::string>& out);

// The answer to a prompt, if the row says neither how to compare it nor that it may be wrong.
std::optional<Found> PlainAnswer(const nlohmann::json& row, const Question& question);
// The only text of the answer. Returns nullopt if there are several, or if the row has a "match".
std::optional<std::string> TextOfAnswer(const nlohmann::json& row, const Question& question);

// The kInvalid error for a member `from` without text.
base::Status NoAnswer(const Found& from);

}  // namespace autotune::measurement
