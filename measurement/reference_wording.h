// References that a right answer may express in other words, in another order or under another name.
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

// Of references that are not numbers, if the row does not name how to compare them. kInvalid: a program, a
// translation, a sentence, a list in one text, a formula, or a letter of a choice; with what to write instead.
base::Status CheckWording(const nlohmann::json& row, const Question& question, bool framed, const Found& from);

// "Answer: Ann" is "Answer:". "" = no short words stand before a colon, or nothing behind it.
std::string LeadOfReference(std::string_view reference);
// What leaves such words out of a member. REQUIRES: both fit into jq.
std::string ProgramWithoutLead(const std::string& name, const std::string& lead);

}  // namespace autotune::measurement
