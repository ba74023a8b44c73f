#include "measurement/row_layout.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "measurement/question_row.h"
#include "measurement/row_advice.h"
#include "measurement/row_columns.h"
#include "measurement/row_context.h"
#include "measurement/row_member.h"
#include "measurement/row_references.h"

namespace autotune::measurement {
namespace {

using nlohmann::json;

bool HasObjects(const json& value) { return value.is_array() && !value.empty() && value.front().is_object(); }

// Finds where rows are in a document, and writes the jq program that makes lines of them.
class RowFinder {
 public:
  // `answered`: rows whose answers can be read, too; else a prompt suffices.
  explicit RowFinder(bool answered) : answered_(answered) {}

  // "" = there are none, or jq would not find them.
  std::string Program(const json& document) {
    if (document.is_array()) return ProgramOfList(document);
    if (!document.is_object()) return "";
    if (IsRow(document)) return ".";
    if (const std::string ids = ProgramOfIds(document); !ids.empty()) return ids;
    path_.clear();
    if (Descend(document, json::object())) return ProgramOfPath();
    const std::string within = KeyWithin(document);
    const bool objects =
        std::all_of(document.begin(), document.end(), [](const json& value) { return value.is_object(); });
    if (!within.empty()) return objects ? "to_entries[] | {id: .key} + .value" : Unwrap(within);
    for (auto it = document.begin(); it != document.end() && !objects && document.size() < kLooks; ++it) {
      if (!it->is_object() || !FitsJq(it.key())) continue;
      json flat = document;  // lists within the object: {"passage": {"text": ..., "questions": [...]}}
      flat.erase(it.key());
      flat.update(*it);
      path_.clear();
      if (Descend(flat, json::object())) return Unwrap(it.key()) + " | " + ProgramOfPath();
    }
    if (!objects || document.empty()) return "";
    const std::string inner = Program(*document.begin());  // documents under their ids
    return inner.empty() ? "" : ".[] | " + inner;
  }

 private:
  static constexpr int kLooks = 20;     // rows of a list
  static constexpr int kBudget = 2000;  // objects in all

  bool IsRow(const json& value) const {
    const auto question = ReadQuestionRow(value);
    if (question) return true;
    const std::string& why = question.error().message;
    if (why.starts_with(kNoPrompt) || !value.is_object()) return false;
    // Another program may make a question of it.
    const bool fixable = why.find(why.starts_with(kNoAnswer) ? "is right: jq -c '" : "jq -c '") != std::string::npos;
    return !answered_ || fixable;
  }

  // Of an object that is no row: lists in it, whose objects are rows together with what is around them.
  bool Descend(const json& object, json around) {
    if (--budget_ < 0) return false;
    for (const auto& [name, value] : object.items()) {
      if (!HasObjects(value)) around[name] = value;
    }
    for (const auto& [name, list] : object.items()) {
      if (!HasObjects(list) || name.find('\'') != std::string::npos) continue;
      path_.push_back(name);
      for (std::size_t i = 0; i < list.size() && i < kLooks; ++i) {
        if (!list[i].is_object()) continue;
        json row = around;
        row.update(list[i]);
        // Parts of one question are no questions: {"question": ..., "annotations": [{"answer": ...}]}.
        const bool part = Asks(around) && !Asks(list[i]);
        if (!part && IsRow(row)) {
          const auto alone = ReadQuestionRow(list[i]), with = ReadQuestionRow(row);
          const bool same = alone.ok() ? with.ok() && *alone == *with : !with.ok() && !HasContext(around);
          bare_ = IsRow(list[i]) && same;
          FindTask(around, list[i]);
          return true;
        }
        if (Descend(list[i], around)) return true;
        if (within_ = KeyWithin(list[i]); !within_.empty()) return true;
      }
      path_.pop_back();
    }
    return false;
  }

