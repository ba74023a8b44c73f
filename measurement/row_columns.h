// Tables by columns: each member of a row, or of a whole document, holds the values of several questions.
//
// Pure and thread-safe. The programs are for jq 1.5 or later, and write one row per line.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace autotune::measurement {

// For a row with a list of questions and an answer to each: describes the problem, with the jq program that makes one
// row of each. "" = the row has one question.
std::string WhySeveralQuestions(const nlohmann::json& row);

// True for questions with their answers: a list of objects, or a text of JSON or Python with one: "[{'Q': '...', 'A':
// '...'}]".
bool HoldsAnswers(const nlohmann::json& value);

// jq program for tables that pandas writes with the orientations "columns", "split" and (names in the first row)
// "values". "" = none of these. `is_row`: whether a row made of the table could be valid.
std::string ProgramOfColumns(const nlohmann::json& document, const std::function<bool(const nlohmann::json&)>& is_row);

// Name of a member as jq index, to follow "." or a variable: ["name"].
std::string JqKey(const std::string& name);

// True if a jq program in single quotes can contain this name.
bool FitsJq(const std::string& name);

}  // namespace autotune::measurement
