// Members of a row that are not sent although the question may require them.
//
// Pure and thread-safe. The value decides; a name only shows that a member is additional (docs/quality.md).
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "measurement/questions.h"

namespace autotune::measurement {

// True if, by its name, a member describes the question, explains or repeats its answer, or is a person's answer.
bool IsAdditional(std::string_view name, const nlohmann::json& value);

// Names a member that is not sent although the question may need it, with jq programs that send it or leave it out; or
// a list with the right answer among other texts, with a program for each meaning. "" = none. `unread`: from NotSent().
// `constant`: members that have the same short text in all rows of the file.
std::string WhyIncomplete(const nlohmann::json& row, const Question& question, const std::vector<std::string>& unread,
                          const std::set<std::string>& constant);

// For {"table_id": "t7"} without a text to ask about: the subject is in another file. Returns the programs that join
// the two files or drop the identifier. "" = not such a row.
std::string WhyElsewhere(const nlohmann::json& row);
// True for a text that all rows may share without being the subject: a notice, not a story.
bool IsNotice(const nlohmann::json& value);

}  // namespace autotune::measurement