  // {"17": [{"question": ...}, ...], "18": [...]}: lists under ids, and not under the names of splits.
  std::string ProgramOfIds(const json& document) const {
    constexpr std::size_t kFew = 4;
    if (document.size() < kFew || !std::ranges::all_of(document, HasObjects)) return "";
    const bool rows = std::ranges::all_of(
        document, [&, seen = 0](const json& list) mutable { return seen++ >= kLooks || IsRow(list.front()); });
    return rows ? "to_entries[] | .key as $k | .value[] | {id: $k} + ." : "";
  }

  // A text beside the rows that says what is to be done with each of them.
  void FindTask(const json& around, const json& row) {
    constexpr std::array<std::string_view, 10> kTaskTexts = {
        "definition",      "instruction", "instructions", "taskdefinition", "taskdescription",
        "taskinstruction", "tasktext",    "taskprefix",   "systemprompt",   "promptprefix"};
    const auto task = First(around, kTaskTexts);
    const auto asked = PromptOf(row) ? PromptOf(row) : QuestionOf(row);
    const auto is_text = [](const json& value) { return value.is_string(); };
    const bool texts =
        task && (task->value->is_string() || (task->value->is_array() && std::ranges::all_of(*task->value, is_text)));
    if (!texts || !HasText(*task->value) || !asked || !asked->value->is_string()) return;
    if (!around.contains(task->name) || !row.contains(asked->name) || !FitsJq(task->name + asked->name)) return;
    task_ = task->name;
    row_key_ = asked->name;
  }

  static bool Asks(const json& value) { return PromptOf(value) || QuestionOf(value); }

  // The member that is a row, of an object that is none: "row" of {"row_idx": 0, "row": {...}}. "" = none.
  std::string KeyWithin(const json& object) const {
    int seen = 0;
    for (const auto& [name, value] : object.items()) {
      if (value.is_object() && FitsJq(name) && seen++ < kLooks && IsRow(value)) return name;
    }
    return "";
  }

  static std::string Unwrap(const std::string& name) { return ". + ." + JqKey(name) + " | del(." + JqKey(name) + ")"; }

  std::string ProgramOfPath() const {
    if (!within_.empty()) {
      std::string program;
      for (const std::string& list : path_) program += "." + JqKey(list) + "[] | ";
      return program + Unwrap(within_);
    }
    if (path_.size() == 1 && !task_.empty() && !row_key_.empty()) {
      const std::string key = "." + JqKey(row_key_);
      return "(." + JqKey(task_) + R"( | if type == "array" then join("\n") else . end) as $d | .)" + JqKey(path_[0]) +
             "[] | " + key + R"( |= $d + "\n" + .)";
    }
    if (path_.size() == 1 && bare_) return "." + JqKey(path_[0]) + "[]";
    std::string program, around, lists;
    for (std::size_t i = 0; i < path_.size(); ++i) {
      const std::string object = "$r" + std::to_string(i);
      program += (i == 0 ? "." : "") + std::string(" as ") + object + " | " + object + JqKey(path_[i]) + "[]";
      around += object + " + ";
      lists += (i == 0 ? "." : ", .") + JqKey(path_[i]);
    }
    return program + " | " + around + ". | del(" + lists + ")";
  }

  std::string ProgramOfList(const json& list) {
    int seen = 0;
    for (const json& item : list) {
      if (seen++ == kLooks) break;
      if (IsRow(item)) return ".[]";
      const std::string inner = item.is_array() ? ProgramOfParts(item) : item.is_object() ? Program(item) : "";
      if (!inner.empty()) return ".[] | " + inner;
    }
    return ProgramOfParts(list);
  }

