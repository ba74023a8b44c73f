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

// The text or list that the question is about, without the question itself.
std::optional<Found> ContextOf(const nlohmann::json& row);

// True if the row has a text or a list that questions are about.
bool HasContext(const nlohmann::json& row);

// Text to send before `question`, with a line end; "" = none. kInvalid: it is not a text, or contains the question.
base::Result<std::string> TextBefore(const nlohmann::json& row, const Found& question);

// kInvalid: a member that the question is about would not be sent; with the jq program that sends it, if known.
base::Status CheckSent(const nlohmann::json& row, const Question& question);

// jq program for a text, a list of texts or a table that precedes a question. "" = `from` is none by its name.
std::string ProgramOfText(const Found& from);

// True for a table: "table_array", "table_column_names".
bool IsTable(const Found& from);

// True if the list names the parts of a context: ["AIM", "END"] next to two "CONTEXTS".
bool NamesParts(const nlohmann::json& row, const nlohmann::json& list);

// True for a text with at least one space.
bool HasWordsOf(const nlohmann::json& question);

}  // namespace autotune::measurement
