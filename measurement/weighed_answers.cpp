#include "measurement/weighed_answers.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ascii_case.h"
#include "measurement/question_choices.h"
#include "measurement/row_columns.h"
#include "measurement/row_member.h"

namespace autotune::measurement {
namespace {

using nlohmann::json;

// What two answers are called, but for "a" and "b" or 1 and 2.
constexpr std::array<std::string_view, 15> kWeighed = {
    "humanref", "response",   "output",  "completion",   "answer",      "conversation", "candidate", "assistant",
    "reply",    "generation", "summary", "continuation", "modeloutput", "prediction",   "solution"};
// What the label may be called: parts of names.
constexpr std::array<std::string_view, 9> kVerdicts = {"label",  "winner",  "prefer", "annotator", "choice",
                                                       "better", "verdict", "gold",   "answer"};

struct WeighedPair {
  Found first, second;
  std::string stem;  // as Plain() writes it
};

// A text, or the turns of a conversation.
bool IsWeighable(const json& value) {
  if (value.is_string()) return HasText(value);
  return value.is_array() && !value.empty() && std::ranges::all_of(value, [](const json& turn) {
           return turn.is_object() && turn.contains("content") && turn["content"].is_string();
         });
}

std::optional<WeighedPair> WeighedPairOf(const json& row) {
  constexpr std::array<std::pair<char, char>, 3> kEnds = {{{'a', 'b'}, {'1', '2'}, {'0', '1'}}};
  for (const auto& [key, value] : row.items()) {
    const std::string plain = Plain(key);
    if (plain.size() < 2 || !IsWeighable(value) || !FitsJq(key)) continue;
    for (const auto& [one, two] : kEnds) {
      std::string stem = plain, other = plain;
      if (plain.back() == one) {
        stem.pop_back();
        other.back() = two;
      } else if (plain.front() == one && one != 'a') {  // "1_response"
        stem.erase(0, 1);
        other.front() = two;
      } else {
        continue;
      }
      if (std::ranges::find(kWeighed, stem) == kWeighed.end()) continue;
      const auto second = Find(row, other);
      if (second && IsWeighable(*second->value) && FitsJq(second->name))
        return WeighedPair{{key, &value}, *second, stem};
    }
  }
  return std::nullopt;
}

// "[[A>B]]" is "a>b", "model_a" is "modela".
std::string BareVerdict(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '<' || c == '>' || c == '=') out += base::AsciiLower(c);
  }
  return out;
}

// A text that compares, and that no other answer is.
bool Weighs(const std::string& text, const std::string& stem) {
  const std::string bare = BareVerdict(text);
  constexpr std::array<std::string_view, 8> kAlone = {"a", "b", "1", "2", "tie", "modela", "modelb", "0"};
  if (std::ranges::find(kAlone, bare) != kAlone.end()) return true;
  if (bare.size() == stem.size() + 1 && bare.starts_with(stem) && std::string_view("ab12").find(bare.back()) < 4)
    return true;
  const bool sign = bare.size() > 2 && bare.find_first_not_of("<>=", 1) == bare.size() - 1;
  return sign && ((bare.front() == 'a' && bare.back() == 'b') || (bare.front() == 'b' && bare.back() == 'a'));
}

// The label as jq finds it in $r, and the member that has it.
struct WeighedLabel {
  std::string at, name;
  bool number = false;
};

std::optional<WeighedLabel> WeighedLabelOf(const json& row, const WeighedPair& pair) {
  for (const std::string_view part : kVerdicts) {
    for (const auto& [key, value] : row.items()) {
      const std::string plain = Plain(key);
      if (key == pair.first.name || key == pair.second.name || plain.find(part) == std::string::npos || !FitsJq(key))
        continue;
      if (value.is_number_integer() && plain.ends_with('a')) {  // {"winner_model_a": 1, "winner_model_b": 0}
        std::string other = plain;
        other.back() = 'b';
        const auto second = Find(row, other);
        if (second && second->value->is_number_integer() && FitsJq(second->name))
          return WeighedLabel{"(if $r" + JqKey(key) + R"( == 1 then "a" elif $r)" + JqKey(second->name) +
                                  R"( == 1 then "b" else "tie" end))",
                              key};
      }
      const bool ends = plain.ends_with('a') || plain.ends_with('b') || plain.ends_with("tie");
      const bool small = value.is_number_unsigned() && value.get<std::uint64_t>() < 3 && !ends && part != "answer";
      if (small) return WeighedLabel{"$r" + JqKey(key), key, true};
      if (!value.is_string() || !Weighs(value.get<std::string>(), pair.stem)) continue;
      // "B" may name a choice of the question.
      const bool alone = BareVerdict(value.get_ref<const std::string&>()).size() == 1;
      if (alone && (part == "answer" || part == "gold")) continue;
      return WeighedLabel{"$r" + JqKey(key), key, IsDigits(Trimmed(value.get_ref<const std::string&>()))};
    }
  }
  return std::nullopt;
}

