// How the references of a row are compared with answers: by its "match", or as they are written.
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

// Sets `match` and what belongs to it, and writes the references as they are compared. `framed`: the question has the
// frame of this product, and no prompt of its own says how to answer. `guessed`: where neither the row nor the
// references tell. kInvalid: no answer could be compared with them.
// REQUIRES: question.references are those of `from`, at least one.
base::Status ReadMatch(const nlohmann::json& row, bool framed, const Found& from, Question::Match guessed,
                       Question& question);

// "... #### 42" is 42, if all of them have it.
bool TakeResults(std::vector<std::string>& references);
// If all of them are numbers or arithmetic. `formula`: one of them was more than a number in digits. `equation`:
// "x=..." where a member has one.
bool TakeNumbers(std::vector<std::string>& references, bool& formula, std::string_view equation = "");

}  // namespace autotune::measurement
