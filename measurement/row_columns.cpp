#include "measurement/row_columns.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <utility>

#include "measurement/questions.h"
#include "measurement/row_member.h"
#include "measurement/row_references.h"

namespace autotune::measurement {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 13> kQuestionLists = {
    "questions", "question", "prompts", "prompt",        "queries",      "query",       "inputs",
    "input",     "problems", "problem", "questiontexts", "questiontext", "instructions"};
// Without a plural's "s".
constexpr std::array<std::string_view, 16> kAnswers = {
    "answer", "answerkey", "label",      "target",   "gold",   "reference", "output",         "groundtruth",
    "ideal",  "solution",  "completion", "response", "result", "ans",       "expectedoutput", "correctanswer"};
// Where an object has its text.
constexpr std::array<std::string_view, 8> kTexts = {"inputtext", "question", "answer",  "text",
                                                    "texts",     "value",    "answers", "spantext"};

// "queries" is "query".
std::string Singular(std::string name) {
  if (name.size() > 3 && name.ends_with("ies")) return name.substr(0, name.size() - 3) + "y";
  if (name.size() > 2 && name.ends_with('s') && !name.ends_with("ss")) name.pop_back();
  return name;
}

// "answers" is "answer"; an output is the answer where there is one for each question.
std::string NameOfAnswers(const std::string& name) {
  const std::string singular = Singular(name);
  return singular == "output" ? "answer" : singular;
}

// A member with one value for each question.
struct Column {
  std::string name;
  std::string before, behind;  // keys before and behind the number of the question
};

// "" behind: the values are texts or lists; nothing if they are neither.
std::optional<std::string> KeyOfItems(const json& list) {
  if (!list.front().is_object()) return "";
  const auto text = First(list.front(), kTexts);
  return text && FitsJq(text->name) ? std::optional(JqKey(text->name)) : std::nullopt;
}

std::optional<Column> ColumnOf(const std::string& name, const json& value, std::size_t size) {
  if (!FitsJq(name)) return std::nullopt;
  if (value.is_array() && value.size() == size) return Column{name, "", KeyOfItems(value).value_or("")};
  const auto within = value.is_object() ? First(value, kTexts) : std::nullopt;  // {"input_text": ["...", "..."]}
  if (within && within->value->is_array() && within->value->size() == size && FitsJq(within->name))
    return Column{name, JqKey(within->name), ""};
  return std::nullopt;
}

std::optional<Found> QuestionListOf(const json& row) {
  for (const std::string_view name : kQuestionLists) {
    const auto found = Find(row, name);
    if (!found || !found->value->is_array() || found->value->size() < 2 || !FitsJq(found->name)) continue;
    const bool texts = std::all_of(found->value->begin(), found->value->end(), [](const json& item) {
      return item.is_string() || (item.is_object() && First(item, kTexts) && !item.contains("role"));
    });
    const bool alike = std::all_of(found->value->begin(), found->value->end(),
                                   [&](const json& item) { return item.type() == found->value->front().type(); });
    if (texts && alike) return found;
  }
  return std::nullopt;
}

// Puts together what `columns` names at `values`.
json RowOf(const json& columns, const json& values) {
  json row = json::object();
  for (std::size_t i = 0; i < columns.size() && i < values.size(); ++i) {
    if (columns[i].is_string()) row[columns[i].get<std::string>()] = values[i];
  }
  return row;
}

bool AreNames(const json& list) {
  return list.is_array() && list.size() > 1 &&
         std::all_of(list.begin(), list.end(), [](const json& name) { return name.is_string(); });
}

constexpr const char* kRowOfValues = ". as $v | reduce range($c | length) as $i ({}; .[$c[$i]] = $v[$i])";

// [["Who?", [{"answer": "Ann"}]], ["Where?", ...]]: what makes a row of each. "" = there are none.
std::string WhyPairsOfQuestions(const json& row) {
  for (const std::string_view name : kQuestionLists) {
    const auto found = Find(row, name);
    if (!found || !found->value->is_array() || found->value->empty() || !FitsJq(found->name)) continue;
    const bool pairs = std::ranges::all_of(*found->value, [](const json& item) {
      return item.is_array() && item.size() == 2 && item[0].is_string() && HasText(item[0]) && !item[1].is_object();
    });
    const std::string key = JqKey(found->name);
    if (pairs && row.contains(found->name))
      return Quoted(found->name) + " has questions with their answers in one row: jq -c '. as $r | ." + key +
             "[] | ($r | del(." + key + ")) + {question: .[0], answers: .[1]}' FILE > OUT writes one a row";
  }
  return "";
}

constexpr std::array<std::string_view, 5> kAskedOfPair = {"q", "question", "query", "prompt", "problem"};
constexpr std::array<std::string_view, 7> kAnswerOfPair = {"a",    "answer", "answers", "gold",
                                                           "text", "output", "response"};

bool ArePairs(const json& list) {
  return list.is_array() && !list.empty() && std::ranges::all_of(list, [](const json& item) {
           return item.is_object() && First(item, kAskedOfPair) && First(item, kAnswerOfPair);
         });
}

bool IsTextOfPairs(const json& value) {
  if (!value.is_string()) return false;
  const std::string_view text = Trimmed(value.get_ref<const std::string&>());
  if (!(text.starts_with('[') || text.starts_with('{')) || !(text.ends_with(']') || text.ends_with('}'))) return false;
  const auto names = [&](const auto& keys) {
    return std::ranges::any_of(keys, [&](std::string_view key) {
      std::string upper(key);
      upper.front() = static_cast<char>(upper.front() - 'a' + 'A');
      for (const std::string& name : {std::string(key), upper}) {
        for (const char quote : {'"', '\''}) {
          if (text.find(quote + name + quote + ":") != std::string_view::npos) return true;
        }
      }
      return false;
    });
  };
  return names(kAskedOfPair) && names(kAnswerOfPair);
}

// A list of such pairs beside a text that they are about, or a text of them. "" = there are none.
std::string WhyPairs(const json& row) {
  const auto prompt = PromptOf(row);
  if (QuestionOf(row) || IsAnswered(row)) return "";
  for (const auto& [name, value] : row.items()) {
    if (!FitsJq(name) || (prompt && prompt->name == name)) continue;
    const std::string key = JqKey(name);
    if (IsTextOfPairs(value)) {
      const bool json_text = !json::parse(value.get_ref<const std::string&>(), nullptr, false).is_discarded();
      return Quoted(name) + " has questions with their answers in a text, and is not sent: " +
             (json_text
                  ? "jq -c '." + key + " |= fromjson' FILE > OUT"
                  : R"(python3 -c 'import ast, json, sys; [print(json.dumps({**r, )" + json(name).dump(-1, ' ', true) +
                        ": ast.literal_eval(r" + key + ")})) for r in map(json.loads, sys.stdin)]' < FILE > OUT") +
             " makes a list of it";
    }
    if (!prompt || !prompt->value->is_string() || !FitsJq(prompt->name) || !ArePairs(value)) continue;
    const json& first = value.front();
    const std::string asked = JqKey(First(first, kAskedOfPair)->name),
                      answer = JqKey(First(first, kAnswerOfPair)->name);
    return Quoted(name) + " has questions with their answers, which are about " + Quoted(prompt->name) +
           ": jq -c '. as $r | ." + key + "[] | ($r | del(." + key + ", ." + JqKey(prompt->name) + ")) + {context: $r" +
           JqKey(prompt->name) + ", question: ." + asked + ", answer: ." + answer + "}' FILE > OUT writes one a row";
  }
  return "";
}

}  // namespace

