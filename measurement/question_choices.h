// Choices of a question: their texts, which of them is right, and choices that are within the question's text.
//
// Pure and thread-safe. kInvalid: there are none that can be compared, or no single right one.
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
  std::vector<std::string> labels;  // plain; none: by index or letter
  bool labels_are_data = false;     // not only what members are called
  std::optional<std::size_t> right;
};

// Is a member of this name, as Plain() writes it, a choice where its family is in the row?
bool IsChoiceMember(std::string_view plain);

// The member that has a list of choices.
std::optional<Found> ChoiceListOf(const nlohmann::json& row);
// Answers under their names, of which another member names the right one: {"answers": {"a": "...", "b": "..."},
// "correct_answer": "b"}. Returns nullopt if the row has none.
std::optional<Found> NamedAnswersOf(const nlohmann::json& row);
// Is a member of a choice of this name its text or its label?
bool IsPartOfChoice(std::string_view name);
// The member that has the wrong ones, beside "correct_answer".
std::optional<Found> WrongChoicesOf(const nlohmann::json& row);
// Appends. A list of texts or of {text, label}; {text: [...], label: [...]}; {choices: [...], labels: [1, 0]}; {"A":
// text}; {text: 1, text: 0}; "A) one B) two".
base::Status ReadChoiceList(const Found& from, Choices& out);
// Choices that are separate members: "option1", "option2". Returns nullopt if the row has none.
std::optional<Choices> ReadChoiceMembers(const nlohmann::json& row);
// kInvalid: the row has both a list and members of their own, that are not the same.
base::Status CheckOneList(const nlohmann::json& row, const Found& list, Choices choices);

// Which choice a value names. `is_index`: digits in a text are one. `position`: a number that it has, and not a label,
// a letter or a text.
base::Result<std::size_t> NamedChoice(const Found& key, const Choices& choices, bool is_index,
                                      const FirstNumbers& first, std::optional<std::size_t>& position);
// Which choice the members of the row name; appends to `positions`.
base::Result<std::size_t> ReadRight(const nlohmann::json& row, const Choices& choices, const FirstNumbers& first,
                                    std::vector<Position>& positions);
// Is a member of this name, as Plain() writes it, read by ReadRight?
bool NamesRightChoice(std::string_view plain);

// A list of two or more texts under any name, or an object of some, of which `name` may name one: by its number, its
// letter or its text.
std::optional<Found> ListNamedBy(const nlohmann::json& row, const Found& name);
// Is `value` a number or a letter that may be that of one of `size` texts?
bool MayBePosition(const nlohmann::json& value, std::size_t size);
// The program that makes choices of `list`, whose right one `name` names. "" = jq cannot be written so.
std::string ProgramOfChoices(const nlohmann::json& row, const Found& list, const Found& name);

// "(A) Paris", "A) Paris" and "A. Paris" are "Paris", where every choice begins with its own letter.
void DropLetters(std::vector<std::string>& texts);
// What follows the prompt: words do not run into each other.
std::string Joined(std::string_view prompt, std::string_view choice);

bool IsLetter(std::string_view text);
// At most three of them.
bool IsDigits(std::string_view text);
// "(B)", "b." and "B)" name what "b" does.
std::string PlainLabel(std::string_view text);

// ---- Choices "A." or "(A)" that are within what is asked ----

// The answer is "BD".
bool NamesChoicesOf(const std::string& asked, std::string_view answer);
// The answer is "(C) an ox" or "Answer: C".
bool NamesChoiceOf(const std::string& asked, std::string_view answer);
// The options that a text ends with, but for a line such as "Answer:": lines that begin with "-", "*" or a bullet,
// behind one that ends with ":" or "?". Empty: there are none, or two are equal.
std::vector<std::string> OptionsIn(std::string_view asked);
// What to write where an answer is a letter.
std::string AdviceForLetter(const std::string& asked);

inline constexpr const char* kSeveralRight = ": a question with several right answers cannot be judged, leave it out";

}  // namespace autotune::measurement
