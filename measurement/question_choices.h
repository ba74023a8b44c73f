// Choices of a question: their texts, which of them is right, and choices inside the question's text.
//
// Pure and thread-safe. kInvalid: no comparable choices, or not exactly one right choice.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "measurement/question_row.h"
#include "measurement/row_member.h"

namespace autotune::measurement {

struct Choices {
  std::vector<std::string> texts;
  std::vector<std::string> labels;  // as PlainLabel() has them; empty: choices are named by index or letter
  bool labels_are_data = false;     // the labels are values of the row, not only names of members
  std::optional<std::size_t> right;
};

// True if a member of this name (in Plain() form) is a choice, provided that other members of its kind are in the row.
bool IsChoiceMember(std::string_view plain);

// The member that holds a list of choices.
std::optional<Found> ChoiceListOf(const nlohmann::json& row);
// Answers under names, of which another member names the right one: {"answers": {"a": "...", "b": "..."},
// "correct_answer": "b"}. Returns nullopt if the row has none.
std::optional<Found> NamedAnswersOf(const nlohmann::json& row);
// True if a choice's member of this name is its text or its label.
bool IsPartOfChoice(std::string_view name);
// The member with the wrong choices, next to "correct_answer".
std::optional<Found> WrongChoicesOf(const nlohmann::json& row);
// Appends the choices. Forms: a list of texts or of {text, label}; {text: [...], label: [...]}; {choices: [...],
// labels: [1, 0]}; {"A": text}; {text: 1, text: 0}; "A) one B) two".
base::Status ReadChoiceList(const Found& from, Choices& out);
// Choices that are separate members: "option1", "option2". Returns nullopt if the row has none.
std::optional<Choices> ReadChoiceMembers(const nlohmann::json& row);
// kInvalid: the row has both a list of choices and separate members for choices, and they differ.
base::Status CheckOneList(const nlohmann::json& row, const Found& list, Choices choices);

// The choice that a value names. `is_index`: digits in a text are an index. `position`: set if the value is a number
// and neither a label, a letter nor a text.
base::Result<std::size_t> NamedChoice(const Found& key, const Choices& choices, bool is_index,
                                      const FirstNumbers& first, std::optional<std::size_t>& position);
// The choice that the row's members name. Appends to `positions`.
base::Result<std::size_t> ReadRight(const nlohmann::json& row, const Choices& choices, const FirstNumbers& first,
                                    std::vector<Position>& positions);
// True if ReadRight reads a member of this name (in Plain() form).
bool NamesRightChoice(std::string_view plain);

// A list of two or more texts under any name, or an object with several, of which `name` may name one: by its number,
// its letter or its text.
std::optional<Found> ListNamedBy(const nlohmann::json& row, const Found& name);
// True if `value` may be the number or the letter of one of `size` texts.
bool MayBePosition(const nlohmann::json& value, std::size_t size);
// The jq program that makes choices of `list`, whose right one `name` names. "" = impossible in jq.
std::string ProgramOfChoices(const nlohmann::json& row, const Found& list, const Found& name);

// Removes letters: "(A) Paris", "A) Paris" and "A. Paris" become "Paris", if every choice begins with its own letter.
void DropLetters(std::vector<std::string>& texts);
// The prompt followed by a choice, separated so that words do not run into each other.
std::string Joined(std::string_view prompt, std::string_view choice);

bool IsLetter(std::string_view text);
// True for one to three digits.
bool IsDigits(std::string_view text);
// The bare label: "b" for "(B)", "b." and "B)".
std::string PlainLabel(std::string_view text);

// ---- Choices "A." or "(A)" inside the question's text ----

// True if `answer` names several of them: "BD".
bool NamesChoicesOf(const std::string& asked, std::string_view answer);
// True if `answer` names one of them: "(C) an ox" or "Answer: C".
bool NamesChoiceOf(const std::string& asked, std::string_view answer);
// The options at the end of a text, before a line such as "Answer:": lines that begin with "-", "*" or a bullet, after
// a line that ends with ":" or "?". Empty if there are none, or if two are equal.
std::vector<std::string> OptionsIn(std::string_view asked);
// What to write instead if an answer is a letter.
std::string AdviceForLetter(const std::string& asked);

inline constexpr const char* kSeveralRight = ": a question with several right answers cannot be judged, leave it out";

}  // namespace autotune::measurement