bool HoldsAnswers(const json& value) { return IsTextOfPairs(value) || ArePairs(value); }

std::string JqKey(const std::string& name) {
  return "[" + json(name).dump(-1, ' ', true, json::error_handler_t::replace) + "]";
}

bool FitsJq(const std::string& name) { return name.find('\'') == std::string::npos; }

std::string WhySeveralQuestions(const json& row) {
  if (!row.is_object()) return "";
  if (std::string pairs = WhyPairsOfQuestions(row); !pairs.empty()) return pairs;
  if (std::string pairs = WhyPairs(row); !pairs.empty()) return pairs;
  const auto list = QuestionListOf(row);
  if (!list) return "";
  const std::size_t size = list->value->size();
  std::string answers, rest = JqKey(list->name), values;
  for (const auto& [name, value] : row.items()) {
    const auto column = name == list->name ? std::nullopt : ColumnOf(name, value, size);
    if (!column) continue;
    const bool answer = std::find(kAnswers.begin(), kAnswers.end(), Singular(Plain(name))) != kAnswers.end();
    if (answer && answers.empty()) answers = name;
    rest += ", ." + JqKey(name);
    values += ", " + json(answer ? NameOfAnswers(name) : name).dump(-1, ' ', true, json::error_handler_t::replace) +
              ": $r" + JqKey(name) + column->before + "[$i]" + column->behind;
  }
  if (answers.empty()) return "";
  const std::string asked = "$r" + JqKey(list->name) + "[$i]" + KeyOfItems(*list->value).value_or("");
  // Behind a text that all of them are about.
  const auto prompt = PromptOf(row);
  const bool beside = prompt && prompt->name != list->name && prompt->value->is_string() && FitsJq(prompt->name);
  const std::string key = beside ? prompt->name : Singular(list->name);
  const std::string question = beside ? "($r" + JqKey(prompt->name) + R"( + "\n" + )" + asked + ")" : asked;
  return Quoted(list->name) + " has " + std::to_string(size) + " questions in one row, and " + Quoted(answers) +
         " their answers: jq -c '. as $r | range($r" + JqKey(list->name) + " | length) as $i | ($r | del(." + rest +
         ")) + {" + json(key).dump(-1, ' ', true, json::error_handler_t::replace) + ": " + question + values +
         "}' FILE > OUT writes one a row; leave out those that need an earlier one";
}

std::string ProgramOfColumns(const json& document, const std::function<bool(const json&)>& is_row) {
  if (document.is_array()) {
    if (document.size() < 2 || !AreNames(document[0]) || !document[1].is_array()) return "";
    if (document[1].size() != document[0].size() || !is_row(RowOf(document[0], document[1]))) return "";
    return std::string(".[0] as $c | .[1:][] | ") + kRowOfValues;
  }
  if (!document.is_object() || document.empty()) return "";
  const json none;
  const json names = document.value("columns", none);
  const json data = document.value("data", none);
  if (AreNames(names) && data.is_array() && !data.empty() && data[0].is_array()) {
    return is_row(RowOf(names, data[0])) ? std::string(".columns as $c | .data[] | ") + kRowOfValues : "";
  }
  json row = json::object();
  const json& first = *document.begin();
  for (const auto& [name, column] : document.items()) {
    const bool alike = column.is_object() && !column.empty() && column.size() == first.size();
    if (!alike || !first.contains(column.begin().key())) return "";
    row[name] = *column.begin();
  }
  if (document.size() < 2 || is_row(first) || !is_row(row)) return "";
  return "(first(.[]) | keys_unsorted[]) as $i | map_values(.[$i])";
}

}  // namespace autotune::measurement
