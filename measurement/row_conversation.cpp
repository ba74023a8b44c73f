#include "measurement/row_conversation.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/ascii_case.h"
#include "measurement/row_columns.h"
#include "measurement/row_member.h"

namespace autotune::measurement {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 8> kAnswerers = {"assistant", "model", "gpt",     "chatgpt",
                                                        "bot",       "ai",    "chatbot", "agent"};

// Where a row may have a conversation that is no list of messages, or not under their name.
constexpr std::array<std::string_view, 11> kConversations = {"conversations", "conversation", "contents", "turns",
                                                             "dialogue",      "dialog",       "chat",     "question",
                                                             "messages",      "prompt",       "input"};
constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kRoles = {{{"human", "user"},
                                                                                  {"user", "user"},
                                                                                  {"prompter", "user"},
                                                                                  {"gpt", "assistant"},
                                                                                  {"assistant", "assistant"},
                                                                                  {"chatgpt", "assistant"},
                                                                                  {"bot", "assistant"},
                                                                                  {"model", "assistant"},
                                                                                  {"system", "system"}}};

// Other names of who speaks, and of what is said; a role counts without case.
constexpr std::array<std::string_view, 7> kWho = {"role", "from", "speaker", "author", "sender", "type", "name"};
constexpr std::array<std::string_view, 7> kWhat = {"content", "value", "text", "prompt", "message", "utterance", "msg"};
constexpr std::array<std::pair<std::string_view, std::string_view>, 17> kAnyRoles = {{{"human", "user"},
                                                                                      {"user", "user"},
                                                                                      {"usr", "user"},
                                                                                      {"prompter", "user"},
                                                                                      {"customer", "user"},
                                                                                      {"client", "user"},
                                                                                      {"questioner", "user"},
                                                                                      {"gpt", "assistant"},
                                                                                      {"assistant", "assistant"},
                                                                                      {"chatgpt", "assistant"},
                                                                                      {"bot", "assistant"},
                                                                                      {"chatbot", "assistant"},
                                                                                      {"model", "assistant"},
                                                                                      {"ai", "assistant"},
                                                                                      {"agent", "assistant"},
                                                                                      {"system", "system"},
                                                                                      {"developer", "system"}}};

// The names of who speaks and what is said, where each turn has them, all roles are known and one is the user's.
struct TurnKeys {
  std::string who, what;
};
std::optional<TurnKeys> KeysOfTurns(const json& list) {
  if (!list.is_array() || list.empty()) return std::nullopt;
  const auto who = First(list.front(), kWho), what = First(list.front(), kWhat);
  if (!who || !what || !FitsJq(who->name) || !FitsJq(what->name)) return std::nullopt;
  bool user = false;
  for (const json& turn : list) {
    const bool texts = turn.is_object() && turn.contains(who->name) && turn[who->name].is_string() &&
                       turn.contains(what->name) && turn[what->name].is_string();
    if (!texts) return std::nullopt;
    const auto role = std::ranges::find(kAnyRoles, base::AsciiLower(turn[who->name].get<std::string>()),
                                        &std::pair<std::string_view, std::string_view>::first);
    if (role == kAnyRoles.end()) return std::nullopt;
    user = user || role->second == "user";
  }
  return user ? std::optional(TurnKeys{who->name, what->name}) : std::nullopt;
}

std::string AnyRoleOf(const json& turn, const TurnKeys& keys) {
  const auto role = std::ranges::find(kAnyRoles, base::AsciiLower(turn[keys.who].get<std::string>()),
                                      &std::pair<std::string_view, std::string_view>::first);
  return std::string(role->second);
}

std::string AnyRolesForJq() {
  std::string table;
  for (const auto& [from, role] : kAnyRoles)
    table += (table.empty() ? "" : ", ") + std::string(from) + ": \"" + std::string(role) + "\"";
  return "{" + table + "}";
}

bool HasTurns(const json& list, const char* who, const char* what) {
  return list.is_array() && !list.empty() && std::ranges::all_of(list, [&](const json& turn) {
           return turn.is_object() && turn.contains(who) && turn[who].is_string() && turn.contains(what) &&
                  turn[what].is_string();
         });
}

// [{"role": "model", "parts": [{"text": "..."}]}]
bool HasParts(const json& list) {
  return list.is_array() && !list.empty() && std::ranges::all_of(list, [](const json& turn) {
           return turn.is_object() && turn.contains("role") && turn["role"].is_string() && turn.contains("parts") &&
                  HasTurns(turn["parts"], "text", "text");
         });
}

std::string RoleOf(const std::string& from) {
  const auto known = std::ranges::find(kRoles, from, &std::pair<std::string_view, std::string_view>::first);
  return known == kRoles.end() ? from : std::string(known->second);
}

// jq's table of kRoles.
std::string RolesForJq() {
  std::string table;
  for (const auto& [from, role] : kRoles)
    table += (table.empty() ? "" : ", ") + std::string(from) + ": \"" + std::string(role) + "\"";
  return "{" + table + "}";
}

// Takes the last one of `messages` out of the row where it is `role`'s. Rows that end with a user's turn stay.
std::string TakeLast(const std::string& messages, const std::string& role, bool answered) {
  const std::string last = messages + "[-1]";
  return "if " + last + ".role == " + json(role).dump(-1, ' ', true, json::error_handler_t::replace) + " then " +
         (answered ? "" : ".reference = " + last + ".content | ") + "del(" + last + ") else . end";
}

}  // namespace

