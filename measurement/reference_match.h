// How a row's references are compared with answers: by its "match", or by their form.
//
// Pure and thread-safe.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "measurement/questions.h"
#include "measurement/row_member.h"

namespace autotune::measurement {

// Sets `match` and its parameters, and normalises the references. `framed`: the question is sent in this program's
// own frame, and no prompt of the row says how to answer. `guessed`: used if neither the row nor the references show
// it. kInvalid: no answer could be compared with them. REQUIRES: question.references are those of `from`, at least
// one.
base::Status ReadMatch(const nlohmann::json& row, bool framed, const Found& from, Question::Match guessed,
                       Question& question);

// Replaces "... #### 42" by 42 and returns true, if all references have this form.
bool TakeResults(std::vector<std::string>& references);
// Returns true if all references are numbers or arithmetic. `formula`: one of them was not just a number in digits.
// `equation`: "x=..." if a member has one.
bool TakeNumbers(std::vector<std::string>& references, bool& formula, std::string_view equation = "");

}  // namespace autotune::measurement
