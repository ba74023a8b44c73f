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

// True for the role of the one who answers: "assistant", "model", "gpt", "bot".
bool IsAnswerer(std::string_view role);

// True for a list of turns that are not named "role", "content", "user" and "assistant".
bool HasForeignTurns(const nlohmann::json& list);

// Why messages cannot be sent as they are: their last turn is the answer. "" = it is not. `member`: a key
// of the row, or "" if the messages are elsewhere in the row. `answered`: another member has the answer
// too.
std::string WhyEndsWithAnswer(const nlohmann::json& messages, const std::string& member, bool answered);

// Reads a list of messages. kInvalid: not a list of messages, or it ends with the answer. `answered`: as above.
base::Status ReadMessages(const nlohmann::json& row, const Found& from, bool answered, std::vector<Message>& out);

// A conversation that does not have the form of "messages".
struct Conversation {
  std::string member;
  std::string program;  // jq program that makes `row` of the row
  nlohmann::json row;
};

// Converts [{"from": "human", "value": "..."}], `turns` with one text of the user,
// [[{"role": ..., "content": ...}]] and request parameters ("responses_create_params").
// nullopt if the row has none, or neither a reference (`answered`) nor a last turn that may
// be one.
std::optional<Conversation> ConversationOf(const nlohmann::json& row, bool answered);

}  // namespace autotune::measurement
