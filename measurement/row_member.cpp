#include "measurement/row_member.h"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include "base/ascii_case.h"
#include "measurement/questions.h"

namespace autotune::measurement {
namespace {

using nlohmann::json;

// Sent as they are; a list is one of messages.
constexpr std::array<std::string_view, 7> kPrompts = {"messages", "prompt",    "input",      "query",
                                                      "ctx",      "doctotext", "startphrase"};

// Sent as "Question: ...\nAnswer:", behind the text that they are about.
struct Asking {
  std::string_view name;
  std::string_view beside;  // only in a row that has this member, too
};

constexpr std::array<Asking, 15> kQuestions = {{{"question/stem", ""},
                                                {"question", ""},
                                                {"questionstem", ""},
                                                {"goal", ""},
                                                {"problem", ""},
                                                {"questiontext", ""},
                                                {"querytext", ""},
                                                {"problemtext", ""},
                                                {"squestion", ""},
                                                {"qtext", ""},
                                                {"userinput", ""},
                                                {"originaltext", "ans"},
                                                {"content", "answer"},
                                                {"body", "exactanswer"},
                                                {"body", "idealanswer"}}};

// What tells of a question where it is from or of which kind it is, or explains its answer: parts of names.
constexpr std::array<std::string_view, 33> kMetadata = {
    "type",   "category", "subject",  "topic",   "level",     "difficulty", "source", "split",  "group",
    "explan", "rational", "solution", "reason",  "analysis",  "meta",       "tag",    "lang",   "author",
    "title",  "date",     "year",     "comment", "url",       "grade",      "field",  "domain", "equation",
    "skill",  "lecture",  "name",     "steps",   "generator", "knowledge"};

// What is judged by a text beside it: such a text is no question.
constexpr std::array<std::string_view, 5> kJudged = {"hypothesis", "claim", "statement", "conclusion", "summary"};

bool IsBlank(const json& value) { return value.is_string() && Trimmed(value.get_ref<const std::string&>()).empty(); }

}  // namespace

std::string Quoted(std::string_view text) {
  constexpr std::size_t kLongest = 80;  // bytes
  std::string out = "\"";
  for (const char c : BeginOf(text, kLongest)) out += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
  return out + '"';
}

std::string_view BeginOf(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0) == 0x80) --bytes;
  return text.substr(0, bytes);
}

std::string Excerpt(const json& value) {
  std::string text = value.dump(-1, ' ', false, json::error_handler_t::replace);
  if (text.size() > 60) text = std::string(BeginOf(text, 57)) + "...";
  return text;
}

std::string Plain(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c != '_' && c != '-' && c != ' ') out += base::AsciiLower(c);
  }
  return out;
}

std::optional<Found> Find(const json& object, std::string_view path) {
  const std::size_t slash = path.find('/');
  for (const auto& [key, value] : object.items()) {
    std::string_view name = key;
    if (name.ends_with(':')) name.remove_suffix(1);  // "utterances:", as FriendsQA has it
    const bool absent = value.is_null() || (value.is_structured() && value.empty());
    if (absent || Plain(name) != path.substr(0, slash)) continue;
    if (slash == std::string_view::npos) return Found{key, &value};
    if (!value.is_object()) return std::nullopt;
    return Find(value, path.substr(slash + 1));
  }
  return std::nullopt;
}

std::optional<Found> QuestionOf(const json& row) {
  for (const Asking& asking : kQuestions) {
    auto found = Find(row, asking.name);
    if (!found || !(asking.beside.empty() || Find(row, asking.beside))) continue;
    if (asking.name == "content" && First(row, kJudged)) continue;
    return found;
  }
  return std::nullopt;
}

bool Says(std::string_view sent, const json& value) {
  if (value.is_string()) return sent.find(Trimmed(value.get_ref<const std::string&>())) != std::string_view::npos;
  return value.is_array() && !value.empty() && std::all_of(value.begin(), value.end(), [&](const json& item) {
           return item.is_string() && Says(sent, item);
         });
}

bool HasText(const json& value) {
  if (value.is_string()) return !Trimmed(value.get_ref<const std::string&>()).empty();
  return value.is_structured() && std::any_of(value.begin(), value.end(), HasText);
}

bool IsLink(const json& value) {
  if (value.is_array()) return !value.empty() && std::ranges::all_of(value, IsLink);
  if (!value.is_string()) return false;
  const std::string_view text = Trimmed(value.get_ref<const std::string&>());
  return (text.starts_with("http://") || text.starts_with("https://")) && text.find(' ') == std::string_view::npos;
}

bool IsId(std::string_view name) {
  const std::string plain = Plain(name);
  for (const char* end : {"_id", "-id", " id", "_ID", "-ID", " ID", "Id"}) {
    if (name.ends_with(end)) return true;
  }
  const bool upper = std::none_of(name.begin(), name.end(), [](unsigned char c) { return std::islower(c) != 0; });
  return plain == "id" || plain == "idx" || plain == "ind" || plain == "index" || plain == "uuid" || plain == "uid" ||
         plain == "key" || (upper && plain.ends_with("id"));
}

std::string Names(const json& row) {
  std::string names;
  for (const auto& [key, value] : row.items()) {
    if (names.size() > 120) return names + ", ...";
    names += (names.empty() ? "" : ", ") + Quoted(BeginOf(key, 40));
  }
  return names.empty() ? "nothing" : names;
}

std::optional<std::string> ValueText(const json& value) {
  if (value.is_number()) return value.dump();
  if (!value.is_string() || Trimmed(value.get_ref<const std::string&>()).empty()) return std::nullopt;
  return value.get<std::string>();
}

std::optional<Found> PromptOf(const json& row) {
  auto prompt = First(row, kPrompts);
  for (const std::string_view name : kPrompts) {  // an empty one is none, beside another
    if (!prompt || !IsBlank(*prompt->value)) break;
    if (auto other = Find(row, name); other && !IsBlank(*other->value)) prompt = other;
  }
  if (prompt && IsBlank(*prompt->value) && QuestionOf(row)) return std::nullopt;
  // {"sparql": "..."}, beside what it was written for.
  return prompt && prompt->value->is_object() && QuestionOf(row) ? std::nullopt : prompt;
}

bool IsMetadata(std::string_view name) {
  std::string plain = Plain(name);
  if (const std::size_t at = plain.find("candidate"); at != std::string::npos) plain.erase(at, 9);  // no "date"
  return std::any_of(kMetadata.begin(), kMetadata.end(),
                     [&](std::string_view part) { return plain.find(part) != std::string::npos; });
}

}  // namespace autotune::measurement
