#include "measurement/row_advice.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <vector>

#include "measurement/question_choices.h"
#include "measurement/row_columns.h"
#include "measurement/row_member.h"
#include "measurement/written_number.h"
#include "measurement/written_sentence.h"
#include "measurement/written_verdict.h"

namespace autotune::measurement {
namespace {

using nlohmann::json;

// What may be asked together; any may be a list of texts.
constexpr std::array<std::array<std::string_view, 3>, 16> kTogether = {{{"premises", "conclusion", ""},
                                                                        {"premise", "hypothesis", ""},
                                                                        {"premises", "hypothesis", ""},
                                                                        {"context", "hypothesis", ""},
                                                                        {"context", "conclusion", ""},
                                                                        {"context", "claim", ""},
                                                                        {"context", "statement", ""},
                                                                        {"passage", "hypothesis", ""},
                                                                        {"table", "statement", ""},
                                                                        {"word", "sentence1", "sentence2"},
                                                                        {"sentence1", "sentence2", ""},
                                                                        {"text1", "text2", ""},
                                                                        {"question1", "question2", ""},
                                                                        {"subject", "body", ""},
                                                                        {"title", "body", ""},
                                                                        {"title", "description", ""}}};
constexpr std::array<std::string_view, 36> kAsked = {
    "instruction", "task",    "request",   "text",     "sentence",    "utterance",  "review",     "tweet",
    "message",     "email",   "ticket",    "body",     "content",     "comment",    "post",       "headline",
    "nl",          "claim",   "statement", "document", "description", "reviewtext", "reviewbody", "doc",
    "abstract",    "article", "passage",   "title",    "subject",     "intent",     "source",     "src",
    "riddle",      "puzzle",  "exercise",  "clue"};
constexpr std::array<std::string_view, 15> kClasses = {
    "label",  "labels",  "labeltext", "labelname", "class",       "intent", "sentiment", "emotion",
    "stance", "verdict", "polarity",  "finelabel", "coarselabel", "gold",   "goldlabel"};
// Beside a question they tell only where it is from.
constexpr std::array<std::string_view, 9> kTopics = {"category", "topic", "queue",  "department", "priority",
                                                     "type",     "genre", "rating", "stars"};
constexpr std::array<std::string_view, 7> kAnswerNames = {
    "answer", "target", "gold", "groundtruth", "correctanswer", "expectedanswer", "finalanswer"};
// Of kAsked, what asks for something.
constexpr std::array<std::string_view, 9> kTasks = {"instruction", "task",   "request",  "nl",  "intent",
                                                    "riddle",      "puzzle", "exercise", "clue"};
constexpr std::size_t kLongestClass = 60;  // bytes
constexpr std::array<std::string_view, 12> kHints = {"hint",  "hints",    "clue",      "clues",     "tip",
                                                     "tips",  "evidence", "evidences", "knowledge", "externalknowledge",
                                                     "facts", "lecture"};
constexpr std::array<std::string_view, 7> kExplanations = {"explanation", "explanations", "rationale", "rationales",
                                                           "reasoning",   "cot",          "solution"};

std::string KeyOf(const std::string& name) { return "." + JqKey(name); }

std::optional<Found> TextOf(const json& row, std::string_view name) {
  auto found = name.empty() ? std::nullopt : Find(row, name);
  return found && HasText(*found->value) && !found->value->is_object() && FitsJq(found->name) ? found : std::nullopt;
}

// What jq writes as the prompt, and the members that it is of.
struct Prompting {
  std::string program;
  std::vector<std::string> members;
  bool asks = false;  // a question, or what is called a task

