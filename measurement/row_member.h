// Members of a dataset's row, by names that are compared ignoring case, "_", "-" and spaces.
//
// Pure and thread-safe. Found::value points into the row.
#pragma once

#include <array>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace autotune::measurement {

// "answerKey", "answer_key" and "Answer Key" are "answerkey".
std::string Plain(std::string_view name);

struct Found {
  std::string name;  // as the row has it
  const nlohmann::json* value;
};

// `path`: in Plain() form, with "/" before members of objects. Null values and empty lists are not found.
std::optional<Found> Find(const nlohmann::json& object, std::string_view path);

template <std::size_t n>
std::optional<Found> First(const nlohmann::json& row, const std::array<std::string_view, n>& names) {
  for (const std::string_view name : names) {
    if (auto found = Find(row, name)) return found;
  }
  return std::nullopt;
}

// The member that is sent unchanged; a list is a list of messages.
std::optional<Found> PromptOf(const nlohmann::json& row);
// The member that is sent as "Question: ...\nAnswer:", after its context.
std::optional<Found> QuestionOf(const nlohmann::json& row);

// The text of a number or a non-empty text; nullopt for other values.
std::optional<std::string> ValueText(const nlohmann::json& value);

bool HasText(const nlohmann::json& value);

// True for a URL or a list of URLs: the source of a question, which no question is about.
bool IsLink(const nlohmann::json& value);

// True if `sent` contains every text of the value. False for numbers and objects.
bool Says(std::string_view sent, const nlohmann::json& value);

// True for names of identifiers: "id", "question_id", "taskId", "idx".
bool IsId(std::string_view name);

// True if the name marks a member as the source, the kind or the explanation of a question.
bool IsMetadata(std::string_view name);

// ---- In messages ----

// At most 80 bytes of the text, on one line, in quotes.
std::string Quoted(std::string_view text);
// The longest prefix of at most `bytes` bytes that does not split a UTF-8 character.
std::string_view BeginOf(std::string_view text, std::size_t bytes);
// At most 60 bytes of a value.
std::string Excerpt(const nlohmann::json& value);
// Names of the members of a row, for messages.
std::string Names(const nlohmann::json& row);

}  // namespace autotune::measurement
