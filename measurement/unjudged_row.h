// Rows whose answers cannot be checked here: programs, tool calls, preferences, and answers that only another model
// could judge.
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

// Names of solutions that end with their result.
inline constexpr std::array<std::string_view, 4> kWorkedOut = {"solution", "output", "response", "completion"};

// Why the answers cannot be judged; "" = they can.
std::string WhyNotJudged(const nlohmann::json& row);
// The same for a document from which lm-eval made prompts.
std::string WhyDocumentNotJudged(const nlohmann::json& document);

// True for a text that is a list or an object in JSON or Python: "[{'type': 'city'}]".
bool IsWrittenStructure(std::string_view text);

// kInvalid: the answers are tool calls.
base::Status CheckTools(const nlohmann::json& row);

// For a row without a text as answer. kInvalid: a member says that the answer is a program, or is one ("query" next to
// a question). `sent`: the text that would be sent.
base::Status CheckPrograms(const nlohmann::json& row, const std::string& sent);

// kInvalid: `value` is a `program` (a name from ProgramIn()).
base::Status IsProgram(const Found& from, const nlohmann::json& value, std::string_view program);

}  // namespace autotune::measurement
