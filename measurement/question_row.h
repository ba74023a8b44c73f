// Parses one row of a dataset of questions, in the formats in which such datasets are published.
//
// Pure and thread-safe. Supported member names and value types are tables in the .cpp, not code per dataset. Names are
// compared ignoring case, "_", "-" and spaces: "answerKey", "answer_key" and "Answer Key" are equal. kInvalid: the row
// has no correct answer, or only a program or another model could check it.
#pragma once

#include <cstddef>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "measurement/questions.h"

namespace autotune::measurement {

// The number (0 or 1) from which the index of the right choice counts, by the member with the index; only a whole file
// shows it. Members that are missing here count from 0 if choices have no labels, else they are kInvalid.
using FirstNumbers = std::map<std::string, std::size_t, std::less<>>;

// The error message has what was found and what to write instead, without file and line.
base::Result<Question> ReadQuestionRow(const nlohmann::json& row, const FirstNumbers& first = {});

// A number that may be the index of the right choice.
struct Position {
  std::string member;
  std::size_t value;
  std::size_t choices;               // number of choices
  std::optional<std::size_t> right;  // 0-based index from another member, which names a letter, a label or a text
};
std::vector<Position> PositionsIn(const nlohmann::json& row);

// The members with a text that `question` (read from `row`) neither sends nor compares with, by their names in the row;
// in messages "messages[].name". Without identifiers.
std::vector<std::string> NotSent(const nlohmann::json& row, const Question& question, const FirstNumbers& first = {});

}  // namespace autotune::measurement
