// Conversations in rows of datasets: the jq programs that make messages of them, and detection of those that end with
// the answer.
//
// Pure and thread-safe.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "measurement/row_member.h"
#include "measurement/workload.h"

namespace autotune::measurement {

// "assistant", "model", "gpt", "bot": who answers.
bool IsAnswerer(std::string_view role);

// A list of turns of a user and an assistant, under other names than "role", "content", "user" and "assistant".
bool HasForeignTurns(const nlohmann::json& list);

// Why messages cannot be sent as they are: their last turn is the answer. "" =
// it is none. `member`: a key of the row, or "" if the row has them somewhere
// else. `answered`: another member has the answer, too.
std::string WhyEndsWithAnswer(const nlohmann::json& messages, const std::string& member, bool answered);

// Reads a list of messages. kInvalid: it is none, or ends with the answer. `answered`: as above.
base::Status ReadMessages(const nlohmann::json& row, const Found& from, bool answered, std::vector<Message>& out);

// A conversation that is not yet one of "messages".
struct Conversation {
  std::string member;
  std::string program;  // of jq: makes `row` of the row
  nlohmann::json row;
};

// [{"from": "human", "value": "..."}], `turns` with one text of the user,
// [[{"role": ..., "content": ...}]], and what requests have
// ("responses_create_params"). nullopt if the row has none, or neither a
// reference (`answered`) nor a last turn that may be one.
std::optional<Conversation> ConversationOf(const nlohmann::json& row, bool answered);

}  // namespace autotune::measurement
