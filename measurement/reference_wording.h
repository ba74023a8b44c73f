// References that a right answer may express in other words, another order or another name.
//
// Pure and thread-safe.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/result.h"
#include "measurement/questions.h"
#include "measurement/row_member.h"

namespace autotune::measurement {

// For references that are not numbers, if the row does not name a comparison. kInvalid, with what to write instead: a
// program, a translation, a sentence, a list in one text, a formula, or the letter of a choice.
base::Status CheckWording(const nlohmann::json& row, const Question& question, bool framed, const Found& from);

// Leading words of a reference: "Answer:" of "Answer: Ann". "" = no short words before a colon, or nothing after it.
std::string LeadOfReference(std::string_view reference);
// The jq program that removes these words from a member. REQUIRES: both fit into jq (FitsJq).
std::string ProgramWithoutLead(const std::string& name, const std::string& lead);

}  // namespace autotune::measurement
