#include "measurement/tool_export.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <vector>

#include "measurement/question_choices.h"
#include "measurement/row_columns.h"
#include "measurement/row_member.h"
#include "measurement/row_references.h"

namespace autotune::measurement {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 2> kInputs = {"inputs", "input"};
// What is expected is before what may have been recorded.
constexpr std::array<std::string_view, 11> kOutputs = {
    "referenceoutputs", "referenceoutput", "expectedoutputs", "expectedoutput", "expectations", "expected",
    "groundtruth",      "reference",       "target",          "outputs",        "output"};
// Comparisons of texts, and what they are here.
constexpr const char* kMatches =
    R"({equals: "exact", contains: "contains", icontains: "words", regex: "regex", "starts-with": "begins", )"
    R"("contains-any": "contains", "icontains-any": "words"})";
constexpr std::array<std::string_view, 7> kComparisons = {"equals",      "contains",     "icontains",    "regex",
                                                          "starts-with", "contains-any", "icontains-any"};

std::string KeyOf(const std::string& name) { return "." + JqKey(name); }

// The only member with a text or a number, but for the role of a message. Nothing if there are several.
std::optional<std::string> OnlyText(const json& object) {
  std::optional<std::string> only;
  for (const auto& [key, value] : object.items()) {
    if (key == "role" || key == "type" || !(HasText(value) || value.is_number() || value.is_boolean())) continue;
    if (only || !value.is_primitive() || !FitsJq(key)) return std::nullopt;
    only = key;
  }
  return only;
}

// What jq adds to the row for what is asked.
std::string ProgramOfInput(const Found& input) {
  const json& value = *input.value;
  const auto only = PromptOf(value) || QuestionOf(value) ? std::nullopt : OnlyText(value);
  if (!only || !value[*only].is_string()) return KeyOf(input.name);
  return "{question: " + KeyOf(input.name) + JqKey(*only) + "}";
}

// What jq adds to the row for the answer. "" = it is read as it is.
std::string ProgramOfOutput(const Found& output) {
  const json& value = *output.value;
  const std::string key = KeyOf(output.name);
  if (value.is_array()) return NamesReference(Plain(output.name)) ? "" : "{answers: " + key + "}";
  if (!value.is_object()) return NamesReference(Plain(output.name)) ? "" : "{answer: " + key + "}";
  const auto messages = Find(value, "messages");
  const json last = messages && messages->value->is_array() ? messages->value->back() : json();
  if (last.is_object() && last.contains("content") && FitsJq(messages->name))
    return "{answer: " + key + JqKey(messages->name) + "[-1].content}";
  if (IsAnswered(value)) return key;
  const auto only = OnlyText(value);
  return only ? "{answer: " + key + JqKey(*only) + "}" : key;
}

// {"inputs": {"question": "..."}, "outputs": {"answer": "..."}}
std::string WhyInputs(const json& row) {
  const auto input = First(row, kInputs);
  const auto question = QuestionOf(row);
  if (!input || !input->value->is_object() || !HasText(*input->value) || !FitsJq(input->name)) return "";
  if (row.contains("prompt") || row.contains("messages") || (question && question->value->is_string())) return "";
  std::string program = ". + " + ProgramOfInput(*input), dropped = KeyOf(input->name);
  const auto output = First(row, kOutputs);
  const std::string answer = output && FitsJq(output->name) ? ProgramOfOutput(*output) : "";
  if (!answer.empty()) {
    program += " + " + answer;
    dropped += ", " + KeyOf(output->name);
  }
  return Quoted(input->name) + " is an object with what is asked: jq -c '. as $r | del(" + dropped + ") + ($r | " +
         program.substr(std::string_view(". + ").size()) + ")' FILE > OUT takes it out" +
         (answer.empty() ? "" : ", and the answer out of " + Quoted(output->name));
}

// {"vars": {"question": "..."}, "assert": [{"type": "contains", "value": "..."}]}
std::string WhyAssertions(const json& row) {
  const auto vars = Find(row, "vars"), assertions = Find(row, "assert");
  if (!vars || !assertions || !vars->value->is_object() || !assertions->value->is_array()) return "";
  if (!FitsJq(vars->name) || !FitsJq(assertions->name)) return "";
  const auto compares = [](const json& one) {
    const auto type = one.is_object() ? Find(one, "type") : std::nullopt;
    return type && type->value->is_string() && one.contains("value") &&
           std::ranges::find(kComparisons, type->value->get_ref<const std::string&>()) != kComparisons.end();
  };
  if (std::ranges::none_of(*assertions->value, compares)) {
    return Quoted(assertions->name) + ": " + Excerpt(*assertions->value) +
           " compares no texts: programs and other models would have to judge the answers";
  }
  const std::string list = "$r" + JqKey(assertions->name);
  return Quoted(vars->name) + " has what is asked, and " + Quoted(assertions->name) + " the answer: jq -c '. as $r | " +
         kMatches + " as $m | del(" + KeyOf(vars->name) + ", " + KeyOf(assertions->name) + ") + ($r | " +
         ProgramOfInput(*vars) + ") + ([" + list +
         R"([] | select($m[.type // ""])][0] // {} | {reference: (.value | if type == "array" then map(tostring) )"
         R"(elif . == null then null else tostring end), match: $m[.type // ""]})' FILE > OUT takes them out, with )"
         R"(the first assertion that compares texts)";
}

// {"question": "...", "__expected": "contains: Ann"}
std::string WhyExpected(const json& row) {
  for (const auto& [key, value] : row.items()) {
    if (!key.starts_with("__expected") || !value.is_string() || !FitsJq(key)) continue;
    const std::string& text = value.get_ref<const std::string&>();
    const std::size_t colon = text.find(':');
    const std::string type = colon == std::string::npos ? "equals" : text.substr(0, colon);
    constexpr std::array<std::string_view, 8> kOthers = {"llm-rubric", "grade", "javascript", "python",
                                                         "fn",         "eval",  "similar",    "factuality"};
    if (std::ranges::any_of(kOthers, [&](std::string_view other) { return type.starts_with(other); })) {
      return Quoted(key) + ": " + Excerpt(value) +
             " compares no texts: programs and other models would have to judge the answers";
    }
    return Quoted(key) + ": " + Excerpt(value) + " has how answers are compared in it: jq -c '" + kMatches +
           " as $m | (" + KeyOf(key) + R"( | (capture("^(?<t>[a-z-]+): *(?<v>[\\s\\S]*)$") | select($m[.t])) // )" +
           "{t: \"equals\", v: .}) as $e | . + {reference: $e.v, match: $m[$e.t]} | del(" + KeyOf(key) +
           ")' FILE > OUT takes it apart";
  }
  return "";
}

// {"input": {"text": "..."}, "references": [{"output": {"text": "..."}, "tags": ["correct"]}]}
std::string WhyTagged(const json& row) {
  const auto input = Find(row, "input"), list = Find(row, "references");
  if (!input || !list || !list->value->is_array() || list->value->empty()) return "";
  const bool tagged = std::ranges::all_of(*list->value, [](const json& item) {
    const auto text = item.is_object() ? Find(item, "output/text") : std::nullopt;
    return text && text->value->is_string() && item.contains("tags") && item["tags"].is_array();
  });
  const auto text = input->value->is_object() ? Find(*input->value, "text") : std::nullopt;
  if (!tagged || !(text || input->value->is_string()) || !FitsJq(input->name + list->name)) return "";
  const std::string references = "$r" + JqKey(list->name);
  return Quoted(list->name) + " has texts with tags that say which of them are right: jq -c '. as $r | [" + references +
         R"([] | select(.tags | index("correct")) | .output.text] as $c | del()" + KeyOf(input->name) + ", " +
         KeyOf(list->name) + ") + {question: $r" + JqKey(input->name) + (text ? JqKey(text->name) : "") +
         "} + (if ($c | length) == 1 and (" + references + " | length) > 1 then {choices: [" + references +
         "[].output.text], answer: $c[0]} else {answers: $c} end)' FILE > OUT makes choices or answers of them";
}

}  // namespace

std::string WhyExport(const json& row) {
  if (!row.is_object()) return "";
  for (std::string why : {WhyTagged(row), WhyAssertions(row), WhyExpected(row), WhyInputs(row)}) {
    if (!why.empty()) return why;
  }
  return "";
}

}  // namespace autotune::measurement
