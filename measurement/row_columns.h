// Tables by columns: each member of a row, or of a whole document, has the values of several questions.
//
// Pure and thread-safe. The programs are for jq 1.5 or later, and write one row per line.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace autotune::measurement {

// A row with a list of questions, and an answer for each of them: what is wrong, and the program that makes a row of
// each. "" = it asks one question.
std::string WhySeveralQuestions(const nlohmann::json& row);

// Questions with their answers, in a list of objects or in a text of JSON or Python that has one:
// "[{'Q': '...', 'A': '...'}]".
bool HoldsAnswers(const nlohmann::json& value);

// The program for what pandas writes with the orientations "columns", "split" and, with the names in the first row,
// "values". "" = the document is none of these. `is_row`: whether a row that is made of it could be one.
std::string ProgramOfColumns(const nlohmann::json& document, const std::function<bool(const nlohmann::json&)>& is_row);

// A member, behind "." or a variable of jq: ["name"].
std::string JqKey(const std::string& name);

// Can a program between single quotes have this name?
bool FitsJq(const std::string& name);

}  // namespace autotune::measurement
