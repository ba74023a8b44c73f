// Rows whose answers cannot be checked here: programs, tool calls, preferences, and answers that another model would
// have to judge.
//
// Pure and thread-safe.
#pragma once

#include <array>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/result.h"
#include "measurement/row_member.h"

namespace autotune::measurement {

inline constexpr const char* kManyWays =
    R"(is one of many good answers: write as "reference" what each of them has, with "match": "contains" or "number")";

// What a solution is called that ends with its result.
inline constexpr std::array<std::string_view, 4> kWorkedOut = {"solution", "output", "response", "completion"};

// What tells that the answers cannot be judged; "" = nothing.
std::string WhyNotJudged(const nlohmann::json& row);
// The same, of a document that lm-eval has made prompts of.
std::string WhyDocumentNotJudged(const nlohmann::json& document);

// A list or an object of JSON or Python in a text: "[{'type': 'city'}]".
bool IsWrittenStructure(std::string_view text);

// kInvalid: the answers are calls of tools.
base::Status CheckTools(const nlohmann::json& row);

// Of a row without an answer that is a text. kInvalid: a member says that a program is the answer, or is one ("query"
// beside a question). `sent`: what would be sent.
base::Status CheckPrograms(const nlohmann::json& row, const std::string& sent);

// kInvalid: `value` is a `program`, as ProgramIn() calls it.
base::Status IsProgram(const Found& from, const nlohmann::json& value, std::string_view program);

}  // namespace autotune::measurement