// What jq writes for one of the two.
std::string WeighedText(const Found& found) {
  const std::string at = "$r" + JqKey(found.name);
  return found.value->is_string() ? at : "(" + at + R"( | map((.role // "") + ": " + .content) | join("\n")))";
}

// What both answer. "" = it is within them, or not known.
std::string WeighedTask(const json& row) {
  std::string program;
  for (const std::string_view name :
       {"history", "instruction", "prompt", "question", "input", "query", "problem", "context"}) {
    const auto found = Find(row, name);
    if (!found || !found->value->is_string() || !FitsJq(found->name)) continue;
    program += (program.empty() ? "" : ", ") + ("$r" + JqKey(found->name));
  }
  return program.empty() ? "" : "([" + program + R"( | strings | select(. != "")] | join("\n")) + "\n\n" + )";
}

// `answer`: what jq makes 0 or 1 of the label with, or nothing.
std::string WeighedProgram(const json& row, const WeighedPair& pair, const std::string& answer) {
  return "jq -c '. as $r | " + answer + " | . as $a | {prompt: (" + WeighedTask(row) + R"("[A]\n" + )" +
         WeighedText(pair.first) + R"( + "\n\n[B]\n" + )" + WeighedText(pair.second) +
         R"( + "\n\nWhich is better, A or B?\nAnswer:"), choices: ["A", "B"], answer: $a}' FILE > OUT)";
}

}  // namespace

std::string WhyWeighed(const json& row) {
  if (!row.is_object() || row.contains("match")) return "";
  const auto members = ReadChoiceMembers(row);  // "answer_a" and "answer_b" are sent as choices
  const auto pair = WeighedPairOf(row);
  if (!pair || members || ChoiceListOf(row)) return "";
  const auto label = WeighedLabelOf(row, *pair);
  if (!label) return "";
  const std::string what = Quoted(pair->first.name) + " and " + Quoted(pair->second.name) + " are two answers, and " +
                           Quoted(label->name) + ": " + Excerpt(row[label->name]) + " says which is better: ";
  const std::string numbers = R"((try tonumber catch 9))";
  const auto counted = [&](int from) {
    return WeighedProgram(
        row, *pair, "(" + label->at + " | " + numbers + " - " + std::to_string(from) + ") | select(. == 0 or . == 1)");
  };
  if (label->number) {
    const bool zero = row[label->name] == json(0) || row[label->name] == json("0");
    const std::string from0 = "if 0 is the first and 1 the second, " + counted(0);
    const std::string from1 = "if 1 is the first, 2 the second and 0 neither, " + counted(1);
    const std::string turned =
        "if 1 is the first and 0 the second, " +
        WeighedProgram(row, *pair, "1 - (" + label->at + " | " + numbers + ") | select(. == 0 or . == 1)");
    const bool ends = Plain(pair->second.name).find('2') != std::string::npos;
    return what + (zero || !ends ? from0 + "; " + (ends ? from1 : turned) : from1 + "; " + from0) +
           " sends both, without the rows in which neither is better";
  }
  const std::string bare = "(" + label->at + R"( | tostring | ascii_downcase | gsub("[^a-z0-9<>=]"; "")))";
  return what +
         WeighedProgram(row, *pair,
                        bare + R"( | if test("^(a>+b|b<+a|(model|)" + pair->stem +
                            R"()?(a|1))$") then 0 elif test("^(b>+a|a<+b|(model|)" + pair->stem +
                            R"()?(b|2))$") then 1 else empty end)") +
         " sends both, without the rows in which neither is better";
}

}  // namespace autotune::measurement
