// Location of the rows of a dataset in a document, or in a line that is not a row, and the jq program that writes one
// row per line.
//
// Pure and thread-safe. The programs are for jq 1.5 or later.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace autotune::measurement {

// Beginning of the message of ReadQuestionRow() for text that is not a row.
inline constexpr std::string_view kNoPrompt = "has neither \"prompt\"";

// The same for a question without an answer.
inline constexpr std::string_view kNoAnswer = "has neither \"reference\"";

// Beginning of the recipe for a table that is not a list of rows.
inline constexpr std::string_view kByColumns = "a table by columns";

// "a list: jq -c '.[]' FILE writes lines of JSON". "" = no rows were found. `whole`: `document` is a whole file, not a
// line of one: any list of objects may be its rows.
std::string RecipeFor(const nlohmann::json& document, bool whole);

// "jq -c 'PROGRAM' FILE writes lines of JSON".
std::string Jq(const std::string& program);

}  // namespace autotune::measurement