  void Add(const Found& text) {
    asks = asks || std::ranges::find(kTasks, Plain(text.name)) != kTasks.end() ||
           (text.value->is_string() && text.value->get_ref<const std::string&>().find('?') != std::string::npos);
    const std::string key = KeyOf(text.name);
    program += (program.empty() ? "" : R"( + "\n" + )") +
               (text.value->is_string() ? key : "([" + key + R"( | .. | strings] | join("\n")))");
    members.push_back(text.name);
  }
};

std::optional<Prompting> AskedIn(const json& row) {
  for (const auto& names : kTogether) {
    Prompting asked;
    std::size_t named = 0;
    for (const std::string_view name : names) {
      named += name.empty() ? 0 : 1;
      if (const auto text = TextOf(row, name)) asked.Add(*text);
    }
    if (asked.members.size() == named) return asked;
  }
  for (const std::string_view name : kAsked) {
    const auto text = TextOf(row, name);
    if (!text || !text->value->is_string()) continue;
    Prompting asked;
    asked.Add(*text);
    return asked;
  }
  return std::nullopt;
}

}  // namespace

std::string AdviceForClasses(const json& row, bool answered) {
  std::optional<Prompting> asked;
  const auto question = PromptOf(row) ? PromptOf(row) : QuestionOf(row);
  if (!question) asked = AskedIn(row);
  if (!question && !asked) return "";
  if (answered && (!asked || asked->asks)) return "";
  std::vector<std::string_view> names;
  const auto add = [&names](const auto& more) {
    for (const std::string_view name : more) names.push_back(name);
  };
  if (!answered) add(kClasses);
  if (!answered && asked) add(kTopics);
  if (asked) add(kAnswerNames);
  for (const std::string_view name : names) {
    const auto found = Find(row, name);
    if (!found || !FitsJq(found->name)) continue;
    if (asked && std::ranges::find(asked->members, found->name) != asked->members.end()) continue;
    const std::string key = KeyOf(found->name);
    const auto text = found->value->is_string() ? ValueText(*found->value) : std::nullopt;
    // "label": "Yes" does not tell what is asked.
    const bool verdict =
        asked && asked->members.size() == 1 && (found->value->is_boolean() || (text && VerdictIn(*text)));
    const std::string last = verdict ? "\nIs this ...?" : "\n" + found->name + ":";
    const std::string place = verdict ? ", with the question in place of \"Is this ...?\"" : "";
    const std::string prompt =
        asked ? "{prompt: (" + asked->program + " + " + json(last).dump(-1, ' ', true) + "), " : "";
    const auto program = [&](const std::string& choices, const std::string& answer) {
      if (asked) return prompt + "choices: " + choices + ", answer: " + answer + "}";
      return ".choices = " + choices + (answer == key ? "" : " | .answer = " + answer + " | del(" + key + ")");
    };
    if (found->value->is_boolean()) {
      return "jq -c '" + program(R"(["false", "true"])", "(" + key + " | tostring)") + "' FILE > OUT asks for " +
             Quoted(found->name) + place;
    }
    if (found->value->is_number_integer() && !answered) {
      return Quoted(found->name) + ": " + Excerpt(*found->value) + " is the number of a class. With the names of all " +
             "classes, from the one of 0 on: jq -c '" + program(R"(["NAME 0", "NAME 1"])", key) + "' FILE > OUT";
    }
    if (!text || text->size() > kLongestClass || IsSentence(*text) || (answered && LastNumber(*text))) continue;
    return "if " + Quoted(found->name) + " is one of a few classes: jq -c -s '(map(" + key +
           " | strings) | unique) as $c | .[] | select(" + key + " | strings) | " +
           program("$c", "(" + key + " as $l | $c | index($l))") + "' FILE > OUT asks for it" + place;
  }
  return "";
}

std::string AdviceForLastWord(const json& row) {
  const auto text = TextOf(row, "text");
  if (!text || !text->value->is_string() || text->value->get_ref<const std::string&>().find(' ') == std::string::npos)
    return "";
  const std::string key = KeyOf(text->name);
  return "if the last word of " + Quoted(text->name) + " is what is asked: jq -c '{prompt: (" + key +
         R"( | sub("\\s+\\S+\\s*$"; "")), reference: ()" + key +
         R"( | capture("(?<w>\\S+)\\s*$").w), match: "begins"}' FILE > OUT)";
}

std::string AdviceForPrompt(const json& row) {
  const auto asked = AskedIn(row);
  if (!asked) return "";
  std::string names, keys;
  for (const std::string& member : asked->members) {
    names += (names.empty() ? "" : " and ") + Quoted(member);
    keys += (keys.empty() ? "" : ", ") + KeyOf(member);
  }
  return "if " + names + (asked->members.size() > 1 ? " are" : " is") +
         " what is asked: jq -c '.prompt = " + asked->program + " | del(" + keys + ")' FILE > OUT";
}

std::string AdviceForJoin(const json& row, bool answers) {
  for (const auto& [key, value] : row.items()) {
    if (!IsId(key) || !value.is_primitive() || value.is_null() || !FitsJq(key)) continue;
    const std::string index = KeyOf(key);
    return std::string("if another file has the ") + (answers ? "questions" : "answers") + " under the same " +
           Quoted(key) + ": jq -c -n --slurpfile a " + (answers ? "FILE" : "ANSWERS") + " '(INDEX($a[]; " + index +
           ")) as $b | inputs | . + $b[" + index + " | tostring]' " + (answers ? "QUESTIONS" : "FILE") +
           " > OUT puts them together";
  }
  return "";
}

std::string AdviceForHint(const json& row, const std::string& member) {
  if (!FitsJq(member) || !row.contains(member)) return "";
  const std::string plain = Plain(member), key = KeyOf(member);
  if (std::ranges::find(kExplanations, plain) != kExplanations.end()) return Quoted(member) + " may have the answer";
  if (std::ranges::find(kHints, plain) == kHints.end()) return "";
  const std::string text = row[member].is_string() ? key : "([" + key + R"( | .. | strings] | join("\n")))";
  const auto prompt = PromptOf(row);
  if (prompt && (!prompt->value->is_string() || !FitsJq(prompt->name))) return "";
  const auto context = Find(row, "context");
  const std::string program = prompt    ? KeyOf(prompt->name) + " = " + text + R"( + "\n" + )" + KeyOf(prompt->name)
                              : context ? KeyOf(context->name) + " += " + R"("\n" + )" + text
                                        : ".context = " + text;
  return "jq -c '" + program + " | del(" + key + ")' FILE > OUT sends " + Quoted(member);
}

std::string ProgramForLetters(const json& row, const std::string& asked, const Found& right) {
  const auto prompt = PromptOf(row) ? PromptOf(row) : QuestionOf(row);
  const bool known = prompt && prompt->value->is_string() && FitsJq(prompt->name) && row.contains(prompt->name) &&
                     FitsJq(right.name) && row.contains(right.name) && !right.value->is_structured();
  if (!known || AdviceForLetter(asked).find('[') == std::string::npos) return "";
  const std::string key = "." + JqKey(right.name);
  const std::string choices = ".choices = ([." + JqKey(prompt->name) +
                              R"j( | scan("(?:^|[\\s(])([A-J])[.):\u3001\uFF0E\uFF09\uFF1A]")[0]] | unique))j";
  if (right.value->is_number()) return ": jq -c '" + choices + "' FILE > OUT";
  return ": jq -c 'if (" + key + R"j( | type == "string" and test("^\\W*[A-J](\\W|$)")) then )j" + choices +
         " | .answer = (" + key + R"( | match("[A-J]").string) else . end' FILE > OUT)";
}

}  // namespace autotune::measurement
