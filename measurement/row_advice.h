// What makes a question of a row that has no member of a known name for one: jq programs for messages.
//
// Pure and thread-safe. "" = nothing is known.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "measurement/row_member.h"

namespace autotune::measurement {

// Of a row of texts and classes ("text", "label"): the text is asked with all classes of the file as choices.
// `answered`: the class is a short text that is called an answer, and the text asks nothing.
std::string AdviceForClasses(const nlohmann::json& row, bool answered = false);

// Of a row whose prompt has another name ("instruction", "text").
std::string AdviceForPrompt(const nlohmann::json& row);

// Of a row that has only a text (LAMBADA).
std::string AdviceForLastWord(const nlohmann::json& row);

// Of a row whose answer, or whose question, is in another file under the same identifier.
std::string AdviceForJoin(const nlohmann::json& row, bool answers);

// What sends a member that helps to find the answer ("hints", "evidence"), or tells that it may have the answer
// ("explanation").
std::string AdviceForHint(const nlohmann::json& row, const std::string& member);

// Takes the letters of the choices from the prompt, and the right one from `right`; behind ": ". `asked`: what is sent.
std::string ProgramForLetters(const nlohmann::json& row, const std::string& asked, const Found& right);

}  // namespace autotune::measurement
