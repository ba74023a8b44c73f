// Location of the rows of a dataset in a document, or in a line that is not a row, and the jq program that writes one
// row per line.
//
// Pure and thread-safe. The programs are for jq 1.5 or later.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace autotune::measurement {

// How the message of ReadQuestionRow() begins for what seems to be no row at all.
inline constexpr std::string_view kNoPrompt = "has neither \"prompt\"";

// The same, for a question of which nothing tells the answer.
inline constexpr std::string_view kNoAnswer = "has neither \"reference\"";

// Beginning of the recipe for a table that is not a list of rows.
inline constexpr std::string_view kByColumns = "a table by columns";

// "a list: jq -c '.[]' FILE writes lines of JSON". "" = no rows are found. `whole`: a document, and no line of one: any
// list of objects may be its rows.
std::string RecipeFor(const nlohmann::json& document, bool whole);

// "jq -c 'PROGRAM' FILE writes lines of JSON".
std::string Jq(const std::string& program);

}  // namespace autotune::measurement
