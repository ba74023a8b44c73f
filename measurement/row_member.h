// Members of a row of a dataset, by names that are compared without case, "_", "-" and spaces.
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

// `path`: as Plain() writes it; members of an object behind a slash. A null and an empty list are not found.
std::optional<Found> Find(const nlohmann::json& object, std::string_view path);

template <std::size_t n>
std::optional<Found> First(const nlohmann::json& row, const std::array<std::string_view, n>& names) {
  for (const std::string_view name : names) {
    if (auto found = Find(row, name)) return found;
  }
  return std::nullopt;
}

// What is sent as it is; a list is one of messages.
std::optional<Found> PromptOf(const nlohmann::json& row);
// What is sent as "Question: ...\nAnswer:", behind the text that it is about.
std::optional<Found> QuestionOf(const nlohmann::json& row);

// A number or a text that is not empty.
std::optional<std::string> ValueText(const nlohmann::json& value);

bool HasText(const nlohmann::json& value);

// An address, or a list of some: where a question is from. No question is about the address itself.
bool IsLink(const nlohmann::json& value);

// Every text of a value is in what is sent. Numbers and objects are in nothing.
bool Says(std::string_view sent, const nlohmann::json& value);

// "id", "question_id", "taskId", "idx".
bool IsId(std::string_view name);

// By its name a member tells where a question is from, of which kind it is, or why its answer is right.
bool IsMetadata(std::string_view name);

// ---- In messages ----

// At most 80 bytes of it, in one line.
std::string Quoted(std::string_view text);
// At most so many bytes, and no part of a character of UTF-8.
std::string_view BeginOf(std::string_view text, std::size_t bytes);
// At most 60 bytes of a value.
std::string Excerpt(const nlohmann::json& value);
// The members of a row.
std::string Names(const nlohmann::json& row);

}  // namespace autotune::measurement
