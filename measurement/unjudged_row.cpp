#include "measurement/unjudged_row.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "measurement/question_choices.h"
#include "measurement/row_columns.h"
#include "measurement/row_member.h"
#include "measurement/row_references.h"
#include "measurement/written_program.h"
#include "measurement/written_sentence.h"

namespace autotune::measurement {
namespace {

using base::Invalid;
using nlohmann::json;

// What tells of a dataset that nothing here can judge.
constexpr const char* kPrograms = "the answers are programs that a test has to run, and no generated code is run";
constexpr const char* kJudges = "another model would have to judge the answers";
constexpr const char* kOneWay =
    R"( may be the only right answer: write it as "reference", with "match": "exact" or "contains")";
constexpr const char* kTranslations = "there are many good translations, and no measure of them is computed";
constexpr std::array<std::pair<std::string_view, const char*>, 26> kNotJudged = {{
    {"test", kPrograms},
    {"tests", kPrograms},
    {"testlist", kPrograms},
    {"entrypoint", kPrograms},
    {"canonicalsolution", kPrograms},
    {"sql", kPrograms},
    {"inputoutput", kPrograms},
    {"instructionidlist", "its instructions are checked by programs of their own"},
    {"translation", kTranslations},
    {"translations", kTranslations},
    {"turns", kJudges},
    {"chosen", R"(it is preferred to "rejected", and one of many good answers)"},
    {"rubric", kJudges},
    {"rubrics", kJudges},
    {"bestanswer", kJudges},
    {"mc2targets", R"(several of its choices are right: "mc1_targets" has one)"},
    {"conversations", R"(a recorded conversation has no right answer)"},
    {"annotations", R"(no texts of answers are in them: write these as "answers")"},
    {"output", kManyWays},
    {"response", kManyWays},
    {"completion", kManyWays},
    {"solution", kManyWays},
    {"summary", kManyWays},
    {"highlights", kManyWays},
    {"idealanswer", kManyWays},
    {"label",
     R"(names no choice: write "choices" that it names, such as ["false", "true"] or ["SUPPORTS", "REFUTES"])"},
}};

// "test": [{"input": [[0, 1]], "output": [[1, 0]]}] of ARC-AGI is no program that tests.
bool HasGrids(const json& value) {
  return value.is_array() && !value.empty() &&
         std::ranges::all_of(value, [](const json& item) { return item.is_object() && !HasText(item); });
}

// An output that need not be one of many: of a program, for example.
bool IsShortOutput(std::string_view name, const std::string& text) {
  return (name == "output" || name == "response" || name == "completion") && !IsSentence(text) &&
         text.find('\n') == std::string::npos;
}

// Objects or lists, also in a text.
bool IsStructure(const json& value) {
  if (value.is_array()) {
    return std::ranges::any_of(value, [](const json& item) { return item.is_structured(); }) ||
           (value.size() > 1 && std::ranges::all_of(value, [](const json& item) { return item.is_number_integer(); }) &&
            value.size() > 4);
  }
  if (value.is_object()) return true;
  return value.is_string() && IsWrittenStructure(value.get_ref<const std::string&>());
}

// {"name": "...", "arguments": {...}}
bool IsCall(const json& value) {
  if (!value.is_object()) return false;
  const auto name =
      First(value, std::array<std::string_view, 6>{"name", "function", "tool", "toolname", "api", "apiname"});
  const auto with =
      First(value, std::array<std::string_view, 6>{"arguments", "parameters", "args", "params", "kwargs", "toolinput"});
  if (name && name->value->is_object()) return IsCall(*name->value);  // {"function": {"name": ..., "arguments": ...}}
  return name && with && name->value->is_string() && (with->value->is_structured() || with->value->is_string());
}

}  // namespace

bool IsWrittenStructure(std::string_view text) {
  text = Trimmed(text);
  return text.size() > 1 &&
         ((text.front() == '[' && text.back() == ']') || (text.front() == '{' && text.back() == '}'));
}

std::string WhyNotJudged(const json& row) {
  for (const std::string_view name : {"label", "labels", "nertags", "entities", "triples", "relations"}) {
    const auto label = Find(row, name);
    if (name == "entities" && QuestionOf(row)) continue;  // of the question
    if (label && !ChoiceListOf(row) && IsStructure(*label->value))
      return Quoted(label->name) + ": " + Excerpt(*label->value) +
             " is structured data, such as a list of entities or tags: no class, and equal ones are written in many "
             "ways, so that no comparison of texts can judge it: leave these rows out";
  }
  if (const auto label = First(row, std::array<std::string_view, 3>{"label", "score", "similarity"});
      label && label->value->is_number_float() && !IsAnswered(row) && !ChoiceListOf(row)) {
    return Quoted(label->name) + ": " + Excerpt(*label->value) +
           " is a score and no class: how near to it an answer has to be is not known, and no correlation is computed: "
           "leave these rows out";
  }
  const bool answered = IsAnswered(row) || Find(row, "label");
  for (const auto& [name, reason] : kNotJudged) {
    if (answered && reason == kManyWays) continue;
    const auto found =
        name == "label" && (ChoiceListOf(row) || ReadChoiceMembers(row)) ? std::nullopt : Find(row, name);
    if (found && reason == kPrograms && HasGrids(*found->value)) continue;
    const bool one = found && found->value->is_array() && found->value->size() == 1;
    const auto text = found ? ValueText(one ? found->value->front() : *found->value) : std::nullopt;
    if (text && IsShortOutput(name, *text)) {
      const bool jq = PromptOf(row) && row.contains(found->name) && FitsJq(found->name);
      const std::string key = "." + JqKey(found->name);
      return Quoted(found->name) + ": " + Excerpt(*found->value) +
             (jq ? " may be the only right answer: if it is, jq -c '.answer = " + key + " | del(" + key +
                       ")' FILE > OUT"
                 : kOneWay);
    }
    if (found) return Quoted(found->name) + (reason == kManyWays || name == "label" ? " " : ": ") + reason;
  }
  return "";
}

// Arguments that have one meaning are written in many ways.
base::Status CheckTools(const json& row) {
  const auto is_object = [](const json& item) { return item.is_object(); };
  for (const std::string_view name : {"tools", "functions", "function", "availabletools", "toolcalls"}) {
    const auto found = Find(row, name);
    if (!found) continue;
    const json value =
        found->value->is_string() ? json::parse(found->value->get<std::string>(), nullptr, false) : *found->value;
    const bool several = value.is_array() && (found->value->is_string() || std::ranges::any_of(value, is_object));
    if (several || (value.is_object() && !value.empty()))
      return Invalid(Quoted(found->name) + ": " + Excerpt(*found->value) +
                     " would not be sent, and calls of tools cannot be judged by text: leave these rows out");
  }
  for (const std::string_view name : {"output", "outputs", "answer", "answers", "target", "label", "reference",
                                      "expectedoutput", "groundtruth", "gold", "calls", "apicalls", "solution"}) {
    const auto found = Find(row, name);
    if (!found) continue;
    const json value =
        found->value->is_string() ? json::parse(found->value->get<std::string>(), nullptr, false) : *found->value;
    const json list = value.is_object() ? json::array({value}) : value;
    if (list.is_array() && !list.empty() && std::ranges::all_of(list, IsCall))
      return Invalid(Quoted(found->name) + ": " + Excerpt(*found->value) +
                     " has calls of tools, which cannot be judged by text: leave these rows out");
  }
  return {};
}

base::Status IsProgram(const Found& from, const json& value, std::string_view program) {
  return Invalid(Quoted(from.name) + ": " + Excerpt(value) + " is " + std::string(program) +
                 R"(: equal ones are written in many ways, and no generated code is run. Write what it returns as )"
                 R"("reference", or leave the row out ("match": "exact" compares the characters))");
}

base::Status CheckPrograms(const json& row, const std::string& sent) {
  const auto query = Find(row, "query");
  const auto question = QuestionOf(row);
  const auto text = query && question ? ValueText(*query->value) : std::nullopt;
  if (text && PromptOf(row)->name == query->name && !ProgramIn(*text).empty()) {
    if (!IsAnswered(row)) return IsProgram(*query, *query->value, ProgramIn(*text));
    return Invalid(Quoted(query->name) + ": " + Excerpt(*query->value) + " would be sent in place of " +
                   Quoted(question->name) + ": jq -c 'del(." + JqKey(query->name) +
                   ")' FILE > OUT leaves it out; or write both as one \"prompt\"");
  }
  const auto is_answer = [&](std::string_view name) {
    const auto found = Find(row, name);
    const auto of = found ? ValueText(*found->value) : std::nullopt;
    return of && IsShortOutput(name, *of) && ProgramIn(*of).empty();
  };
  if (IsAnswered(row) || ChoiceListOf(row) || ReadChoiceMembers(row) || Find(row, "label") ||
      std::ranges::any_of(kWorkedOut, is_answer))
    return {};
  for (const auto& [name, reason] : kNotJudged) {
    const auto found = reason == kPrograms ? Find(row, name) : std::nullopt;
    if (found && HasGrids(*found->value)) continue;
    if (found) return Invalid(Quoted(found->name) + ": " + kPrograms);
  }
  if (Find(row, "chosen") && Find(row, "rejected")) return {};  // preferred and not: WhyNotJudged
  for (const auto& [key, value] : row.items()) {
    const std::string_view program = value.is_string() ? ProgramIn(value.get_ref<const std::string&>()) : "";
    if (!program.empty() && !Says(sent, value)) return IsProgram({key, &value}, value, program);
  }
  return {};
}

std::string WhyDocumentNotJudged(const json& document) {
  for (const auto& [name, reason] : kNotJudged) {
    const auto found = reason == kManyWays ? std::nullopt : Find(document, name);
    if (found && name != "label" && name != "mc2targets") return Quoted(found->name) + ": " + reason;
  }
  return "";
}

}  // namespace autotune::measurement