  // One list has the rows, another the text that they are about: [["A: Hi.", "B: Hi."], [{"question": ...}], "id"].
  std::string ProgramOfParts(const json& parts) const {
    std::string rows, context;
    for (std::size_t i = 0; i < parts.size() && i < kLooks; ++i) {
      const json& part = parts[i];
      const std::string at = ".[" + std::to_string(i) + "]";
      const auto is_text = [](const json& value) { return value.is_string(); };
      if (rows.empty() && HasObjects(part) && IsRow(part.front())) rows = at + "[]";
      if (!context.empty()) continue;
      if (part.is_array() && !part.empty() && std::all_of(part.begin(), part.end(), is_text))
        context = "(" + at + R"( | join("\n")))";
      if (part.is_string() && part.get_ref<const std::string&>().find(' ') != std::string::npos) context = at;
    }
    if (rows.empty() || context.empty()) return rows;
    return "{context: " + context + "} + " + rows;
  }

  bool answered_;
  bool bare_ = false;
  int budget_ = kBudget;
  std::vector<std::string> path_;
  std::string within_;
  std::string task_, row_key_;  // what FindTask found, and the member of a row that it goes before
};

// [["much rain", "weather"], ...], or such lists under the names of splits. "" = it is neither.
std::string ProgramOfPairs(const json& document) {
  constexpr const char* kOfPair = "{text: .[0], label: .[1]}";
  const auto is_pair = [](const json& item) {
    return item.is_array() && item.size() == 2 && item[0].is_string() && HasText(item[0]) && item[1].is_primitive() &&
           !item[1].is_null();
  };
  const auto has_pairs = [&](const json& list) {
    return list.is_array() && list.size() > 1 && std::ranges::all_of(list, is_pair);
  };
  if (has_pairs(document)) return std::string(".[] | ") + kOfPair;
  if (!document.is_object() || document.empty() || !std::ranges::all_of(document, has_pairs)) return "";
  std::string split = document.begin().key();
  for (const char* name : {"train", "dev", "val", "validation", "test"}) {
    if (document.contains(name)) split = name;
  }
  return FitsJq(split) ? "." + JqKey(split) + "[] | " + kOfPair : "";
}

}  // namespace

std::string Jq(const std::string& program) { return "jq -c '" + program + "' FILE writes lines of JSON"; }

std::string RecipeFor(const json& document, bool whole) {
  const auto is_row = [](const json& row) {
    const auto question = ReadQuestionRow(row);
    return question || !question.error().message.starts_with(kNoPrompt);
  };
  if (const std::string columns = whole ? ProgramOfColumns(document, is_row) : ""; !columns.empty())
    return std::string(kByColumns) + ": " + Jq(columns);
  std::string program = RowFinder(true).Program(document);
  if (program.empty() && whole) program = RowFinder(false).Program(document);
  if (program.empty() && whole) program = ProgramOfPairs(document);
  if (program.empty() && whole && HasObjects(document)) program = ".[]";
  for (auto it = document.begin(); program.empty() && whole && document.is_object() && it != document.end(); ++it) {
    if (HasObjects(*it) && it.key().find('\'') == std::string::npos) program = "." + JqKey(it.key()) + "[]";
  }
  if (program.empty() && whole && document.is_object() && document.size() > 1 &&
      std::ranges::all_of(document, [](const json& of) { return of.is_object() && IsAnswered(of); })) {
    return "one object with answers under " + Quoted(document.begin().key()) +
           " and others, and no questions: if these are identifiers, which the questions have as \"id\", " +
           JoinBy("id", "FILE", "QUESTIONS");
  }
  if (program.empty()) return "";
  std::string what = document.is_array()                       ? "a list"
                     : whole                                   ? "one JSON document"
                     : program.find("[]") == std::string::npos ? "its row is within it"
                                                               : "its rows are in lists within it";
  constexpr std::string_view kBegin = ".[", kEnd = "][]";
  if (document.is_object() && program.ends_with(kEnd) && program.find(" | ") == std::string::npos) {
    what += " with its rows in " + program.substr(kBegin.size(), program.size() - kBegin.size() - kEnd.size());
  }
  return what + ": " + Jq(program);
}

}  // namespace autotune::measurement
