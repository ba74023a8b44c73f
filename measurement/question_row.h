// One row of a dataset of questions, in the forms in which such datasets are published.
//
// Pure and thread-safe. The names of members and the shapes of their values are tables in the .cpp, not code for each
// dataset. Names are compared without case, "_", "-" and spaces: "answerKey", "answer_key" and "Answer Key" are one. A
// row that does not tell which answer is right, or only to a program or to another model, is kInvalid.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "measurement/questions.h"

namespace autotune::measurement {

// The error tells what was found and what to write instead, without a place.
base::Result<Question> ReadQuestionRow(const nlohmann::json& row);

}  // namespace autotune::measurement
