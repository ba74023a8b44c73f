#include "measurement/row_conversation.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "measurement/row_columns.h"
#include "measurement/row_member.h"

namespace autotune::measurement {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 8> kAnswerers = {"assistant", "model", "gpt",     "chatgpt",
                                                        "bot",       "ai",    "chatbot", "agent"};

// Takes the last one of `messages` out of the row where it is `role`'s. Rows that end with a user's turn stay.
std::string TakeLast(const std::string& messages, const std::string& role, bool answered) {
  const std::string last = messages + "[-1]";
  return "if " + last + ".role == " + json(role).dump(-1, ' ', true, json::error_handler_t::replace) + " then " +
         (answered ? "" : ".reference = " + last + ".content | ") + "del(" + last + ") else . end";
}

}  // namespace

bool IsAnswerer(std::string_view role) { return std::ranges::find(kAnswerers, Plain(role)) != kAnswerers.end(); }

std::string WhyEndsWithAnswer(const json& messages, const std::string& member, bool answered) {
  const json& last = messages.back();
  const std::string role = last["role"].get<std::string>();
  if (!IsAnswerer(role)) return "";
  const std::string why = "ends with a turn of the " + Quoted(role) + ", " + Excerpt(last["content"]) +
                          ": the answer, or its beginning, would be sent: ";
  if (member.empty() || !FitsJq(member) || !FitsJq(role)) return why + "leave this turn out";
  return why + "jq -c '" + TakeLast("." + JqKey(member), role, answered) + "' FILE > OUT " +
         (answered ? "leaves it out" : "makes the reference of it");
}

}  // namespace autotune::measurement
