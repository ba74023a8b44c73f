// Conversations in rows of datasets: what makes messages of them, and which of them end with the answer.
//
// Pure and thread-safe.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace autotune::measurement {

// "assistant", "model", "gpt", "bot": who answers.
bool IsAnswerer(std::string_view role);

// Why messages cannot be sent as they are: their last turn is the answer. "" = it is none. `member`: a key of the row,
// or "" if the row has them somewhere else. `answered`: another member has the answer, too.
std::string WhyEndsWithAnswer(const nlohmann::json& messages, const std::string& member, bool answered);

}  // namespace autotune::measurement
