// Members of a row that are not sent although the question may require them.
//
// Pure and thread-safe. The value decides; a name can only show that a member is additional: docs/quality.md.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "measurement/questions.h"

namespace autotune::measurement {

// By its name a member is about the question, explains or repeats its answer, or is an answer of somebody.
bool IsAdditional(std::string_view name, const nlohmann::json& value);

// "" = nothing is missing. What is not sent although the question may need it, with a program that sends it and one
// that leaves it out; or a list that has the right answer among other texts, with a program for each meaning.
// `unread`: of NotSent(). `constant`: members that have one short text in all rows of the file.
std::string WhyIncomplete(const nlohmann::json& row, const Question& question, const std::vector<std::string>& unread,
                          const std::set<std::string>& constant);

// {"table_id": "t7"}, where nothing is sent with what is asked: what it is about is in another file. What joins the
// two, and what leaves the identifier out. "" = it is not.
std::string WhyElsewhere(const nlohmann::json& row);
// A text that may stand in all rows without being asked about: a notice, and no story.
bool IsNotice(const nlohmann::json& value);

}  // namespace autotune::measurement
