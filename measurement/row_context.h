// Context of a question: the text that is sent before it, and other members of the row that the question requires.
//
// Pure and thread-safe. The names of members are a table in the .cpp.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "base/result.h"
#include "measurement/questions.h"
#include "measurement/row_member.h"

namespace autotune::measurement {

// The text or list that a question is about, and not the question.
std::optional<Found> ContextOf(const nlohmann::json& row);

// Has the row a text or a list that questions are about?
bool HasContext(const nlohmann::json& row);

// What is sent before `question`, with a line end; "" = nothing. kInvalid: it is no text, or has the question in it.
base::Result<std::string> TextBefore(const nlohmann::json& row, const Found& question);

// kInvalid: something that the question is about would not be sent; with the jq program that sends it, if one is known.
base::Status CheckSent(const nlohmann::json& row, const Question& question);

// What jq writes for a text, a list of texts, or a table, that goes before a question. "" = `from` is none by its name.
std::string ProgramOfText(const Found& from);

// "table_array", "table_column_names"
bool IsTable(const Found& from);

// ["AIM", "END"] beside two "CONTEXTS".
bool NamesParts(const nlohmann::json& row, const nlohmann::json& list);

// A text of more than one word.
bool HasWordsOf(const nlohmann::json& question);

}  // namespace autotune::measurement
