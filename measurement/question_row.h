// Parses one row of a dataset of questions, in the formats in which such datasets are published.
//
// Pure and thread-safe. The supported member names and value types are tables in the .cpp, not code per dataset. Names
// are compared without case, "_", "-" and spaces: "answerKey", "answer_key" and "Answer Key" are the same. kInvalid:
// the row has no correct answer, or one that only a program or another model can check.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "measurement/questions.h"

namespace autotune::measurement {

// The error message has what was found and what to write instead, without file and line.
base::Result<Question> ReadQuestionRow(const nlohmann::json& row);

// The members with a text that `question`, which was read from the row, neither sends nor compares with, as the row
// calls them; of messages "messages[].name". Identifiers are none of them.
std::vector<std::string> NotSent(const nlohmann::json& row, const Question& question);

// By its name a member tells where a question is from, of which kind it is, or why its answer is right.
bool IsMetadata(std::string_view name);

}  // namespace autotune::measurement