bool IsAnswerer(std::string_view role) { return std::ranges::find(kAnswerers, Plain(role)) != kAnswerers.end(); }

bool HasForeignTurns(const json& list) {
  const auto keys = KeysOfTurns(list);
  if (!keys) return false;
  return keys->who != "role" || keys->what != "content" || std::ranges::any_of(list, [](const json& turn) {
           const std::string role = turn["role"].get<std::string>();
           return role != base::AsciiLower(role) || role == "human" || role == "gpt" || role == "bot" || role == "ai";
         });
}

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

std::optional<Conversation> ConversationOf(const json& row, bool answered) {
  std::optional<Found> found;
  std::string at, guard;
  const json* list = nullptr;
  if (const auto request = Find(row, "responsescreateparams")) {
    const auto input = request->value->is_object() ? Find(*request->value, "input") : std::nullopt;
    if (input && FitsJq(request->name) && FitsJq(input->name)) {
      found = request;
      list = input->value;
      at = "." + JqKey(request->name) + JqKey(input->name);
    }
  }
  for (const std::string_view name : kConversations) {
    const auto of = list == nullptr ? Find(row, name) : std::nullopt;
    if (!of || !of->value->is_array() || of->value->empty() || !FitsJq(of->name)) continue;
    const bool prompt = name == "messages" || name == "prompt" || name == "input";
    const json& value = *of->value;
    const bool single = value.size() == 1 && (value[0].is_array() || (name == "turns" && value[0].is_string()));
    const json& turns = single ? value[0] : value;
    const bool known = HasTurns(turns, "from", "value") || HasParts(turns) || turns.is_string() ||
                       ((!prompt || single) && HasTurns(turns, "role", "content"));
    if (!known) continue;
    found = of;
    list = &turns;
    at = "." + JqKey(of->name) + (single ? "[0]" : "");
    if (single) guard = "if (." + JqKey(of->name) + " | length) == 1 then ";
  }
  std::optional<TurnKeys> keys;
  for (const auto& [key, value] : row.items()) {  // under any name
    if (list != nullptr || !FitsJq(key) || Find(row, "label")) continue;
    keys = KeysOfTurns(value);
    if (!keys) continue;
    found = Found{key, &value};
    list = &value;
    at = "." + JqKey(key);
  }
  if (list == nullptr) return std::nullopt;
  Conversation out{found->name, "", row};
  json messages = json::array();
  std::string made = at;
  if (list->is_string()) {
    messages.push_back({{"role", "user"}, {"content", *list}});
    made = "[{role: \"user\", content: " + at + "}]";
  } else if (keys) {
    for (const json& turn : *list)
      messages.push_back({{"role", AnyRoleOf(turn, *keys)}, {"content", turn[keys->what]}});
    made = "[" + at + "[] | {role: " + AnyRolesForJq() + "[." + JqKey(keys->who) +
           " // \"\" | ascii_downcase], content: ." + JqKey(keys->what) + "}]";
  } else if (HasTurns(*list, "from", "value")) {
    for (const json& turn : *list)
      messages.push_back({{"role", RoleOf(turn["from"].get<std::string>())}, {"content", turn["value"]}});
    made = "[" + at + "[] | {role: (" + RolesForJq() + "[.from // \"\"] // .from), content: .value}]";
  } else if (HasParts(*list)) {
    for (const json& turn : *list) {
      std::string text;
      for (const json& part : turn["parts"]) text += (text.empty() ? "" : "\n") + part["text"].get<std::string>();
      messages.push_back({{"role", turn["role"]}, {"content", text}});
    }
    made = "[" + at + R"([] | {role, content: ([.parts[].text] | join("\n"))}])";
  } else if (HasTurns(*list, "role", "content")) {
    messages = *list;
  } else {
    return std::nullopt;
  }
  const std::string role = messages.back()["role"].get<std::string>();
  const bool ends = IsAnswerer(role);
  if ((!ends && !answered) || (ends && messages.size() < 2) || !FitsJq(role)) return std::nullopt;
  out.program = guard + ".messages = " + made;
  if (found->name != "messages") {
    out.program += " | del(." + JqKey(found->name) + ")";
    out.row.erase(found->name);
  }
  if (ends) {
    out.program += " | " + TakeLast(".messages", role, answered);
    if (!answered) out.row["reference"] = messages.back()["content"];
    messages.erase(messages.size() - 1);
  }
  if (!guard.empty()) out.program += " else . end";
  out.row["messages"] = std::move(messages);
  return out;
}

base::Status ReadMessages(const json& row, const Found& from, bool answered, std::vector<Message>& out) {
  const json& messages = *from.value;
  if (messages.empty()) return base::Invalid(Quoted(from.name) + " is no list of messages");
  for (const json& message : messages) {
    const bool ok = message.is_object() && message.contains("role") && message["role"].is_string() &&
                    message.contains("content") && message["content"].is_string();
    if (!ok) {
      return base::Invalid(Quoted(from.name) + " has " + Excerpt(message) +
                           R"(, which is no message: write {"role": "user", "content": "..."}, both texts)");
    }
    out.push_back({message["role"].get<std::string>(), message["content"].get<std::string>()});
  }
  const std::string member = row.contains(from.name) && &row[from.name] == &messages ? from.name : "";
  const std::string why = WhyEndsWithAnswer(messages, member, answered);
  if (!why.empty()) return base::Invalid(Quoted(from.name) + " " + why);
  return {};
}

}  // namespace autotune::measurement
