// Parses one row of a dataset of questions, in the formats in which such datasets are published.
//
// Pure and thread-safe. The supported member names and value types are tables in the .cpp, not code per dataset. Names
// are compared without case, "_", "-" and spaces: "answerKey", "answer_key" and "Answer Key" are the same. kInvalid:
// the row has no correct answer, or one that only a program or another model can check.
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

// What the number of a right choice counts from, 0 or 1, by the member that has the number. Only a whole file tells:
// its members that are missing here count from 0 where choices have no labels, and are kInvalid where they have some.
using FirstNumbers = std::map<std::string, std::size_t, std::less<>>;

// The error message has what was found and what to write instead, without file and line.
base::Result<Question> ReadQuestionRow(const nlohmann::json& row, const FirstNumbers& first = {});

// A number that may tell which choice is right.
struct Position {
  std::string member;
  std::size_t value;
  std::size_t choices;               // how many there are
  std::optional<std::size_t> right;  // from 0, by another member that names a letter, a label or a text
};
std::vector<Position> PositionsIn(const nlohmann::json& row);

// The members with a text that `question`, which was read from the row, neither sends nor compares with, as the row
// calls them; of messages "messages[].name". Identifiers are none of them.
std::vector<std::string> NotSent(const nlohmann::json& row, const Question& question, const FirstNumbers& first = {});

}  // namespace autotune::measurement
